package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
)

// A Guest is an instance of the core that is no session's: a script's. Its owner runs it.
type Guest struct {
	Sandbox
	engine *Engine
	code   *code // nil in a worker
	made   time.Duration
}

// Interim reports whether the instance is in the interpreter until the core is compiled.
func (g *Guest) Interim() bool { return g.code != nil && !isClosed(g.engine.compiled) }

// Made returns how long the instance computed while it was made.
func (g *Guest) Made() time.Duration { return g.made }

// imported are the interfaces that the core imports. A Guest may call what its owner defines in them, and nothing else.
var imported = []string{"egress", "timers", "authorization", "host", "script-host"}

// refuseImported has a linker refuse what is not defined in it of what the core imports.
func refuseImported(l *component.Linker) {
	for _, name := range imported {
		l.Interface("caisson:mcp/" + name + "@0.1.0").Fallback(refuse)
	}
}

// Instantiate makes an instance of the core that gets its imports from the linker, and nothing that a session
// has. The instance may compute for so long meanwhile. It begins in the interpreter while the
// core is not compiled: wait for [Engine.Compiled] where that is too slow. Close the Guest before the engine.
func (e *Engine) Instantiate(ctx context.Context, l *component.Linker, limits component.Limits, within time.Duration) (*Guest, error) {
	return e.newGuest(ctx, l, within, func(ctx context.Context, c *component.Compiled) (*component.Instance, error) {
		return c.InstantiateWith(ctx, l, limits)
	}, func(ctx context.Context, r *component.Remote) error { return r.Instantiate(ctx, l, limits) })
}

// Restore makes an instance as Instantiate does, of what [component.Instance.Save] has written for a Guest of an
// engine with the same Build.
func (e *Engine) Restore(ctx context.Context, l *component.Linker, limits component.Limits, within time.Duration, from io.Reader) (*Guest, error) {
	return e.newGuest(ctx, l, within, func(ctx context.Context, c *component.Compiled) (*component.Instance, error) {
		return c.Restore(ctx, l, limits, from)
	}, func(ctx context.Context, r *component.Remote) error { return r.Restore(ctx, l, limits, from) })
}

// Build identifies the component that the engine runs.
func (e *Engine) Build() (string, error) {
	p, err := e.prepared()
	if err != nil {
		return "", err
	}
	return p.Hash()
}

func (e *Engine) newGuest(ctx context.Context, l *component.Linker, within time.Duration, here func(context.Context, *component.Compiled) (*component.Instance, error), inWorker func(context.Context, *component.Remote) error) (*Guest, error) {
	refuseImported(l)
	if e.workers != nil {
		in, err := e.workers.instantiate(ctx, within, inWorker)
		if err != nil {
			return nil, err
		}
		return &Guest{in, e, nil, in.Computed()}, nil
	}
	if err := e.load(ctx); err != nil {
		return nil, err
	}
	if !isClosed(e.compiled) {
		e.hold()
	}
	e.mu.Lock()
	c, err := e.take(ctx)
	e.mu.Unlock()
	if err != nil {
		e.letCompile()
		return nil, err
	}
	bounded, cancel := Bounded(ctx, within)
	defer cancel()
	in, err := here(bounded, c.compiled)
	if err != nil {
		c.users.done()
		e.letCompile()
		return nil, err
	}
	time.AfterFunc(giveWay, e.letCompile)
	return &Guest{local{in}, e, c, in.Computed()}, nil
}

// Follow moves the instance to compiled code, if there is some by now, and reports whether it has: get exports
// again then. An instance that cannot move stays where it is. Do not call it during a call.
func (g *Guest) Follow() (moved bool, err error) {
	in, ok := g.Sandbox.(local)
	if !ok {
		return false, nil
	}
	e := g.engine
	e.mu.Lock()
	old, next := g.code, e.code
	if next != old {
		next.users.add()
	}
	e.mu.Unlock()
	if next == old {
		return false, nil
	}
	if err := in.Move(context.Background(), next.compiled); err != nil {
		next.users.done()
		if errors.Is(err, component.ErrNotMovable) {
			return false, nil
		}
		return false, fmt.Errorf("going on in compiled code: %w", err)
	}
	g.code = next
	old.users.done()
	return true, nil
}

// Close frees the instance. Call it once.
func (g *Guest) Close() {
	_ = g.Sandbox.Close(context.Background())
	if g.code == nil {
		return
	}
	g.code.users.done()
	g.engine.letCompile()
}
