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

// quantum is the fuel between two safe points: well under a millisecond of most
// code, and a few milliseconds of the slowest. A safe point costs less than a
// thousandth of that.
const quantum = 1 << 18

// safePointName is the export of the host module that metered code calls.
const safePointName = "safe-point"

// maxEffort is what one function may cost to compile: about as many nanoseconds
// of a quiet processor, or bytes of memory. The most that was seen in programs,
// a parser of 300 KB in one function, is half of it.
const maxEffort = 4_000_000_000

// metering is what core modules get.
var metering = wasm.Metering{Module: hostModule, Name: safePointName, Grow: growName, Grown: grownName, Quantum: quantum, Counter: "fuel", Start: "start", TableElements: maxTableElements}

// instrument prepares a core module for the core runtime: import names that it
// takes, counts that were checked, and safe points in the code.
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
	// granted is the fuel that safe points gave out. What of it is left is in
	// the counters.
	granted uint64
	// limit is where granted may go in the call that runs, which is given given;
	// 0 for anywhere.
	limit, given uint64
	// ctx is the context of the call that runs, done its end, paused by how much
	// its deadline was put off.
	ctx    *callContext
	done   <-chan struct{}
	paused time.Duration
}

// begin begins a call that is given so much fuel, 0 for any amount.
func (m *meter) begin(done <-chan struct{}, given uint64) {
	m.done, m.paused = done, 0
	m.limit, m.given = 0, given
	if given > 0 {
		m.limit = m.granted + min(given, math.MaxUint64-m.granted)
	}
}

type fuelKey struct{}

// WithFuel returns the calls that are made with the context so much fuel each, in
// place of Limits.Fuel of the instance; 0 is no limit. An instantiation is a call,
// and so is the drop of a resource.
func WithFuel(ctx context.Context, units uint64) context.Context {
	return context.WithValue(ctx, fuelKey{}, units)
}

// fuelOf is how much fuel a call with the context has.
func (in *Instance) fuelOf(ctx context.Context) uint64 {
	if units, ok := ctx.Value(fuelKey{}).(uint64); ok {
		return units
	}
	return in.limits.Fuel
}

// safePoint is called by metered code when its counter is used up. Being Go, it
// is where the garbage collector can stop the goroutine, and where a guest is
// stopped whose time or fuel is over.
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

// pause puts off the deadline of the call that runs.
func (m *meter) pause(d time.Duration) { m.paused += d }

// CheckTime traps when the context of the call has ended. The deadline is
// looked at too: under load its timer may be late.
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

// FuelUsed returns how much fuel the instance has used since it was made, its
// instantiation included. A unit is in the order of one instruction: a stretch
// of code is paid for by its length when it is entered, a long one for a part of
// it, a short loop by four turns at a time, bulk operations by how much they move.
// The same calls use the same fuel. It is 0 in an unmetered runtime, and not to be
// called while a call runs.
func (in *Instance) FuelUsed() uint64 {
	used := int64(in.fuel.granted)
	for _, c := range in.fuel.counters {
		used += quantum - int64(int32(c.Get()))
	}
	return uint64(used)
}
