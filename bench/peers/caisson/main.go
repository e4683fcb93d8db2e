// Caisson. Its compiled core is cached in the folder that CAISSON_BENCH_CACHE names; with
// CAISSON_BENCH_FILL it is ready only when all of it is there, and with CAISSON_BENCH_MEMORY it reaches
// the server in memory over HTTP.
package main

import (
	"context"
	"os"

	"github.com/caisson-dev/caisson/host-go/bench/internal/memory"
	"github.com/caisson-dev/caisson/host-go/bench/internal/peer"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
	"github.com/caisson-dev/caisson/host-go/caisson"
)

func main() {
	peer.Main(func(ctx context.Context) (peer.Client, error) {
		options := &caisson.ClientOptions{Stderr: os.Stderr}
		if os.Getenv("CAISSON_BENCH_MEMORY") != "" {
			options.HTTPTransport = memory.Transport{}
		}
		runtime, err := caisson.New(ctx, &caisson.RuntimeOptions{CacheDir: os.Getenv("CAISSON_BENCH_CACHE")})
		if err != nil {
			return nil, err
		}
		if os.Getenv("CAISSON_BENCH_FILL") != "" {
			if err := runtime.Compile(ctx, nil); err != nil {
				return nil, err
			}
		}
		c, err := runtime.NewClient(options)
		if err != nil {
			return nil, err
		}
		return client{runtime, c}, nil
	})
}

type client struct {
	runtime *caisson.Runtime
	*caisson.Client
}

func (c client) Connect(ctx context.Context, server wire.Server) (peer.Session, error) {
	s, err := c.Client.Connect(ctx, caisson.Server{Command: server.Command, Args: server.Args, URL: server.URL})
	if err != nil {
		return nil, err
	}
	return peer.Of(s), nil
}

func (c client) Close() error { return c.runtime.Close() }

func (client) Helpers() []int { return nil }
