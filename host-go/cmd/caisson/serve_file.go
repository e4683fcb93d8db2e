package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/config"
)

// A servedFile is the servers of a configuration file that are served, with their logins.
type servedFile struct {
	*config.File
	app   *app
	ctx   context.Context
	store *storeFlag
	only  []string // empty for all
}

// newServedFile reads the configuration.
func newServedFile(a *app, c *cobra.Command, f *serveFlags, names []string) (*servedFile, error) {
	path := f.config
	if path == "" {
		var err error
		if path, err = config.DefaultPath(); err != nil {
			return nil, err
		}
	}
	file, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !slices.Contains(file.Names(), name) {
			return nil, usage(c, "there is no server %q in %s", shown(name), path)
		}
	}
	return &servedFile{file, a, c.Context(), &f.store, names}, nil
}

// Disabled reports whether a server is not served. One that is named is, also when the file has it disabled.
func (s *servedFile) Disabled(name string) bool {
	if len(s.only) > 0 {
		return !slices.Contains(s.only, name)
	}
	return s.File.Disabled(name)
}

// Server returns a server with its login.
func (s *servedFile) Server(name string) (caisson.Server, error) {
	server, err := s.File.Server(name)
	if err != nil {
		return server, err
	}
	logins, err := s.store.newLogins(s.ctx, s.app, newAsker(s.app), &server, false)
	if err != nil || logins == nil {
		return server, err
	}
	return server, logins.prepare(s.ctx, &server, false)
}
