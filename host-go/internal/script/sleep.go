package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/timers"
)

// A State is what an operation is while it waits, beside what the guest is.
type State struct {
	Limits    Limits          `json:"limits"`
	Operation uint32          `json:"operation"`
	Report    Report          `json:"report"`
	Made      int             `json:"made"`     // calls of tools
	Written   int             `json:"written"`  // bytes of the log
	Computed  time.Duration   `json:"computed"` // so far, and the same of what it waited
	Waited    time.Duration   `json:"waited"`
	Left      time.Duration   `json:"left"` // of Limits.Time
	Calls     []SavedCall     `json:"calls,omitempty"`
	Timers    []timers.Timer  `json:"timers,omitempty"`
	Random    []byte          `json:"random"`
	Now       time.Time       `json:"now"`
	Ordered   bool            `json:"ordered,omitempty"`
	At        time.Time       `json:"at"`        // when it was saved
	Monotonic time.Duration   `json:"monotonic"` // the clock, then
	WASI      json.RawMessage `json:"wasi"`
}

// A SavedCall is a call of a tool that has not gone out.
type SavedCall struct {
	ID        uint32 `json:"id"`
	Server    string `json:"server"`
	Tool      string `json:"tool"`
	Arguments string `json:"arguments"` // as the script has given them
	Record    int    `json:"record"`    // its place among the Calls of the Report
}

// slept is what an operation has used before it slept.
type slept struct{ computed, waited time.Duration }

// These are why an instance does not sleep.
var (
	// ErrInside says that the script waits inside of code that cannot await.
	ErrInside = errors.New("the script waits in a synchronous call, whose stack is not a part of what can be saved: a script that is to sleep waits by await")
	// ErrRecorded says that the run is recorded.
	ErrRecorded = errors.New("the run is recorded, and its recording has no part that is made elsewhere")
	// ErrOver says that the operation has ended.
	ErrOver = errors.New("the run has ended")
)

// UnderwayError says that a script did not come to wait for nothing but timers and approvals in time.
type UnderwayError struct {
	Calls int   // that are underway; 0 when it computed
	Err   error // the context's
}

// Error says what the script did.
func (e *UnderwayError) Error() string {
	if e.Calls == 0 {
		return "the script has computed all the time: " + e.Err.Error()
	}
	return fmt.Sprintf("calls of tools are underway (%d), and a script sleeps only when there are none: %v", e.Calls, e.Err)
}

// Unwrap returns the context's error.
func (e *UnderwayError) Unwrap() error { return e.Err }

// A Save makes bytes of a state and of the guest, which writes what it is.
type Save func(state *State, guest func(to io.Writer) error) ([]byte, error)

// A request asks an instance to sleep.
type request struct {
	save    Save
	done    <-chan struct{} // closed when nobody waits for it any more
	settled atomic.Bool     // by the instance, or by who gives it up
	calls   atomic.Int64    // that are underway
	reply   chan reply
}

type reply struct {
	bytes []byte
	err   error
}

func (r *request) givenUp() <-chan struct{} {
	if r == nil {
		return nil
	}
	return r.done
}

// Sleep has the operation that runs save itself and end, as soon as it waits for nothing but timers and approvals. over is
// closed when the operation has ended. The error is ErrInside, ErrOver, an *UnderwayError when the context ended
// before, or that of save; the operation goes on then.
func (in *Instance) Sleep(ctx context.Context, over <-chan struct{}, save Save) ([]byte, error) {
	if in.config.Record != nil {
		return nil, ErrRecorded
	}
	r := &request{save: save, done: ctx.Done(), reply: make(chan reply, 1)}
	select {
	case in.requests <- r:
	case <-over:
		return nil, ErrOver
	case <-ctx.Done():
		return nil, &UnderwayError{Err: ctx.Err()}
	}
	select {
	case a := <-r.reply:
		return a.bytes, a.err
	case <-over:
	case <-ctx.Done():
		if r.settled.CompareAndSwap(false, true) {
			return nil, &UnderwayError{int(r.calls.Load()), ctx.Err()}
		}
	}
	select {
	case a := <-r.reply:
		return a.bytes, a.err
	case <-over:
	}
	select {
	case a := <-r.reply: // It has ended because it sleeps.
		return a.bytes, a.err
	default:
		return nil, ErrOver
	}
}

// sleeps saves the operation, if that is wanted and can be, and reports whether it did.
func (in *Instance) sleeps(at place) bool {
	r := in.request
	if r == nil {
		return false
	}
	no := func(err error) bool {
		in.request = nil
		if r.settled.CompareAndSwap(false, true) {
			r.reply <- reply{err: err}
		}
		return false
	}
	if at == inside {
		return no(ErrInside)
	}
	n := in.calls.underway()
	if r.calls.Store(int64(n)); n > 0 {
		return false
	}
	state, err := in.save()
	if err != nil {
		return no(err)
	}
	b, err := r.save(state, in.guest.Save)
	if err != nil {
		return no(err)
	}
	if !in.calls.withdraw(func() bool { return r.settled.CompareAndSwap(false, true) }) {
		// Somebody has said yes meanwhile, and the request waits for that call too; or it was given up.
		r.calls.Store(int64(in.calls.underway()))
		return false
	}
	in.request = nil
	r.reply <- reply{bytes: b}
	return true
}

// save returns the state of the operation.
func (in *Instance) save() (*State, error) {
	s := &State{
		Limits: in.config.Limits, Operation: in.operation, Report: in.report, Made: in.made, Written: in.written,
		Computed: in.computed, Waited: in.waited(), Left: in.clock.remaining(), Timers: in.timers.Save(),
		Now: in.config.Now, Ordered: in.config.Ordered, At: time.Now(), Monotonic: in.monotonic(),
	}
	for _, c := range in.calls.inOrder() {
		s.Calls = append(s.Calls, SavedCall{c.id, c.server, c.tool, string(c.arguments), c.record})
	}
	random, ok := in.config.Random.(*rand.ChaCha8)
	if !ok {
		return nil, errors.New("the source of random bytes has no state that can be saved")
	}
	var err error
	if s.Random, err = random.MarshalBinary(); err != nil {
		return nil, err
	}
	s.WASI, err = in.wasi.Save()
	return s, err
}

// Restore makes an instance of a state and what the guest has written with it. The config has no Limits, Random, Now
// and Ordered: they are the state's. No code of the guest runs before [Instance.Wake].
func Restore(ctx context.Context, config Config, state *State, guest io.Reader) (*Instance, *Failure) {
	if err := state.check(); err != nil {
		return nil, &Failure{Kind: Internal, Message: err.Error(), Err: err}
	}
	config.Limits, config.Now, config.Ordered = state.Limits, state.Now, state.Ordered
	random := &rand.ChaCha8{}
	if err := random.UnmarshalBinary(state.Random); err != nil {
		return nil, &Failure{Kind: Internal, Message: "the state of the random numbers: " + err.Error(), Err: ErrState}
	}
	config.Random = random
	if err := config.Engine.Compiled(ctx); err != nil {
		return nil, &Failure{Kind: ContextEnded, Message: err.Error(), Err: err}
	}
	in := newInstance(config)
	failure := in.instantiate(ctx, func(ctx context.Context, l *component.Linker) (*engine.Guest, error) {
		if err := in.wasi.Restore(state.WASI); err != nil {
			return nil, err
		}
		return config.Engine.Restore(ctx, l, config.Limits.instance(), config.Limits.Computing, guest)
	})
	if failure != nil {
		return nil, failure
	}
	ago := max(0, time.Since(state.At)) // The wall clock may have been set back.
	if !state.Now.IsZero() {
		ago = 0 // For the script no time has passed: what is due first stays so.
	}
	in.origin = time.Now().Add(-state.Monotonic - ago)
	in.operation, in.report, in.made, in.written = state.Operation, state.Report, state.Made, state.Written
	in.computed, in.slept = state.Computed, slept{state.Computed, state.Waited}
	in.timers.Restore(state.Timers, ago)
	for _, s := range state.Calls {
		c := &toolCall{id: s.ID, server: s.Server, tool: s.Tool, arguments: json.RawMessage(s.Arguments), record: s.Record, begun: state.Report.Calls[s.Record].Begun}
		in.calls.byID[c.id] = c
		in.calls.queue = append(in.calls.queue, c)
	}
	return in, nil
}

// ErrState says that a state is none that an instance has saved.
var ErrState = errors.New("the state of the run is not valid")

// check finds what no instance has saved, and what would not be a state of one.
func (s *State) check() error {
	l := &s.Limits
	if l.Check() != nil || s.Operation != firstOperation || s.Made < 0 || s.Written < 0 ||
		len(s.Calls) > l.ToolCalls || len(s.Report.Calls) > l.ToolCalls || len(s.Report.Logs) > l.LogLines || len(s.Timers) > l.Timers {
		return ErrState
	}
	ids := map[uint32]bool{}
	for _, c := range s.Calls {
		if ids[c.ID] || c.Record < 0 || c.Record >= len(s.Report.Calls) {
			return ErrState
		}
		ids[c.ID] = true
	}
	return nil
}

// Wake goes on with an operation that was restored, as [Instance.Run] would have.
func (in *Instance) Wake(ctx context.Context, left time.Duration) (json.RawMessage, *Report, *Failure) {
	return in.follow(ctx, left, func() *Failure {
		in.start()
		return nil
	})
}
