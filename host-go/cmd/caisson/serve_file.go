package main

import (
	"context"
	"errors"
	"io/fs"
	"reflect"
	"slices"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/config"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
)

// A servedFile is the servers of a configuration file that are served, with their logins.
type servedFile struct {
	*config.File
	path  string
	app   *app
	ctx   context.Context
	store *storeFlag
	only  []string // empty for all
}

var _ gateway.Comparer = (*servedFile)(nil)

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
	if f.config == "" && errors.Is(err, fs.ErrNotExist) {
		return nil, usage(c, "there is no file %s: name the configuration with --config FILE", path)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !slices.Contains(file.Names(), name) {
			return nil, usage(c, "there is no server %q in %s", shown(name), path)
		}
	}
	return &servedFile{File: file, path: path, app: a, ctx: c.Context(), store: &f.store, only: names}, nil
}

// again reads the file again.
func (s *servedFile) again() (*servedFile, error) {
	next := *s
	var err error
	next.File, err = config.Load(s.path)
	return &next, err
}

// Same reports whether a server is described as it was; its login does not count.
func (s *servedFile) Same(others caisson.Servers, name string) bool {
	other, ok := others.(*servedFile)
	if !ok {
		return false
	}
	a, err := s.File.Server(name)
	if err != nil {
		return false
	}
	b, err := other.File.Server(name)
	return err == nil && reflect.DeepEqual(a, b)
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
