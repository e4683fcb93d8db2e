package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

const demoIntroduction = `A small MCP server (caisson demo-server) runs as a child process. The client's half of the protocol
is TypeScript, in a WebAssembly sandbox inside of this process.

`

// demoTimeout bounds the demo after the runtime has started.
const demoTimeout = 30 * time.Second

func (a *app) demoCommand() *cobra.Command {
	var flags runtimeFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show what the program does, step by step",
		Long: `Starts 'caisson demo-server' as a child process, connects to it, lists its tools, calls two of
them, and prints how long each step took. It needs no network and no configuration.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			program, err := os.Executable()
			if err != nil {
				return fmt.Errorf("finding the program's own file: %w", err)
			}
			d := demo{
				app:     a,
				options: flags.options(a),
				server:  caisson.Server{Name: "demo", Command: program, Args: []string{"demo-server"}},
			}
			return d.run(c.Context())
		},
	}
	flags.register(c)
	return c
}

// A demo runs a session from beginning to end, and prints a line for each step.
type demo struct {
	app     *app
	options *caisson.RuntimeOptions
	server  caisson.Server

	runtime *caisson.Runtime
	session *caisson.Session
	warm    bool // the cache had the core
}

func (d *demo) run(whole context.Context) error {
	if err := d.app.printf(demoIntroduction); err != nil {
		return err
	}
	defer d.end()
	begin := time.Now()
	if err := d.step(whole, "start the runtime", d.start); err != nil {
		return err
	}
	ctx, clock, stop := newClock(whole, demoTimeout)
	defer stop()
	for _, step := range []struct {
		name string
		do   func(context.Context) (string, error)
	}{
		{"connect", d.connect},
		{"tools/list", d.list},
		{"tools/call echo", d.echo},
		{"tools/call add", d.add},
		{"close", d.close},
	} {
		if err := d.step(ctx, step.name, step.do); err != nil {
			return clock.explain(ctx, err, d.server.Name, step.name)
		}
	}
	if err := d.app.printf("\n  %-18s%10s\n", "in all", milliseconds(time.Since(begin))); err != nil {
		return err
	}
	if d.warm || d.options.NoCache {
		return nil
	}
	return d.step(whole, "compile the core", d.compile)
}

// step runs one step, and prints how long the step took and its result.
func (d *demo) step(ctx context.Context, name string, do func(context.Context) (string, error)) error {
	if err := d.app.printf("  %-18s", name); err != nil {
		return err
	}
	begin := time.Now()
	outcome, err := do(ctx)
	took := time.Since(begin)
	if err != nil {
		_ = d.app.printf("    failed\n") // err is more important.
		return err
	}
	return d.app.printf("%10s   %s\n", milliseconds(took), outcome)
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

func (d *demo) start(ctx context.Context) (_ string, err error) {
	if d.runtime, err = d.app.newRuntime(ctx, d.options); err != nil {
		return "", err
	}
	now, cancel := context.WithCancel(ctx)
	cancel()
	if d.warm = d.runtime.Compile(now, startOnly) == nil; d.warm {
		return "with the core compiled, from the cache", nil
	}
	return "in the interpreter, while the core compiles", nil
}

var startOnly = &caisson.CompileOptions{StartOnly: true}

// compile waits until the core is compiled, so that the next run is quick.
func (d *demo) compile(ctx context.Context) (string, error) {
	if err := d.runtime.Compile(ctx, startOnly); err != nil {
		return "", err
	}
	return "the next start takes it from the cache", nil
}

func (d *demo) connect(ctx context.Context) (_ string, err error) {
	if d.session, err = d.runtime.Connect(ctx, d.server); err != nil {
		return "", &connectError{err}
	}
	info := d.session.ServerInfo()
	return fmt.Sprintf("%s %s over %s, protocol %s", info.Name, info.Version, d.session.TransportType(), d.session.ProtocolVersion()), nil
}

func (d *demo) list(ctx context.Context) (string, error) {
	var names []string
	for tool, err := range d.session.Tools(ctx, nil) {
		if err != nil {
			return "", err
		}
		names = append(names, tool.Name)
	}
	return strings.Join(names, ", "), nil
}

func (d *demo) echo(ctx context.Context) (string, error) {
	const message = "hello, sandbox"
	result, err := d.session.CallTool(ctx, &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"message": message}})
	if err != nil {
		return "", err
	}
	if len(result.Content) == 1 {
		if text, ok := result.Content[0].(*mcp.TextContent); ok && text.Text == message {
			return fmt.Sprintf("message=%q gives %q", message, text.Text), nil
		}
	}
	return "", errors.New("the demo server's echo gave something else back")
}

func (d *demo) add(ctx context.Context) (string, error) {
	result, err := d.session.CallTool(ctx, &mcp.CallToolParams{Name: "add", Arguments: map[string]any{"a": 2, "b": 40}})
	if err != nil {
		return "", err
	}
	structured, err := json.Marshal(result.StructuredContent)
	if err != nil {
		return "", err
	}
	if string(structured) != `{"sum":42}` {
		return "", fmt.Errorf("the demo server's sum of 2 and 40 is %s", structured)
	}
	return fmt.Sprintf("a=2 b=40 gives %s", structured), nil
}

// close ends the session and the server.
func (d *demo) close(context.Context) (string, error) {
	return "the server has ended", d.session.Close()
}

// end also closes what a failed step has left open.
func (d *demo) end() {
	if d.runtime != nil {
		_ = d.runtime.Close() // Which never fails.
	}
}
