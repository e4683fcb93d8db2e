package engine

import (
	"context"

	"github.com/caisson-dev/caisson/host-go/component"
)

// A Guest is an instance of the core that is no session's: a script's. Its owner runs it.
type Guest struct {
	*component.Instance
	code *code
}

// notForScripts are the interfaces that the core imports for sessions. A script's instance is linked, and
// may call nothing in them.
var notForScripts = []string{"egress", "authorization", "host"}

// Instantiate makes an instance of the core that gets its imports from the linker, and nothing that a session
// has. It waits until the core is compiled: scripts compute, and the interpreter is slow. Close the Guest before
// the engine.
func (e *Engine) Instantiate(ctx context.Context, l *component.Linker, limits component.Limits) (*Guest, error) {
	if err := e.Compiled(ctx); err != nil {
		return nil, err
	}
	for _, name := range notForScripts {
		l.Interface("caisson:mcp/" + name + "@0.1.0").Fallback(refuse)
	}
	e.mu.Lock()
	c := e.code
	c.users.Add(1)
	e.mu.Unlock()
	in, err := c.compiled.InstantiateWith(ctx, l, limits)
	if err != nil {
		c.users.Done()
		return nil, err
	}
	return &Guest{in, c}, nil
}

// Close frees the instance. Call it once.
func (g *Guest) Close() {
	_ = g.Instance.Close(context.Background())
	g.code.users.Done()
}
