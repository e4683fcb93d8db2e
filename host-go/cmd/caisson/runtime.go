package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// runtimeFlags say how the sandbox is set up.
type runtimeFlags struct {
	cacheDir  string
	noCache   bool
	isolation string
}

func (f *runtimeFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.cacheDir, "cache-dir", "", "keep the compiled core in `FOLDER` (default \"caisson\" in your cache folder)")
	c.Flags().BoolVar(&f.noCache, "no-cache", false, "compile the core anew, which takes seconds, and keep nothing")
	c.Flags().StringVar(&f.isolation, "isolation", string(caisson.IsolationSandbox), "run each sandbox in a process of its own, where `WHERE` is \"process\"")
}

func (f *runtimeFlags) options(a *app) *caisson.RuntimeOptions {
	return &caisson.RuntimeOptions{
		Logger:    a.logger(),
		CacheDir:  f.cacheDir,
		NoCache:   f.noCache,
		Isolation: caisson.Isolation(f.isolation),
	}
}

// serverErr returns the writer for a server command's standard error.
func (a *app) serverErr() io.Writer {
	if a.err.Person {
		return &terminal.Untrusted{W: a.err}
	}
	return a.err
}

// patience is how long an operation may take before the program says what it waits for.
const patience = time.Second

// newRuntime starts a runtime. It prints a line when that takes long.
func (a *app) newRuntime(ctx context.Context, options *caisson.RuntimeOptions) (*caisson.Runtime, error) {
	text := "loading the core takes longer than it should: the machine is busy"
	if options.CompileFirst {
		text = "making the core ready: what is not in the cache is compiled, which takes seconds"
	}
	defer a.sayWhenSlow(text)()
	return caisson.New(ctx, options)
}

// waitCompiled waits until the core is in the cache for the next run. Only a first run has to wait.
func (a *app) waitCompiled(ctx context.Context, runtime *caisson.Runtime) {
	defer a.sayWhenSlow("compiling the core, once, so that the next run starts at once; it takes seconds, and may be interrupted; 'caisson cache warm' does it ahead")()
	_ = runtime.Compile(ctx, startOnly) // A user who interrupts it has the result already.
}

// sayWhenCold says that the core is being compiled, to who serves others meanwhile.
func (a *app) sayWhenCold(runtime *caisson.Runtime, flags *runtimeFlags) {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	if !flags.noCache && runtime.Compile(now, startOnly) != nil { // It would have to wait.
		a.err.Say("the core is not in the cache yet: it is compiled once, and the first clients wait longer; 'caisson cache warm' does it ahead")
	}
}

// sayWhenSlow prints a text after patience, unless done is called before.
func (a *app) sayWhenSlow(text string) (done func()) {
	slow := time.AfterFunc(patience, func() { a.err.Say("%s", text) })
	return func() { slow.Stop() }
}
