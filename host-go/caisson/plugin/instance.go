package plugin

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
)

// An instance is an instance of a plugin's component. One call at a time uses it.
type instance struct {
	*component.Instance
	plugin *Plugin
	step   string               // what the instance is for, in errors
	spent  uint64               // fuel of the start, which is a part of the first call's
	dead   bool                 // a call has failed
	call   atomic.Pointer[call] // the call that runs, or nil
	output []*lines
}

// newInstance makes an instance, with a linker and so with bounds of WASI of its own.
func (p *Plugin) newInstance(ctx context.Context, step string) (*instance, error) {
	in := &instance{plugin: p, step: step}
	cfg := p.wasi
	p.options.Grants.of(&cfg)
	cfg.Stdout, cfg.Stderr = in.lines("stdout"), in.lines("stderr")
	linker := component.NewLinker()
	wasi.AddToLinker(linker, &cfg)
	in.addHost(linker)
	made, err := p.code.InstantiateWith(component.WithFuel(ctx, p.limits.Fuel), linker, component.Limits{Memory: p.limits.MemoryBytes})
	if link := (*component.LinkError)(nil); errors.As(err, &link) {
		return nil, faultf(caisson.CodeConnect, p.name, step, "it imports what a plugin is not given (%w): a plugin may import WASI 0.2 and caisson:plugin/host", err)
	}
	if err != nil {
		return nil, in.trapped(ctx, err)
	}
	in.Instance, in.spent = made, made.FuelUsed()
	return in, nil
}

// close frees the instance.
func (in *instance) close() {
	if in.Instance == nil {
		return
	}
	if err := in.Close(context.Background()); err != nil {
		in.plugin.runtime.logger.Warn("an instance of a plugin was not freed", "plugin", in.plugin.name, "error", err)
	}
}

// invoke calls an exported function, and returns its result, or nil.
func (in *instance) invoke(ctx context.Context, export string, args ...any) (any, error) {
	p := in.plugin
	fuel := uint64(1)
	if p.limits.Fuel > in.spent {
		fuel = p.limits.Fuel - in.spent
	}
	in.spent = 0
	out, err := in.ExportedFunction(export).Call(component.WithFuel(ctx, fuel), args...)
	if err != nil {
		in.dead = true
		return nil, in.trapped(ctx, err)
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out[0], nil
}

// trapped returns the error of a call, or of the start, that ended with err.
func (in *instance) trapped(ctx context.Context, err error) error {
	p, step := in.plugin, in.step
	if over(ctx) {
		return p.ended(ctx, step)
	}
	var (
		limit *component.LimitError
		exit  *wasi.ExitError
		value *component.ValueError
		trap  *component.TrapError
	)
	if errors.As(err, &trap) && trap.Stack != "" {
		p.runtime.logger.Debug("a plugin trapped", "plugin", p.name, "error", err, "stack", trap.Stack)
	}
	switch {
	case errors.As(err, &limit) && limit.Resource == "fuel":
		return faultf(caisson.CodeLimit, p.name, step, "it computed for more than Limits.Fuel of %d units: %w", p.limits.Fuel, err)
	case limit != nil && limit.Limit > 0 && limit.Resource != "call depth":
		return faultf(caisson.CodeLimit, p.name, step, "it took more than Limits.MemoryBytes of %d bytes: %w", p.limits.MemoryBytes, err)
	case errors.As(err, &value):
		return faultf(caisson.CodeLimit, p.name, step, "the arguments cannot be given to it: %w", err)
	case errors.As(err, &exit):
		return faultf(caisson.CodeTrap, p.name, step, "it ended itself with exit code %d: a plugin returns", exit.Code)
	case in.Instance != nil && in.MemoryRefused():
		return faultf(caisson.CodeLimit, p.name, step, "it was refused memory beyond Limits.MemoryBytes of %d bytes, and trapped: %w", p.limits.MemoryBytes, err)
	}
	return faultf(caisson.CodeTrap, p.name, step, "%w", err)
}
