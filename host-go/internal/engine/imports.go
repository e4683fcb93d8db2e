package engine

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// addImports gives the core what it imports; see wit/egress.wit, timers.wit and host.wit, whose
// order this follows. The functions run inside an export, called by who has the instance. The types
// of their arguments were checked when the core was linked.
func (in *instance) addImports(l tappedLinker) {
	l.Interface("caisson:mcp/egress@0.1.0").
		Func("http-start", in.httpStart).
		Func("http-prepare", in.httpPrepare).
		Func("http-post", in.httpPost).
		Func("http-abort", in.httpAbort).
		Func("pipe-open", in.pipeOpen).
		Func("pipe-write", in.pipeWrite).
		Func("pipe-close", in.pipeClose)
	l.Interface("caisson:mcp/timers@0.1.0").
		Func("set", func(_ context.Context, args []any) ([]any, error) {
			in.setTimer(args[0].(uint32), time.Duration(args[1].(uint32))*time.Millisecond)
			return nil, nil
		}).
		Func("clear", func(_ context.Context, args []any) ([]any, error) {
			in.clearTimer(args[0].(uint32))
			return nil, nil
		})
	l.Interface("caisson:mcp/host@0.1.0").
		Func("settle", func(_ context.Context, args []any) ([]any, error) {
			in.settle(args[0].(uint32), in.decodeOutcome(args[1].(component.Result)))
			return nil, nil
		}).
		Func("notify", func(_ context.Context, args []any) ([]any, error) {
			n := notification{method: args[1].(string)}
			if params := args[2].(component.Option); params.Some {
				n.params = []byte(params.Value.(string))
			}
			in.notify(n)
			return nil, nil
		}).
		Func("ask", func(_ context.Context, args []any) ([]any, error) {
			in.ask(args[0].(uint32), args[2].(string), []byte(args[3].(string)))
			return nil, nil
		}).
		Func("retract", func(_ context.Context, args []any) ([]any, error) {
			in.retract(args[0].(uint32))
			return nil, nil
		}).
		Func("listening", func(_ context.Context, args []any) ([]any, error) {
			if c := in.calls[args[0].(uint32)]; c != nil && c.operation.Listening != nil {
				c.operation.Listening([]byte(args[1].(string)))
			}
			return nil, nil
		}).
		Func("task-state", func(_ context.Context, args []any) ([]any, error) {
			if c := in.calls[args[0].(uint32)]; c != nil && c.operation.Progress != nil {
				in.progressed(c, notification{method: taskProgress, params: []byte(args[1].(string))})
			}
			return nil, nil
		}).
		Func("renewed", func(_ context.Context, args []any) ([]any, error) {
			if renewed := in.session.config.Renewed; renewed != nil {
				renewed([]byte(args[1].(string)))
			}
			return nil, nil
		}).
		Func("closed", func(_ context.Context, args []any) ([]any, error) {
			in.session.end(in.decodeError(args[1].(component.Record)))
			return nil, nil
		}).
		Func("log", in.log)
}

func (in *instance) httpStart(_ context.Context, args []any) ([]any, error) {
	ref, err := in.addExchange(args[0].(uint32))
	if err != nil {
		return nil, err
	}
	if err := in.checkSession(args[1].(uint32)); err != nil {
		return nil, err
	}
	return nil, in.session.egress.HTTPStart(ref, decodeRequest(args[2].(component.Record)))
}

func (in *instance) httpPrepare(_ context.Context, args []any) ([]any, error) {
	id := args[0].(uint32)
	if id >= maxTemplates {
		return nil, fmt.Errorf("http-prepare: template %d, and there are %d", id, maxTemplates)
	}
	if err := in.checkSession(args[1].(uint32)); err != nil {
		return nil, err
	}
	in.templates[id] = in.session.egress.Template(decodeRequest(args[2].(component.Record)))
	return nil, nil
}

func (in *instance) httpPost(_ context.Context, args []any) ([]any, error) {
	t := in.templates[args[1].(uint32)]
	if t == nil {
		return nil, fmt.Errorf("http-post: there is no template %d", args[1])
	}
	ref, err := in.addExchange(args[0].(uint32))
	if err != nil {
		return nil, err
	}
	body := args[2].(string)
	return nil, in.session.egress.HTTPPost(ref, t, &body)
}

// maxTemplates is how many requests are kept; see http-prepare in wit/egress.wit.
const maxTemplates = 1024

func (in *instance) addExchange(id uint32) (egress.Ref, error) {
	ref, ok := in.exchanges.add(id)
	if !ok {
		return ref, fmt.Errorf("exchange %d: %w", id, egress.ErrInUse)
	}
	return ref, nil
}

func decodeRequest(request component.Record) egress.Request {
	r := egress.Request{Method: request[0].(string), URL: request[1].(string)}
	for _, h := range request[2].([]any) {
		pair := h.(component.Tuple)
		r.Header = append(r.Header, [2]string{pair[0].(string), pair[1].(string)})
	}
	if body := request[3].(component.Option); body.Some {
		text := body.Value.(string)
		r.Body = &text
	}
	return r
}

func (in *instance) httpAbort(_ context.Context, args []any) ([]any, error) {
	if ref, ok := in.exchanges.open[args[0].(uint32)]; ok {
		in.exchanges.remove(ref)
		in.session.egress.HTTPAbort(ref)
	}
	return nil, nil
}

func (in *instance) pipeOpen(_ context.Context, args []any) ([]any, error) {
	id := args[0].(uint32)
	ref, ok := in.pipes.add(id)
	if !ok {
		return nil, fmt.Errorf("pipe-open: pipe %d: %w", id, egress.ErrInUse)
	}
	if err := in.checkSession(args[1].(uint32)); err != nil {
		return nil, err
	}
	return nil, in.session.egress.PipeOpen(ref)
}

func (in *instance) pipeWrite(_ context.Context, args []any) ([]any, error) {
	if ref, ok := in.pipes.open[args[0].(uint32)]; ok {
		in.session.egress.PipeWrite(ref, args[1].(string), in.alone)
	}
	return nil, nil
}

func (in *instance) pipeClose(_ context.Context, args []any) ([]any, error) {
	if ref, ok := in.pipes.open[args[0].(uint32)]; ok {
		in.session.egress.PipeClose(ref)
	}
	return nil, nil
}

// checkSession refuses a session that is not this instance's: it has only one.
func (in *instance) checkSession(id uint32) error {
	if id != in.session.id {
		return fmt.Errorf("there is no session %d", id)
	}
	return nil
}

var levels = map[component.Enum]slog.Level{
	"debug": slog.LevelDebug,
	"info":  slog.LevelInfo,
	"warn":  slog.LevelWarn,
	"error": slog.LevelError,
}

func (in *instance) log(ctx context.Context, args []any) ([]any, error) {
	in.engine.config.Logger.Log(ctx, levels[args[1].(component.Enum)], args[2].(string), "server", in.session.config.Grant.Server)
	return nil, nil
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
	}
}

// milliseconds gives a duration as the contract has it, and the longest one for what is longer.
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
	"internal":         Internal,
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
		f.Message = strings.TrimSuffix(fmt.Sprintf("the server answered %d %s: %s", status, http.StatusText(status), text), ": ")
	case "rpc":
		e := v.Value.(component.Record)
		wire := &jsonrpc.Error{Code: int64(e[0].(int32)), Message: e[1].(string)}
		if data := e[2].(component.Option); data.Some {
			wire.Data = []byte(data.Value.(string))
		}
		f.Kind, f.Message, f.Err = RPC, fmt.Sprintf("%s (code %d)", wire.Message, wire.Code), wire
	default:
		f.Message = v.Value.(string)
	}
	return f
}

// logWriter puts what the guest's engine prints into the log. It comes in whole lines, rarely.
type logWriter struct{ logger *slog.Logger }

func (w *logWriter) Write(p []byte) (int, error) {
	w.logger.Debug("the core prints", "text", string(p))
	return len(p), nil
}
