package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// runtimeFlags say how the sandbox is set up.
type runtimeFlags struct {
	cacheDir string
	noCache  bool
}

func (f *runtimeFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.cacheDir, "cache-dir", "", "keep the compiled core in `FOLDER` (default \"caisson\" in your cache folder)")
	c.Flags().BoolVar(&f.noCache, "no-cache", false, "compile the core anew, which takes seconds, and keep nothing")
}

func (f *runtimeFlags) options(a *app) *caisson.Options {
	return &caisson.Options{
		Logger:   a.logger(),
		Stderr:   a.serverErr(),
		CacheDir: f.cacheDir,
		NoCache:  f.noCache,
	}
}

// serverErr is where a server's command writes what it says on its standard error.
func (a *app) serverErr() io.Writer {
	if a.err.person {
		return &untrusted{w: a.err}
	}
	return a.err
}

// patience is how long the core may take to load before somebody wonders.
const patience = time.Second

// newRuntime starts a runtime, and says so when it takes long.
func (a *app) newRuntime(ctx context.Context, options *caisson.Options) (*caisson.Runtime, error) {
	slow := time.AfterFunc(patience, func() { a.err.say("loading the core: a first run compiles it, which takes seconds") })
	defer slow.Stop()
	return caisson.New(ctx, options)
}
