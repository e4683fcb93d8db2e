package script

import (
	"context"
	"fmt"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
)

// linker has what a script's instance imports, and nothing else. The functions run inside an export, in the
// goroutine of the operation; the types of their arguments were checked when the component was linked. An error
// is a broken contract or a bound: it ends the instance.
func (in *Instance) linker() *component.Linker {
	l := component.NewLinker()
	in.sources = in.grants()
	in.wasi = wasi.AddToLinker(l, in.sources)
	define := func(from, name string, f component.HostFunc) {
		from = "caisson:mcp/" + from + "@0.1.0"
		l.Interface(from).Func(name, in.crossing(from+"#"+name, f))
	}
	define("timers", "set", does(in.setTimer))
	define("timers", "clear", does(func(args []any) error {
		in.timers.Clear(args[0].(uint32))
		return nil
	}))
	define("script-host", "call-tool", does(in.callTool))
	define("script-host", "settle", does(func(args []any) error {
		in.settle(args[0].(uint32), args[1].(component.Result))
		return nil
	}))
	logged := in.crossing("caisson:mcp/script-host@0.1.0#log", does(in.log))
	l.Interface("caisson:mcp/script-host@0.1.0").Func("log", func(ctx context.Context, args []any) ([]any, error) {
		results, err := logged(ctx, args)
		if err == nil {
			// After the crossing, for it is a crossing of its own.
			in.report.Logs[len(in.report.Logs)-1].Time = in.sources.Now()
		}
		return results, err
	})
	define("waiting", "wait", in.wait)
	define("tool-search", "search", in.search)
	return l
}

// does makes a host function of a function without a result.
func does(f func(args []any) error) component.HostFunc {
	return func(_ context.Context, args []any) ([]any, error) { return nil, f(args) }
}

// crossing is a function that the instance imports, as it is recorded, or played again.
func (in *Instance) crossing(name string, f component.HostFunc) component.HostFunc {
	switch {
	case in.config.Record != nil:
		return func(ctx context.Context, args []any) ([]any, error) {
			results, err := f(ctx, args)
			in.config.Record.Import(name, args, results, err)
			return results, err
		}
	case in.config.Play != nil:
		return func(ctx context.Context, args []any) ([]any, error) { return in.plays(ctx, name, f, args) }
	}
	return f
}

// grants is what of WASI a script is granted: the time, in milliseconds, and random bytes.
func (in *Instance) grants() *wasi.Config {
	c := &wasi.Config{Mounts: in.config.Mounts, Random: in.config.Random, Monotonic: in.monotonic, Now: func() time.Time {
		if frozen := in.config.Now; !frozen.IsZero() {
			return frozen
		}
		return time.Now().Truncate(time.Millisecond)
	}}
	switch {
	case in.config.Record != nil:
		in.config.Record.Sources(c)
	case in.config.Play != nil:
		in.config.Play.Sources(c)
	}
	return c
}

// monotonic is the monotonic clock, which stands when the time does.
func (in *Instance) monotonic() time.Duration {
	if !in.config.Now.IsZero() {
		return 0
	}
	return time.Since(in.origin).Truncate(time.Millisecond)
}

func (in *Instance) setTimer(args []any) error {
	id := args[0].(uint32)
	if most := in.config.Limits.Timers; !in.timers.Has(id) && in.timers.Len() >= most {
		return &overLimit{"Timers", most, "the script has set more timers than it may"}
	}
	in.timers.Set(id, time.Duration(args[1].(uint32))*time.Millisecond)
	return nil
}

func (in *Instance) callTool(args []any) error {
	id := args[0].(uint32)
	if in.calls.byID[id] != nil {
		return fmt.Errorf("call-tool: the call %d has no answer yet", id)
	}
	c, err := in.begin(args[1].(string), args[2].(string), args[3].(string))
	if err != nil {
		return err
	}
	in.cannotBeginAnew()
	c.id = id
	in.calls.byID[id] = c
	in.calls.queue = append(in.calls.queue, c)
	in.start()
	return nil
}

// wait implements `wait` of wit/waiting.wit. The calls of tools that are underway go on.
func (in *Instance) wait(context.Context, []any) ([]any, error) {
	begun := time.Now()
	events, failure := in.await(in.caller, inside)
	in.guest.PutOff(time.Since(begun))
	if failure != nil {
		return nil, failure
	}
	return []any{events}, nil
}

// search implements `search` of wit/tool-search.wit. What it computes is the script's computing, though another guest
// does it; how long it waits is bounded by the operation's time.
func (in *Instance) search(_ context.Context, args []any) ([]any, error) {
	most := in.config.Limits.Computing
	found, computed, err := in.config.Search(in.ctx, most-in.computed, args[0].(string), args[1].(uint32))
	in.computed += computed
	switch end := in.ctx.Err(); {
	case end != nil:
		return nil, end
	case in.computed >= most: // What the script itself has computed since it was entered, its meter bounds.
		return nil, context.DeadlineExceeded
	}
	if err != nil {
		return []any{component.Err(valid(cut(err.Error(), in.config.Limits.FailureBytes)))}, nil
	}
	return []any{component.OK(found)}, nil
}

func (in *Instance) log(args []any) error {
	l := &in.config.Limits
	if len(in.report.Logs) >= l.LogLines {
		return &overLimit{"LogLines", l.LogLines, "the script has logged more lines than it may"}
	}
	text := cut(args[1].(string), l.LogLineBytes)
	if err := in.writes(len(text)); err != nil {
		return err
	}
	in.report.Logs = append(in.report.Logs, Line{Level: string(args[0].(component.Enum)), Text: text})
	return nil
}

// writes draws on the bound on the output.
func (in *Instance) writes(n int) error {
	most := in.config.Limits.OutputBytes
	if n > most-in.written {
		return &overLimit{"OutputBytes", most, "the script's log and result are longer than they may be"}
	}
	in.written += n
	return nil
}
