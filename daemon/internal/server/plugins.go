package server

import (
	"context"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/plugin"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"

	"github.com/caisson-dev/caisson/daemon/internal/config"
)

// openPlugins loads the plugins of the configuration. They end with the daemon.
func (s *Server) openPlugins(ctx context.Context, p *policy.Policy) (map[string]caisson.Caller, error) {
	if len(s.file.Scripts.Plugins) == 0 {
		return nil, nil
	}
	runtime, err := plugin.New(ctx, &plugin.RuntimeOptions{Logger: s.log, CacheDir: s.options.CacheDir})
	if err != nil {
		return nil, err
	}
	s.closing = append(s.closing, runtime.Close)
	return loadPlugins(ctx, s.file, p, runtime)
}

// loadPlugins loads the plugins of a configuration, each with what the policy grants it to reach.
func loadPlugins(ctx context.Context, f *config.File, p *policy.Policy, runtime *plugin.Runtime) (map[string]caisson.Caller, error) {
	loaded := map[string]caisson.Caller{}
	for name, path := range f.Scripts.Plugins {
		grants, err := plugin.Granted(p, name)
		if err == nil {
			loaded[name], err = runtime.Load(ctx, path, &plugin.Options{Name: name, Grants: *grants, Policy: p})
		}
		if err != nil {
			return nil, &config.Error{File: f.Path, Key: "scripts.plugins." + name, Message: err.Error(), Err: err}
		}
	}
	return loaded, nil
}

// checkPlugins loads the plugins of a configuration, and keeps nothing of them: it interprets them.
func checkPlugins(ctx context.Context, f *config.File, p *policy.Policy) error {
	if len(f.Scripts.Plugins) == 0 {
		return nil
	}
	runtime, err := plugin.New(ctx, &plugin.RuntimeOptions{NoCache: true, Interpreter: true})
	if err != nil {
		return err
	}
	defer runtime.Close()
	_, err = loadPlugins(ctx, f, p, runtime)
	return err
}
