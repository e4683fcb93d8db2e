// A Go program that calls a server through caissond, by gRPC. The daemon is at -address, its process is -pid, and the
// variable CAISSON_BENCH_TOKEN has the caller's token. Its sessions are with the server -server of the daemon's
// configuration: the one that all calls of the caller share, or with -own each one of its own.
package main

import (
	"context"
	"flag"
	"os"

	"github.com/caisson-dev/caisson/daemon/client"
	"github.com/caisson-dev/caisson/host-go/bench/internal/peer"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

func main() {
	address := flag.String("address", "", "the daemon's address")
	server := flag.String("server", "", "the name of the server in the daemon's configuration")
	own := flag.Bool("own", false, "sessions of its own")
	pid := flag.Int("pid", 0, "the daemon's process")
	flag.Parse()
	peer.Main(func(context.Context) (peer.Client, error) {
		c, err := client.Dial(*address, &client.Options{Token: os.Getenv("CAISSON_BENCH_TOKEN")})
		return remote{c, *server, *own, *pid}, err
	})
}

type remote struct {
	*client.Client
	server string
	own    bool
	pid    int
}

func (r remote) Connect(ctx context.Context, _ wire.Server) (peer.Session, error) {
	if !r.own {
		return peer.Of(r.Session(r.server)), nil
	}
	s, err := r.Client.Connect(ctx, &client.ConnectRequest{Server: r.server})
	if err != nil {
		return nil, err
	}
	return peer.Of(s), nil
}

func (r remote) Helpers() []int { return []int{r.pid} }
