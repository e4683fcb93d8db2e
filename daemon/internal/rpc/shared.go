package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"connectrpc.com/connect"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/access"
	"github.com/caisson-dev/caisson/daemon/internal/cluster"
	"github.com/caisson-dev/caisson/daemon/internal/link"
	"github.com/caisson-dev/caisson/daemon/internal/pool"
)

// Shared is the McpService of one of several daemons: a call for a session that another one has goes there.
type Shared struct {
	*MCP
	taking taking
}

var _ caissonv1connect.McpServiceHandler = (*Shared)(nil)

// maxMoves bounds how often a call looks for its session, when daemons go meanwhile.
const maxMoves = 3

// NewShared makes it. The service has a cluster.
func NewShared(m *MCP) *Shared { return &Shared{MCP: m} }

// route has a call of a procedure answered where its session is. There may be called again when it has failed with a
// [link.DialError]: nothing was sent then.
func (m *Shared) route(ctx context.Context, procedure, id string, here func() error, there func(caissonv1connect.McpServiceClient) error) error {
	p, err := caller(ctx, access.MCP)
	if err != nil || id == "" {
		return here()
	}
	for range maxMoves {
		if err := m.taking.wait(ctx, takingKey(p.Name, id)); err != nil {
			return Status(err)
		}
		if cluster.Forwarded(ctx) {
			began := time.Now()
			err := here()
			m.Cluster.Called(cluster.In, procedure, errorType(err), time.Since(began))
			return err
		}
		if m.Pool.Has(p.Name, id) {
			return here()
		}
		e, err := m.Cluster.Find(ctx, p.Name, id)
		if err != nil {
			return Status(err)
		}
		if e == nil || e.Node == m.Cluster.Node {
			return here()
		}
		began := time.Now()
		err = there(m.client(e.Node))
		var absent *link.DialError
		if !errors.As(err, &absent) {
			err = forwarded(ctx, e, err)
			m.Cluster.Called(cluster.Out, procedure, errorType(err), time.Since(began))
			return err
		}
		m.Cluster.Called(cluster.Out, procedure, errorType(away(e, absent)), time.Since(began))
		if err := m.move(ctx, e, absent); err != nil {
			return Status(err)
		}
	}
	return Status(&caisson.Error{Code: caisson.CodeConnect, Step: "forward", Message: fmt.Sprintf("the session %q goes from daemon to daemon, and nothing was sent: ask again in a few seconds", id)})
}

func (m *Shared) client(node string) caissonv1connect.McpServiceClient {
	return caissonv1connect.NewMcpServiceClient(m.Cluster.Client(), cluster.URL(node), connect.WithReadMaxBytes(maxForwardedBytes))
}

// maxForwardedBytes bounds one message of another daemon: a result, and what is around it.
const maxForwardedBytes = 64 << 20

// move does what can be done about a session whose daemon is not there. It returns nil when it is to be looked for again.
func (m *Shared) move(ctx context.Context, e *cluster.Entry, absent *link.DialError) error {
	if e.Anew && absent.Absent {
		var faster *pool.ExistsError
		if err := m.takeOver(ctx, e); err != nil && !errors.As(err, &faster) {
			return err
		}
		return nil
	}
	if alive, err := m.Cluster.Alive(ctx, e.Node); err != nil || alive || !absent.Absent {
		m.Cluster.Fell(cluster.Away)
		return away(e, errors.Join(absent, err))
	}
	m.Cluster.Fell(cluster.Lost)
	return lost(e)
}

// forwarded gives the failure of a call at another daemon its status: as it came, or that it may have had an effect.
func forwarded(ctx context.Context, e *cluster.Entry, err error) error {
	switch {
	case err == nil, errors.Is(err, errDraining):
		return err
	case connect.IsWireError(err):
		return relayed(err)
	case ctx.Err() != nil:
		return Status(ctx.Err())
	}
	return Status(&caisson.Error{
		Code: caisson.CodeTransport, Server: e.Server, Step: "forward",
		Message: fmt.Sprintf("the daemon that has the session %q has not answered to the end, so the call may have had an effect: find out before it is made again: %v", e.ID, err),
	})
}

// unary routes a call with one answer.
func unary[Q, A any](ctx context.Context, m *Shared, id string, r *connect.Request[Q],
	here func(context.Context, *connect.Request[Q]) (*connect.Response[A], error),
	there func(caissonv1connect.McpServiceClient, context.Context, *connect.Request[Q]) (*connect.Response[A], error),
) (answer *connect.Response[A], err error) {
	err = m.route(ctx, r.Spec().Procedure, id, func() (err error) {
		answer, err = here(ctx, r)
		return err
	}, func(c caissonv1connect.McpServiceClient) error {
		got, err := there(c, ctx, connect.NewRequest(r.Msg))
		if err == nil {
			answer = connect.NewResponse(got.Msg)
		}
		return err
	})
	return answer, err
}

// serverStream routes a call with a stream of answers. It ends early when over is closed, which may be nil.
func serverStream[Q, A any](ctx context.Context, m *Shared, id string, r *connect.Request[Q], stream *connect.ServerStream[A], over <-chan struct{},
	here func(context.Context, *connect.Request[Q], *connect.ServerStream[A]) error,
	there func(caissonv1connect.McpServiceClient, context.Context, *connect.Request[Q]) (*connect.ServerStreamForClient[A], error),
) error {
	return m.route(ctx, r.Spec().Procedure, id, func() error { return here(ctx, r, stream) }, func(c caissonv1connect.McpServiceClient) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		answers, err := there(c, ctx, connect.NewRequest(r.Msg))
		if err != nil {
			return err
		}
		defer answers.Close()
		go func() {
			select {
			case <-over:
				cancel(errDraining)
			case <-ctx.Done():
			}
		}()
		for answers.Receive() {
			if err := stream.Send(answers.Msg()); err != nil {
				return err
			}
		}
		if errors.Is(context.Cause(ctx), errDraining) {
			return errDraining
		}
		return answers.Err()
	})
}

// Session implements the service.
func (m *Shared) Session(ctx context.Context, stream *connect.BidiStream[caissonv1.SessionRequest, caissonv1.SessionResponse]) error {
	first, err := receiveFirst(stream)
	if err != nil {
		return err
	}
	return m.route(ctx, stream.Spec().Procedure, first.GetOpen().GetSession(), func() error { return m.converse(ctx, first, stream) }, func(c caissonv1connect.McpServiceClient) error {
		return m.relay(ctx, c, first, stream)
	})
}

// relay passes a stream on, both ways, until the other daemon ends it.
func (m *Shared) relay(ctx context.Context, c caissonv1connect.McpServiceClient, first *caissonv1.SessionRequest, stream *connect.BidiStream[caissonv1.SessionRequest, caissonv1.SessionResponse]) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	other := c.Session(ctx)
	defer other.CloseResponse()
	_ = other.Send(first) // Receive says what is wrong.
	opened, err := other.Receive()
	if err != nil { // Nothing more of the caller's was read.
		return err
	}
	if err := stream.Send(opened); err != nil {
		return err
	}
	go func() { // It ends with the stream, when the handler returns.
		for {
			message, err := stream.Receive()
			if err == nil {
				err = other.Send(message)
			} else if !errors.Is(err, io.EOF) {
				cancel()
			}
			if err != nil {
				_ = other.CloseRequest()
				return
			}
		}
	}()
	ended := make(chan error, 1)
	go func() {
		for {
			message, err := other.Receive()
			if err == nil {
				err = stream.Send(message)
			}
			if err != nil {
				ended <- err
				return
			}
		}
	}()
	var end error
	select {
	case err = <-ended:
	case <-m.Draining:
		_ = other.CloseRequest() // What is underway is answered.
		err, end = <-ended, errDraining
	}
	if errors.Is(err, io.EOF) {
		return end
	}
	return err
}
