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
	wait       time.Duration
	runtime    runtimeFlags
	store      storeFlag
	governance governanceFlags
	tools      toolFlags
	access     accessFlags
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
go on. The policy and its lock file are read again, too.

Tools and prompts have the server's name before theirs, such as files__read. Over HTTP, /mcp has all
servers, /servers/NAME one alone, with the names that it gives itself, and /mcp/code is code mode:
three tools, by which a model finds the others and calls them in scripts.

Without --config the file is mcp.json in the folder "caisson" of your configuration folder. Log in to
servers that ask for it with 'caisson auth login' before.`,
		Example: `  caisson serve --config mcp.json
  caisson serve --config mcp.json files github
  caisson serve --config mcp.json --code --scripts tools
  caisson serve --config mcp.json --http 127.0.0.1:8080
  caisson serve --config mcp.json --http :8443 --tokens tokens.json --tls-cert cert.pem --tls-key key.pem`,
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
			if err := f.access.check(c); err != nil {
				return err
			}
			if c.Flags().Changed("http") {
				if listener, err = f.access.listen(c, f.http); err != nil {
					return err
				}
				defer listener.Close()
			}
			return a.serve(c, &f, servers, listener)
		},
	}
	c.Flags().StringVar(&f.config, "config", "", "serve the servers in `FILE`")
	_ = c.MarkFlagFilename("config", "json") // It fails only for a flag that is not there.
	c.Flags().StringVar(&f.http, "http", "", "serve HTTP at `ADDRESS`, host:port, on this machine, or with --tokens or --issuer on any; with port 0 at any free port")
	durationFlag(c, &f.wait, "wait", 5*time.Second, "have a client's first request, and its lists, wait for a slow server for `DURATION`: a notification tells of its tools later")
	c.Flags().BoolVar(&f.private, "private-addresses", false, "let the name of a server lead to a private address; localhost and addresses always may")
	f.runtime.register(c)
	f.store.register(c)
	f.governance.register(c)
	f.access.register(c)
	install.register(c)
	c.AddCommand(a.serveTokenCommand())
	f.tools.register(c)
	return c
}

// serve serves until the context ends, or standard input.
func (a *app) serve(c *cobra.Command, f *serveFlags, servers *servedFile, listener net.Listener) error {
	ctx := c.Context()
	log := a.logger()
	options := gateway.Options{Logger: log, Client: caisson.ClientOptions{Logger: a.serversLog(), PrivateAddresses: f.private}, Principal: principal(), ConnectWait: f.wait}
	closeLog, err := f.governance.apply(&options.Client, nil)
	if err != nil {
		return err
	}
	defer closeLog()
	if listener != nil {
		if err := f.access.apply(ctx, c, listener, &options); err != nil {
			return err
		}
	}
	runtime, err := a.newRuntime(ctx, f.runtime.options(a))
	if err != nil {
		return err
	}
	defer runtime.Close()
	a.sayWhenCold(runtime, &f.runtime)
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
	go a.watchPolicy(watching, &f.governance, options.Client.Governance, g)
	if listener != nil {
		return a.serveGateway(ctx, g, &f.access, listener)
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
func (a *app) serveGateway(ctx context.Context, g *gateway.Gateway, access *accessFlags, listener net.Listener) error {
	server := &http.Server{Handler: g.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	// Event streams never become idle, so a graceful shutdown would not end.
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if access.authenticated() && access.scheme() == "http" && !isLoopback(listener) {
		a.err.Say("tokens come in clear text: have a proxy in front that ends TLS, or use --tls-cert")
	}
	a.err.Say("serving at %s://%s/mcp", access.scheme(), listener.Addr())
	serving, stop := context.WithCancel(ctx)
	defer stop()
	err := access.serveHTTP(serving, a, server, listener)
	if errors.Is(err, http.ErrServerClosed) {
		return ctx.Err()
	}
	return err
}
