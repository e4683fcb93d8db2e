package component

import "context"

// enter runs f as a call of the host into the instance. Traps end the instance
// and come back as errors; a Go value that does not fit a type does not.
func (in *Instance) enter(ctx context.Context, name string, f func()) (err error) {
	if !in.state.CompareAndSwap(idle, running) {
		if in.state.Load() == dead {
			return ErrInstanceDead
		}
		return ErrReentered
	}
	if err := ctx.Err(); err != nil {
		in.state.Store(idle)
		return err
	}
	in.ctx = ctx
	in.callCtx.Context = ctx
	in.depth = 0
	in.fuel.begin(ctx, in.c.r.cfg.Limits.Fuel)
	done := false
	defer func() {
		in.ctx, in.callCtx.Context = nil, nil
		if done {
			in.state.Store(idle)
			return
		}
		err = in.failed(name, recover())
	}()
	f()
	done = true
	return nil
}

// failed turns what ended a call into its error.
func (in *Instance) failed(name string, cause any) error {
	switch x := cause.(type) {
	case *ValueError:
		in.reset()
		in.state.Store(idle)
		return x
	case *trap:
		in.state.Store(dead)
		return x.asTrapError(name)
	}
	in.state.Store(dead)
	panic(cause)
}

// reset takes back the marks of a call that ended before it entered the guest.
func (in *Instance) reset() {
	for _, c := range in.comps {
		c.mayEnter, c.mayLeave = true, true
	}
	for i := range in.lifts {
		in.lifts[i].busy = false
	}
}

// maxDepth bounds calls from component to component within one call of the
// host: each takes stack of the process, which is not the guest's to use up.
const maxDepth = 500

func (in *Instance) enterComponents(set []int) {
	if in.depth++; in.depth > maxDepth {
		throw(&LimitError{Resource: "call depth", Limit: maxDepth})
	}
	for _, i := range set {
		c := in.comps[i]
		if !c.mayEnter {
			trapf("cannot enter component instance")
		}
		c.mayEnter = false
	}
}

func (in *Instance) leaveComponents(set []int) {
	in.depth--
	for _, i := range set {
		in.comps[i].mayEnter = true
	}
}
