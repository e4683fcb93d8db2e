package component

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/caisson-dev/caisson/host-go/component/internal/abi"
	bin "github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/codecache"
	"github.com/caisson-dev/caisson/host-go/component/internal/link"
	"github.com/caisson-dev/caisson/host-go/component/internal/memory"
	"github.com/caisson-dev/caisson/host-go/component/internal/split"
	"github.com/caisson-dev/caisson/host-go/component/internal/text"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// Compiled is a compiled component. It is safe for concurrent use. It can be instantiated any number of
// times, also concurrently.
type Compiled struct {
	r       *Runtime
	program *link.Program
	// modules are the core modules of the program. shims are the generated modules of its inline instances,
	// nil for other instances.
	modules []wazero.CompiledModule
	shims   []wazero.CompiledModule
	// names are the names of each module's fuel counter and start function.
	names []wasm.Names
	// These are set for a component that was prepared: the component itself, the first contents of its
	// modules' memories, the rest of their code, whether an instance can move to another Compiled of the
	// component, and the names of the globals that move.
	prepared *Prepared
	images   []*memory.Image
	chunks   []*split.Chunks
	movable  bool
	globals  [][]string
	ended    ended
	// hostCode exports the builtins of the program, as "0", "1", ... One is enough for all instances: a
	// builtin finds its instance through the context of the call.
	hostCode wazero.CompiledModule
	host     api.Module

	lifts   []*abi.Signature
	lowers  []*abi.Signature // by builtin; nil for others
	imports []*abi.Signature
	exports *exportSet
}

// hostModule is the name from which generated modules import builtins. The names of their other imports are
// numbers.
const hostModule = "host"

func (c *Compiled) compile(ctx context.Context) error {
	var lowered uint64
	for i := range c.program.Modules {
		m := &c.program.Modules[i]
		b, names, err := c.instrument(ctx, m.Bytes)
		if err != nil {
			return c.moduleError(ctx, i, err)
		}
		if lowered, err = c.lowered(ctx, i, b, lowered); err != nil {
			return c.moduleError(ctx, i, err)
		}
		workers, err := c.r.workers(b)
		if err == nil {
			err = c.addModule(ctx, i, c.r.module(b), names, workers)
		}
		if err != nil {
			return c.moduleError(ctx, i, err)
		}
		m.Bytes = nil
	}
	return c.finish(ctx)
}

// lowered checks what the interpreter holds for core modules 0 to i against Config.InterpreterMemory, and
// returns the sum. before is what the modules before i take.
func (c *Compiled) lowered(ctx context.Context, i int, b []byte, before uint64) (uint64, error) {
	if c.r.compiles() {
		return 0, nil
	}
	n, err := wasm.Lowered(b, ctx.Err)
	if err != nil {
		return 0, err
	}
	n += before
	if limit := c.r.cfg.InterpreterMemory; n > limit {
		return 0, &CodeMemoryError{Module: i, Size: len(c.program.Modules[i].Bytes), Memory: n, Limit: limit}
	}
	return n, nil
}

// compilePrepared compiles the code that a start needs. The component is linked, and its memories begun, beside that.
func (c *Compiled) compilePrepared(ctx context.Context) (err error) {
	index, err := c.prepared.starting(c.r.cache)
	if err != nil {
		return err
	}
	linked := beside(func() (err error) {
		c.program, err = index.Program()
		return decodeError(err)
	})
	images := beside(func() (err error) {
		c.images, err = c.r.memories(c.prepared, index)
		return err
	})
	defer func() { err = errors.Join(err, images()) }()
	compiled := c.compileModules(ctx, index)
	if err := linked(); err != nil {
		return err
	}
	if compiled != nil {
		return c.moduleError(ctx, len(c.modules), compiled)
	}
	if err := c.finish(ctx); err != nil {
		return err
	}
	c.prepared.keepStart(c.r.cache)
	return nil
}

// beside runs f in a goroutine. wait waits for the error of f, once.
func beside(f func() error) (wait func() error) {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return func() error { return <-done }
}

// compileModules compiles the modules of a component that was prepared. The error is that of the first module that
// c.modules lacks.
func (c *Compiled) compileModules(ctx context.Context, index *split.Index) error {
	first := 0
	c.movable = true
	for i := range index.Modules {
		m := &index.Modules[i]
		known := codecache.Module{Hash: m.Hash, Shell: m.Shell, Code: func() ([]byte, error) { return c.prepared.code(index, i) }}
		if err := c.addModule(ctx, i, known, wasm.Names{Counter: m.Counter, Start: m.Start}, c.r.cfg.CompilationWorkers); err != nil {
			return err
		}
		c.chunks = append(c.chunks, split.NewChunks(m.Slots, first))
		first += len(m.Slots)
		c.movable = c.movable && m.Still
		c.globals = append(c.globals, m.Globals)
	}
	return nil
}

// addModule compiles core module i with so many workers. The error is for moduleError.
func (c *Compiled) addModule(ctx context.Context, i int, m codecache.Module, names wasm.Names, workers int) error {
	listening, err := listen(ctx, i, m.Code)
	if err != nil {
		return fmt.Errorf("core module: %w", err)
	}
	code, err := c.r.compileModule(listening, m, workers)
	if err != nil {
		return fmt.Errorf("core module: %w", err)
	}
	c.modules = append(c.modules, code)
	c.names = append(c.names, names)
	return nil
}

// moduleError returns the error for core module i, which could not be compiled: the end of the context, a
// lack of resources of the host, or a fault in the module.
func (c *Compiled) moduleError(ctx context.Context, i int, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if isExhausted(err) || errors.Is(err, ErrRuntimeClosed) {
		return fmt.Errorf("component: compiling core module %d: %w", i, err)
	}
	var complex *wasm.ComplexityError
	if errors.As(err, &complex) {
		err = &ComplexityError{
			Module: i, Function: complex.Function, Name: complex.Name,
			Effort: float64(complex.Effort) / float64(complex.Limit),
		}
	}
	return moduleError(c.program.Modules[i].Offset, err)
}

// moduleError returns the *DecodeError of a core module that is at fault.
func moduleError(offset int, err error) error {
	e := &DecodeError{Offset: offset, Msg: text.Short(err.Error()), Err: err}
	if e.Msg != err.Error() {
		e.Err = errors.New(e.Msg) // No typed error has a long text.
	}
	if core := (*wasm.Error)(nil); errors.As(err, &core) {
		e.Unsupported = core.Unsupported
	}
	return e
}

// finish makes the parts that every component has, prepared or not.
func (c *Compiled) finish(ctx context.Context) error {
	if err := c.compileShims(ctx); err != nil {
		return err
	}
	if err := decodeError(types.Caught(c.plan)); err != nil {
		return err
	}
	c.program.Universe.Stop = nil // What ends this compilation must end nothing that comes later.
	return c.compileHost(ctx)
}

// compileShims makes a module for each instance of inline exports. The module imports the members from their
// instances and exports them under their names. Instances that differ only in the instances of their members
// share one module.
func (c *Compiled) compileShims(ctx context.Context) error {
	c.shims = make([]wazero.CompiledModule, len(c.program.Instances))
	made := map[[sha256.Size]byte]wazero.CompiledModule{}
	for i := range c.program.Instances {
		inst := &c.program.Instances[i]
		if inst.Module >= 0 {
			continue
		}
		b := shim(inst.Members)
		key := sha256.Sum256(b)
		if made[key] == nil {
			code, err := c.r.compile(ctx, b, fewWorkers)
			if err != nil {
				return fmt.Errorf("component: module for inline exports: %w", err)
			}
			made[key] = code
		}
		c.shims[i] = made[key]
	}
	return nil
}

// shim returns the module for an instance of inline exports.
func shim(list []link.Member) []byte {
	members := make([]wasm.ReExport, len(list))
	names := sources(list)
	for k, m := range list {
		members[k] = wasm.ReExport{Name: m.Name, Module: hostModule, From: strconv.Itoa(m.Ref.Builtin), Type: m.Ref.Type}
		if m.Ref.Instance >= 0 {
			members[k].Module, members[k].From = names[m.Ref.Instance], m.Ref.Name
		}
	}
	return wasm.EncodeReExports(members)
}

// sources returns the names by which a shim imports from core instances: numbers, in the order of each
// instance's first member.
func sources(list []link.Member) map[int]string {
	names := map[int]string{}
	for _, m := range list {
		if k := m.Ref.Instance; k >= 0 && names[k] == "" {
			names[k] = strconv.Itoa(len(names))
		}
	}
	return names
}

// plan builds the codecs of every function that the Canonical ABI calls.
func (c *Compiled) plan() {
	p := c.program
	cs := abi.NewCodecs(p.Universe, func(i int) abi.ResourceType {
		return abi.ResourceType{Host: p.Resources[i].Host, Component: p.Resources[i].Component}
	}, abi.GoTypeFor[*Resource]())
	c.lifts = make([]*abi.Signature, len(p.Lifts))
	for i := range p.Lifts {
		c.lifts[i] = cs.Signature(p.Lifts[i].Type)
	}
	c.lowers = make([]*abi.Signature, len(p.Builtins))
	for i := range p.Builtins {
		if p.Builtins[i].Kind == bin.CanonLower {
			c.lowers[i] = cs.Signature(p.Builtins[i].Type)
		}
	}
	c.imports = make([]*abi.Signature, len(p.Imports))
	for i := range p.Imports {
		c.imports[i] = cs.Signature(p.Imports[i].Type)
	}
	c.exports = c.exportSet("", p.Exports)
}

// compileHost makes the module that exports the builtins.
func (c *Compiled) compileHost(ctx context.Context) error {
	b := c.r.core.NewHostModuleBuilder(hostModule)
	for i := range c.program.Builtins {
		f := c.program.Builtins[i].Core
		b.NewFunctionBuilder().WithGoModuleFunction(c.builtin(i), f.Params, f.Results).Export(strconv.Itoa(i))
	}
	for _, f := range []struct {
		name string
		f    api.GoModuleFunc
	}{{safePointName, safePoint}, {growName, growTable}, {grownName, grownTable}} {
		b.NewFunctionBuilder().WithGoModuleFunction(f.f, []api.ValueType{api.ValueTypeI32}, []api.ValueType{api.ValueTypeI32}).Export(f.name)
	}
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(load),
		[]api.ValueType{api.ValueTypeI32}, nil).Export(loadName)
	var err error
	// The core runtime ignores the context here.
	c.hostCode, err = c.r.compiling.do(ctx, func() (wazero.CompiledModule, error) { return b.Compile(ctx) })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("component: module for host functions: %w", err)
	}
	c.host, err = c.r.core.InstantiateModule(ctx, c.hostCode, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return fmt.Errorf("component: module for host functions: %w", err)
	}
	return nil
}

// Close frees the compiled code. Close its instances before.
func (c *Compiled) Close(ctx context.Context) error {
	errs := []error{c.ended.close(ctx)}
	if c.host != nil {
		errs = append(errs, c.host.Close(ctx))
	}
	for _, im := range c.images {
		im.Close()
	}
	for _, h := range c.chunks {
		errs = append(errs, h.Close(ctx))
	}
	closed := map[wazero.CompiledModule]bool{nil: true}
	for _, code := range slices.Concat(c.modules, c.shims, []wazero.CompiledModule{c.hostCode}) {
		if !closed[code] {
			closed[code] = true
			errs = append(errs, code.Close(ctx))
		}
	}
	return errors.Join(errs...)
}
