package rpc

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/access"
	"github.com/caisson-dev/caisson/daemon/internal/cluster"
	"github.com/caisson-dev/caisson/daemon/internal/link"
)

// everyDaemon stands for all daemons in a request of the AdminService.
const everyDaemon = "*"

const (
	// daemonWait bounds how long other daemons may take to answer a request of the AdminService, all together, and
	// inspectWait where they connect with a server for it.
	daemonWait  = 5 * time.Second
	inspectWait = 2 * time.Minute
	// maxDaemonsAsked bounds how many are asked at a time.
	maxDaemonsAsked = 32
)

// A reply is what one daemon says: A is a message, and nil where there is an error.
type reply[A any] struct {
	daemon string
	of     *A
	err    error
}

// ask has daemons answer a request of the owner's: this one by here, and others by there, which sends it to them. A name
// stands for a daemon, everyDaemon for all, and "" for this one. Others have so much time. It fails where nobody is to be
// asked.
func ask[Q, A any](ctx context.Context, a *Admin, daemon string, wait time.Duration, r *connect.Request[Q],
	here func(context.Context, *Q) (*A, error),
	there func(caissonv1connect.AdminServiceClient, context.Context, *connect.Request[Q]) (*connect.Response[A], error),
) ([]reply[A], error) {
	if _, err := caller(ctx, access.Admin); err != nil {
		return nil, err
	}
	own := func() reply[A] {
		of, err := here(ctx, r.Msg)
		return reply[A]{a.name(), of, Status(err)}
	}
	switch {
	case cluster.Forwarded(ctx), daemon == "", daemon == a.name(), a.Cluster == nil && daemon == everyDaemon:
		return []reply[A]{own()}, nil
	case a.Cluster == nil, daemon != everyDaemon && !cluster.IsNode(daemon):
		return nil, noDaemon(daemon)
	}
	asking, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	names := []string{daemon}
	if daemon == everyDaemon {
		var err error
		if names, err = a.Cluster.Nodes(asking); err != nil {
			return []reply[A]{own(), {everyDaemon, nil, Status(err)}}, nil
		}
	}
	return sideBySide(names, func(name string) reply[A] {
		if name == a.name() {
			return own()
		}
		client := caissonv1connect.NewAdminServiceClient(a.Cluster.Client(), cluster.URL(name), connect.WithReadMaxBytes(maxForwardedBytes))
		got, err := there(client, asking, connect.NewRequest(r.Msg))
		return replyOf(asking, name, wait, got, err)
	}), nil
}

// sideBySide asks daemons, maxDaemonsAsked at a time. The replies are in the order of the names.
func sideBySide[A any](names []string, ask func(name string) reply[A]) []reply[A] {
	replies := make([]reply[A], len(names))
	room := make(chan struct{}, maxDaemonsAsked)
	var working sync.WaitGroup
	for i, name := range names {
		room <- struct{}{}
		working.Go(func() {
			defer func() { <-room }()
			replies[i] = ask(name)
		})
	}
	working.Wait()
	return replies
}

// replyOf makes a reply of what another daemon has said, which had so much time.
func replyOf[A any](ctx context.Context, name string, wait time.Duration, got *connect.Response[A], err error) reply[A] {
	if err != nil {
		return reply[A]{daemon: name, err: unanswered(ctx, name, wait, err)}
	}
	return reply[A]{daemon: name, of: got.Msg}
}

// gather is ask for a message that has a field failures: one answer of all, with the daemons that have failed in it. Where
// all have, it fails as the first one.
func gather[Q, A any](ctx context.Context, a *Admin, daemon string, wait time.Duration, r *connect.Request[Q],
	here func(context.Context, *Q) (*A, error),
	there func(caissonv1connect.AdminServiceClient, context.Context, *connect.Request[Q]) (*connect.Response[A], error),
) (*connect.Response[A], error) {
	replies, err := ask(ctx, a, daemon, wait, r, here, there)
	if err != nil {
		return nil, err
	}
	response := connect.NewResponse(new(A))
	all := any(response.Msg).(proto.Message)
	failures := all.ProtoReflect().Mutable(all.ProtoReflect().Descriptor().Fields().ByName("failures")).List()
	for _, one := range replies {
		if one.err != nil {
			failures.Append(protoreflect.ValueOfMessage(failureOf(one.daemon, one.err).ProtoReflect()))
		} else {
			proto.Merge(all, any(one.of).(proto.Message))
		}
	}
	if failures.Len() == len(replies) {
		return nil, replies[0].err
	}
	return response, nil
}

// failureOf says what is missing in an answer of several daemons, and why: with everyDaemon what they have in the store.
func failureOf(daemon string, err error) *caissonv1.DaemonFailure {
	return &caissonv1.DaemonFailure{Daemon: daemon, Error: detailIn(Status(err))}
}

// name is this daemon's; "" where it is the only one.
func (a *Admin) name() string {
	if a.Cluster == nil {
		return ""
	}
	return a.Cluster.Node
}

func noDaemon(name string) error {
	return connect.NewError(connect.CodeNotFound, fmt.Errorf("there is no daemon %q now: ListDaemons lists those that are there", name))
}

// unanswered gives the failure of another daemon its status: as it came, or what is known of it.
func unanswered(ctx context.Context, name string, wait time.Duration, err error) error {
	var absent *link.DialError
	switch {
	case connect.IsWireError(err):
		return relayed(err)
	case errors.As(err, &absent) && absent.Absent:
		return noDaemon(name)
	case errors.As(err, &absent):
		return Status(&caisson.Error{Code: caisson.CodeConnect, Step: "forward", Message: fmt.Sprintf("the daemon %s cannot be reached, and nothing was sent: ask again in a few seconds", name), Err: err})
	case ctx.Err() != nil:
		return Status(&caisson.Error{Code: caisson.CodeTimeout, Step: "forward", Message: fmt.Sprintf("the daemon %s has not answered within %v; what changes something may have been done", name, wait), Err: ctx.Err()})
	}
	return Status(&caisson.Error{Code: caisson.CodeTransport, Step: "forward", Message: fmt.Sprintf("the daemon %s has not answered to the end; what changes something may have been done: %v", name, err), Err: err})
}

// relayed is the status that another daemon has given, for the caller of this one.
func relayed(err error) error {
	var made *connect.Error
	if !errors.As(err, &made) {
		return err
	}
	again := connect.NewError(made.Code(), errors.New(made.Message()))
	for _, detail := range made.Details() {
		again.AddDetail(detail)
	}
	return again
}
