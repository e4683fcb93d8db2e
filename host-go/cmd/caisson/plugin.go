//lint:file-ignore SA1019 The newest revision deprecates logging; plugins go on using it.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/plugin"
	"github.com/caisson-dev/caisson/host-go/caisson/plugin/oci"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/jsontext"
)

func (a *app) pluginCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "plugin",
		Short: "Inspect, list, call and pull plugins, or begin a new one",
		Long: `Works with plugins: WebAssembly components whose exports are tools. A plugin runs inside of this
program, in a sandbox, and reaches only what flags grant.`,
		Example: `  caisson plugin new --lang javascript greeter
  caisson plugin list greeter.wasm
  caisson plugin call greeter.wasm greet name=world`,
		Args: cobra.ArbitraryArgs,
		RunE: needSubcommand,
	}
	c.AddCommand(a.inspectPluginCommand(), a.listPluginCommand(), a.callPluginCommand(), a.pullPluginCommand(), a.newPluginCommand())
	return c
}

const pluginHelp = `PLUGIN is a file, a folder with one .wasm file in it, or oci://REGISTRY/REPOSITORY with :TAG or
@sha256:DIGEST for one that 'caisson plugin pull' has got.`

const grantsHelp = `A plugin has only the files, environment and network that flags grant:

  --dir HOST[:GUEST][:ro]  a folder with its contents. The plugin finds it as GUEST, or without GUEST
                           as HOST is spelled. With ":ro" the plugin can change nothing. Links do
                           not lead out of the folder
  --env NAME[=VALUE]       a variable. Without VALUE it has the value of this environment
  --net ORIGIN             HTTP requests to an origin, such as https://api.example.com
  --clocks                 the date, and a fine clock. Without it the date is 1970-01-01
  --random                 real random numbers. Without it they are the same in every run

With a policy, its "plugins" must grant the folders, variables and origins, too.`

// pluginFlags say what a plugin is granted, and what it may use.
type pluginFlags struct {
	grants         grantFlags
	store          storeOfPlugins
	clocks, random bool
	private        bool
	runtime        runtimeFlags
	interpret      bool
	timeout        time.Duration
	fuel           uint64
	memory         byteSize
	governance     governanceFlags
	inspects       bool // the command looks at a plugin, so that a policy can be made for it
}

func (f *pluginFlags) register(c *cobra.Command) {
	f.grants.register(c)
	f.store.register(c)
	f.governance.register(c)
	c.Flags().BoolVar(&f.clocks, "clocks", false, "grant the date, and a clock of nanoseconds")
	c.Flags().BoolVar(&f.random, "random", false, "grant real random numbers")
	c.Flags().BoolVar(&f.private, "private-addresses", false, "let the name of a --net origin lead to a private address; localhost and addresses always may")
	c.Flags().DurationVar(&f.timeout, "timeout", 0, "bound loading and calling together by `DURATION` (default: 2m for loading, 60s for a call)")
	c.Flags().Uint64Var(&f.fuel, "fuel", 0, "let a call compute for no more than `UNITS` of about one instruction each (default: some ten seconds)")
	c.Flags().Var(&f.memory, "max-memory", "give the plugin no more than `SIZE` of memory, such as 64MiB (default 128MiB)")
	c.Flags().BoolVar(&f.interpret, "interpret", false, "do not compile the plugin: it starts sooner and runs tens of times slower")
	c.Flags().StringVar(&f.runtime.cacheDir, "cache-dir", "", "keep the compiled plugin in `FOLDER` (default \"caisson\" in your cache folder)")
	c.Flags().BoolVar(&f.runtime.noCache, "no-cache", false, "compile the plugin anew and keep nothing")
}

// A pluginInUse is a plugin that a command uses.
type pluginInUse struct {
	name string
	load func(context.Context) (*plugin.Plugin, error) // loads it, once
	// tools are its tools, behind the policy where one holds. Nothing of the plugin runs before the policy has
	// decided: they load it when they have to.
	tools    caisson.Caller
	governed bool
}

// ListTools loads the plugin and lists its tools.
func (p *pluginInUse) ListTools(ctx context.Context, params *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	loaded, err := p.load(ctx)
	if err != nil {
		return nil, err
	}
	return loaded.ListTools(ctx, params)
}

// CallTool loads the plugin and calls a tool.
func (p *pluginInUse) CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	loaded, err := p.load(ctx)
	if err != nil {
		return nil, err
	}
	return loaded.CallTool(ctx, params)
}

// forever is the bound of a clock that bounds nothing.
const forever = time.Duration(math.MaxInt64)

// withPlugin sets up a plugin and the policy in front of it, uses it and closes everything again.
func (a *app) withPlugin(c *cobra.Command, f *pluginFlags, path string, use func(context.Context, *pluginInUse) error) error {
	if c.Flags().Changed("timeout") && f.timeout <= 0 {
		return usage(c, "--timeout must be more than 0")
	}
	grants, err := f.grants.grants(c)
	if err != nil {
		return err
	}
	grants.Clocks, grants.Random, grants.PrivateAddresses = f.clocks, f.random, f.private
	options := &plugin.Options{Grants: grants, Limits: plugin.Limits{Fuel: f.fuel, MemoryBytes: uint64(f.memory)}, OnLog: a.pluginLogged}
	if options.Name, err = nameOfPlugin(path); err != nil {
		return err
	}
	bound := forever
	if f.timeout > 0 {
		// The clock bounds both. The limits must only not end before the clock.
		bound, options.Limits.LoadTime, options.Limits.WallTime = f.timeout, f.timeout+time.Second, f.timeout+time.Second
	}
	ctx, clock, stop := newClock(byPerson(c.Context()), bound)
	defer stop()
	p := &pluginInUse{name: options.Name}
	p.tools = p
	closeGate := func() {}
	if f.inspects {
		options.Policy, _, err = f.governance.load()
	} else {
		options.Policy, closeGate, err = a.govern(f, p, clock)
	}
	if err != nil {
		return err
	}
	defer closeGate()
	runtime, err := plugin.New(ctx, &plugin.RuntimeOptions{Logger: a.logger(), CacheDir: f.runtime.cacheDir, NoCache: f.runtime.noCache, Interpreter: f.interpret})
	if err != nil {
		return err
	}
	defer runtime.Close()
	var loaded *plugin.Plugin
	p.load = func(ctx context.Context) (*plugin.Plugin, error) {
		if loaded != nil {
			return loaded, nil
		}
		defer a.sayWhenSlow("compiling " + path)()
		var err error
		loaded, err = f.load(ctx, c, runtime, path, options)
		return loaded, err
	}
	return clock.explain(ctx, use(ctx, p), path, "plugin")
}

// govern puts the policy in front of a plugin's tools, and returns it; nil when there is none. The function that it
// returns closes what that needs.
func (a *app) govern(f *pluginFlags, p *pluginInUse, clock *clock) (*policy.Policy, func(), error) {
	asker := newAsker(a)
	asker.clock = clock
	options := caisson.ClientOptions{Logger: a.logger()}
	closeLog, err := f.governance.apply(&options, asker.approve)
	if err != nil || options.Policy == nil {
		return nil, closeLog, err
	}
	if p.tools, err = caisson.Guard(&options, policy.Plugin, p.name, p); err != nil {
		closeLog()
		return nil, nil, err
	}
	p.governed = true
	return options.Policy, closeLog, nil
}

// nameOfPlugin is the name that a plugin has in errors and for the policy: that of its file or folder, or the
// registry and the repository, so that no other registry's plugin has it.
func nameOfPlugin(path string) (string, error) {
	if !isReference(path) {
		return plugin.NameOf(path), nil
	}
	reference, err := oci.ParseReference(path)
	return reference.Registry + "/" + reference.Repository, err
}

// load loads a plugin from a file, a folder or the store.
func (f *pluginFlags) load(ctx context.Context, c *cobra.Command, runtime *plugin.Runtime, path string, options *plugin.Options) (*plugin.Plugin, error) {
	if !isReference(path) {
		if len(f.store.keys) > 0 {
			return nil, usage(c, "--key is for an oci:// plugin: a file has no signature")
		}
		return runtime.Load(ctx, path, options)
	}
	store, err := f.store.open(c)
	if err != nil {
		return nil, err
	}
	wasm, err := store.Read(path)
	if errors.Is(err, oci.ErrNotPulled) {
		return nil, fmt.Errorf("%w ('caisson plugin pull' gets it)", err)
	}
	if err != nil {
		return nil, err
	}
	return runtime.LoadBytes(ctx, wasm, options)
}

// pluginLogged prints a log message of a plugin.
func (a *app) pluginLogged(_ context.Context, m *mcp.LoggingMessageParams) {
	if params, err := jsontext.Marshal(m); err == nil {
		a.notified("notifications/message", params)
	}
}

// pluginTools returns the result of tools/list of a plugin.
func pluginTools(ctx context.Context, p caisson.Caller) (json.RawMessage, error) {
	page, err := p.ListTools(ctx, nil)
	if err != nil {
		return nil, err
	}
	return jsontext.Marshal(page)
}

// onePlugin checks that a command has one argument.
func onePlugin(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage(c, "no plugin is given")
	}
	return noArgs(c, args[1:])
}
