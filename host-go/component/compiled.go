package component

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	bin "github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/link"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// Compiled is a compiled component. It is safe for concurrent use, and can be
// instantiated any number of times, at once too.
type Compiled struct {
	r       *Runtime
	program *link.Program
	// modules are the core modules of the program, shims the generated ones of
	// its inline instances (nil for others).
	modules []wazero.CompiledModule
	shims   []wazero.CompiledModule
	// counters are the names of the modules' fuel counters, "" for none.
	counters []string
	// host exports the builtins of the program, as "0", "1", ... It is made
	// once: a builtin finds its instance by the context of the call.
	hostCode wazero.CompiledModule
	host     api.Module

	lifts   []*signature
	lowers  []*signature // by builtin; nil for others
	imports []*signature
	funcs   map[string]exportedFunc
}

// exportedFunc is a function that the root exports, under its full name.
type exportedFunc struct {
	name string
	ref  link.FuncRef
	sig  *signature
}

// hostModule is the name that generated modules import builtins from. The
// others are numbers.
const hostModule = "host"

func (c *Compiled) compile(ctx context.Context) error {
	ctx = experimental.WithCompilationWorkers(ctx, c.r.cfg.CompilationWorkers)
	for i := range c.program.Modules {
		m := &c.program.Modules[i]
		b, counter, err := c.instrument(m.Bytes)
		if err != nil {
			return &DecodeError{Offset: m.Offset, Msg: err.Error(), Err: err}
		}
		code, err := c.r.core.CompileModule(ctx, b)
		if err != nil {
			return &DecodeError{Offset: m.Offset, Msg: "core module: " + err.Error(), Err: err}
		}
		c.modules = append(c.modules, code)
		c.counters = append(c.counters, counter)
		m.Bytes = nil
	}
	if err := c.compileShims(ctx); err != nil {
		return err
	}
	c.plan()
	return c.compileHost(ctx)
}

// compileShims makes a module for each instance of inline exports: it imports
// the members from where they are and exports them under their names.
func (c *Compiled) compileShims(ctx context.Context) error {
	c.shims = make([]wazero.CompiledModule, len(c.program.Instances))
	for i := range c.program.Instances {
		inst := &c.program.Instances[i]
		if inst.Module >= 0 {
			continue
		}
		members := make([]wasm.ReExport, len(inst.Members))
		for k, m := range inst.Members {
			members[k] = wasm.ReExport{Name: m.Name, Module: hostModule, From: strconv.Itoa(m.Ref.Builtin), Type: m.Ref.Type}
			if m.Ref.Instance >= 0 {
				members[k].Module, members[k].From = strconv.Itoa(m.Ref.Instance), m.Ref.Name
			}
		}
		code, err := c.r.core.CompileModule(ctx, wasm.EncodeReExports(members))
		if err != nil {
			return fmt.Errorf("component: module for inline exports: %w", err)
		}
		c.shims[i] = code
	}
	return nil
}

// plan builds the codecs of every function that is called through the
// Canonical ABI.
func (c *Compiled) plan() {
	p := c.program
	cs := &codecs{u: p.Universe, of: map[*types.Value]codec{}, host: func(i int) bool { return p.Resources[i].Host }}
	c.lifts = make([]*signature, len(p.Lifts))
	for i := range p.Lifts {
		c.lifts[i] = cs.signature(p.Lifts[i].Type)
	}
	c.lowers = make([]*signature, len(p.Builtins))
	for i := range p.Builtins {
		if p.Builtins[i].Kind == bin.CanonLower {
			c.lowers[i] = cs.signature(p.Builtins[i].Type)
		}
	}
	c.imports = make([]*signature, len(p.Imports))
	for i := range p.Imports {
		c.imports[i] = cs.signature(p.Imports[i].Type)
	}
	c.funcs = map[string]exportedFunc{}
	c.addExports("", p.Exports)
}

func (c *Compiled) addExports(prefix string, exports []link.Export) {
	for _, e := range exports {
		name := prefix + e.Name.Text
		switch e.Sort {
		case bin.SortFunc:
			sigs := c.lifts
			if e.Func.Host {
				sigs = c.imports
			}
			c.funcs[compatibleFunc(name)] = exportedFunc{name, *e.Func, sigs[e.Func.Index]}
		case bin.SortInstance:
			c.addExports(name+"#", e.Instance)
		}
	}
}

// compatibleFunc cuts the version in "interface@version#function".
func compatibleFunc(name string) string {
	iface, fn, ok := strings.Cut(name, "#")
	if !ok {
		return name
	}
	return compatible(iface) + "#" + fn
}

// compileHost makes the module whose exports are the builtins.
func (c *Compiled) compileHost(ctx context.Context) error {
	b := c.r.core.NewHostModuleBuilder(hostModule)
	for i := range c.program.Builtins {
		f := c.program.Builtins[i].Core
		b.NewFunctionBuilder().WithGoModuleFunction(c.builtin(i), f.Params, f.Results).Export(strconv.Itoa(i))
	}
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(safePoint),
		[]api.ValueType{api.ValueTypeI32}, []api.ValueType{api.ValueTypeI32}).Export(safePointName)
	var err error
	if c.hostCode, err = b.Compile(ctx); err != nil {
		return fmt.Errorf("component: module for host functions: %w", err)
	}
	c.host, err = c.r.core.InstantiateModule(ctx, c.hostCode, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return fmt.Errorf("component: module for host functions: %w", err)
	}
	return nil
}

// Close frees the compiled code. Its instances have to be closed before.
func (c *Compiled) Close(ctx context.Context) error {
	var errs []error
	if c.host != nil {
		errs = append(errs, c.host.Close(ctx))
	}
	codes := slices.Concat(c.modules, c.shims, []wazero.CompiledModule{c.hostCode})
	for _, code := range codes {
		if code != nil {
			errs = append(errs, code.Close(ctx))
		}
	}
	return errors.Join(errs...)
}
