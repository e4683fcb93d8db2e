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

	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

func (a *app) demoServerCommand() *cobra.Command {
	var address string
	var stateless, jsonResponse bool
	c := &cobra.Command{
		Use:   "demo-server",
		Short: "Serve a few tools for trying out a client",
		Long: `Serves the tools echo, add, countdown and fail with the official Go SDK: on standard input and
output, or with --http over streamable HTTP at the path /mcp. It serves until it is interrupted or
its standard input ends.`,
		Example: `  caisson list-tools -- caisson demo-server
  caisson demo-server --http :8080 & caisson call-tool http://127.0.0.1:8080/mcp add a=1 b=2`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !c.Flags().Changed("http") {
				if stateless || jsonResponse {
					return usage(c, "--stateless and --json-response are for --http")
				}
				return a.serveStdio(c.Context())
			}
			listener, err := listen(c.Context(), address)
			if err != nil {
				return usage(c, "--http: %w", err)
			}
			return a.serveHTTP(c.Context(), listener, demoserver.Handler(stateless, jsonResponse))
		},
	}
	c.Flags().StringVar(&address, "http", "", "serve HTTP at `ADDRESS`, host:port; without a host only on this machine, with port 0 at any free port")
	c.Flags().BoolVar(&stateless, "stateless", false, "keep no sessions")
	c.Flags().BoolVar(&jsonResponse, "json-response", false, "answer with JSON in place of an event stream")
	return c
}

func (a *app) serveStdio(ctx context.Context) error {
	in, ok := a.in.(io.ReadCloser)
	if !ok {
		in = io.NopCloser(a.in)
	}
	return demoserver.New().Run(ctx, &mcp.IOTransport{Reader: in, Writer: unclosed{a.out}})
}

// unclosed is a writer that stays open.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

// listen binds an address. An address without a host is on the loopback interface, because a demo should not
// be on the network.
func listen(ctx context.Context, address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if host == "" {
		host = "127.0.0.1"
	}
	var c net.ListenConfig
	return c.Listen(ctx, "tcp", net.JoinHostPort(host, port))
}

func (a *app) serveHTTP(ctx context.Context, listener net.Listener, handler http.Handler) error {
	mux := http.NewServeMux()
	mux.Handle("/mcp", handler)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	// Event streams never become idle, so a graceful shutdown would not end.
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	a.err.Say("serving at http://%s/mcp", listener.Addr())
	err := server.Serve(listener)
	if errors.Is(err, http.ErrServerClosed) {
		return ctx.Err()
	}
	return err
}
