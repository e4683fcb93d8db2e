package component

import (
	"context"
	"errors"

	"github.com/tetratelabs/wazero/api"

	"github.com/caisson-dev/caisson/host-go/component/internal/abi"
)

// ErrNotMovable is the error of [Instance.Move] for an instance that cannot move.
var ErrNotMovable = errors.New("component: the instance cannot move: its component was not prepared, is another one, or keeps state in tables")

// Move has an instance of a prepared component go on in other code of the same component: for example, an
// instance that began in the interpreter goes on in compiled code. Its memory, globals and handles stay as
// they are. Get functions from [Instance.ExportedFunction] again after it. Do not call it during a call.
// ErrNotMovable, ErrReentered and ErrInstanceDead leave the instance as it was. After any other error, that
// of instantiating, the instance is dead.
func (in *Instance) Move(ctx context.Context, to *Compiled) error {
	if !in.c.movable || !to.movable || in.c.prepared != to.prepared {
		return ErrNotMovable
	}
	if in.state.Load() == idle && in.c == to {
		return nil
	}
	return in.enter(ctx, "move", func() { in.move(ctx, to) })
}

func (in *Instance) move(ctx context.Context, to *Compiled) {
	var state [][]uint64
	for i := range in.modules {
		state = append(state, in.globals(i))
	}
	old := &Instance{modules: in.modules, chunks: in.chunks}
	defer func() { _ = old.closeModules(ctx) }()
	left := in.budget.left
	in.c, in.modules, in.chunks, in.owners = to, make([]api.Module, len(old.modules)), nil, nil
	in.fuel.counters = nil
	in.moved, in.reused = true, false
	in.allocator.Move()
	for i := range in.c.program.Instances {
		in.instantiate(i) // The state that a start function left moves with the instance.
	}
	for i := range in.modules {
		in.setGlobals(i, state[i])
	}
	in.allocator.Keep()
	for _, o := range in.options {
		*o = instanceOptions{Options: abi.Options{Encoding: o.Encoding}}
	}
	clear(in.lifts)
	in.kept = 0
	in.budget.left = left // The instance holds as much as before.
	in.memory = in.memories()
}

// ownGlobals returns the names of the globals that a core instance defines.
func (in *Instance) ownGlobals(i int) []string {
	if k := in.c.program.Instances[i].Module; k >= 0 {
		return in.c.globals[k]
	}
	return nil
}

// globals returns the values of the globals that a core instance defines.
func (in *Instance) globals(i int) (values []uint64) {
	for _, name := range in.ownGlobals(i) {
		values = append(values, in.modules[i].ExportedGlobal(name).Get())
	}
	return values
}

func (in *Instance) setGlobals(i int, values []uint64) {
	for k, name := range in.ownGlobals(i) {
		in.modules[i].ExportedGlobal(name).(api.MutableGlobal).Set(values[k])
	}
}
