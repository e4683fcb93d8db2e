package script

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/exact"
)

// A toolCall is one call of a tool, from the instance's import to its answer.
type toolCall struct {
	id           uint32
	server, tool string
	arguments    json.RawMessage
	record       int // its place in the report's Calls; -1 when that is another operation's
	begun        time.Time
	held         bool // somebody is asked whether it may go out; calls.mu guards it
}

// An answer is what a call of a tool ended with.
type answer struct {
	call    *toolCall
	result  json.RawMessage
	failure *ToolFailure
	isError bool // the result is the tool's own failure
}

// calls are the calls of tools of an instance.
type calls struct {
	byID    map[uint32]*toolCall // without an answer
	queue   []*toolCall          // not begun yet
	running int
	came    chan struct{} // holds one when an answer has come since answers were taken last

	holding   chan struct{} // holds one when a call has come to be held
	mu        sync.Mutex
	withdrawn bool // the instance sleeps: no call goes out any more
	// answers are those that have come and were not taken. A call never waits for the instance, which may be gone.
	answers []answer
}

// come notes an answer. It is called beside the instance.
func (cs *calls) come(a answer) {
	cs.mu.Lock()
	cs.answers = append(cs.answers, a)
	cs.mu.Unlock()
	select {
	case cs.came <- struct{}{}:
	default:
	}
}

// take takes the answer that has come first; false when there is none.
func (cs *calls) take() (answer, bool) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if len(cs.answers) == 0 {
		return answer{}, false
	}
	a := cs.answers[0]
	cs.answers[0] = answer{}
	cs.answers = cs.answers[1:]
	return a, true
}

// begin takes a call, unless it is too much.
func (in *Instance) begin(server, tool, arguments string) (*toolCall, error) {
	l := &in.config.Limits
	if in.made++; in.made > l.ToolCalls {
		return nil, &overLimit{"ToolCalls", l.ToolCalls, "the script has called more tools than it may"}
	}
	if size := len(server) + len(tool) + len(arguments); size > l.ArgumentBytes {
		return nil, &overLimit{"ArgumentBytes", l.ArgumentBytes, fmt.Sprintf("the names and arguments of a call of %s.%s have %d bytes", cut(server, nameBytes), cut(tool, nameBytes), size)}
	}
	if arguments == "" || arguments[0] != '{' || !json.Valid([]byte(arguments)) {
		return nil, fmt.Errorf("call-tool: the arguments of %s.%s are no JSON object", cut(server, nameBytes), cut(tool, nameBytes))
	}
	now := time.Now()
	c := &toolCall{server: server, tool: tool, arguments: json.RawMessage(arguments), record: len(in.report.Calls), begun: now}
	in.report.Calls = append(in.report.Calls, Call{Server: cut(server, nameBytes), Tool: cut(tool, nameBytes), ArgumentBytes: len(arguments), Begun: now})
	return c, nil
}

// nameBytes is as much as is kept, or said in an error, of a name that a script has made up.
const nameBytes = 256

// start begins calls, as many as may run at once.
func (in *Instance) start() {
	cs := &in.calls
	if in.config.Play != nil {
		return // Their answers are recorded.
	}
	for cs.running < in.config.Limits.ParallelCalls && len(cs.queue) > 0 {
		c := cs.queue[0]
		cs.queue[0] = nil
		cs.queue = cs.queue[1:]
		cs.running++
		go func(ctx context.Context) {
			a := answer{call: c, failure: &ToolFailure{"internal", fmt.Sprintf("what answers %s.%s has ended its goroutine", c.server, c.tool)}}
			defer func() { cs.come(a) }() // Also behind runtime.Goexit, as a test's FailNow does.
			a = in.call(ctx, c)
		}(withHold(in.ctx, cs, c))
	}
}

// call calls a tool, and refuses an answer that is too large. It runs beside the instance.
func (in *Instance) call(ctx context.Context, c *toolCall) answer {
	a := answer{call: c}
	a.result, a.failure = in.config.Call(ctx, c.server, c.tool, c.arguments)
	if l := in.config.Limits.AnswerBytes; len(a.result) > l {
		a.failure = &ToolFailure{"limit", fmt.Sprintf("the answer of %s.%s has %d bytes: ScriptLimits.AnswerBytes is %d", c.server, c.tool, len(a.result), l)}
	}
	a.look()
	return a
}

// look finds out whether the tool itself has failed.
func (a *answer) look() {
	var r struct {
		IsError bool `json:"isError"`
	}
	a.isError = a.failure == nil && exact.Unmarshal(a.result, &r) == nil && r.IsError
}

// ended notes how a call has ended.
func (in *Instance) ended(a *answer) {
	if a.call.record < 0 {
		return
	}
	r := &in.report.Calls[a.call.record]
	r.Duration = time.Since(a.call.begun)
	switch {
	case a.failure != nil:
		r.Outcome, r.Code = Failed, a.failure.Code
	case a.isError:
		r.Outcome = ToolError
	default:
		r.Outcome = Done
	}
}

// encode returns what an answer is to the instance.
func (a *answer) encode() component.Result {
	if a.failure != nil {
		return component.Err(component.Record{valid(a.failure.Code), valid(a.failure.Message)})
	}
	return component.OK(valid(string(a.result)))
}

// answered takes an answer, and returns its event.
func (in *Instance) answered(a answer) component.Variant {
	cs := &in.calls
	cs.running--
	delete(cs.byID, a.call.id)
	in.ended(&a)
	in.start()
	return component.Variant{Case: "tool-answer", Value: component.Record{a.call.id, a.encode()}}
}

// valid replaces what is no UTF-8: texts of the contract are.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
