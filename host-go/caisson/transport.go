package caisson

import (
	"context"
	"errors"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// dial returns a function that connects with the program's transport.
func dial(t mcp.Transport) func(context.Context) (egress.Messages, error) {
	return func(ctx context.Context) (egress.Messages, error) {
		c, err := t.Connect(ctx)
		if err != nil {
			return nil, err
		}
		if c == nil {
			return nil, errors.New("it gives neither a connection nor an error")
		}
		return &connection{c}, nil
	}
}

// A connection carries the core's messages, which are texts, over a connection of the Go SDK.
type connection struct{ mcp.Connection }

func (c *connection) Read(ctx context.Context) (string, error) {
	message, err := c.Connection.Read(ctx)
	if err != nil {
		return "", err
	}
	if message == nil {
		return "", errors.New("it gives neither a message nor an error")
	}
	text, err := jsonrpc.EncodeMessage(message)
	return string(text), err
}

func (c *connection) Write(ctx context.Context, text string) error {
	message, err := jsonrpc.DecodeMessage([]byte(text))
	if err != nil {
		return err
	}
	return c.Connection.Write(ctx, message)
}
