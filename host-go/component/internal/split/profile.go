package split

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// Profile collects which core functions run. The zero value is empty and ready. It is
// safe for concurrent use.
type Profile struct {
	mu      sync.Mutex
	modules map[int][]atomic.Bool
}

// Has reports whether function f of a module ran. f does not count imported functions.
func (p *Profile) Has(module, f int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	called := p.modules[module]
	return f < len(called) && called[f].Load()
}

// Listen returns a context for compiling a module. The module then records its calls in the profile. The
// error is that of reading the module's code.
func (p *Profile) Listen(ctx context.Context, module int, code []byte) (context.Context, error) {
	m, err := wasm.Read(code, ctx.Err)
	if err != nil {
		return nil, err
	}
	imported := 0
	for i := range m.Imports {
		if m.Imports[i].Type.Kind == wasm.KindFunc {
			imported++
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.modules == nil {
		p.modules = map[int][]atomic.Bool{}
	}
	called := make([]atomic.Bool, m.Functions)
	p.modules[module] = called
	return experimental.WithFunctionListenerFactory(ctx, listener{called, imported}), nil
}

// listener records the functions of a module.
type listener struct {
	called   []atomic.Bool
	imported int
}

func (l listener) NewFunctionListener(f api.FunctionDefinition) experimental.FunctionListener {
	if i := int(f.Index()) - l.imported; i >= 0 {
		return functionListener{&l.called[i]}
	}
	return nil
}

type functionListener struct{ called *atomic.Bool }

func (f functionListener) Before(context.Context, api.Module, api.FunctionDefinition, []uint64, experimental.StackIterator) {
	if !f.called.Load() {
		f.called.Store(true)
	}
}

func (functionListener) After(context.Context, api.Module, api.FunctionDefinition, []uint64) {}

func (functionListener) Abort(context.Context, api.Module, api.FunctionDefinition, error) {}
