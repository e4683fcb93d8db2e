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
	*component.Instance
	engine *Engine
	code   *code
}

// imported are the interfaces that the core imports. A Guest may call what its owner defines in them, and nothing else.
var imported = []string{"egress", "timers", "authorization", "host", "script-host"}

// Instantiate makes an instance of the core that gets its imports from the linker, and nothing that a session
// has. Unless Config.Interpreted says otherwise it waits until the core is compiled: scripts compute, and the
// interpreter is slow. Close the Guest before the engine.
func (e *Engine) Instantiate(ctx context.Context, l *component.Linker, limits component.Limits) (*Guest, error) {
	return e.newGuest(ctx, l, func(c *component.Compiled) (*component.Instance, error) {
		return c.InstantiateWith(ctx, l, limits)
	})
}

// Restore makes an instance as Instantiate does, of what [component.Instance.Save] has written for a Guest of an
// engine with the same Build.
func (e *Engine) Restore(ctx context.Context, l *component.Linker, limits component.Limits, from io.Reader) (*Guest, error) {
	return e.newGuest(ctx, l, func(c *component.Compiled) (*component.Instance, error) {
		return c.Restore(ctx, l, limits, from)
	})
}

// Build identifies the component that the engine runs.
func (e *Engine) Build() (string, error) { return e.core.Hash() }

func (e *Engine) newGuest(ctx context.Context, l *component.Linker, instantiate func(*component.Compiled) (*component.Instance, error)) (*Guest, error) {
	if !e.config.Interpreted {
		if err := e.Compiled(ctx); err != nil {
			return nil, err
		}
	}
	for _, name := range imported {
		l.Interface("caisson:mcp/" + name + "@0.1.0").Fallback(refuse)
	}
	e.mu.Lock()
	c, err := e.take(ctx)
	e.mu.Unlock()
	if err != nil {
		return nil, err
	}
	in, err := instantiate(c.compiled)
	if err != nil {
		c.users.done()
		e.letCompile()
		return nil, err
	}
	time.AfterFunc(giveWay, e.letCompile)
	return &Guest{in, e, c}, nil
}

// Follow moves the instance to compiled code, if there is some by now, and reports whether it has: get exports
// again then. An instance that cannot move stays where it is. Do not call it during a call.
func (g *Guest) Follow() (moved bool, err error) {
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
	if err := g.Instance.Move(context.Background(), next.compiled); err != nil {
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
	_ = g.Instance.Close(context.Background())
	g.code.users.done()
	g.engine.letCompile()
}
