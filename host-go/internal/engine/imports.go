package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// addImports defines what the core imports, in the order of wit/egress.wit, authorization.wit, timers.wit and host.wit. The
// functions run inside an export, in the instance's goroutine. The types of their arguments were checked
// when the core was linked. An error is a broken contract, or a budget that is used up: it ends the
// session.
func (in *instance) addImports(l interceptedLinker) {
	l.Interface("caisson:mcp/egress@0.1.0").
		Func("http-start", does(in.httpStart)).
		Func("http-prepare", does(in.httpPrepare)).
		Func("http-post", does(in.httpPost)).
		Func("http-abort", does(in.httpAbort)).
		Func("pipe-open", does(in.pipeOpen)).
		Func("pipe-write", does(in.pipeWrite)).
		Func("pipe-close", does(in.pipeClose))
	l.Interface("caisson:mcp/authorization@0.1.0").
		Func("begin", does(in.ofSession(0, in.beginAuthorization))).
		Func("end", does(in.ofSession(0, in.endAuthorization))).
		Func("request", does(in.ofSession(1, in.requestAuthorization))).
		Func("ask", does(in.ofSession(0, in.askAuthorization))).
		Func("forget", does(in.ofSession(0, in.forgetAuthorization)))
	l.Interface("caisson:mcp/timers@0.1.0").
		Func("set", does(in.setTimer)).
		Func("clear", does(in.clearTimer))
	l.Interface("caisson:mcp/host@0.1.0").
		Func("settle", does(func(args []any) error {
			in.settle(args[0].(uint32), in.decodeOutcome(args[1].(component.Result)))
			return nil
		})).
		Func("notify", does(in.ofSession(0, func(args []any) error {
			n := notification{method: args[1].(string)}
			if params := args[2].(component.Option); params.Some {
				n.params = []byte(params.Value.(string))
			}
			return in.notify(n)
		}))).
		Func("ask", does(in.ofSession(1, func(args []any) error {
			return in.ask(args[0].(uint32), args[2].(string), args[3].(string), decodePlace(args[4].(component.Option)))
		}))).
		Func("retract", does(func(args []any) error {
			in.retract(args[0].(uint32))
			return nil
		})).
		Func("listening", does(func(args []any) error {
			if c := in.calls[args[0].(uint32)]; c != nil && c.operation.Listening != nil {
				c.operation.Listening([]byte(args[1].(string)))
			}
			return nil
		})).
		Func("task-state", does(func(args []any) error {
			c := in.calls[args[0].(uint32)]
			if c == nil {
				return nil
			}
			c.task = true
			if c.operation.Progress != nil {
				in.progressed(c, notification{method: taskProgress, params: []byte(args[1].(string))})
			}
			return nil
		})).
		Func("renewed", does(in.ofSession(0, func(args []any) error {
			if renewed := in.session.config.Renewed; renewed != nil {
				renewed([]byte(args[1].(string)))
			}
			return nil
		}))).
		Func("closed", does(in.ofSession(0, func(args []any) error {
			in.gone = in.decodeError(args[1].(component.Record))
			in.session.end(in.gone)
			return nil
		}))).
		Func("log", in.log)
	// A session's instance has no script.
	l.Linker.Interface("caisson:mcp/script-host@0.1.0").Fallback(refuse)
}

// refuse is a function that an instance imports, and that is not for it.
func refuse(name string) component.HostFunc {
	return func(context.Context, []any) ([]any, error) {
		return nil, fmt.Errorf("%s is not for this instance", name)
	}
}

// does makes a host function of a function without a result.
func does(f func(args []any) error) component.HostFunc {
	return func(_ context.Context, args []any) ([]any, error) { return nil, f(args) }
}

// ofSession refuses a session, the argument at i, that is not this instance's: it has only one.
func (in *instance) ofSession(i int, f func(args []any) error) func(args []any) error {
	return func(args []any) error {
		if id := args[i].(uint32); id != in.session.id {
			return fmt.Errorf("there is no session %d", id)
		}
		return f(args)
	}
}

func (in *instance) setTimer(args []any) error {
	id := args[0].(uint32)
	if !in.throttle.has(id) {
		if over := in.budget.take(timersSet, 1); over != nil {
			return over
		}
	}
	in.throttle.set(id, time.Duration(args[1].(uint32))*time.Millisecond)
	return nil
}

func (in *instance) clearTimer(args []any) error {
	if in.throttle.clear(args[0].(uint32)) {
		in.budget.give(timersSet, 1)
	}
	return nil
}

func (in *instance) pipeOpen(args []any) error {
	return in.ofSession(1, func(args []any) error {
		ref, ok := in.pipes.add(args[0].(uint32))
		if !ok {
			return fmt.Errorf("pipe-open: pipe %d: %w", args[0], egress.ErrInUse)
		}
		return in.refused(in.session.egress.PipeOpen(ref), func(err *egress.Error) event { return closedEvent{ref, err} })
	})(args)
}

func (in *instance) pipeWrite(args []any) error {
	if ref, ok := in.pipes.open[args[0].(uint32)]; ok {
		in.session.egress.PipeWrite(ref, args[1].(string))
	}
	return nil
}

func (in *instance) pipeClose(args []any) error {
	if ref, ok := in.pipes.open[args[0].(uint32)]; ok {
		in.session.egress.PipeClose(ref)
	}
	return nil
}

// refused ignores nil, and reports an effect that the egress refuses to the core.
func (in *instance) refused(err error, end func(*egress.Error) event) error {
	var refused *egress.Error
	if errors.As(err, &refused) {
		return in.refuse(end(refused))
	}
	return err
}

var levels = map[component.Enum]slog.Level{
	"debug": slog.LevelDebug,
	"info":  slog.LevelInfo,
	"warn":  slog.LevelWarn,
	"error": slog.LevelError,
}

func (in *instance) log(ctx context.Context, args []any) ([]any, error) {
	return nil, in.ofSession(0, func(args []any) error {
		in.logger.Log(ctx, levels[args[1].(component.Enum)], args[2].(string), "server", in.session.config.Grant.Server)
		return nil
	})(args)
}

func encodeSessionConfig(c *SessionConfig) component.Record {
	endpoint := component.Variant{Case: string(c.Endpoint.Kind)}
	if c.Endpoint.Kind != Stdio {
		endpoint.Value = c.Endpoint.URL
	}
	title := component.None()
	if c.ClientInfo.Title != "" {
		title = component.Some(c.ClientInfo.Title)
	}
	versions := make([]any, len(c.ProtocolVersions))
	for i, version := range c.ProtocolVersions {
		versions[i] = version
	}
	return component.Record{
		endpoint,
		component.Record{c.ClientInfo.Name, c.ClientInfo.Version, title},
		c.Capabilities,
		versions,
		uint32(c.InputRounds),
		milliseconds(c.RetryBudget),
		uint32(c.Restarts),
		c.CacheResults,
		milliseconds(c.ConnectTimeout),
		c.Authorization != nil,
	}
}

// milliseconds returns a duration in the contract's type, with its longest value for longer ones.
func milliseconds(d time.Duration) uint32 { return uint32(min(d.Milliseconds(), 1<<31-1)) }

func (in *instance) decodeOutcome(r component.Result) outcome {
	if r.OK {
		return outcome{result: r.Value.(string)}
	}
	return outcome{failure: in.decodeError(r.Value.(component.Record))}
}

// failureKinds are the cases of `failure` in wit/types.wit that have only a message.
var failureKinds = map[string]Kind{
	"invalid-argument": InvalidArgument,
	"refused":          Refused,
	"connect":          Unreachable,
	"transport":        Transport,
	"protocol":         Protocol,
	"timeout":          Timeout,
	"cancelled":        Cancelled,
	"closed":           Closed,
	"limit":            Limit,
	"output-schema":    OutputSchema,
	"not-repeated":     NotRepeated,
	"unauthorized":     Unauthorized,
	"internal":         Internal,
}

// httpRemedy says what to do about a status, where that is known.
func (in *instance) httpRemedy(status int, step string) string {
	switch {
	case status == http.StatusUnauthorized && in.session != nil && in.session.config.NoLogin:
		return ", so give a way to authorize in place of auth.None, or an Authorization header that it takes"
	case status == http.StatusUnauthorized:
		return ", so log in with Server.Auth, or give an Authorization header that it takes"
	case status == http.StatusNotFound && step == "connect", status == http.StatusMethodNotAllowed && step == "connect":
		return ", so check the path of the URL"
	}
	return ""
}

// decodeError makes a Failure of an `error` of wit/types.wit.
func (in *instance) decodeError(record component.Record) *Failure {
	v := record[0].(component.Variant)
	f := &Failure{Kind: failureKinds[v.Case], Step: record[1].(string)}
	if cause := record[2].(component.Option); cause.Some {
		f.Err = in.causes.find(cause.Value.(uint32))
	}
	switch v.Case {
	case "http":
		e := v.Value.(component.Record)
		status, text := int(e[0].(uint16)), e[1].(string)
		f.Kind, f.HTTPStatus = HTTPStatus, status
		f.Message = strings.TrimSuffix(fmt.Sprintf("the server answered %d %s%s: %s", status, http.StatusText(status), in.httpRemedy(status, f.Step), text), ": ")
	case "rpc":
		e := v.Value.(component.Record)
		wire := &jsonrpc.Error{Code: int64(e[0].(int32)), Message: e[1].(string)}
		if data := e[2].(component.Option); data.Some {
			wire.Data = []byte(data.Value.(string))
		}
		f.Kind, f.Message, f.Err = RPC, fmt.Sprintf("%s (code %d)", wire.Message, wire.Code), wire
	case "unverified":
		e := v.Value.(component.Record)
		f.Kind, f.Message = Unverified, e[2].(string)
		f.Err = &UnverifiedFile{Reason: string(e[0].(component.Enum)), URI: e[1].(string)}
	default:
		f.Message = v.Value.(string)
	}
	return f
}
