package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"golang.org/x/time/rate"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
	"github.com/caisson-dev/caisson/host-go/internal/record"
)

// An instance is one instance of the core. Its own goroutine owns all its fields except the mailbox and
// the budget, which are safe for concurrent use. So the core needs no locks.
type instance struct {
	engine  *Engine
	session *Session // nil in a replay
	mailbox *mailbox
	limits  Limits
	budget  *budget
	logger  *slog.Logger
	lines   *lines
	code    *code
	core    Sandbox
	exports exports
	stopped chan struct{}  // closed when its own goroutine has ended
	record  *record.Writer // nil when the session is not recorded
	asked   bool           // the host has begun what is done, and no event
	gone    *Failure       // the core says that the session has ended
	// authorizing says that a step of an authorization is being taken.
	authorizing bool
	steps       *rate.Limiter
	dead        bool    // the core has trapped, and everything is free
	batch       []event // room for events
	events      []any   // and for what they are to the core

	calls    map[uint32]*call
	progress map[string]*call // by the token that the call was sent with
	asks     map[uint32]*question
	lastCall uint32
	throttle *throttle

	exchanges, pipes refs
	templates        map[uint32]template
	causes           causes
}

// exports are the functions of the core that the host calls.
type exports struct {
	client  map[string]Function
	deliver Function
}

func (e *Engine) newInstance(logger *slog.Logger, limits Limits, maxMessage int64) *instance {
	m := newMailbox()
	return &instance{
		engine:    e,
		mailbox:   m,
		limits:    limits,
		budget:    &budget{limits: budgetLimits(limits, maxMessage)},
		logger:    logger,
		stopped:   make(chan struct{}),
		calls:     map[uint32]*call{},
		progress:  map[string]*call{},
		asks:      map[uint32]*question{},
		throttle:  newThrottle(m),
		templates: map[uint32]template{},
		steps:     rate.NewLimiter(rate.Every(stepInterval), mostSteps),
	}
}

// instantiate makes the instance, with an interceptor on its boundary. It does not run yet.
func (in *instance) instantiate(ctx context.Context, t interceptor) error {
	e := in.engine
	linker := component.NewLinker()
	// What the engine inside the core prints goes to the log; nothing else of WASI is granted.
	output := &logWriter{logger: in.logger}
	config := &wasi.Config{Stdout: output, Stderr: output}
	t.sources(config)
	wasi.AddToLinker(linker, config)
	in.addImports(interceptedLinker{linker, t})
	if err := e.use(ctx, in); err != nil {
		return err
	}
	if err := in.makeCore(ctx, linker); err != nil {
		e.release(in)
		return err
	}
	if err := in.findExports(); err != nil {
		_ = in.core.Close(context.WithoutCancel(ctx))
		in.core = nil
		e.release(in)
		return err
	}
	return nil
}

// makeCore makes the core's instance, here or in a worker.
func (in *instance) makeCore(ctx context.Context, linker *component.Linker) error {
	limits := component.Limits{Memory: uint64((in.limits.MemoryBytes + pageSize - 1) / pageSize * pageSize)}
	// As for an export: a core may compute while it is made.
	within := in.limits.GuestTime
	if w := in.engine.workers; w != nil {
		made, err := w.instantiate(ctx, within, func(ctx context.Context, r *component.Remote) error { return r.Instantiate(ctx, linker, limits) })
		if err == nil {
			in.core = made
		}
		return err
	}
	ctx, cancel := Bounded(ctx, within)
	defer cancel()
	made, err := in.code.compiled.InstantiateWith(ctx, linker, limits)
	if err == nil {
		in.core = local{made}
	}
	return err
}

const pageSize = 64 << 10

func (in *instance) findExports() error {
	in.exports.client = map[string]Function{}
	names := append([]string{connect, closeSession, ping, request, notify, cancelCall}, withParams...)
	for _, name := range names {
		f, err := in.findExport("client@0.1.0#" + name)
		if err != nil {
			return err
		}
		in.exports.client[name] = f
	}
	var err error
	in.exports.deliver, err = in.findExport("ingress@0.1.0#deliver")
	return err
}

func (in *instance) findExport(name string) (Function, error) {
	f := in.core.ExportedFunction("caisson:mcp/" + name)
	if f == nil {
		return nil, fmt.Errorf("the component does not export caisson:mcp/%s", name)
	}
	return f, nil
}

// run is the instance's own goroutine: it handles the items of the mailbox until the mailbox is closed. It
// owns an item until the item is done: then a call has settled, or the core has it.
func (in *instance) run() {
	defer close(in.stopped)
	var items []item
	for {
		var ok bool
		if items, ok = in.mailbox.take(items); !ok {
			if !in.dead {
				in.free(in.session.closedFailure("close"))
			}
			return
		}
		if err := in.do(items); err != nil {
			in.die(err, items)
		}
	}
}

func (in *instance) do(items []item) (err error) {
	for i := 0; i < len(items) && err == nil; {
		n := 1
		switch it := &items[i]; {
		case it.begin != nil:
			in.asked = true
			if err = in.awaitCompiler(len(it.begin.operation.Params), it.begin.ctx.Done()); err == nil {
				err = in.begin(it.begin)
			}
			in.asked = false
		case it.cancel != nil:
			err = in.cancel(it.cancel)
		case it.move:
			err = in.move()
		case it.due:
			err = in.tell()
		default:
			// Events that wait together are delivered together: entering the core costs more than an
			// event does. But not too many of them: each entry has its own MaxGuestTime, and a server may
			// fill the mailbox with tens of thousands of small messages.
			size := 0
			events := in.batch[:0]
			for _, it := range items[i:] {
				if it.event == nil || len(events) > 0 && size+it.size > batchBytes {
					break
				}
				events, size = append(events, it.event), size+it.size
			}
			n = len(events)
			if err = in.awaitCompiler(size, nil); err == nil {
				err = in.deliver(events)
			}
			clear(events)
			in.batch = events
		}
		i += n
	}
	return err
}

// tell delivers the events that the core causes itself: timers that are due, and refused effects.
func (in *instance) tell() error {
	refused := len(in.throttle.refused)
	events := in.throttle.take()
	if len(events) == 0 {
		in.throttle.arm()
		return nil
	}
	in.budget.give(refusals, int64(refused))
	in.budget.give(timersSet, int64(len(events)-refused))
	err := in.deliver(events)
	in.throttle.pause(in.core.Computed())
	return err
}

// refuse adds the event of an effect that ended before it began. Too many of these end the session.
func (in *instance) refuse(e event) error {
	if over := in.budget.take(refusals, 1); over != nil {
		return over
	}
	in.throttle.refuse(e)
	return nil
}

// deliver returns events to the core.
func (in *instance) deliver(events []event) error {
	values := in.events[:0]
	for _, e := range events {
		if value, ok := e.encode(in); ok {
			values = append(values, value)
		}
	}
	if len(values) == 0 {
		return nil
	}
	err := in.enter(in.exports.deliver, values)
	if inspect := in.session.config.Inspect; inspect != nil {
		inspect(in.core.Memories())
	}
	clear(values) // A chunk is not kept for the next ones' sake.
	in.events = values
	return err
}

// begin gives a call its id and enters the core with it.
func (in *instance) begin(c *call) error {
	if c.ctx.Err() != nil { // Nobody waits, and nothing was sent.
		c.drop(contextEnded(c.ctx))
		return nil
	}
	if op := &c.operation; op.Export != closeSession && c.session.over() {
		c.drop(c.session.closedFailure(op.Method)) // The core has forgotten the session, and would say that there is none.
		return nil
	}
	in.lastCall++
	for in.lastCall == 0 || in.calls[in.lastCall] != nil {
		in.lastCall++
	}
	c.id = in.lastCall
	in.calls[c.id] = c
	op := &c.operation
	if op.Progress != nil {
		in.progress[op.Progress.Token] = c
	}
	args := []any{c.id, c.session.id}
	switch op.Export {
	case connect:
		args = append(args, encodeSessionConfig(&c.session.config))
	case ping, closeSession:
	case request, notify:
		args = append(args, op.Method, op.Params)
	default:
		args = append(args, op.Params)
	}
	err := in.enter(in.exports.client[op.Export], args...)
	op.Params = "" // The core has it.
	var wrong *component.ValueError
	if errors.As(err, &wrong) { // The core was not entered, and is well.
		in.settle(c.id, outcome{failure: &Failure{Kind: InvalidArgument, Step: op.Method, Message: "the core cannot be given it: " + wrong.Msg, Err: err}})
		return nil
	}
	return err
}

// cancel tells the core to give up a call whose caller has gone.
func (in *instance) cancel(c *call) error {
	if c.id == 0 || in.calls[c.id] != c {
		return nil // It never began, or has settled.
	}
	reason := "the client gave the call up"
	if cause := context.Cause(c.ctx); cause != nil {
		reason = cause.Error()
	}
	return in.enter(in.exports.client[cancelCall], c.id, valid(reason))
}

// enter calls an export. It is the only place where the core runs.
func (in *instance) enter(f Function, args ...any) error {
	ctx, cancel := Bounded(context.Background(), in.limits.GuestTime)
	defer cancel()
	in.record.Call(f.Name(), args)
	_, err := f.Call(ctx, args...)
	if in.gone != nil {
		// They have settled, the core says: what it has forgotten is settled here.
		in.settleAll(in.gone)
	}
	return err
}

// settle gives a call its outcome.
func (in *instance) settle(id uint32, o outcome) {
	c := in.calls[id]
	if c == nil {
		return // A second outcome: the contract says to ignore it.
	}
	delete(in.calls, id)
	if p := c.operation.Progress; p != nil && in.progress[p.Token] == c {
		delete(in.progress, p.Token)
	}
	if f := o.failure; f != nil && f.Kind == Unreachable && c.task {
		// A question about the task had no connection. The call itself has been sent, and goes on.
		broken := *f
		broken.Kind = Transport
		o.failure = &broken
	}
	c.release()
	c.settle(o)
}

func (in *instance) settleAll(f *Failure) {
	for id := range in.calls {
		in.settle(id, outcome{failure: f})
	}
}

// die ends an instance whose core has trapped, with what was taken from its mailbox and may not be
// done yet. It is never entered again.
func (in *instance) die(err error, items []item) {
	in.dead = true
	f := in.trapped("core", err)
	var over *overBudget
	if errors.As(err, &over) {
		f.Kind, f.Message = Limit, "the session was ended: "+over.Error()
	}
	in.record.Trap(err)
	in.session.config.Logger.Error("the core stopped", "server", in.session.config.Grant.Server, "error", cut(err.Error()))
	in.session.end(f)
	// Its command and its sockets serve nobody now. Session.Close waits for the same.
	go in.session.egress.Close()
	dropAll(items, f)
	in.free(f)
}

// dropAll settles the calls among items that never began.
func dropAll(items []item, f *Failure) {
	for _, it := range items {
		if it.begin != nil && it.begin.id == 0 {
			it.begin.drop(f)
		}
	}
}

// free ends every call with f and gives back what the instance holds.
func (in *instance) free(f *Failure) {
	dropAll(in.mailbox.close(), f)
	in.settleAll(f)
	in.throttle.stop()
	for _, q := range in.asks {
		q.stop()
	}
	_ = in.core.Close(context.Background())
	in.engine.release(in)
	in.lines.end()
	in.record.Close()
}

// stop ends the instance's goroutine and waits for it.
func (in *instance) stop() {
	dropAll(in.mailbox.close(), in.session.closedFailure("close"))
	<-in.stopped
}
