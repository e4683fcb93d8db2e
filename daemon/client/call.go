package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"google.golang.org/grpc"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
)

// CallTool calls a tool (specification, server/tools). The tool's own failure is a result with IsError. A call is sent
// once: what may have had an effect is not made again.
func (s *Session) CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	const step = "tools/call"
	if params == nil {
		params = &mcp.CallToolParams{}
	}
	arguments, err := s.object(step, params.Arguments)
	if err != nil {
		return nil, err
	}
	var meta []byte
	if len(params.Meta) > 0 {
		if meta, err = s.object(step, params.Meta); err != nil {
			return nil, err
		}
	}
	if s.stream != nil {
		whole := map[string]any{"name": params.Name, "arguments": json.RawMessage(`{}`)}
		if arguments != nil {
			whole["arguments"] = json.RawMessage(arguments)
		}
		if meta != nil {
			whole["_meta"] = json.RawMessage(meta)
		}
		text, err := s.Request(ctx, step, whole)
		return decode[mcp.CallToolResult](s, step, text, err)
	}
	if o := s.callOptions(ctx); o != nil && (o.OnProgress != nil || o.Timeout > 0) {
		text, err := s.callStream(ctx, &caissonv1.CallToolStreamRequest{Target: s.target, Name: params.Name, Arguments: arguments, Meta: meta}, o)
		return decode[mcp.CallToolResult](s, step, text, err)
	}
	r := &caissonv1.CallToolResponse{}
	err = s.invoke(ctx, step, caissonv1connect.McpServiceCallToolProcedure, &caissonv1.CallToolRequest{Target: s.target, Name: params.Name, Arguments: arguments, Meta: meta}, r)
	return decode[mcp.CallToolResult](s, step, r.GetResult(), err)
}

// callStream calls a tool, and hears of its progress.
func (s *Session) callStream(ctx context.Context, request *caissonv1.CallToolStreamRequest, o *caisson.CallOptions) ([]byte, error) {
	const step = "tools/call"
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, timers := s.timed(ctx)
	defer timers.stop()
	with, sent := withSent(ctx)
	stream, err := s.client.conn.NewStream(with, &grpc.StreamDesc{ServerStreams: true}, caissonv1connect.McpServiceCallToolStreamProcedure)
	if err == nil {
		if err = stream.SendMsg(request); err == nil || errors.Is(err, io.EOF) { // What went wrong, receiving says.
			err = stream.CloseSend()
		}
	}
	var result []byte
	for err == nil {
		event := &caissonv1.CallToolStreamResponse{}
		if err = stream.RecvMsg(event); err != nil {
			break
		}
		switch of := event.GetOf().(type) {
		case *caissonv1.CallToolStreamResponse_Progress:
			timers.progress()
			p := &mcp.ProgressNotificationParams{}
			if o.OnProgress != nil && json.Unmarshal(of.Progress, p) == nil {
				o.OnProgress(p)
			}
		case *caissonv1.CallToolStreamResponse_Result:
			result = of.Result
		}
	}
	if errors.Is(err, io.EOF) && result != nil {
		return result, nil
	}
	if errors.Is(err, io.EOF) {
		return nil, &caisson.Error{Code: caisson.CodeProtocol, Server: s.server, Step: step, Message: "the daemon ended the call without a result"}
	}
	return nil, failure(ctx, err, s.server, step, sent)
}

// callOptions returns the options of a call: its context's, or the session's; nil for none.
func (s *Session) callOptions(ctx context.Context) *caisson.CallOptions {
	if o, ok := caisson.CallOptionsOf(ctx); ok {
		return &o
	}
	return s.options
}

// A timeoutError is the cause of the end of a context that ran out of an option's time.
type timeoutError struct {
	option string
	after  time.Duration
}

// Error names the option.
func (e *timeoutError) Error() string {
	return fmt.Sprintf("CallOptions.%s of %v is over", e.option, e.after)
}

// timers end a call that takes longer than its options allow.
type timers struct {
	cancel  context.CancelCauseFunc
	all     []*time.Timer
	idle    *time.Timer
	timeout time.Duration
}

// timed returns a context that ends when the options of a call say so.
func (s *Session) timed(ctx context.Context) (context.Context, *timers) {
	t := &timers{}
	o := s.callOptions(ctx)
	if o == nil || o.Timeout <= 0 && o.MaxTimeout <= 0 {
		return ctx, t
	}
	ctx, t.cancel = context.WithCancelCause(ctx)
	after := func(option string, d time.Duration) *time.Timer {
		timer := time.AfterFunc(d, func() { t.cancel(&timeoutError{option, d}) })
		t.all = append(t.all, timer)
		return timer
	}
	if o.MaxTimeout > 0 {
		after("MaxTimeout", o.MaxTimeout)
	}
	if o.Timeout > 0 {
		t.idle, t.timeout = after("Timeout", o.Timeout), o.Timeout
	}
	return ctx, t
}

// progress begins the time without progress anew.
func (t *timers) progress() {
	if t.idle != nil {
		t.idle.Reset(t.timeout)
	}
}

func (t *timers) stop() {
	for _, timer := range t.all {
		timer.Stop()
	}
	if t.cancel != nil {
		t.cancel(nil)
	}
}
