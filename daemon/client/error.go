package client

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/wire"
)

// A sent says of one RPC whether any of it has left this process. gRPC gives UNAVAILABLE for
// a connection that was not there, and for one that broke in the middle; only the first had no effect.
type sent struct{ yes atomic.Bool }

type sentKey struct{}

func withSent(ctx context.Context) (context.Context, *sent) {
	s := &sent{}
	return context.WithValue(ctx, sentKey{}, s), s
}

// sentHandler notes what leaves this process.
type sentHandler struct{}

// TagRPC implements [stats.Handler].
func (sentHandler) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements [stats.Handler].
func (sentHandler) HandleRPC(ctx context.Context, s stats.RPCStats) {
	switch s.(type) {
	case *stats.OutHeader, *stats.OutPayload:
		if s, ok := ctx.Value(sentKey{}).(*sent); ok {
			s.yes.Store(true)
		}
	}
}

// TagConn implements [stats.Handler].
func (sentHandler) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements [stats.Handler].
func (sentHandler) HandleConn(context.Context, stats.ConnStats) {}

// failure gives what an RPC has failed with as package caisson has it.
func failure(ctx context.Context, err error, server, step string, s *sent) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		var late *timeoutError
		if errors.As(context.Cause(ctx), &late) {
			return &caisson.Error{Code: caisson.CodeTimeout, Server: server, Step: step, Message: late.Error(), Err: context.DeadlineExceeded}
		}
		return ctx.Err()
	}
	st, _ := status.FromError(err)
	for _, detail := range st.Details() {
		if e, ok := detail.(*caissonv1.Error); ok {
			return fromDetail(e, server, step)
		}
	}
	e := &caisson.Error{Code: caisson.CodeInternal, Server: server, Step: step, Message: "the daemon: " + st.Message(), Err: err}
	switch st.Code() {
	case codes.Unavailable:
		e.Code = caisson.CodeTransport
		if !s.yes.Load() {
			e.Code, e.Message = caisson.CodeConnect, "the daemon is not there: "+st.Message()
		}
	case codes.Unauthenticated:
		e.Code, e.Message = caisson.CodeRefused, "the daemon does not know who calls ("+st.Message()+"): set Options.Token"
		if errors.Is(err, errNoToken) {
			e.Message = st.Message()
		}
	case codes.PermissionDenied:
		e.Code = caisson.CodeRefused
	case codes.ResourceExhausted:
		e.Code = caisson.CodeLimit
	case codes.Canceled: // The context goes on: the client was closed.
		e.Code, e.Message = caisson.CodeClosed, "the client of the daemon is closed"
	case codes.DeadlineExceeded:
		e.Code = caisson.CodeTimeout
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition:
		e.Code = caisson.CodeInvalidArgument
	case codes.Unimplemented:
		e.Message += ": is it a daemon of this version?"
	}
	return e
}

// fromDetail makes the error of package caisson that a detail stands for.
func fromDetail(d *caissonv1.Error, server, step string) error {
	code, ok := wire.CodeOf(d.GetCode())
	if !ok || code == caisson.CodeUnknown { // A fault of the daemon's own.
		code = caisson.CodeInternal
	}
	e := &caisson.Error{Code: code, Server: server, Step: step, Message: d.GetMessage(), HTTPStatus: int(d.GetHttpStatus())}
	if d.GetServer() != "" {
		e.Server = d.GetServer()
	}
	if d.GetStep() != "" {
		e.Step = d.GetStep()
	}
	// The daemon gives the whole text; what is in front of the message the error says itself.
	bare := &caisson.Error{Code: e.Code, Server: e.Server, Step: e.Step, Message: "\x00"}
	if prefix := strings.TrimSuffix(bare.Error(), "\x00"); strings.HasPrefix(e.Message, prefix) {
		e.Message = strings.TrimPrefix(e.Message, prefix)
	}
	switch {
	case d.GetDenied() != nil:
		denied := policy.Denied(policy.Reason(d.GetDenied().GetReason()), e.Message, nil)
		denied.RetryAfter = d.GetDenied().GetRetryAfter().AsDuration()
		e.Err = denied
	case len(d.GetRpcError()) > 0:
		rpc := &jsonrpc.Error{}
		if json.Unmarshal(d.GetRpcError(), rpc) == nil {
			e.Err = rpc
		}
	case code == caisson.CodeTimeout:
		e.Err = context.DeadlineExceeded
	}
	return e
}
