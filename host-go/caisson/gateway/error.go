package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strconv"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

func invalid(message string) error {
	return &caisson.Error{Code: caisson.CodeInvalidArgument, Step: "serve", Message: message}
}

// quote quotes a name in a message, and not all of a long one.
func quote(name string) string {
	const most = 100
	if len(name) > most {
		name = name[:most] + "…"
	}
	return strconv.Quote(name)
}

// tooOften is the code of a call without a token in the bucket, as HTTP has it.
const tooOften = 429

// wireError makes of a failure what the downstream client gets. The server's own error stays as it is.
func wireError(err error) error {
	if err == nil {
		return nil
	}
	var own *jsonrpc.Error
	if errors.As(err, &own) {
		if own.Code == jsonrpc.CodeMethodNotFound {
			return &noMethod{own}
		}
		return own
	}
	var no *policy.DeniedError
	if errors.As(err, &no) {
		e := &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: no.Error()}
		if no.Reason == policy.TooOften {
			e.Code = tooOften
			e.Data, _ = json.Marshal(map[string]float64{"retryAfterSeconds": math.Ceil(no.RetryAfter.Seconds())}) // A number always marshals.
		}
		return e
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var of *caisson.Error
	if errors.As(err, &of) {
		switch of.Code {
		case caisson.CodeInvalidArgument:
			return &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: err.Error()}
		case caisson.CodeConnect, caisson.CodeTransport, caisson.CodeHTTP, caisson.CodeClosed, caisson.CodeRefused, caisson.CodeTrap, caisson.CodeInternal, caisson.CodeAuthorizationRequired:
			// What the server's command has said, and where it is, is not the client's business.
			return &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: of.Server + ": " + of.Step + ": " + of.Code.String() + ": the server cannot be reached, or the call has failed on the way; the gateway's log says why"}
		}
	}
	return &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: err.Error()}
}

// A noMethod is an error with the code of a method that is not there. The Go SDK puts a message of its own in the place of
// one that it finds by errors.Is, and takes only the code of others.
type noMethod struct{ of *jsonrpc.Error }

// Error is the message.
func (e *noMethod) Error() string { return e.of.Message }

// As gives the error for its code.
func (e *noMethod) As(target any) bool {
	of, ok := target.(**jsonrpc.Error)
	if ok {
		*of = e.of
	}
	return ok
}

// failed writes a failure down of which the client is not told everything.
func (g *Gateway) failed(method string, err error) {
	if _, answered := caisson.RPCError(err); answered || errors.Is(err, context.Canceled) || caisson.CodeOf(err) == caisson.CodeDenied {
		return
	}
	g.options.Logger.Warn("a request has failed", "method", method, "error", err)
}

func invalidParams(message string) error {
	return &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: message}
}
