package component_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
)

// runner runs calls of one component under this runtime.
type runner struct {
	c       *corpusCase
	comp    *component.Compiled
	in      *component.Instance
	handles handles
	log     []any
	reps    uint32
	uses    map[string]int
}

func newRunner(t *testing.T, c *corpusCase, wasm []byte) *runner {
	t.Helper()
	ctx := context.Background()
	cfg := &component.Config{}
	if c.Pages > 0 {
		// Only wasmtime's limit is in pages: ours includes everything else that the host holds.
		cfg.Limits.Memory = uint64(c.Pages)<<16 + 32<<10
	}
	if c.Component != "" { // large: compiling takes a minute
		cfg.CacheDir = filepath.Join(corpusDir, ".cache", "code")
	}
	r, err := component.NewRuntime(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	comp, err := r.Compile(ctx, wasm)
	if err != nil {
		t.Fatal(err)
	}
	return &runner{c: c, comp: comp}
}

// run runs the calls of r. Each run has a new instance.
func (r *runner) run(t *testing.T, calls run) []outcome {
	t.Helper()
	r.fresh(t)
	defer r.fresh(t)
	var out []outcome
	for _, call := range calls.Calls {
		o := r.call(call[0].(string), call[1:])
		out = append(out, o)
		if o.Trap != "" && calls.Restart {
			r.fresh(t)
		}
	}
	return out
}

// fresh lets the next call have a new instance.
func (r *runner) fresh(t *testing.T) {
	t.Helper()
	if r.in != nil {
		if err := r.in.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
	r.in, r.handles, r.log, r.reps, r.uses = nil, nil, nil, 0, map[string]int{}
}

func (r *runner) call(name string, args []any) (o outcome) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r.log = nil
	err := r.invoke(ctx, name, args, &o)
	var trap *component.TrapError
	switch {
	case errors.As(err, &trap):
		o.Trap, o.message = trapCategory(trap.Err.Error()), err.Error()
	case errors.Is(err, component.ErrInstanceDead):
		o.Trap = "dead"
	case err != nil:
		o.Trap = "not a trap: " + err.Error()
	}
	o.Log = r.log
	return o
}

func (r *runner) invoke(ctx context.Context, name string, args []any, o *outcome) (err error) {
	if r.in == nil {
		if r.in, err = r.comp.Instantiate(ctx, r.linker()); err != nil {
			return err
		}
	}
	switch name {
	case "$new":
		return nil
	case "$drop":
		return r.handles[unsigned(args[0], 32)].Drop(ctx)
	}
	f := r.in.ExportedFunction(name)
	if f == nil {
		return fmt.Errorf("no export %s", name)
	}
	typ := component.TypeOf(f)
	values := make([]any, len(args))
	for i, a := range args {
		values[i] = r.handles.decode(typ.Params[i].Type, a)
	}
	out, err := f.Call(ctx, values...)
	if err == nil && typ.Result != nil {
		o.Value = r.handles.encode(typ.Result, out[0])
	}
	return err
}

// linker gives what the component imports: WASI, which grants nothing, and functions that behave as the case
// file says.
func (r *runner) linker() *component.Linker {
	l := component.NewLinker()
	wasi.AddToLinker(l, nil)
	at := func(name string) *component.Interface {
		if name == "" {
			return l.Root()
		}
		return l.Interface(name)
	}
	for _, f := range component.ImportedFuncs(r.comp) {
		if !isWASI(f.Interface) {
			at(f.Interface).Func(f.Name, r.host(fullName(f.Interface, f.Name), f.Type))
		}
	}
	for _, res := range component.Resources(r.comp) {
		if res.Host && !isWASI(res.Interface) {
			name := "$drop " + fullName(res.Interface, res.Name)
			at(res.Interface).Resource(res.Name, func(_ context.Context, rep uint32) {
				r.log = append(r.log, []any{name, rep})
			})
		}
	}
	return l
}

func fullName(iface, name string) string {
	if iface == "" {
		return name
	}
	return iface + "#" + name
}

// host makes an imported function.
func (r *runner) host(name string, typ *types.Func) component.HostFunc {
	how := r.c.Imports[name]
	return func(_ context.Context, args []any) ([]any, error) {
		entry := []any{name}
		for i, a := range args {
			entry = append(entry, r.handles.encode(typ.Params[i].Type, a))
		}
		r.log = append(r.log, entry)
		use := r.uses[name]
		r.uses[name]++
		switch {
		case how.Error != "":
			return nil, errors.New("host: " + how.Error)
		case typ.Result == nil:
			return nil, nil
		case how.Values != nil:
			return []any{r.handles.decode(typ.Result, how.Values[use%len(how.Values)])}, nil
		case how.New:
			r.reps++
			return []any{component.Rep(r.reps)}, nil
		case how.Rep:
			return []any{uint32(args[0].(component.Rep))}, nil
		}
		return args[:1], nil
	}
}
