package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/config"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// serverFlags describe the server in addition to its name, URL or command.
type serverFlags struct {
	config     string
	transport  string
	headers    []string
	env        []string
	cwd        string
	inheritEnv bool
	versions   []string

	// lenient goes on without what the configuration refers to and is not there: the command needs no secret.
	lenient bool
	// file is the configuration file that the server was found in; "" for none.
	file string
}

func (f *serverFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.config, "config", "", "look the server's name up in `FILE` (default: see 'caisson --help')")
	c.Flags().StringVar(&f.transport, "transport", "", "talk over `http|sse|stdio` (default: the one that the server speaks)")
	c.Flags().StringArrayVar(&f.headers, "header", nil, "send `'Name: value'` with every HTTP request; repeatable")
	c.Flags().StringArrayVar(&f.env, "env", nil, "add `NAME=value` to the command's environment; repeatable")
	c.Flags().StringVar(&f.cwd, "cwd", "", "start the command in `FOLDER`")
	c.Flags().BoolVar(&f.inheritEnv, "inherit-env", false, "give the command the whole environment, not only PATH, HOME and the like")
	c.Flags().StringArrayVar(&f.versions, "protocol-version", nil, "speak the `REVISION` of the protocol, such as 2025-06-18; repeatable (default: the newest that both speak)")
	completeFlag(c, "transport", string(caisson.TransportHTTP), string(caisson.TransportSSE), string(caisson.TransportStdio))
	_ = c.MarkFlagDirname("cwd") // It fails only for a flag that is not there.
}

// completeName makes the shell complete the name of a server, the first argument.
func (f *serverFlags) completeName(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	paths := []string{f.config}
	if f.config == "" {
		paths = defaultConfigs()
	}
	var names []string
	for _, path := range paths {
		if file, err := config.Load(path); err == nil {
			names = append(names, slices.DeleteFunc(file.Names(), func(name string) bool { return terminal.Visible(name) != name })...)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// A target is the server on the command line: a name, a URL, or a command.
type target struct {
	name    string
	command []string
}

// splitTarget finds the server in a command line: what follows "--", or otherwise the first argument. It also
// returns the other arguments.
func splitTarget(c *cobra.Command, args []string) (target, []string, error) {
	if dash := c.ArgsLenAtDash(); dash >= 0 {
		if dash == len(args) {
			return target{}, nil, usage(c, "there is no command after --")
		}
		return target{command: args[dash:]}, args[:dash], nil
	}
	if len(args) == 0 {
		return target{}, nil, usage(c, "no server is given: give its name, its URL, or its command after --")
	}
	return target{name: args[0]}, args[1:], nil
}

// resolve returns the server's description, from the configuration and the flags.
func (f *serverFlags) resolve(a *app, c *cobra.Command, t target) (caisson.Server, error) {
	server, err := f.find(a, c, t)
	if err != nil {
		return caisson.Server{}, err
	}
	switch transport := caisson.TransportType(f.transport); transport {
	case caisson.TransportAuto:
	case caisson.TransportHTTP, caisson.TransportSSE, caisson.TransportStdio:
		server.Type = transport
	default:
		return caisson.Server{}, usage(c, "--transport %q is not known: use http, sse or stdio", f.transport)
	}
	if len(f.versions) > 0 {
		server.ProtocolVersions = f.versions
	}
	if server.Command != "" {
		err = f.applyToCommand(c, &server)
	} else {
		err = f.applyToURL(c, &server)
	}
	return server, err
}

func (f *serverFlags) find(a *app, c *cobra.Command, t target) (caisson.Server, error) {
	switch {
	case len(t.command) > 0:
		return caisson.Server{Command: t.command[0], Args: t.command[1:]}, nil
	case strings.Contains(t.name, "://"):
		return caisson.Server{URL: t.name}, nil
	case f.config != "":
		file, err := config.Load(f.config)
		if err != nil {
			return caisson.Server{}, err
		}
		return f.read(a, file, f.config, t.name)
	}
	return f.findByDefault(a, c, t.name)
}

// read reads a server of a file.
func (f *serverFlags) read(a *app, file *config.File, path, name string) (caisson.Server, error) {
	f.file = path
	server, err := file.Server(name)
	var missing *config.ReferenceError
	if !f.lenient || server.URL == "" || !errors.As(err, &missing) {
		return server, err
	}
	a.err.Say("%s: %v; it goes on without", server.Name, missing)
	return server, nil
}

// defaultConfigs returns the configuration files that are read without --config.
func defaultConfigs() []string {
	paths := []string{projectConfig}
	// Without a folder for the user's configuration there is no such configuration.
	if own, err := config.DefaultPath(); err == nil {
		paths = append(paths, own)
	}
	return paths
}

// findByDefault looks up a name in the folder's configuration, which the user must have trusted, and then in
// the user's own.
func (f *serverFlags) findByDefault(a *app, c *cobra.Command, name string) (caisson.Server, error) {
	var known []string
	paths := defaultConfigs()
	for i, path := range paths {
		var file *config.File
		var project *projectFile
		var err error
		if i > 0 {
			file, err = config.Load(path)
		} else if project, err = readProject(path); err == nil {
			file = project.file
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return caisson.Server{}, err
		case slices.Contains(file.Names(), name):
			if project != nil {
				if err := a.approve(c, project, name); err != nil {
					return caisson.Server{}, err
				}
			}
			return f.read(a, file, path, name)
		}
		known = append(known, file.Names()...)
	}
	message := fmt.Sprintf("there is no server %q in %s", shown(name), strings.Join(paths, " or "))
	if len(known) > 0 {
		slices.Sort(known)
		message += ", but " + strings.Join(slices.Compact(known), ", ")
	}
	return caisson.Server{}, usage(c, "%s; a URL begins with http:// or https://, and a command stands after --", message)
}

func (f *serverFlags) applyToCommand(c *cobra.Command, server *caisson.Server) error {
	if len(f.headers) > 0 {
		return usage(c, "--header is for a server with a URL, and this one is a command: use --env")
	}
	added, err := parsePairs(f.env, "=")
	if err != nil {
		return usage(c, "--env %w, such as NAME=value", err)
	}
	if len(added) > 0 {
		server.Env = maps.Clone(server.Env)
	}
	for _, pair := range added {
		if server.Env == nil {
			server.Env = map[string]string{}
		}
		server.Env[pair[0]] = pair[1]
	}
	server.InheritEnv = server.InheritEnv || f.inheritEnv
	if f.cwd != "" {
		server.Dir = f.cwd
	}
	return nil
}

func (f *serverFlags) applyToURL(c *cobra.Command, server *caisson.Server) error {
	if len(f.env) > 0 || f.cwd != "" || f.inheritEnv {
		return usage(c, "--env, --cwd and --inherit-env are for a command, and this server has a URL")
	}
	added, err := parsePairs(f.headers, ":")
	if err != nil {
		return usage(c, "--header %w, such as 'Name: value'", err)
	}
	if len(added) == 0 {
		return nil
	}
	if server.Headers = server.Headers.Clone(); server.Headers == nil {
		server.Headers = http.Header{}
	}
	// Headers of the command line replace those of the file, and its way to authorize.
	for _, pair := range added {
		server.Headers.Del(pair[0])
		if strings.EqualFold(pair[0], "Authorization") {
			server.Auth = nil
		}
	}
	for _, pair := range added {
		server.Headers.Add(pair[0], pair[1])
	}
	return nil
}

// parsePairs reads names and values, in order. Its errors give a pair's number and do not quote it,
// because these flags take secrets.
func parsePairs(pairs []string, separator string) (parsed [][2]string, err error) {
	for i, pair := range pairs {
		name, value, ok := strings.Cut(pair, separator)
		if !ok || name == "" || strings.ContainsAny(name, " \t\r\n\x00") || strings.ContainsAny(value, "\r\n\x00") {
			return nil, fmt.Errorf("number %d is not a name, a %q and a value", i+1, separator)
		}
		if separator == ":" {
			value = strings.TrimSpace(value)
		}
		parsed = append(parsed, [2]string{name, value})
	}
	return parsed, nil
}
