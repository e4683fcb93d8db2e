package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
)

// commandExport is what a command component exports (wasi:cli/run).
const commandExport = "wasi:cli/run@0.2.0#run"

// runFlags say what the program is granted, and what it may use.
type runFlags struct {
	grants  grantFlags
	runtime runtimeFlags
	timeout time.Duration
	fuel    uint64
	memory  byteSize
	// interpret runs the component without compiling it. interpreterMemory bounds the memory for its code.
	interpret         bool
	interpreterMemory byteSize
}

func (f *runFlags) register(c *cobra.Command) {
	f.grants.register(c)
	durationFlag(c, &f.timeout, "timeout", 0, "stop the program after `DURATION`, including compiling (default: no limit)")
	c.Flags().Uint64Var(&f.fuel, "fuel", 0, "stop the program after `UNITS` of about one instruction each, checked every 262,144 units (default: no limit)")
	c.Flags().Var(&f.memory, "max-memory", "give the program no more than `SIZE` of memory, such as 64MiB (default 512MiB)")
	c.Flags().BoolVar(&f.interpret, "interpret", false, "do not compile the program: it starts sooner and runs tens of times slower")
	c.Flags().Var(&f.interpreterMemory, "interpreter-memory", "with --interpret, let the program's code take no more than `SIZE` of memory (default 1GiB)")
	c.Flags().StringVar(&f.runtime.cacheDir, "cache-dir", "", "keep the compiled component in `FOLDER` (default \"caisson\" in your cache folder)")
	c.Flags().BoolVar(&f.runtime.noCache, "no-cache", false, "compile the component anew and keep nothing")
}

func (a *app) runCommand() *cobra.Command {
	var flags runFlags
	c := &cobra.Command{
		Use:   "run [FLAG]... FILE [ARG]...",
		Short: "Run a component that is a command-line program",
		Long: `Runs a component that exports wasi:cli/run, such as cargo builds for wasm32-wasip2. The words after
FILE are the program's arguments. The program uses this command's standard input, standard output
and standard error, and has the time and random numbers. It has only the files, environment and
network that flags grant:

  --dir HOST[:GUEST][:ro]  a folder with its contents. The program finds it as GUEST, or without
                           GUEST as HOST is spelled. With ":ro" the program can change nothing.
                           Links do not lead out of the folder
  --env NAME[=VALUE]       a variable. Without VALUE it has the value of this environment
  --net ORIGIN             HTTP requests to an origin, such as https://api.example.com. The program
                           gets redirects as responses; they are not followed. There are no sockets

Exit codes: the program's own, or 2 usage, 4 the file is not a component that can be run, or the
program trapped or reached a limit, 5 timeout, 130 interrupted.`,
		Example: `  caisson component run hello.wasm
  caisson component run --dir .:/work:ro --env LANG grep.wasm -r needle /work
  caisson component run --net https://api.example.com --timeout 30s fetch.wasm`,
		DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(c, "no file is given")
			}
			if c.Flags().Changed("timeout") && flags.timeout <= 0 {
				return usage(c, "--timeout must be more than 0")
			}
			return a.runComponent(c, &flags, args)
		},
	}
	c.Flags().SetInterspersed(false) // The words after FILE are for the program.
	flags.register(c)
	return c
}

func (a *app) runComponent(c *cobra.Command, flags *runFlags, args []string) error {
	cfg := &component.Config{Interpreter: flags.interpret, InterpreterMemory: uint64(flags.interpreterMemory), Limits: component.Limits{Fuel: flags.fuel, Memory: uint64(flags.memory)}}
	grants, err := flags.grants.config(c)
	defer closeFolders(grants)
	if err != nil {
		return err
	}
	b, err := readComponent(c, args[0])
	if err != nil {
		return err
	}
	if cfg.CacheDir, err = componentCache(a, &flags.runtime); err != nil {
		return err
	}
	grants.Args = append([]string{filepath.Base(args[0])}, args[1:]...)
	grants.Stdin, grants.Stdout, grants.Stderr = a.in, a.out, a.err
	stdin, _ := a.in.(io.Writer) // A file is also a writer.
	grants.Terminal = wasi.Terminal{Stdin: terminal.IsTerminal(stdin), Stdout: terminal.IsTerminal(a.out), Stderr: a.err.Person}
	ctx := c.Context()
	if flags.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, flags.timeout)
		defer cancel()
	}
	err = a.loadComponent(ctx, cfg, args[0], b, func(compiled *component.Compiled) error {
		err := execute(ctx, compiled, grants)
		if stack := trapStack(err); stack != "" {
			a.logger().Debug("the program trapped", "stack", stack)
		}
		if exit := (*guestExit)(nil); err != nil && !errors.As(err, &exit) {
			return &loadError{args[0], err}
		}
		return err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return &loadError{args[0], fmt.Errorf("not done after %s: %w", flags.timeout, context.DeadlineExceeded)}
	}
	return err
}

// execute runs the program once. It returns a *guestExit when the program's exit code is not 0.
func execute(ctx context.Context, c *component.Compiled, grants *wasi.Config) error {
	if !slices.ContainsFunc(c.Exports(), func(e component.Extern) bool { return strings.HasPrefix(e.Name, "wasi:cli/run@0.2.") }) {
		return errors.New("not a command: it exports no wasi:cli/run@0.2 ('caisson component inspect' shows what it exports)")
	}
	l := component.NewLinker()
	wasi.AddToLinker(l, grants)
	in, err := c.Instantiate(ctx, l)
	if err != nil {
		return ended(nil, err)
	}
	defer in.Close(context.WithoutCancel(ctx))
	out, err := in.ExportedFunction(commandExport).Call(ctx)
	if err != nil {
		return ended(in, err)
	}
	if len(out) != 1 || out[0] != component.OK(nil) {
		return &guestExit{1}
	}
	return nil
}

// ended turns the error of a trap into the program's exit. When a limit was the cause, the error names the
// flag. in is nil when the trap came before there was an instance.
func ended(in *component.Instance, err error) error {
	var exit *wasi.ExitError
	var limit *component.LimitError
	isLimit := errors.As(err, &limit)
	switch {
	case isLimit && limit.Resource == "fuel":
		return fmt.Errorf("%w: allow more with --fuel", err)
	case isLimit && limit.Resource != "call depth" && limit.Limit > 0:
		return fmt.Errorf("%w: allow more with --max-memory", err)
	case !errors.As(err, &exit) && in != nil && in.MemoryRefused():
		return fmt.Errorf("%w, after it was refused memory: allow more with --max-memory", err)
	case exit == nil:
		return err
	case exit.Code == 0:
		return nil
	}
	return &guestExit{exit.Code}
}
