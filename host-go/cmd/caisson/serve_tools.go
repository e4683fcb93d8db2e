package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway/codemode"
	"github.com/caisson-dev/caisson/host-go/caisson/plugin"
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
	plugins pluginsFlag
}

func (f *toolFlags) register(c *cobra.Command) {
	c.Flags().BoolVar(&f.code, "code", false, "serve code mode over standard input and output: search_tools, get_tool and run_script. Over HTTP it is at /mcp/code")
	c.Flags().StringArrayVar(&f.scripts, "scripts", nil, "serve the scripts in `[NAME=]FOLDER` as tools; repeatable (see docs/serve.md)")
	f.plugins.register(c, "serve the tools of")
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
	closePlugins, err := f.plugins.load(ctx, c, a, cache, options.Logger, options.Client.Policy, func(name string) bool { return options.Sources[name] != nil },
		func(name string, p *plugin.Plugin) { options.Sources[name] = gateway.Shared(p) })
	if err != nil {
		closeAll()
		return nil, err
	}
	closing = append(closing, func() error { closePlugins(); return nil })
	return closeAll, nil
}

// addScripts adds the scripts of a folder, which stays open: they import from it.
func (f *toolFlags) addScripts(c *cobra.Command, client *caisson.Client, word string, sources map[string]gateway.NewCaller) (*os.Root, error) {
	name, path := named(word, func(path string) string {
		if whole, err := filepath.Abs(path); err == nil {
			path = whole
		}
		return filepath.Base(path)
	})
	if sources[name] != nil {
		return nil, takenTwice(c, "--scripts", name)
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
