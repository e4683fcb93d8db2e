package script

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/isolation"
	"github.com/caisson-dev/caisson/host-go/internal/timers"
)

// An Instance is one instance with one script: one [Instance.Run], or one [Instance.Load] and any number of
// [Instance.Call]s after it. It does one operation at a time.
type Instance struct {
	config  Config
	guest   *engine.Guest
	wasi    *wasi.Host
	sources *wasi.Config // the clocks and the random bytes
	exports map[string]engine.Function
	timers  timers.Timers
	calls   calls

	beginning beginning
	dead      bool      // the instance has trapped, or was ended in the middle of something
	origin    time.Time // where the monotonic clock is 0

	requests chan *request // to sleep
	request  *request      // the one that waits; nil for none

	// Of the operation that runs.
	operation uint32
	caller    context.Context // of who has begun it
	ctx       context.Context // of the calls of tools
	clock     *clock
	report    Report
	outcome   *outcome
	made      int // calls of tools
	written   int // bytes of the log and the result
	begun     time.Time
	computed  time.Duration
	slept     slept
}

// An outcome is what the instance has settled an operation with.
type outcome struct {
	value   string
	failure *Failure
}

const firstOperation = 1

// scripts is what the names of the exports begin with.
const scripts = "caisson:mcp/scripts@0.1.0#"

// New makes an instance. Close it.
func New(ctx context.Context, config Config) (*Instance, *Failure) {
	if failure := config.awaitCompiled(ctx); failure != nil {
		return nil, failure
	}
	in := newInstance(config)
	if err := in.keepBeginning(); err != nil {
		return nil, &Failure{Kind: Internal, Message: "the state of the random numbers: " + err.Error(), Err: err}
	}
	failure := in.instantiate(ctx, func(ctx context.Context, l *component.Linker) (*engine.Guest, error) {
		return config.Engine.Instantiate(ctx, l, config.Limits.instance(), config.Limits.Computing)
	})
	if failure != nil {
		return nil, failure
	}
	in.computed = in.guest.Made()
	return in, nil
}

func newInstance(config Config) *Instance {
	in := &Instance{config: config, exports: map[string]engine.Function{}, origin: time.Now(), requests: make(chan *request)}
	in.beginning.patience = patience
	in.calls.byID = map[uint32]*toolCall{}
	in.calls.came, in.calls.holding = make(chan struct{}, 1), make(chan struct{}, 1)
	return in
}

// instantiate makes the guest.
func (in *Instance) instantiate(ctx context.Context, instantiate func(context.Context, *component.Linker) (*engine.Guest, error)) *Failure {
	var err error
	if in.guest, err = instantiate(ctx, in.linker()); err != nil {
		return in.failed(ctx, err)
	}
	if failure := in.findExports(); failure != nil {
		in.Close()
		return failure
	}
	return nil
}

func (in *Instance) findExports() *Failure {
	for _, name := range []string{"run", "load", "call", "deliver"} {
		f := in.guest.ExportedFunction(scripts + name)
		if f == nil {
			return &Failure{Kind: Internal, Message: "the component does not export caisson:mcp/scripts#" + name}
		}
		in.exports[name] = f
	}
	return nil
}

// Close frees the instance. Calls of tools that were underway have been told to stop.
func (in *Instance) Close() {
	if in.guest != nil {
		in.guest.Close()
		in.guest = nil
	}
}

// Dead reports whether the instance can do nothing more.
func (in *Instance) Dead() bool { return in.dead }

// Run runs a source; see `run` in wit/scripts.wit.
func (in *Instance) Run(ctx context.Context, source Source, input json.RawMessage, args []string) (json.RawMessage, *Report, *Failure) {
	values := make([]any, len(args))
	for i, arg := range args {
		values[i] = valid(arg)
	}
	return in.operate(ctx, "run", source.encode(), in.config.Tools, valid(string(input)), values)
}

// Load loads a source; see `load` in wit/scripts.wit.
func (in *Instance) Load(ctx context.Context, source Source) (json.RawMessage, *Report, *Failure) {
	return in.operate(ctx, "load", source.encode(), in.config.Tools)
}

// Call calls a function of the module that was loaded; see `call` in wit/scripts.wit.
func (in *Instance) Call(ctx context.Context, function string, positional, named json.RawMessage) (json.RawMessage, *Report, *Failure) {
	return in.operate(ctx, "call", valid(function), valid(string(positional)), valid(string(named)))
}

func (s *Source) encode() component.Record { return component.Record{valid(s.Name), valid(s.Text)} }

// operate runs one operation: it enters the instance with it, and then with everything that happens, until the
// instance settles it.
func (in *Instance) operate(ctx context.Context, export string, args ...any) (json.RawMessage, *Report, *Failure) {
	in.operation++
	in.report, in.slept = Report{}, slept{}
	in.made, in.written = 0, 0
	if in.operation > firstOperation {
		in.computed = 0
	}
	return in.follow(ctx, in.config.Limits.Time, func() *Failure {
		return in.enter(ctx, export, append([]any{in.operation}, args...)...)
	})
}

// follow begins an operation that has so much time left, and runs it to its end.
func (in *Instance) follow(ctx context.Context, left time.Duration, begin func() *Failure) (json.RawMessage, *Report, *Failure) {
	in.begun = time.Now()
	bounded, cancel, clock := withClock(ctx, left)
	defer cancel()
	in.clock, in.caller, in.ctx, in.outcome = clock, ctx, bounded, nil
	failure := begin()
	for failure == nil && in.outcome == nil {
		var events []any
		if events, failure = in.await(ctx, between); failure == nil {
			failure = in.enter(ctx, "deliver", events)
		}
	}
	cancel()
	in.abandon()
	in.report.Usage = Usage{Computing: in.computed, Waiting: in.waited()}
	if in.guest != nil {
		in.report.Usage.Fuel, in.report.Usage.MemoryBytes = in.guest.FuelUsed(), in.guest.MemorySize()
	}
	report := in.report
	in.report = Report{}
	if failure != nil {
		in.dead = true
		return nil, &report, failure
	}
	return json.RawMessage(in.outcome.value), &report, in.outcome.failure
}

// waited is how long the operation has waited.
func (in *Instance) waited() time.Duration {
	return in.slept.waited + max(0, time.Since(in.begun)-(in.computed-in.slept.computed))
}

// enter calls an export. It is the only place where the script runs.
func (in *Instance) enter(ctx context.Context, export string, args ...any) *Failure {
	if moved, err := in.guest.Follow(); err != nil {
		return in.failed(ctx, err)
	} else if moved {
		if failure := in.findExports(); failure != nil {
			return failure
		}
	}
	in.config.Record.Call(scripts+export, args)
	left := in.config.Limits.Computing - in.computed
	in.beginning.rest = 0
	if export != "deliver" && in.impatient() && left > in.beginning.patience { // A new guest has not come so far.
		in.beginning.rest, left = left-in.beginning.patience, in.beginning.patience
	}
	// What waits, inside of an import, does so within the operation's time.
	bounded := component.WithComputing(in.ctx, left)
	if p := in.config.Play; p != nil {
		var cancel context.CancelFunc
		bounded, cancel = context.WithCancel(bounded)
		defer cancel()
		p.Interrupt = cancel
		p.Ahead()
	}
	_, err := in.exports[export].Call(bounded, args...)
	in.computed += in.guest.Computed()
	switch {
	case err == nil:
		return nil
	case in.beginning.rest > 0 && in.ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		if failure := in.beginAnew(ctx); failure != nil {
			return failure
		}
		return in.enter(ctx, export, args...)
	}
	return in.failed(ctx, err)
}

// failed says why the instance has ended.
func (in *Instance) failed(ctx context.Context, err error) *Failure {
	l := &in.config.Limits
	var over *overLimit
	var waiting *Failure
	var limit *component.LimitError
	var wrong *component.ValueError
	var workers *isolation.LimitError
	switch {
	case endOf(ctx) != nil:
		end := endOf(ctx)
		return &Failure{Kind: ContextEnded, Message: end.Error(), Err: end}
	case errors.As(err, &over):
		return over.failure()
	case errors.As(err, &workers):
		return &Failure{Kind: Limit, Message: err.Error(), Err: err}
	case errors.As(err, &waiting):
		return waiting // of wait, inside of the entry
	case errors.Is(err, context.Canceled) && in.clock.isOver():
		return in.late()
	case errors.Is(err, context.DeadlineExceeded):
		// Whoever looks for the deadline of a context means the caller's: this one is no cause.
		return (&overLimit{"Computing", l.Computing, "the script has computed for longer than it may"}).failure()
	case errors.As(err, &wrong):
		return &Failure{Kind: Internal, Message: "the instance cannot be given it: " + wrong.Error(), Err: err}
	case errors.As(err, &limit) && limit.Resource == "fuel":
		return (&overLimit{"Fuel", l.Fuel, "the script has computed more than it may"}).failure()
	case errors.As(err, &limit) && limit.Resource != "stack" && limit.Resource != "call depth", in.guest != nil && in.guest.MemoryRefused():
		return (&overLimit{"MemoryBytes", l.MemoryBytes, "the script needs more memory than it may"}).failure()
	}
	return &Failure{Kind: Trap, Message: "the sandbox has stopped the script: " + err.Error(), Err: err}
}

// endOf returns why a context has ended, or nil. A guest is stopped by the clock, at the deadline of the context; the
// context itself may say so a moment later.
func endOf(ctx context.Context) error {
	if at, ok := ctx.Deadline(); ok && ctx.Err() == nil && !time.Now().Before(at) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

func (in *Instance) late() *Failure {
	l := &in.config.Limits
	return (&overLimit{"Time", l.Time, "the script has taken longer than it may"}).failure()
}

// A place is where an instance waits: between two of its exports, or inside of one.
type place bool

const (
	between place = false
	inside  place = true
)

// await waits for something to happen, and returns the events.
func (in *Instance) await(ctx context.Context, at place) ([]any, *Failure) {
	if in.config.Play != nil {
		return in.played()
	}
	var events []any
	for happened := false; !happened; {
		if in.sleeps(at) {
			return nil, &Failure{Kind: Asleep, Message: "the run sleeps"}
		}
		var failure *Failure
		if events, happened, failure = in.wakes(ctx); failure != nil {
			return nil, failure
		}
	}
	most := eventsAtOnce
	if in.config.Ordered {
		most = 1
	}
	for len(events) < most {
		if a, ok := in.calls.take(); ok {
			events = append(events, in.answered(a))
			continue
		}
		id, ok := in.timers.Take(time.Now())
		if !ok {
			break
		}
		events = append(events, component.Variant{Case: "timer", Value: id})
	}
	return events, nil
}

// wakes waits for the first thing to happen. It also returns, without one, when there may be an answer, or a change in
// whether the instance can sleep.
func (in *Instance) wakes(ctx context.Context) (events []any, happened bool, failure *Failure) {
	if a, ok := in.calls.take(); ok {
		return []any{in.answered(a)}, true, nil
	}
	due, timed := in.timers.First()
	if in.calls.running == 0 && len(in.calls.queue) == 0 && !timed {
		return nil, false, &Failure{Kind: NeverSettled, Message: "the script waits for something that never happens: no call of a tool is underway, and no timer is set"}
	}
	var alarm <-chan time.Time
	if timed {
		t := time.NewTimer(time.Until(due))
		defer t.Stop()
		alarm = t.C
	}
	requests, holding := in.requests, (chan struct{})(nil)
	if in.request != nil {
		requests, holding = nil, in.calls.holding
	}
	select {
	case <-in.calls.came:
		return nil, false, nil
	case <-alarm:
		return nil, true, nil
	case in.request = <-requests:
		return nil, false, nil
	case <-holding:
		return nil, false, nil
	case <-in.request.givenUp():
		in.request = nil
		return nil, false, nil
	case <-in.ctx.Done():
		if end := endOf(ctx); end != nil {
			return nil, false, &Failure{Kind: ContextEnded, Message: end.Error(), Err: end}
		}
		return nil, false, in.late()
	}
}

// eventsAtOnce bounds one entry: entering costs more than an event does.
const eventsAtOnce = 256

// settle takes the outcome of the operation.
func (in *Instance) settle(call uint32, r component.Result) {
	if call != in.operation || in.outcome != nil {
		return // It is over: the contract says to ignore it.
	}
	if !r.OK {
		in.outcome = &outcome{failure: in.decode(r.Value.(component.Record))}
		return
	}
	value := r.Value.(string)
	in.outcome = &outcome{value: value}
	l := &in.config.Limits
	if over := in.writes(len(value)); over != nil {
		in.outcome.failure = over.(*overLimit).failure()
	} else if depth(value) > l.ResultDepth {
		in.outcome.failure = (&overLimit{"ResultDepth", l.ResultDepth, "the result is nested more deeply than it may be"}).failure()
	} else if !json.Valid([]byte(value)) {
		in.outcome.failure = &Failure{Kind: InvalidArguments, Message: "the result is not JSON"}
	}
}

// decode makes a Failure of a `script-failure` of wit/script-host.wit.
func (in *Instance) decode(record component.Record) *Failure {
	most := in.config.Limits.FailureBytes
	f := &Failure{Kind: kinds[string(record[0].(component.Enum))], Message: cut(record[1].(string), most), Stack: cut(record[4].(string), most)}
	if line := record[2].(component.Option); line.Some {
		f.Line = int(line.Value.(uint32))
	}
	if column := record[3].(component.Option); column.Some {
		f.Column = int(column.Value.(uint32))
	}
	// An engine without memory cannot say more than that.
	if f.Kind == Runtime && in.guest.MemoryRefused() && outOfMemory[f.Message] {
		over := &overLimit{"MemoryBytes", in.config.Limits.MemoryBytes, "the script needs more memory than it may"}
		f.Kind, f.Message, f.Err = Limit, over.Error(), over
	}
	return f
}

// outOfMemory are the messages of errors for want of memory.
var outOfMemory = map[string]bool{
	"out of memory": true,
	"InternalError: allocation size overflow": true,
	"MemoryError":                      true,
	"RangeError: invalid array length": true,
}

// abandon forgets the calls of tools that the operation leaves. Those that run have been told to stop, and
// their answers come to the next operation, as failures.
func (in *Instance) abandon() {
	cs := &in.calls
	for _, c := range cs.byID {
		if c.record >= 0 {
			in.report.Calls[c.record].Duration = time.Since(c.begun)
		}
		c.record = -1
	}
	for _, c := range cs.queue {
		delete(cs.byID, c.id)
	}
	cs.queue = nil
}

// depth returns how deeply a JSON text is nested.
func depth(text string) int {
	now, deepest := 0, 0
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			now++
			deepest = max(deepest, now)
		case c == ']' || c == '}':
			now--
		}
	}
	return deepest
}
