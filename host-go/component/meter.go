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
}

// begin begins a call with the fuel given. 0 is no limit.
func (m *meter) begin(done <-chan struct{}, given uint64) {
	m.done, m.paused = done, 0
	m.limit, m.given = 0, given
	if given > 0 {
		m.limit = m.granted + min(given, math.MaxUint64-m.granted)
	}
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

// safePoint stops a guest whose time or fuel is over. Metered code calls it when the code's counter is used
// up. safePoint is a Go function, so the garbage collector can stop the goroutine there.
func safePoint(ctx context.Context, _ api.Module, stack []uint64) {
	in := instanceOf(ctx)
	m := &in.fuel
	counter := int32(stack[0])
	for counter <= 0 {
		counter += quantum
		m.granted += quantum
	}
	stack[0] = uint64(uint32(counter))
	if m.limit > 0 && m.granted > m.limit {
		trap.Throw(&LimitError{Resource: "fuel", Limit: m.given})
	}
	m.CheckTime()
	in.checkStack()
}

// PutOff puts off the deadline of the call that runs: for a host function that waited, when the wait is not to
// count as the guest's time. Call it only from a host function of the instance.
func (in *Instance) PutOff(d time.Duration) { in.fuel.pause(d) }

// Paused returns how far the deadline of the last call was put off: by PutOff, and by the loading of code. Do not
// call it during a call.
func (in *Instance) Paused() time.Duration { return in.fuel.paused }

// pause puts off the deadline of the call that runs.
func (m *meter) pause(d time.Duration) { m.paused += d }

// CheckTime traps when the context of the call has ended. It also looks at the deadline itself: under load
// the context's timer may be late.
func (m *meter) CheckTime() {
	if m.done == nil {
		return
	}
	deadline, ok := m.ctx.Deadline()
	late := ok && !time.Now().Before(deadline.Add(m.paused))
	select {
	case <-m.done:
		if late || m.paused == 0 || !errors.Is(m.ctx.Err(), context.DeadlineExceeded) {
			trap.Throw(m.ctx.Err())
		}
	default:
	}
	if late {
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
