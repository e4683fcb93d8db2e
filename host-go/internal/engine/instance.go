package engine

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
	"github.com/caisson-dev/caisson/host-go/internal/record"
	"github.com/caisson-dev/caisson/host-go/internal/without"
)

// An instance is one instance of the core. All that is here belongs to the goroutine that has the
// instance, save for the mailbox, which says who that is: the core has no locks around it, and needs
// none.
type instance struct {
	engine  *Engine
	session *Session
	mailbox *mailbox
	code    *code
	core    *component.Instance
	exports exports
	stopped chan struct{}  // closed when its own goroutine has ended
	record  *record.Writer // nil when the session is not recorded
	swift   atomic.Bool    // compiled code runs
	alone   bool           // nothing else waits behind what is done
	dead    bool           // the core has trapped, and everything is free
	events  []any          // room for them

	calls    map[uint32]*call
	progress map[string]*call // by the token that the call was sent with
	asks     map[uint32]*question
	lastCall uint32
	timers   map[uint32]*timer

	exchanges, pipes refs
	templates        map[uint32]*egress.Template
	causes           causes
}

// exports are the functions of the core that the host calls.
type exports struct {
	client  map[string]*component.Function
	deliver *component.Function
}

// instantiate makes an instance with a tap on its boundary. It has no session yet, and does not run.
func (e *Engine) instantiate(ctx context.Context, t tap) (*instance, error) {
	in := &instance{
		engine:   e,
		mailbox:  newMailbox(),
		stopped:  make(chan struct{}),
		calls:    map[uint32]*call{},
		progress: map[string]*call{},
		asks:     map[uint32]*question{},
		timers:   map[uint32]*timer{},

		templates: map[uint32]*egress.Template{},
	}
	linker := component.NewLinker()
	// What the engine inside the core prints goes to the log; nothing else of WASI is granted.
	output := &logWriter{logger: e.config.Logger}
	config := &wasi.Config{Stdout: output, Stderr: output}
	t.sources(config)
	wasi.AddToLinker(linker, config)
	in.addImports(tappedLinker{linker, t})
	e.use(in)
	var err error
	if in.core, err = in.code.compiled.Instantiate(ctx, linker); err != nil {
		e.release(in)
		return nil, err
	}
	if err := in.findExports(); err != nil {
		_ = in.core.Close(context.WithoutCancel(ctx))
		e.release(in)
		return nil, err
	}
	return in, nil
}

func (in *instance) findExports() error {
	in.exports.client = map[string]*component.Function{}
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

func (in *instance) findExport(name string) (*component.Function, error) {
	f := in.core.ExportedFunction("caisson:mcp/" + name)
	if f == nil {
		return nil, fmt.Errorf("the component does not export caisson:mcp/%s", name)
	}
	return f, nil
}

// run is the instance's own goroutine: it does what nobody else does, until the mailbox is closed.
func (in *instance) run() {
	defer close(in.stopped)
	for {
		items, ok := in.mailbox.take()
		if !ok {
			if !in.dead {
				in.free(in.session.closedFailure("close"))
			}
			return
		}
		in.work(items)
	}
}

// put has an item done, and reports whether somebody will. When nobody has the instance and the core
// takes no time over it, the caller does it: another goroutine would have to be woken.
func (in *instance) put(it item) bool {
	size := it.size
	if it.begin != nil {
		size = len(it.begin.operation.Params)
	}
	if size > inlineBytes || !in.swift.Load() || without.Callers {
		return in.mailbox.put(it)
	}
	items, ok := in.mailbox.putOrTake(it)
	if len(items) > 0 {
		in.work(items)
	}
	return ok
}

// inlineBytes is how large something may be that who brings it gives to the core: the caller of a
// call cannot hear of its context meanwhile.
const inlineBytes = 64 << 10

// work does items for who has the instance, and lets go of it.
func (in *instance) work(items []item) {
	in.alone = len(items) == 1
	if err := in.do(items); err != nil {
		in.die(err)
	}
	in.mailbox.release(items)
}

func (in *instance) do(items []item) (err error) {
	for i := 0; i < len(items) && err == nil; {
		switch it := &items[i]; {
		case it.begin != nil:
			if err = in.awaitCompiler(len(it.begin.operation.Params), it.begin.ctx.Done()); err == nil {
				err = in.begin(it.begin)
			}
			i++
		case it.cancel != nil:
			err = in.cancel(it.cancel)
			i++
		case it.move:
			err = in.move()
			i++
		default:
			// Events that wait together are delivered together: entering the core costs more than an
			// event does.
			n, size := 0, 0
			for _, it := range items[i:] {
				if it.event == nil {
					break
				}
				n, size = n+1, size+it.size
			}
			if err = in.awaitCompiler(size, nil); err == nil {
				err = in.deliver(items[i : i+n])
			}
			i += n
		}
	}
	return err
}

// deliver tells the core of events.
func (in *instance) deliver(items []item) error {
	events := in.events[:0]
	for i := range items {
		if event, ok := items[i].event.encode(in); ok {
			events = append(events, event)
		}
	}
	if len(events) == 0 {
		return nil
	}
	err := in.enter(in.exports.deliver, events)
	clear(events) // A chunk is not kept for the next ones' sake.
	in.events = events
	return err
}

// begin gives a call its id and enters the core with it.
func (in *instance) begin(c *call) error {
	if c.ctx.Err() != nil {
		return nil // Nobody waits, and nothing was sent.
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
	f := in.exports.client[op.Export]
	switch op.Export {
	case connect:
		return in.enter(f, c.id, c.session.id, encodeSessionConfig(&c.session.config))
	case ping, closeSession:
		return in.enter(f, c.id, c.session.id)
	case request, notify:
		return in.enter(f, c.id, c.session.id, op.Method, op.Params)
	default:
		return in.enter(f, c.id, c.session.id, op.Params)
	}
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
	return in.enter(in.exports.client[cancelCall], c.id, reason)
}

// enter calls an export. It is the only place where the core runs.
func (in *instance) enter(f *component.Function, args ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), in.engine.config.MaxGuestTime)
	defer cancel()
	in.record.Call(f.Name(), args)
	_, err := f.Call(ctx, args...)
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
	c.settle(o)
}

// die ends an instance whose core has trapped. It is never entered again.
func (in *instance) die(err error) {
	in.dead = true
	f := &Failure{Kind: Trap, Step: "core", Message: "the sandboxed core stopped: " + err.Error(), Err: err}
	in.record.Trap(err)
	in.engine.config.Logger.Error("the core trapped", "server", in.session.config.Grant.Server, "error", err)
	in.session.end(f)
	in.free(f)
	// Its command and its sockets serve nobody now. Session.Close waits for the same.
	go in.session.egress.Close()
}

// free ends every call with f and gives back what the instance holds.
func (in *instance) free(f *Failure) {
	for _, it := range in.mailbox.close() {
		if it.begin != nil {
			it.begin.settle(outcome{failure: f})
		}
	}
	for id := range in.calls {
		in.settle(id, outcome{failure: f})
	}
	for _, t := range in.timers {
		t.wait.Stop()
	}
	for _, q := range in.asks {
		q.cancel()
	}
	_ = in.core.Close(context.Background())
	in.record.Close()
	in.engine.release(in)
}

// stop ends the instance's goroutine and waits for it.
func (in *instance) stop() {
	for _, it := range in.mailbox.close() {
		if it.begin != nil {
			it.begin.settle(outcome{failure: in.session.closedFailure(it.begin.operation.Method)})
		}
	}
	<-in.stopped
}
