package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// An app is what the sub-commands share: where to read and write, and how much to print.
type app struct {
	in      io.Reader
	out     io.Writer          // only results
	err     *terminal.Terminal // everything else; safe for concurrent use
	verbose bool
}

// run is the whole program. It returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := interruptible(context.Background())
	defer stop()
	return runIn(ctx, args, stdin, stdout, stderr)
}

// runIn is run until a context ends.
func runIn(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{in: stdin, out: stdout, err: terminal.New(stderr)}
	defer a.err.End()
	root := a.command()
	root.SetArgs(append([]string{}, args...)) // For cobra, nil means the arguments of the process.
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if why := interruption(ctx, err); why != nil {
		err = why
	}
	a.report(err)
	return exitCode(err)
}

// logger writes diagnostics to stderr: warnings, and everything with --verbose.
func (a *app) logger() *slog.Logger { return a.logFrom(slog.LevelWarn) }

func (a *app) logFrom(level slog.Level) *slog.Logger {
	if a.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level}))
}

// serversLog is logger, with the lines of the servers' standard error, each with the name of its server: for a command
// that has many of them.
func (a *app) serversLog() *slog.Logger { return a.logFrom(slog.LevelInfo) }

const rootHelp = `caisson makes the calls of the Model Context Protocol, with a command for each. TypeScript in a
WebAssembly sandbox inside of this program speaks the protocol. It can reach only the server that
you name.

A server is one of
  NAME           a name in a configuration file: --config, or else ./mcp.json, or else mcp.json in
                 the folder "caisson" of your configuration folder. The file has the mcpServers
                 format of other MCP hosts. ./mcp.json needs your yes, once: see 'caisson trust'
  URL            http://... or https://..., which is tried as streamable HTTP and then as SSE
  -- COMMAND...  a command to start, at the end of the line, for a server on stdio

Other users of the machine can see your command lines. A configuration file can take secrets from
the environment, with ${VAR}, from files and from the keyring. You log in once to a server on the
network that asks for it, for all commands: see 'caisson auth'.

Results go to standard output. Logs, progress and the server's standard error go to standard
error.

Exit codes: 0 success, 1 the tool reported an error, 2 usage, 3 could not connect, 4 protocol or
transport error, 5 timeout, 6 authorization required, 7 denied by the policy, 8 the run of a script
sleeps, 130 interrupted.`

const rootExample = `  caisson list-tools -- npx -y @modelcontextprotocol/server-everything
  caisson call-tool https://mcp.example.com/mcp search query=wasm limit=3
  caisson read-resource files file:///notes.txt
  caisson demo`

// command returns the tree of commands.
func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:           "caisson",
		Short:         "An MCP client in a sandbox",
		Long:          rootHelp,
		Example:       rootExample,
		SilenceErrors: true, // run reports them.
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          needSubcommand,
	}
	root.DisableAutoGenTag = true // A manual page is the same on each day.
	root.PersistentFlags().BoolVarP(&a.verbose, "verbose", "v", false, "log to standard error what happens")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usage(c, "%w%s", shownFlag(err), afterDash(c, err)) })
	a.addCommands(root)
	return root
}

// afterDash returns the remedy for an unknown flag that may belong to a server's command, or be an argument.
func afterDash(c *cobra.Command, err error) string {
	switch {
	case !strings.HasPrefix(err.Error(), "unknown"):
		return ""
	case c.Name() == "run-function":
		return "; an argument that begins with - stands after --"
	case c.Flags().Lookup("transport") == nil:
		return ""
	}
	return "; a server's command stands after --, with its flags"
}

// needSubcommand is the action of a command that only has sub-commands.
func needSubcommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		return usage(c, "there is no command %q: did you mean %s?", shown(args[0]), near[0])
	}
	return usage(c, "there is no command %q", shown(args[0]))
}

// noArgs refuses arguments.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(c, "%q is one argument too many", shown(args[0]))
	}
	return nil
}

// printf writes a part of the result.
func (a *app) printf(format string, args ...any) error {
	if _, err := fmt.Fprintf(a.out, format, args...); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}
