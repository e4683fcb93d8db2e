package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson/plugin"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// pluginsFlag has the plugins of --plugin: what a policy grants each is what it may reach.
type pluginsFlag struct {
	words []string
}

func (f *pluginsFlag) register(c *cobra.Command, what string) {
	c.Flags().StringArrayVar(&f.words, "plugin", nil, what+" the plugin `[NAME=]FILE`, with the folders, variables and origins that the policy grants it; repeatable")
}

// load loads the plugins and gives each to add, under a name that taken does not have. The function that it returns
// ends them.
func (f *pluginsFlag) load(ctx context.Context, c *cobra.Command, a *app, cache runtimeFlags, logger *slog.Logger, p *policy.Policy, taken func(name string) bool, add func(name string, loaded *plugin.Plugin)) (func(), error) {
	if len(f.words) == 0 {
		return func() {}, nil
	}
	runtime, err := plugin.New(ctx, &plugin.RuntimeOptions{Logger: logger, CacheDir: cache.cacheDir, NoCache: cache.noCache})
	if err != nil {
		return nil, err
	}
	for _, word := range f.words {
		name, path := named(word, plugin.NameOf)
		if taken(name) {
			err = takenTwice(c, "--plugin", name)
			break
		}
		var loaded *plugin.Plugin
		if loaded, err = loadGranted(ctx, c, a, runtime, name, path, p); err != nil {
			break
		}
		add(name, loaded)
	}
	if err != nil {
		_ = runtime.Close()
		return nil, err
	}
	return func() { _ = runtime.Close() }, nil
}

// named takes [NAME=]PATH apart.
func named(word string, byDefault func(path string) string) (name, path string) {
	// A path may have a "=" too, after a separator.
	for i, r := range word {
		if os.IsPathSeparator(word[i]) {
			break
		}
		if r == '=' {
			return word[:i], word[i+1:]
		}
	}
	return byDefault(word), word
}

func takenTwice(c *cobra.Command, flag, name string) error {
	return usage(c, "%s: there are two of the name %q: give one another name, as NAME=PATH", flag, shown(name))
}

// loadGranted loads a plugin with what a policy grants it to reach.
func loadGranted(ctx context.Context, c *cobra.Command, a *app, runtime *plugin.Runtime, name, path string, p *policy.Policy) (*plugin.Plugin, error) {
	if isReference(path) {
		return nil, usage(c, "--plugin %s: it takes files: 'caisson plugin pull' says where it keeps one", shown(path))
	}
	grants, err := plugin.Granted(p, name)
	if err != nil {
		return nil, err
	}
	defer a.sayWhenSlow("compiling " + path)()
	return runtime.Load(ctx, path, &plugin.Options{Name: name, Grants: *grants, Policy: p})
}
