package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
)

// serveFlags are the flags of serve.
type serveFlags struct {
	config     string
	http       string
	runtime    runtimeFlags
	store      storeFlag
	governance governanceFlags
	tools      toolFlags
	private    bool
}

func (a *app) serveCommand() *cobra.Command {
	var f serveFlags
	var install installFlags
	c := &cobra.Command{
		Use:   "serve [NAME]...",
		Short: "Serve many servers as one",
		Long: `Serves the servers of a configuration file, or those of these names, as one MCP server: over standard
input and output, or with --http over streamable HTTP. It serves until it is interrupted or its
standard input ends. What clients may call is the policy's to decide: see 'caisson policy'. When the
file changes, or at the signal SIGHUP, it is read again; sessions with servers that have not changed
go on.

Tools and prompts have the server's name before theirs, such as files__read. Over HTTP, /mcp has all
servers, /servers/NAME one alone, with the names that it gives itself, and /mcp/code is code mode:
three tools, by which a model finds the others and calls them in scripts.

Without --config the file is mcp.json in the folder "caisson" of your configuration folder. Log in to
servers that ask for it with 'caisson auth login' before.`,
		Example: `  caisson serve --config mcp.json
  caisson serve --config mcp.json files github
  caisson serve --config mcp.json --code --scripts tools
  caisson serve --config mcp.json --http 127.0.0.1:8080`,
		DisableFlagsInUseLine: true,
		Args:                  cobra.ArbitraryArgs, // It has sub-commands.
		RunE: func(c *cobra.Command, names []string) error {
			if done, err := install.run(a, c, names); done {
				return err
			}
			if err := f.store.check(c); err != nil {
				return err
			}
			servers, err := newServedFile(a, c, &f, names)
			if err != nil {
				return err
			}
			var listener net.Listener
			if f.tools.code && c.Flags().Changed("http") {
				return usage(c, "--code is for standard input and output: with --http code mode is at /mcp/code")
			}
			if c.Flags().Changed("http") {
				if listener, err = listenLoopback(c, f.http); err != nil {
					return err
				}
				defer listener.Close()
			}
			return a.serve(c, &f, servers, listener)
		},
	}
	c.Flags().StringVar(&f.config, "config", "", "serve the servers in `FILE`")
	_ = c.MarkFlagFilename("config", "json") // It fails only for a flag that is not there.
	c.Flags().StringVar(&f.http, "http", "", "serve HTTP at `ADDRESS`, host:port, on this machine; with port 0 at any free port")
	c.Flags().BoolVar(&f.private, "private-addresses", false, "let the name of a server lead to a private address; localhost and addresses always may")
	f.runtime.register(c)
	f.store.register(c)
	f.governance.register(c)
	install.register(c)
	c.AddCommand(a.serveTokenCommand())
	f.tools.register(c)
	return c
}

// listenLoopback binds an address of this machine.
func listenLoopback(c *cobra.Command, address string) (net.Listener, error) {
	listener, err := listen(c.Context(), address)
	if err != nil {
		return nil, usage(c, "--http: %w", err)
	}
	if at, ok := listener.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		_ = listener.Close()
		return nil, usage(c, "--http %s: other machines could reach it, and whoever reaches it may call everything: use an address such as 127.0.0.1:8080", shown(address))
	}
	return listener, nil
}

// serve serves until the context ends, or standard input.
func (a *app) serve(c *cobra.Command, f *serveFlags, servers *servedFile, listener net.Listener) error {
	ctx := c.Context()
	log := a.logger()
	options := gateway.Options{Logger: log, Client: caisson.ClientOptions{Logger: log, Stderr: a.serverErr(), PrivateAddresses: f.private}, Principal: principal()}
	closeLog, err := f.governance.apply(&options.Client, nil)
	if err != nil {
		return err
	}
	defer closeLog()
	runtime, err := a.newRuntime(ctx, f.runtime.options(a))
	if err != nil {
		return err
	}
	defer runtime.Close()
	closeTools, err := f.tools.add(ctx, c, a, runtime, f.runtime, &options)
	if err != nil {
		return err
	}
	defer closeTools()
	g, err := gateway.New(runtime, servers, &options)
	if err != nil {
		return err
	}
	defer g.Close()
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go servers.watch(watching, g)
	if listener != nil {
		return a.serveGateway(ctx, g, listener)
	}
	in, ok := a.in.(io.ReadCloser)
	if !ok {
		in = io.NopCloser(a.in)
	}
	path := "/mcp"
	if f.tools.code {
		path = codePath
	}
	return g.RunEndpoint(ctx, path, &mcp.IOTransport{Reader: in, Writer: unclosed{a.out}})
}

// serveGateway serves over HTTP.
func (a *app) serveGateway(ctx context.Context, g *gateway.Gateway, listener net.Listener) error {
	server := &http.Server{Handler: g.Handler(), ReadHeaderTimeout: 10 * time.Second}
	// Event streams never become idle, so a graceful shutdown would not end.
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	a.err.Say("serving at http://%s/mcp", listener.Addr())
	err := server.Serve(listener)
	if errors.Is(err, http.ErrServerClosed) {
		return ctx.Err()
	}
	return err
}
