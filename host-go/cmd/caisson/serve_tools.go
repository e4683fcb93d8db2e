package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway/codemode"
	"github.com/caisson-dev/caisson/host-go/caisson/plugin"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/caisson/python"
	"github.com/caisson-dev/caisson/host-go/caisson/scripttools"
	"github.com/caisson-dev/caisson/host-go/caisson/typescript"
)

// codePath is the endpoint for models that write scripts.
const codePath = "/mcp/code"

// toolFlags are the flags of serve for tools that are no server's.
type toolFlags struct {
	code    bool
	scripts []string
	plugins []string
}

func (f *toolFlags) register(c *cobra.Command) {
	c.Flags().BoolVar(&f.code, "code", false, "serve code mode over standard input and output: search_tools, get_tool and run_script. Over HTTP it is at /mcp/code")
	c.Flags().StringArrayVar(&f.scripts, "scripts", nil, "serve the scripts in `[NAME=]FOLDER` as tools; repeatable (see docs/serve.md)")
	c.Flags().StringArrayVar(&f.plugins, "plugin", nil, "serve the tools of the plugin `[NAME=]FILE`, with the folders, variables and origins that the policy grants it; repeatable")
}

// add adds the tools to the options of a gateway. The function that it returns closes what they need, after the
// gateway.
func (f *toolFlags) add(ctx context.Context, c *cobra.Command, a *app, runtime *caisson.Runtime, cache runtimeFlags, options *gateway.Options) (func(), error) {
	var closing []func() error
	closeAll := func() {
		for i := len(closing) - 1; i >= 0; i-- {
			_ = closing[i]()
		}
	}
	// The gateway's policy decides about what scripts call; this client only runs them.
	client, err := runtime.NewClient(&caisson.ClientOptions{Logger: options.Logger})
	if err != nil {
		return nil, err
	}
	closing = append(closing, client.Close)
	options.Endpoints = map[string]gateway.NewCaller{codePath: codemode.Endpoint(client, &codemode.Options{Languages: map[string]caisson.Language{
		"javascript": caisson.JavaScript, "typescript": typescript.Language(nil), "python": python.Language,
	}})}
	options.Sources = map[string]gateway.NewCaller{}
	for _, word := range f.scripts {
		folder, err := f.addScripts(c, client, word, options.Sources)
		if err != nil {
			closeAll()
			return nil, err
		}
		closing = append(closing, folder.Close)
	}
	if len(f.plugins) == 0 {
		return closeAll, nil
	}
	plugins, err := plugin.New(ctx, &plugin.RuntimeOptions{Logger: options.Logger, CacheDir: cache.cacheDir, NoCache: cache.noCache})
	if err == nil {
		closing = append(closing, plugins.Close)
		for _, word := range f.plugins {
			if err = f.addPlugin(ctx, c, a, plugins, word, options); err != nil {
				break
			}
		}
	}
	if err != nil {
		closeAll()
		return nil, err
	}
	return closeAll, nil
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

func taken(c *cobra.Command, flag, name string, sources map[string]gateway.NewCaller) error {
	if sources[name] != nil {
		return usage(c, "%s: there are two of the name %q: give one another name, as NAME=PATH", flag, shown(name))
	}
	return nil
}

// addScripts adds the scripts of a folder, which stays open: they import from it.
func (f *toolFlags) addScripts(c *cobra.Command, client *caisson.Client, word string, sources map[string]gateway.NewCaller) (*os.Root, error) {
	name, path := named(word, func(path string) string {
		if whole, err := filepath.Abs(path); err == nil {
			path = whole
		}
		return filepath.Base(path)
	})
	if err := taken(c, "--scripts", name, sources); err != nil {
		return nil, err
	}
	folder, err := os.OpenRoot(path)
	if err != nil {
		return nil, usage(c, "--scripts: %w", err)
	}
	languages := map[string]caisson.Language{}
	script := typescript.Language(&typescript.Options{Files: folder.FS()})
	for _, end := range extensions["js"] {
		languages[end] = caisson.JavaScript
	}
	for _, end := range extensions["ts"] {
		languages[end] = script
	}
	for _, end := range extensions["py"] {
		languages[end] = python.Language
	}
	read, err := scripttools.Load(folder.FS(), &scripttools.Options{Languages: languages})
	if err != nil {
		_ = folder.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	sources[name] = func(_ context.Context, all *gateway.View) (caisson.Caller, error) {
		return read.Caller(client, all), nil
	}
	return folder, nil
}

// addPlugin adds the tools of a plugin.
func (f *toolFlags) addPlugin(ctx context.Context, c *cobra.Command, a *app, runtime *plugin.Runtime, word string, options *gateway.Options) error {
	name, path := named(word, plugin.NameOf)
	if err := taken(c, "--plugin", name, options.Sources); err != nil {
		return err
	}
	if isReference(path) {
		return usage(c, "--plugin %s: serve takes files: 'caisson plugin pull' says where it keeps one", shown(path))
	}
	grants, err := grantedTo(options.Client.Policy, name)
	if err != nil {
		return err
	}
	defer a.sayWhenSlow("compiling " + path)()
	p, err := runtime.Load(ctx, path, &plugin.Options{Name: name, Grants: *grants, Policy: options.Client.Policy})
	if err != nil {
		return err
	}
	options.Sources[name] = gateway.Shared(p)
	return nil
}

// grantedTo are what a policy grants a plugin to reach: without a policy nothing.
func grantedTo(p *policy.Policy, name string) (*plugin.Grants, error) {
	grants := &plugin.Grants{}
	if p == nil {
		return grants, nil
	}
	source, _ := p.Source(policy.Plugin, name)
	if source == nil {
		return nil, &caisson.Error{
			Code: caisson.CodeDenied, Server: name, Step: "load plugin",
			Message: "the policy has nothing for the plugin: add it to \"plugins\"", Err: errors.New("not granted"),
		}
	}
	grants.Origins, grants.Env = source.Origins, map[string]string{}
	for _, variable := range source.Environment {
		if value, ok := os.LookupEnv(variable); ok {
			grants.Env[variable] = value
		}
	}
	for _, folder := range source.Folders {
		grants.Folders = append(grants.Folders, plugin.Folder{Path: folder.Path, Host: folder.Path, Write: folder.Access == policy.AccessWrite})
	}
	return grants, nil
}
