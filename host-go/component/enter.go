package component

import (
	"context"

	"github.com/caisson-dev/caisson/host-go/component/internal/abi"
	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
)

// enter runs f as a call of the host into the instance. A trap ends the instance and becomes an error. A Go
// value that does not fit a type becomes an error too, and the instance lives on.
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

// open begins a call of the host into the instance. leave ends the call.
func (in *Instance) open(ctx context.Context) error {
	if !in.state.CompareAndSwap(idle, running) {
		if in.state.Load() == dead {
			return ErrInstanceDead
		}
		return ErrReentered
	}
	done := ctx.Done()
	bound, err := computingOf(ctx)
	if done != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		in.fuel.computed = 0
		in.state.Store(idle)
		return err
	}
	in.callCtx.Context = ctx
	in.depth, in.begun, in.allowance.Held = 0, 0, 0
	in.fuel.begin(done, in.fuelOf(ctx), bound)
	return nil
}

// leave ends a call. The function that called open defers leave; done is false when the call panicked.
func (in *Instance) leave(name string, done *bool, err *error) {
	in.callCtx.Context = nil
	in.fuel.end()
	if *done {
		in.state.Store(idle)
		return
	}
	*err = in.failed(name, recover())
}

// failed returns the error of a call that ended with cause.
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

// reset clears the marks of a call that ended before it entered the guest.
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

// deeper counts a call from component to component. It traps when such calls nest too deep.
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

// components returns the component instances with the indices of set.
func (in *Instance) components(set []int) []*componentState {
	out := make([]*componentState, len(set))
	for i, k := range set {
		out[i] = in.comps[k]
	}
	return out
}
