// The client of github.com/mark3labs/mcp-go.
package main

import (
	"context"
	"errors"
	"os"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"github.com/caisson-dev/caisson/host-go/bench/internal/peer"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

func main() {
	peer.Main(func(context.Context) (peer.Client, error) { return connector{}, nil })
}

type connector struct{}

func (connector) Connect(ctx context.Context, server wire.Server) (peer.Session, error) {
	var conn transport.Interface
	if server.Command != "" {
		conn = transport.NewStdio(server.Command, os.Environ(), server.Args...)
	} else {
		var err error
		if conn, err = transport.NewStreamableHTTP(server.URL); err != nil {
			return nil, err
		}
	}
	c := client.NewClient(conn)
	if err := c.Start(ctx); err != nil {
		return nil, err
	}
	var hello mcp.InitializeRequest
	hello.Params.ClientInfo = mcp.Implementation{Name: "bench", Version: "1"}
	if _, err := c.Initialize(ctx, hello); err != nil {
		_ = c.Close()
		return nil, err
	}
	return session{c}, nil
}

func (connector) Helpers() []int { return nil }
func (connector) Close() error   { return nil }

type session struct{ *client.Client }

func (s session) Echo(ctx context.Context, message string, times int) (string, error) {
	var call mcp.CallToolRequest
	call.Params.Name, call.Params.Arguments = "echo", map[string]any{"message": message, "times": times}
	result, err := s.CallTool(ctx, call)
	if err != nil {
		return "", err
	}
	if len(result.Content) == 1 {
		if text, ok := result.Content[0].(mcp.TextContent); ok {
			return text.Text, nil
		}
	}
	return "", errors.New("the result is not one text")
}

func (s session) List(ctx context.Context) (int, error) {
	result, err := s.ListTools(ctx, mcp.ListToolsRequest{})
	if err != nil {
		return 0, err
	}
	return len(result.Tools), nil
}

func (s session) Revision() string { return s.ProtocolVersion() }
