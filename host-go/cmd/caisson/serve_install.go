package main

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/install"
)

// installFlags have 'serve' add itself to a client in place of serving.
type installFlags struct {
	client string
	name   string
	write  bool
}

func (f *installFlags) register(c *cobra.Command) {
	var names []string
	for _, client := range install.Clients() {
		names = append(names, client.Name)
	}
	c.Flags().StringVar(&f.client, "install", "", "print the entry with which `CLIENT` starts this command: "+strings.Join(names, ", "))
	c.Flags().BoolVar(&f.write, "write", false, "with --install: write the entry into the client's file, and keep a copy of it")
	c.Flags().StringVar(&f.name, "name", "caisson", "with --install: the `NAME` of the entry")
	completeFlag(c, "install", names...)
}

// absolute makes the path in a flag's value absolute: a client starts the command in another folder. The flag's help says
// whether the value is one.
func absolute(flag *pflag.Flag, value string) (string, error) {
	kind, _ := pflag.UnquoteUsage(flag)
	kind, mayHaveName := strings.CutPrefix(kind, "[NAME=]")
	isPath := kind == "FILE" || kind == "FOLDER" || kind == "STORE" && strings.ContainsAny(value, `/\`)
	if !isPath {
		return value, nil
	}
	name, path := "", value
	if mayHaveName {
		name, path = named(value, func(string) string { return "" })
	}
	path, err := filepath.Abs(path)
	if name != "" {
		path = name + "=" + path
	}
	return path, err
}

// run prints or writes the entry. It reports whether that was asked for; then nothing is to be served.
func (f *installFlags) run(a *app, c *cobra.Command, words []string) (bool, error) {
	if !c.Flags().Changed("install") {
		for _, name := range []string{"write", "name"} {
			if c.Flags().Changed(name) {
				return true, usage(c, "--%s is for --install", name)
			}
		}
		return false, nil
	}
	client, err := install.Find(f.client)
	if err != nil {
		return true, usage(c, "--install: %w", err)
	}
	if c.Flags().Changed("http") {
		return true, usage(c, "--install is for clients that start this command; with --http you start it: give the client its URL")
	}
	entry, err := f.entry(c, words)
	if err != nil {
		return true, err
	}
	text, err := client.Render(entry)
	if err != nil {
		return true, usage(c, "--name: %w", err)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return true, err
	}
	folder, err := os.Getwd()
	if err != nil {
		return true, err
	}
	path, err := client.Path(install.Environment{System: runtime.GOOS, Home: home, Folder: folder, Getenv: os.Getenv})
	if !f.write {
		if err != nil {
			a.err.Say("%v", err)
		} else {
			a.err.Say("%s has its servers in %s; --write adds this:", client.Title, path)
		}
		return true, a.printf("%s", text)
	}
	if err != nil {
		return true, err
	}
	result, err := install.Write(c.Context(), path, func(old []byte) ([]byte, error) { return client.Add(old, entry) })
	if err != nil {
		return true, err
	}
	if !result.Changed {
		return true, a.printf("%s has the entry already\n", result.Path)
	}
	if err := a.printf("%s was written\n", result.Path); err != nil {
		return true, err
	}
	if result.Copy != "" {
		a.err.Say("what it was is in %s", result.Copy)
	}
	if client.Restart != "" {
		a.err.Say("%s: %s", client.Title, client.Restart)
	}
	return true, nil
}

// entry is the command line of now, without what is for --install, and with absolute paths.
func (f *installFlags) entry(c *cobra.Command, words []string) (install.Entry, error) {
	program, err := os.Executable()
	if err != nil {
		return install.Entry{}, err
	}
	args := strings.Fields(c.CommandPath())[1:]
	add := func(flag *pflag.Flag, value string) {
		if err == nil {
			value, err = absolute(flag, value)
		}
		args = append(args, "--"+flag.Name+"="+value)
	}
	c.Flags().Visit(func(flag *pflag.Flag) {
		if slices.Contains([]string{"install", "write", "name"}, flag.Name) {
			return
		}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			for _, value := range list.GetSlice() {
				add(flag, value)
			}
			return
		}
		add(flag, flag.Value.String())
	})
	if err == nil && !c.Flags().Changed("policy") {
		// The policy of this folder holds here, and must hold where the client starts the command.
		var g governanceFlags
		var path string
		if path, err = g.path(); path != "" {
			add(c.Flags().Lookup("policy"), path)
		}
	}
	if len(words) > 0 {
		args = append(append(args, "--"), words...)
	}
	return install.Entry{Name: f.name, Command: program, Args: args}, err
}
