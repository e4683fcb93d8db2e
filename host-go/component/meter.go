package component

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// quantum is the fuel between two safe points: well under a millisecond of most code, and a few milliseconds
// of the slowest code. A safe point costs less than a thousandth of that.
const quantum = 1 << 18

// stretch is the most that a guest is charged of the time between two checks: many times what a quantum takes.
// What took longer was not the guest's: its goroutine waited for a processor, or a host function waited.
const stretch = 50 * time.Millisecond

// liftQuantum is how many bytes of values may be lifted for each further stretch between two checks. That
// takes a fraction of a stretch, as a quantum does.
const liftQuantum = 4 << 20

// safePointName is the export of the host module that metered code calls at a safe point.
const safePointName = "safe-point"

// maxEffort is what one function may cost to compile: about as many nanoseconds of an otherwise idle
// processor, or bytes of memory. The costliest function seen in programs, a parser of 300 KB, takes half of
// it.
const maxEffort = 4_000_000_000

// metering says how core modules are metered.
var metering = wasm.Metering{Module: hostModule, Name: safePointName, Grow: growName, Grown: grownName, Quantum: quantum, Counter: "fuel", Start: "start", TableElements: maxTableElements}

// instrument prepares a core module for the core runtime: it gives imports the names that the core runtime
// knows, checks counts, and puts safe points into the code.
func (c *Compiled) instrument(ctx context.Context, b []byte) (out []byte, names wasm.Names, err error) {
	m := metering
	m.Off, m.Stop = c.r.cfg.Unmetered, ctx.Err
	if c.r.compiles() {
		m.Effort = maxEffort
	}
	return wasm.Instrument(b, m)
}

// meter stops a call that takes too long or uses too much.
type meter struct {
	counters []api.Global
	// granted is the fuel that safe points gave out. The counters hold the part of it that is unused.
	granted uint64
	// limit bounds granted during the call that runs, and given is the fuel of that call. Both are 0 for no
	// limit.
	limit, given uint64
	// ctx is the context of the call that runs, and done is closed when it ends. paused is how far its
	// deadline was put off.
	ctx    *callContext
	done   <-chan struct{}
	paused time.Duration
	// bound is how long the guest may compute in the call that runs, and 0 for no bound; computed is how long
	// it has, as of the last check, last. It is charged at most most of the time since then. now is time.Now,
	// but in tests.
	bound, computed, most time.Duration
	last                  time.Time
	now                   func() time.Time
}

// begin begins a call with the fuel given, and with a bound on computing. 0 is no limit.
func (m *meter) begin(done <-chan struct{}, given uint64, bound time.Duration) {
	m.done, m.paused = done, 0
	m.limit, m.given = 0, given
	if given > 0 {
		m.limit = m.granted + min(given, math.MaxUint64-m.granted)
	}
	if m.bound, m.computed, m.most = bound, 0, stretch; bound > 0 {
		m.last = m.now()
	}
}

// end ends a call.
func (m *meter) end() {
	if m.bound > 0 {
		m.charge(m.now())
	}
}

// charge charges the guest for the time since the last check.
func (m *meter) charge(now time.Time) {
	m.computed += min(max(0, now.Sub(m.last)), m.most)
	m.last, m.most = now, stretch
}

// lifted says that so many bytes of values were lifted since the last check: that takes as long as it takes.
func (m *meter) lifted(bytes uint64) {
	m.most += time.Duration(bytes/liftQuantum) * stretch
}

type fuelKey struct{}

// WithFuel returns a context whose calls have so much fuel each, in place of Limits.Fuel of the instance. 0
// is no limit. An instantiation is a call, and so is the drop of a resource.
func WithFuel(ctx context.Context, units uint64) context.Context {
	return context.WithValue(ctx, fuelKey{}, units)
}

// fuelOf returns the fuel of a call with the context.
func (in *Instance) fuelOf(ctx context.Context) uint64 {
	if units, ok := ctx.Value(fuelKey{}).(uint64); ok {
		return units
	}
	return in.limits.Fuel
}

type computingKey struct{}

// WithComputing returns a context whose calls trap when the guest has computed for longer than d in the call:
// the error is a *TrapError that is [context.DeadlineExceeded]. [Instance.Computed] says how long it has. An
// instantiation is a call, and so is the drop of a resource. When d is not positive, a call fails with
// context.DeadlineExceeded before it begins.
//
// Computing is the time that the guest itself has of a processor, lifting and lowering of its values included,
// and not the time of the wall clock. The runtime looks at the clock wherever it may stop the guest: of
// a stretch between two such places it counts at most 50 ms, a multiple of what one takes, or more when the
// guest has moved or passed much memory at once. So a guest on an overloaded machine is not charged for waiting
// for its turn, and host functions count as little. What [Instance.PutOff] puts off does not count at all. In an
// unmetered runtime there are few such places, and most computing is not seen.
//
// A deadline of the context bounds the call by the wall clock besides. WithComputing bounds no wait: a host
// function that waits needs a context that ends.
func WithComputing(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, computingKey{}, d)
}

// computingOf returns the bound on computing of a call with the context, and 0 for none. The error is
// context.DeadlineExceeded when nothing may be computed.
func computingOf(ctx context.Context) (time.Duration, error) {
	d, ok := ctx.Value(computingKey{}).(time.Duration)
	if ok && d <= 0 {
		return 0, context.DeadlineExceeded
	}
	return d, nil
}

// safePoint stops a guest whose time or fuel is over. Metered code calls it when the code's counter is used
// up. safePoint is a Go function, so the garbage collector can stop the goroutine there.
func safePoint(ctx context.Context, _ api.Module, stack []uint64) {
	in := instanceOf(ctx)
	m := &in.fuel
	counter := int32(stack[0])
	quanta := 0
	for counter <= 0 {
		counter += quantum
		m.granted += quantum
		quanta++
	}
	stack[0] = uint64(uint32(counter))
	if m.limit > 0 && m.granted > m.limit {
		trap.Throw(&LimitError{Resource: "fuel", Limit: m.given})
	}
	m.CheckTime()
	m.most = time.Duration(max(1, quanta)) * stretch // A bulk operation that comes next has paid for itself.
	in.checkStack()
}

// PutOff says that a host function has waited for d, when the wait is not to count as the guest's time. In a
// call with [WithComputing] it is not counted as computing, and the deadline of the context stays: it bounds the
// wall clock. In any other call the deadline is put off. Call it only from a host function of the instance. The
// loading of code that the guest needs is put off in the same way.
func (in *Instance) PutOff(d time.Duration) { in.fuel.pause(d) }

// AddComputing lets the guest compute for d more in the call that runs, where the call has a bound of
// [WithComputing]. Call it only from a host function of the instance.
func (in *Instance) AddComputing(d time.Duration) {
	if m := &in.fuel; m.bound > 0 {
		m.bound += min(max(0, d), math.MaxInt64-m.bound)
	}
}

// Computed returns how long the guest computed in the last call, as [WithComputing] says; 0 when that call had
// no such bound. Do not call it during a call.
func (in *Instance) Computed() time.Duration { return in.fuel.computed }

// pause has d of the time since the last check not count.
func (m *meter) pause(d time.Duration) {
	if m.bound == 0 {
		m.paused += d
		return
	}
	// What is to come is charged, whatever a host function says that it has waited.
	if now := m.now(); d < now.Sub(m.last) {
		m.last = m.last.Add(d)
	} else {
		m.last = now
	}
}

// CheckTime traps when the context of the call has ended, or the guest has computed for too long. It also looks
// at the deadline itself: under load the context's timer may be late.
func (m *meter) CheckTime() {
	if m.done == nil && m.bound == 0 {
		return
	}
	deadline, ok := m.ctx.Deadline()
	late := false
	if ok || m.bound > 0 {
		now := m.now()
		late = ok && !now.Before(deadline.Add(m.paused))
		if m.bound > 0 {
			m.charge(now)
		}
	}
	select {
	case <-m.done:
		if late || m.paused == 0 || !errors.Is(m.ctx.Err(), context.DeadlineExceeded) {
			trap.Throw(m.ctx.Err())
		}
	default:
	}
	if late || m.bound > 0 && m.computed > m.bound {
		trap.Throw(context.DeadlineExceeded)
	}
}

// FuelUsed returns how much fuel the instance has used since it was made, its instantiation included. A unit
// is about one instruction. A guest pays for a stretch of code by its length when it enters the stretch, for
// a long one in parts, for a short loop in groups of four turns, and for a bulk operation by how much it
// moves. The same calls use the same fuel. FuelUsed is 0 in an unmetered runtime. Do not call it during a
// call.
func (in *Instance) FuelUsed() uint64 {
	used := int64(in.fuel.granted)
	for _, c := range in.fuel.counters {
		used += quantum - int64(int32(c.Get()))
	}
	return uint64(used)
}
