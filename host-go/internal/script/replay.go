package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/record"
)

// OutcomeOf is what a recording has of the end of an operation.
func OutcomeOf(report *Report, f *Failure) *record.Outcome {
	o := &record.Outcome{Fuel: report.Usage.Fuel, MemoryBytes: report.Usage.MemoryBytes}
	if f != nil {
		o.Failure, o.Message, o.Stack, o.Line, o.Column = words[f.Kind], f.Message, f.Stack, f.Line, f.Column
		var over *overLimit
		o.Interrupted = f.Kind == ContextEnded || errors.As(f, &over) && (over.option == "Computing" || over.option == "Time")
	}
	return o
}

// errReplay ends an operation that cannot be played on: the Player has why.
var errReplay = errors.New("the replay has ended")

// Replay does again what a Player has of one [Instance.Run], and compares what the instance asks for, and what comes of
// it. It takes the calls, what the clocks said and what came back from the recording: nothing waits, and nobody is
// called. Ten times the recorded bound, and a minute, bound what is computed: this machine may be slower, and the
// recording is of anybody. The Config has no Now, Random and Ordered. What went wrong is the Player's Failure.
func Replay(ctx context.Context, config Config) (json.RawMessage, *Report, *Failure) {
	config.Limits.Computing = min(10*min(config.Limits.Computing, replayTime)+time.Minute, replayTime)
	report := &Report{} // of what is interrupted before it runs
	in, failure := New(ctx, config)
	if failure != nil {
		return nil, report, failure.compare(config.Play, report)
	}
	defer in.Close()
	args, failure := in.playedCall("run")
	if failure != nil {
		return nil, report, failure.compare(config.Play, report)
	}
	if in.operation = firstOperation; len(args) != 5 || args[0] != in.operation {
		return nil, &Report{}, in.unplayable(config.Play.Wrong("it is not the run of a script"))
	}
	if source, ok := args[1].(component.Record); ok && len(source) == 2 {
		config.Play.Source, _ = source[1].(string)
	}
	value, report, failure := in.follow(ctx, replayTime, func() *Failure { return in.enter(ctx, "run", args...) })
	return value, report, failure.compare(config.Play, report)
}

// ended is the failure of a replay that cannot go on.
var ended = &Failure{Kind: Internal, Message: errReplay.Error(), Err: errReplay}

// replayTime bounds the time of a replay, in which nothing waits.
const replayTime = time.Hour

func (in *Instance) unplayable(err error) *Failure {
	_ = in.config.Play.Fail(err)
	return ended
}

// playedCall takes the next call of an export from the recording.
func (in *Instance) playedCall(export string) ([]any, *Failure) {
	p := in.config.Play
	e, err := p.Peek()
	if err != nil {
		return nil, in.unplayable(err)
	}
	if p.Cut(e) {
		return nil, ended
	}
	if e.Kind != record.Call || e.Name != scripts+export {
		return nil, in.unplayable(p.Differ(e, "a call of "+export))
	}
	args, err := record.DecodeAll(e.Values)
	if err != nil {
		return nil, in.unplayable(p.Wrong(err.Error()))
	}
	p.Take()
	p.Calls++
	return args, nil
}

// played returns what had happened while the instance waited between two of its exports, or how the host has ended the
// operation meanwhile.
func (in *Instance) played() ([]any, *Failure) {
	if failure := in.playedEnd(); failure != nil {
		return nil, failure
	}
	args, failure := in.playedCall("deliver")
	if failure != nil {
		return nil, failure
	}
	if len(args) != 1 {
		return nil, in.unplayable(in.config.Play.Wrong("it is no list of events"))
	}
	return in.happened(args[0])
}

// hosts are the failures that the host decides on while a script waits.
var hosts = []Kind{NeverSettled, Limit, ContextEnded}

// playedEnd returns the failure that comes next in the recording, when the host has decided on it; nil otherwise.
func (in *Instance) playedEnd() *Failure {
	p := in.config.Play
	e, err := p.Peek()
	if err != nil {
		return in.unplayable(err)
	}
	if e == nil || e.Kind != record.Result {
		return nil
	}
	o, err := e.Outcome()
	if err != nil {
		return in.unplayable(p.Wrong(err.Error()))
	}
	for _, kind := range hosts {
		if words[kind] == o.Failure {
			return failureOf(o)
		}
	}
	return in.unplayable(p.Differ(e, "a script that waits"))
}

// happened keeps the books for events that were recorded.
func (in *Instance) happened(events any) ([]any, *Failure) {
	wrong := func(what string) ([]any, *Failure) { return nil, in.unplayable(in.config.Play.Wrong(what)) }
	list, ok := events.([]any)
	if !ok {
		return wrong("it is no list of events")
	}
	for _, each := range list {
		event, _ := each.(component.Variant)
		switch event.Case {
		case "timer":
			if id, ok := event.Value.(uint32); !ok || !in.timers.Clear(id) {
				return wrong("it has a timer that is not set")
			}
		case "tool-answer":
			value, _ := event.Value.(component.Record)
			if len(value) != 2 || !in.answeredAgain(value) {
				return wrong("it has the answer of a call that is not underway")
			}
		default:
			return wrong("it has an event that there is none of")
		}
	}
	return list, nil
}

// answeredAgain notes the answer of a call, and reports whether it is one.
func (in *Instance) answeredAgain(value component.Record) bool {
	id, ok := value[0].(uint32)
	c := in.calls.byID[id]
	if !ok || c == nil {
		return false
	}
	delete(in.calls.byID, id)
	in.calls.queue = slices.DeleteFunc(in.calls.queue, func(q *toolCall) bool { return q == c })
	a := answer{call: c}
	r, _ := value[1].(component.Result)
	text, isText := r.Value.(string)
	failure, _ := r.Value.(component.Record)
	switch {
	case r.OK && isText:
		a.result = json.RawMessage(text)
		a.look()
	case !r.OK && len(failure) == 2:
		a.failure = &ToolFailure{}
		a.failure.Code, _ = failure[0].(string)
		a.failure.Message, _ = failure[1].(string)
	default:
		return false
	}
	in.ended(&a)
	return true
}

// plays compares a call of an import with the recording. What comes of it the recording says, where it came from
// outside, and otherwise the host as it did before.
func (in *Instance) plays(ctx context.Context, name string, f component.HostFunc, args []any) ([]any, error) {
	p := in.config.Play
	results, err := p.Import(name, args)
	if p.Failure != nil || p.Ended {
		return nil, errReplay
	}
	defer p.Ahead() // Not before it is done: the last call of a tool is in the report.
	switch {
	case strings.HasPrefix(name, "caisson:mcp/tool-search@"):
		return results, err
	case !strings.HasPrefix(name, "caisson:mcp/waiting@"):
		_, again := f(ctx, args)
		if text := errorText(again); text != errorText(err) {
			_ = p.Fail(p.Wrong(fmt.Sprintf("%s has ended with %q, and does with %q", name, errorText(err), text)))
		}
		return nil, again
	case err != nil:
		if failure := in.playedEnd(); failure != nil {
			return nil, failure
		}
		return nil, err
	case len(results) != 1:
		return nil, p.Fail(p.Wrong("it is no list of events"))
	}
	events, failure := in.happened(results[0])
	if failure != nil {
		return nil, failure
	}
	return []any{events}, nil
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// compare compares the end of the run that was played, a failure or nil, with the recording's, and returns the latter. What
// a clock of the host has decided is not compared; and neither is what was used when secrets were replaced, which may
// take another amount of fuel, and with a Loose player.
func (f *Failure) compare(p *record.Player, report *Report) *Failure {
	if p.Interrupted != nil {
		report.Usage.Fuel, report.Usage.MemoryBytes = p.Interrupted.Fuel, p.Interrupted.MemoryBytes
		playedOut(p)
		return failureOf(p.Interrupted)
	}
	if p.Failure != nil || p.Ended {
		return f
	}
	e, err := p.Peek()
	if err != nil {
		_ = p.Fail(err)
		return f
	}
	is := OutcomeOf(report, f)
	if e == nil || e.Kind != record.Result {
		if !p.Cut(e) {
			_ = p.Fail(p.Differ(e, is.String()))
		}
		return f
	}
	was, err := e.Outcome()
	if err != nil {
		_ = p.Fail(p.Wrong(err.Error()))
		return f
	}
	switch interrupted := was.Interrupted && is.Interrupted; {
	case interrupted:
		f = failureOf(was)
	case !same(*was, *is, p.Loose || e.Hidden > 0 || was.Interrupted):
		_ = p.Fail(p.Differ(e, is.String()))
		return f
	}
	playedOut(p)
	return f
}

// playedOut ends the replay behind the result, which comes next, as the recording does: with its end, or without one.
func playedOut(p *record.Player) {
	p.Take()
	p.Reason = ""
	end, err := p.Peek()
	switch {
	case err != nil:
		_ = p.Fail(err)
	case end == nil || end.Kind == record.End:
		p.End(end)
	default:
		_ = p.Fail(p.Wrong("there is something behind the result"))
	}
}

// same reports whether a run has ended as it did before.
func same(was, is record.Outcome, anyUse bool) bool {
	if anyUse {
		was.Fuel, was.MemoryBytes = is.Fuel, is.MemoryBytes
	}
	if was.Failure == words[Trap] {
		was.Message = is.Message // The words may be the host's.
	}
	was.Interrupted = is.Interrupted
	return was == is
}

// failureOf is the failure that a recording has.
func failureOf(o *record.Outcome) *Failure {
	for kind, word := range words {
		if word == o.Failure {
			f := &Failure{Kind: Kind(kind), Message: o.Message, Line: o.Line, Column: o.Column, Stack: o.Stack}
			if f.Kind == ContextEnded {
				f.Err = errors.New(o.Message)
			}
			return f
		}
	}
	return ended
}
