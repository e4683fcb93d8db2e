package component

import (
	"context"

	"github.com/caisson-dev/caisson/host-go/component/internal/abi"
	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
)

// enter runs f as a call of the host into the instance. Traps end the instance
// and come back as errors; a Go value that does not fit a type does not.
func (in *Instance) enter(ctx context.Context, name string, f func()) (err error) {
	if err := in.open(ctx); err != nil {
		return err
	}
	done := false
	defer in.leave(name, &done, &err)
	f()
	done = true
	return nil
}

// open begins a call of the host into the instance, which leave ends.
func (in *Instance) open(ctx context.Context) error {
	if !in.state.CompareAndSwap(idle, running) {
		if in.state.Load() == dead {
			return ErrInstanceDead
		}
		return ErrReentered
	}
	done := ctx.Done()
	if done != nil && ctx.Err() != nil {
		in.state.Store(idle)
		return ctx.Err()
	}
	in.callCtx.Context = ctx
	in.depth, in.begun, in.allowance.Held = 0, 0, 0
	in.fuel.begin(done, in.fuelOf(ctx))
	return nil
}

// leave is deferred by what calls open. Done is false when the call panicked.
func (in *Instance) leave(name string, done *bool, err *error) {
	in.callCtx.Context = nil
	if *done {
		in.state.Store(idle)
		return
	}
	*err = in.failed(name, recover())
}

// failed turns the cause of a call's end into its error.
func (in *Instance) failed(name string, cause any) error {
	switch x := cause.(type) {
	case *abi.ValueError:
		in.reset()
		in.state.Store(idle)
		return valueError(x)
	case *trap.Trap:
		in.state.Store(dead)
		return trapError(name, x)
	}
	in.state.Store(dead)
	panic(cause)
}

// reset takes back the marks of a call that ended before it entered the guest.
func (in *Instance) reset() {
	in.budget.Give(in.stacks)
	in.running, in.stacks = nil, 0
	for _, c := range in.comps {
		c.mayEnter, c.mayLeave = true, true
	}
	for _, l := range in.lifts {
		if l != nil {
			l.busy = false
		}
	}
}

// enterComponents marks the component instances that a call enters.
func enterComponents(set []*componentState) {
	for _, c := range set {
		if !c.mayEnter {
			cannotEnter()
		}
		c.mayEnter = false
	}
}

func cannotEnter() { trap.Throwf("cannot enter component instance") }

// deeper counts a call from component to component.
func (in *Instance) deeper() {
	if in.depth++; in.depth > in.limits.CallDepth {
		trap.Throw(&LimitError{Resource: "call depth", Limit: uint64(in.limits.CallDepth)})
	}
}

func leaveComponents(set []*componentState) {
	for _, c := range set {
		c.mayEnter = true
	}
}

// components returns component instances by their indices.
func (in *Instance) components(set []int) []*componentState {
	out := make([]*componentState, len(set))
	for i, k := range set {
		out[i] = in.comps[k]
	}
	return out
}
