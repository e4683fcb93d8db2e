package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/component"
)

func (a *app) componentCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "component",
		Short: "Inspect a WebAssembly component, or run one",
		Long: `Works with WebAssembly components of any kind, without MCP. It inspects what a toolchain has built,
and runs command-line programs in the sandbox in which the core runs.`,
		Example: `  caisson component inspect app.wasm
  caisson component run --dir . app.wasm --help`,
		Args: cobra.ArbitraryArgs,
		RunE: needSubcommand,
	}
	c.AddCommand(a.inspectCommand(), a.runCommand())
	return c
}

// readComponent reads a component's file.
func readComponent(c *cobra.Command, path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, usage(c, "%w", err)
	}
	if kind := fileKind(b); kind != "" {
		return nil, fmt.Errorf("%s is %s, not a WebAssembly component", path, kind)
	}
	return b, nil
}

// fileKind says what kind of file it is when it is not a component, from its first bytes.
func fileKind(b []byte) string {
	const magic = "\x00asm"
	switch {
	case len(b) < 8 || string(b[:4]) != magic:
		if len(b) > 0 && b[0] == '(' {
			return "WebAssembly text, or another text"
		}
		return "another kind of file"
	case string(b[4:8]) == "\x01\x00\x00\x00":
		return "a core WebAssembly module ('wasm-tools component new' makes a component of one)"
	}
	return ""
}

// A loadError is a component that cannot be compiled.
type loadError struct {
	path string
	err  error
}

func (e *loadError) Error() string {
	return e.path + ": " + strings.TrimPrefix(e.err.Error(), "component: ")
}
func (e *loadError) Unwrap() error { return e.err }

// loadComponent compiles a component and passes it to use. It prints a line when compiling takes long.
func (a *app) loadComponent(ctx context.Context, cfg *component.Config, path string, b []byte, use func(*component.Compiled) error) error {
	slow := time.AfterFunc(patience, func() { a.err.Say("compiling %s", filepath.Base(path)) })
	defer slow.Stop()
	r, err := component.NewRuntime(ctx, cfg)
	if err != nil {
		return err
	}
	defer r.Close(context.WithoutCancel(ctx))
	c, err := r.Compile(ctx, b)
	if err != nil {
		return &loadError{path, err}
	}
	slow.Stop()
	return use(c)
}

// A guestExit is the exit code of a component that is a program, when the code is not 0. The program itself
// has printed the reason.
type guestExit struct{ code int }

func (e *guestExit) Error() string { return fmt.Sprintf("the program ended with exit code %d", e.code) }

// componentCache returns the folder for compiled components.
func componentCache(a *app, flags *runtimeFlags) (string, error) {
	dir, err := caisson.CacheDir(flags.options(a))
	if err != nil {
		return "", err
	}
	return dir, nil
}

// oneFile checks that a command has one argument.
func oneFile(c *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return usage(c, "no file is given")
	case 1:
		return nil
	}
	return noArgs(c, args[1:])
}

// trapStack returns the place in the guest's code at which it trapped, or "" when the place is unknown.
func trapStack(err error) string {
	var trap *component.TrapError
	if errors.As(err, &trap) {
		return trap.Stack
	}
	return ""
}
