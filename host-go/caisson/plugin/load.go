//lint:file-ignore SA1019 The newest revision deprecates logging; plugins go on using it.

package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/component"
)

// Options say how a plugin is loaded and run. The zero value, or nil, grants nothing.
type Options struct {
	// Name is what the plugin is called in errors. Default: the name of the file or folder, without ".wasm".
	Name string
	// Grants are what the plugin may reach.
	Grants Grants
	// Policy bounds Grants: loading fails with [caisson.CodeDenied] when the policy's rules for a plugin of Name do
	// not grant the Origins, Env and Folders. Its secrets for the plugin become variables. A Folder with FS is not one that a policy can grant. Who may load and
	// call the plugin it does not decide: [caisson.Client.Guard] does. Default: none, and all Grants hold.
	Policy *policy.Policy
	// Limits bound what it may use.
	Limits Limits
	// KeepInstance keeps one instance for all calls, so that the plugin's state lives on from call to call. Calls take
	// turns then. After a trap the next call has a new instance. Default: each call has an instance of its own, and
	// nothing is left of one call for the next.
	KeepInstance bool
	// OnLog gets the log messages of a call: those of caisson:plugin/host, and each line that the plugin writes to its
	// standard output and its standard error, with the level info and the logger "stdout" or "stderr". It is called
	// in the order of the messages and of the call's progress, in a goroutine of its own for each call, and for all
	// of them before the call returns. Several calls may call it at once. Default: log messages are dropped.
	OnLog func(context.Context, *mcp.LoggingMessageParams)
}

// Load loads a plugin from a file, or from a folder with one .wasm file in it. It compiles the component, and makes
// an instance of it once, so that a plugin that cannot start is found here. The context bounds the loading, beside
// [Limits.LoadTime]. A nil options grants nothing.
//
// It fails with [caisson.CodeInvalidArgument] for wrong options, and for a secret of the Policy that is not to be had;
// with [caisson.CodeDenied] for grants that the Policy
// does not grant; with [caisson.CodeConnect] when the file cannot be
// read, when it is no component that can be run, or when no tools can be made of what it exports; with
// [caisson.CodeProtocol] when the list that it gives is not one of tools; with [caisson.CodeTrap] and
// [caisson.CodeLimit] when it traps or takes too much; with [caisson.CodeTimeout] after LoadTime; and with the
// context's error.
func (r *Runtime) Load(ctx context.Context, path string, options *Options) (*Plugin, error) {
	o := copyOptions(options)
	if o.Name == "" {
		o.Name = NameOf(path)
	}
	wasm, err := read(path)
	if err != nil {
		return nil, fault(caisson.CodeConnect, o.Name, "load", err)
	}
	return r.LoadBytes(ctx, wasm, &o)
}

// RunTool loads a plugin, calls one of its tools and closes it: the short way for one call. Arguments is anything that
// marshals to a JSON object, or nil. It fails as [Runtime.Load] and [Plugin.CallTool] do.
func (r *Runtime) RunTool(ctx context.Context, path, tool string, arguments any, options *Options) (*mcp.CallToolResult, error) {
	p, err := r.Load(ctx, path, options)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return p.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: arguments})
}

func copyOptions(options *Options) Options {
	if options == nil {
		return Options{}
	}
	return *options
}

// NameOf returns the name that a plugin of this path has when [Options].Name is not set: the name of the file or
// folder, without ".wasm".
func NameOf(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	return strings.TrimSuffix(filepath.Base(path), ".wasm")
}

// read reads the plugin's file, or the one file of its folder.
func read(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		found, err := filepath.Glob(filepath.Join(escape(path), "*.wasm"))
		if err != nil {
			return nil, err
		}
		if len(found) != 1 {
			return nil, fmt.Errorf("%s has %d .wasm files: a plugin's folder has one; name the file", path, len(found))
		}
		path = found[0]
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	wasm, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(wasm) > maxFile {
		return nil, fmt.Errorf("%s has more than %d MiB", path, maxFile>>20)
	}
	return wasm, nil
}

// escape makes a pattern of a path that matches only the path.
func escape(path string) string {
	if os.PathSeparator == '\\' {
		return path // Patterns have no escapes there.
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// LoadBytes loads a plugin from the bytes of its component, as [Runtime.Load] does. It does not keep them.
// [Options].Name should be set.
func (r *Runtime) LoadBytes(ctx context.Context, wasm []byte, options *Options) (*Plugin, error) {
	o := copyOptions(options)
	if r.components == nil {
		return nil, faultf(caisson.CodeInvalidArgument, o.Name, "load", "the Runtime is the zero value: make one with plugin.New")
	}
	if err := o.Limits.check(); err != nil {
		return nil, fault(caisson.CodeInvalidArgument, o.Name, "load", err)
	}
	if err := o.Grants.within(o.Policy, o.Name); err != nil {
		return nil, fault(caisson.CodeDenied, o.Name, "load", err)
	}
	if err := o.Grants.fillIn(ctx, o.Policy, o.Name); err != nil {
		return nil, fault(caisson.CodeInvalidArgument, o.Name, "load", err)
	}
	p := &Plugin{runtime: r, name: o.Name, options: o, limits: o.Limits.withDefaults(), byName: map[string]*tool{}}
	calls := p.limits.Calls
	if o.KeepInstance {
		calls = 1
	}
	p.slots = make(chan struct{}, calls)
	p.ctx, p.cancel = context.WithCancelCause(context.Background())
	var err error
	if p.wasi, p.release, err = p.options.Grants.open(); err != nil {
		return nil, fault(caisson.CodeInvalidArgument, o.Name, "load", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := after(cancel, "Limits.LoadTime", p.limits.LoadTime)
	defer stop()
	if err := p.load(ctx, wasm); err != nil {
		p.free()
		if over(ctx) {
			return nil, p.ended(ctx, "load")
		}
		return nil, err
	}
	if !r.add(p) {
		p.free()
		return nil, faultf(caisson.CodeClosed, o.Name, "load", "the runtime is closed")
	}
	return p, nil
}

func (p *Plugin) load(ctx context.Context, wasm []byte) error {
	code, err := p.runtime.components.Compile(ctx, wasm)
	var malformed *component.DecodeError
	switch {
	case errors.As(err, &malformed):
		return faultf(caisson.CodeConnect, p.name, "load", "it is no component that can be run: %w", err)
	case errors.Is(err, component.ErrRuntimeClosed):
		return fault(caisson.CodeClosed, p.name, "load", err)
	case err != nil:
		return fault(caisson.CodeInternal, p.name, "load", err)
	}
	p.code = code
	if p.list, err = p.shape(); err != nil {
		return err
	}
	in, err := p.newInstance(ctx, "load")
	if err != nil {
		return err
	}
	defer in.close()
	tools, err := p.list(ctx, in)
	if err != nil {
		return err
	}
	if len(tools) == 0 {
		return faultf(caisson.CodeConnect, p.name, "load", "it has no tools: it exports no function")
	}
	for _, t := range tools {
		if first := p.byName[t.Name]; first != nil {
			if t.export == "" {
				return faultf(caisson.CodeProtocol, p.name, "load", "it lists two tools of the name %q", t.Name)
			}
			return faultf(caisson.CodeConnect, p.name, "load", "%s and %s would both be the tool %q", first.export, t.export, t.Name)
		}
		p.byName[t.Name] = t
		p.tools = append(p.tools, t)
	}
	return nil
}
