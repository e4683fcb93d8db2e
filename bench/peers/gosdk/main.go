// The Go SDK's client: what every ratio of the bench is to.
package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/bench/internal/memory"
	"github.com/caisson-dev/caisson/host-go/bench/internal/peer"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

func main() {
	peer.Main(func(context.Context) (peer.Client, error) {
		return client{mcp.NewClient(&mcp.Implementation{Name: "bench", Version: "1"}, nil)}, nil
	})
}

type client struct{ sdk *mcp.Client }

func (c client) Connect(ctx context.Context, server wire.Server) (peer.Session, error) {
	overHTTP := &mcp.StreamableClientTransport{Endpoint: server.URL}
	if memory.Serves(server.URL) {
		overHTTP.HTTPClient = &http.Client{Transport: memory.Transport{}}
	}
	var transport mcp.Transport = overHTTP
	if server.Command != "" {
		command := exec.Command(server.Command, server.Args...)
		command.Stderr = os.Stderr
		transport = &mcp.CommandTransport{Command: command}
	}
	s, err := c.sdk.Connect(ctx, transport, &mcp.ClientSessionOptions{ProtocolVersion: server.Revision})
	if err != nil {
		return nil, err
	}
	return peer.Of(session{s}), nil
}

func (client) Helpers() []int { return nil }
func (client) Close() error   { return nil }

// A session says its revision as those of Caisson do.
type session struct{ *mcp.ClientSession }

func (s session) ProtocolVersion() string { return s.InitializeResult().ProtocolVersion }
