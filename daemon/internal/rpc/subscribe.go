package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"connectrpc.com/connect"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/pool"
)

// maxSubscribed bounds the resources that one stream is about.
const maxSubscribed = 1000

// Subscribe implements the service.
func (m *MCP) Subscribe(ctx context.Context, r *connect.Request[caissonv1.SubscribeRequest], stream *connect.ServerStream[caissonv1.SubscribeResponse]) error {
	if len(r.Msg.GetResources()) == 0 && !r.Msg.GetTools() && !r.Msg.GetPrompts() && !r.Msg.GetResourceList() {
		return invalid("subscribe", "nothing is asked for: set resources, tools, prompts or resource_list")
	}
	if n := len(r.Msg.GetResources()); n > maxSubscribed {
		return Status(&caisson.Error{Code: caisson.CodeLimit, Step: "subscribe", Message: fmt.Sprintf("%d resources are asked for, and %d is the most: subscribe to some in another stream", n, maxSubscribed)})
	}
	s, release, err := m.use(ctx, r.Msg.GetTarget())
	if err != nil {
		return err
	}
	defer release()
	listener := s.Hub().Listen(wanted(r.Msg))
	defer listener.Close()
	stop, err := s.Subscribe(byRPC(ctx), pool.Changes{
		Resources: r.Msg.GetResources(), Tools: r.Msg.GetTools(), Prompts: r.Msg.GetPrompts(), ResourceList: r.Msg.GetResourceList(),
	})
	if err != nil {
		return Status(err)
	}
	defer stop()
	if err := stream.Send(&caissonv1.SubscribeResponse{}); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return Status(ctx.Err())
		case <-m.Draining:
			return errDraining
		case <-s.Leaving():
			return Status(s.LeavingError())
		case n, ok := <-listener.C:
			if !ok {
				return Status(listener.Err())
			}
			listener.Took(n)
			if err := stream.Send(&caissonv1.SubscribeResponse{Method: n.Method, Params: n.Params}); err != nil {
				return err
			}
		}
	}
}

// wanted says which notifications a request is for.
func wanted(r *caissonv1.SubscribeRequest) func(pool.Notification) bool {
	return func(n pool.Notification) bool {
		switch n.Method {
		case "notifications/tools/list_changed":
			return r.GetTools()
		case "notifications/prompts/list_changed":
			return r.GetPrompts()
		case "notifications/resources/list_changed":
			return r.GetResourceList()
		case "notifications/resources/updated":
			var of struct {
				URI string `json:"uri"`
			}
			return json.Unmarshal(n.Params, &of) == nil && slices.Contains(r.GetResources(), of.URI)
		}
		return false
	}
}
