package component

import (
	"context"

	"github.com/tetratelabs/wazero/api"

	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// budget is what an instance may make the host hold, in bytes (Limits.Memory).
type budget struct {
	limit, left uint64
	growing     uint64 // what was taken for a table that is about to grow
	refused     bool   // that a memory or a table grew
}

// Take takes n bytes, where there are so many.
func (b *budget) Take(n uint64) bool {
	if n > b.left {
		return false
	}
	b.left -= n
	return true
}

// Give gives back what was taken.
func (b *budget) Give(n uint64) { b.left += n }

// Left is how many bytes there are.
func (b *budget) Left() uint64 { return b.left }

// Refused notes that a memory or a table could not grow.
func (b *budget) Refused() { b.refused = true }

// Charge takes n bytes for a resource, or traps.
func (b *budget) Charge(n uint64, resource string) {
	if !b.Take(n) {
		trap.Throw(&LimitError{Resource: resource, Limit: b.limit})
	}
}

// MemoryRefused reports whether Limits.Memory has kept a memory or a table from growing since the instance
// was made. A guest that cannot go on without the memory traps by itself, for example with unreachable:
// MemoryRefused then tells the cause. Do not call it while a call runs.
func (in *Instance) MemoryRefused() bool { return in.budget.refused }

// What the host holds for one of each, in bytes. What is on the Go heap counts
// twice: the collector lets the heap grow to that before it looks for garbage.
// TestCosts measures each.
const (
	coreInstanceCost = 2 * 7 << 10
	coreFunctionCost = 2 * 36
	importCost       = 2 * 48 // of a core instance
	globalCost       = 2 * 96
	tableCost        = 2 * 128
	tableElementCost = 2 * 8
	referenceCost    = 2 * 48 // to a function, of an element segment
	segmentCost      = 2 * 32 // of data or elements
	componentCost    = 2 * 112
	optionsCost      = 2 * 112
	liftCost         = 2 * 8
	hostFuncCost     = 2 * 512
)

// chargeProgram charges the parts of an instance other than its core instances.
func (in *Instance) chargeProgram() {
	p := in.c.program
	in.budget.Charge(uint64(len(p.Components))*componentCost, "component instances")
	in.budget.Charge(uint64(len(p.Options))*optionsCost+uint64(len(p.Lifts))*liftCost+uint64(len(p.Imports))*hostFuncCost, "functions")
}

// chargeModule charges an instance of a core module, without its memory, which is charged when it is
// allocated.
func (b *budget) chargeModule(m *wasm.Module) {
	b.Charge(coreInstanceCost+uint64(m.Functions)*coreFunctionCost+uint64(len(m.Imports))*importCost+uint64(m.Segments)*segmentCost+uint64(m.References)*referenceCost, "core instances")
	b.Charge(uint64(m.Globals)*globalCost, "globals")
	for _, t := range m.Tables {
		b.Charge(tableCost+min(t.Min, maxTableElements+1)*tableElementCost, "tables")
	}
}

// chargeMembers charges an instance of inline exports.
func (b *budget) chargeMembers(n int) {
	b.Charge(coreInstanceCost+uint64(n)*importCost, "core instances")
}

// growName and grownName are the exports of the host module that metered code
// calls before and after a table grows.
const growName, grownName = "grow", "grown"

func growTable(ctx context.Context, _ api.Module, stack []uint64) {
	in := instanceOf(ctx)
	in.fuel.CheckTime()
	n := uint64(uint32(stack[0]))
	in.budget.growing = n * tableElementCost
	if !in.budget.Take(in.budget.growing) {
		in.budget.growing, stack[0] = 0, refused
		in.budget.Refused()
		return
	}
	in.fuel.granted += n / 4
}

// grownTable gives back what was taken when the table is at its own maximum.
func grownTable(ctx context.Context, _ api.Module, stack []uint64) {
	b := &instanceOf(ctx).budget
	if uint32(stack[0]) == refused {
		b.Give(b.growing)
	}
	b.growing = 0
}

// refused is -1: what table.grow gives, and more elements than a table has.
const refused = 1<<32 - 1
