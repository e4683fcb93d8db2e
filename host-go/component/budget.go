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
	growing     uint64 // taken for a table that is about to grow
	refused     bool   // whether Limits.Memory kept a memory or a table from growing
}

// Take takes n bytes. It returns false, and takes nothing, when fewer are left.
func (b *budget) Take(n uint64) bool {
	if n > b.left {
		return false
	}
	b.left -= n
	return true
}

// Give gives back n bytes that Take or Charge took.
func (b *budget) Give(n uint64) { b.left += n }

// Left returns how many bytes are left.
func (b *budget) Left() uint64 { return b.left }

// Refused notes that the budget kept a memory or a table from growing.
func (b *budget) Refused() { b.refused = true }

// Charge takes n bytes for a resource. It traps when fewer are left.
func (b *budget) Charge(n uint64, resource string) {
	if !b.Take(n) {
		trap.Throw(&LimitError{Resource: resource, Limit: b.limit})
	}
}

// MemoryRefused reports whether Limits.Memory has kept a memory or a table from growing since the instance
// was made. A guest that cannot go on without the memory traps by itself, for example with unreachable:
// MemoryRefused then tells the cause. Do not call it while a call runs.
func (in *Instance) MemoryRefused() bool { return in.budget.refused }

// The costs are the bytes that the host holds for one of each. A cost on the Go heap is doubled: the heap
// grows to twice what is alive before the collector runs. TestCosts measures each cost.
const (
	coreInstanceCost = 2 * 7 << 10
	coreFunctionCost = 2 * 36
	importCost       = 2 * 48 // one import of a core instance
	globalCost       = 2 * 96
	tableCost        = 2 * 128
	tableElementCost = 2 * 8
	referenceCost    = 2 * 48 // one reference to a function in an element segment
	segmentCost      = 2 * 32 // one segment of data or elements
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

// chargeModule charges an instance of a core module. It leaves out the memory, which is charged when it is
// allocated.
func (b *budget) chargeModule(m *wasm.Module) {
	b.Charge(coreInstanceCost+uint64(m.Functions)*coreFunctionCost+uint64(len(m.Imports))*importCost+uint64(m.Segments)*segmentCost+uint64(m.References)*referenceCost, "core instances")
	b.Charge(uint64(m.Globals)*globalCost, "globals")
	for _, t := range m.Tables {
		b.Charge(tableCost+min(t.Min, maxTableElements+1)*tableElementCost, "tables")
	}
}

// chargeMembers charges an instance of n inline exports.
func (b *budget) chargeMembers(n int) {
	b.Charge(coreInstanceCost+uint64(n)*importCost, "core instances")
}

// growName and grownName are exports of the host module. Metered code calls the first before a table grows,
// and the second after it.
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

// grownTable gives back the bytes of growTable when the table did not grow, because of its own maximum.
func grownTable(ctx context.Context, _ api.Module, stack []uint64) {
	b := &instanceOf(ctx).budget
	if uint32(stack[0]) == refused {
		b.Give(b.growing)
	}
	b.growing = 0
}

// refused is -1 as a uint32. table.grow returns it for a failure. As a number of elements it is more than any
// table may have.
const refused = 1<<32 - 1
