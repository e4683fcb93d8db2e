package rpc

import (
	"context"
	"encoding/json"

	"connectrpc.com/connect"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/pool"
)

const (
	progressMethod = "notifications/progress"
	logMethod      = "notifications/message"
)

// CallToolStream implements the service.
func (m *MCP) CallToolStream(ctx context.Context, r *connect.Request[caissonv1.CallToolStreamRequest], stream *connect.ServerStream[caissonv1.CallToolStreamResponse]) error {
	p := toolCall(r.Msg)
	if p.err != nil {
		return invalid("tools/call", p.err.Error())
	}
	s, release, err := m.use(ctx, r.Msg.GetTarget())
	if err != nil {
		return err
	}
	defer release()
	listener := s.Hub().Listen(func(n pool.Notification) bool { return n.Method == logMethod })
	defer listener.Close()
	ctx, cancel := context.WithCancel(byRPC(ctx))
	defer cancel()
	type outcome struct {
		result json.RawMessage
		err    error
	}
	ended := make(chan outcome, 1)
	go func() {
		session := s.Caisson().With(caisson.CallOptions{OnProgress: func(n *mcp.ProgressNotificationParams) {
			if text, err := json.Marshal(n); err == nil { // It came as JSON.
				listener.Put(pool.Notification{Method: progressMethod, Params: text})
			}
		}, AfterNotifications: true})
		result, err := session.Request(ctx, "tools/call", p.members)
		ended <- outcome{result, err}
		listener.Close() // What is before the result comes before it.
	}()
	for n := range listener.C {
		listener.Took(n)
		event := &caissonv1.CallToolStreamResponse{Of: &caissonv1.CallToolStreamResponse_Log{Log: n.Params}}
		if n.Method == progressMethod {
			event.Of = &caissonv1.CallToolStreamResponse_Progress{Progress: n.Params}
		}
		if err := stream.Send(event); err != nil {
			return err
		}
	}
	if err := listener.Err(); err != nil && caisson.CodeOf(err) == caisson.CodeLimit {
		return Status(err) // The call is cancelled.
	}
	end := <-ended
	m.Pool.Suspect(s, end.err)
	if end.err != nil {
		return Status(end.err)
	}
	return stream.Send(&caissonv1.CallToolStreamResponse{Of: &caissonv1.CallToolStreamResponse_Result{Result: end.result}})
}
