package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
)

// script is a source for an instance.
type script struct {
	name, text   string
	tools, input string
	args         []string
	packages     fs.FS
	tool         func(server, tool string, arguments json.RawMessage) (string, error)
}

// outcome is how an operation has ended.
type outcome struct {
	value   string
	failure *failed
	logs    []string
}

type failed struct {
	kind, message, stack string
	line, column         uint32
}

// host is the host of one instance. It answers the tools, and runs until an operation has settled.
type host struct {
	in      *component.Instance
	script  *script
	events  chan component.Variant
	pending int
	timers  map[uint32]*time.Timer
	settled map[uint32]*outcome
	logs    []string
}

func newHost(ctx context.Context, c *component.Compiled, s *script, limits component.Limits) (*host, error) {
	h := &host{script: s, events: make(chan component.Variant, 100_000), timers: map[uint32]*time.Timer{}, settled: map[uint32]*outcome{}}
	l := component.NewLinker()
	cfg := &wasi.Config{}
	if s.packages != nil {
		cfg.Mounts = []wasi.Mount{{Path: "/packages", FS: s.packages}}
	}
	wasi.AddToLinker(l, cfg)
	l.Interface("caisson:mcp/timers@0.1.0").Func("set", does(func(args []any) {
		id := args[0].(uint32)
		if h.timers[id] == nil || !h.timers[id].Stop() {
			h.pending++
		}
		h.timers[id] = time.AfterFunc(time.Duration(args[1].(uint32))*time.Millisecond, func() {
			h.events <- component.Variant{Case: "timer", Value: id}
		})
	})).Func("clear", does(func(args []any) {
		if t := h.timers[args[0].(uint32)]; t != nil && t.Stop() {
			h.pending--
		}
	}))
	l.Interface("caisson:mcp/script-host@0.1.0").Func("call-tool", does(func(args []any) {
		h.pending++
		go func() {
			text, err := s.tool(args[1].(string), args[2].(string), json.RawMessage(args[3].(string)))
			r := component.OK(text)
			if err != nil {
				r = component.Err(component.Record{"refused", err.Error()})
			}
			h.events <- component.Variant{Case: "tool-answer", Value: component.Record{args[0], r}}
		}()
	})).Func("log", does(func(args []any) {
		h.logs = append(h.logs, fmt.Sprintf("%s: %s", args[0], args[1]))
	})).Func("settle", does(func(args []any) {
		o, r := &outcome{}, args[1].(component.Result)
		if r.OK {
			o.value = r.Value.(string)
		} else {
			f := r.Value.(component.Record)
			o.failure = &failed{kind: string(f[0].(component.Enum)), message: f[1].(string), stack: f[4].(string)}
			if v := f[2].(component.Option); v.Some {
				o.failure.line = v.Value.(uint32)
			}
			if v := f[3].(component.Option); v.Some {
				o.failure.column = v.Value.(uint32)
			}
		}
		h.settled[args[0].(uint32)] = o
	}))
	l.Interface("caisson:mcp/waiting@0.1.0").Func("wait", component.HostFunc(func(ctx context.Context, _ []any) ([]any, error) {
		if h.pending == 0 {
			return []any{[]any{}}, nil
		}
		select {
		case e := <-h.events:
			h.pending--
			return []any{[]any{e}}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}))
	var err error
	h.in, err = c.InstantiateWith(ctx, l, limits)
	return h, err
}

func does(f func(args []any)) component.HostFunc {
	return func(_ context.Context, args []any) ([]any, error) { f(args); return nil, nil }
}

func (h *host) close() { _ = h.in.Close(context.Background()) }

// do runs an operation until it has settled.
func (h *host) do(ctx context.Context, id uint32, export string, args ...any) (*outcome, error) {
	h.logs = nil
	_, err := h.in.ExportedFunction("caisson:mcp/scripts@0.1.0#"+export).Call(ctx, append([]any{id}, args...)...)
	deliver := h.in.ExportedFunction("caisson:mcp/scripts@0.1.0#deliver")
	for err == nil && h.settled[id] == nil {
		if h.pending == 0 {
			return nil, fmt.Errorf("it never settles")
		}
		select {
		case e := <-h.events:
			h.pending--
			_, err = deliver.Call(ctx, []any{e})
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err != nil {
		return nil, err
	}
	o := h.settled[id]
	o.logs = h.logs
	return o, nil
}

func (h *host) run(ctx context.Context) (*outcome, error) {
	s := h.script
	args := []any{}
	for _, a := range s.args {
		args = append(args, a)
	}
	tools, input := s.tools, s.input
	if tools == "" {
		tools = "[]"
	}
	if input == "" {
		input = "null"
	}
	return h.do(ctx, 1, "run", component.Record{s.name, s.text}, tools, input, args)
}
