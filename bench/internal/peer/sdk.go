package peer

import (
	"context"
	"errors"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Text is the text of a result that has one.
func Text(result *mcp.CallToolResult, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if len(result.Content) == 1 {
		if text, ok := result.Content[0].(*mcp.TextContent); ok {
			return text.Text, nil
		}
	}
	return "", errors.New("the result is not one text")
}

// A Caller is what has calls in the types of the Go SDK: a session of Caisson's, of its daemon's, or of the Go SDK's.
type Caller interface {
	CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error)
	ListTools(ctx context.Context, params *mcp.ListToolsParams) (*mcp.ListToolsResult, error)
	ProtocolVersion() string
	Close() error
}

// Of is a Caller as a Session.
func Of(c Caller) Session { return session{c} }

type session struct{ Caller }

func (s session) Echo(ctx context.Context, message string, times int) (string, error) {
	return s.EchoBy(ctx, "echo", message, times)
}

func (s session) EchoBy(ctx context.Context, tool, message string, times int) (string, error) {
	result, err := s.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: map[string]any{"message": message, "times": times}})
	return Text(result, err)
}

func (s session) List(ctx context.Context) (int, error) {
	result, err := s.ListTools(ctx, nil)
	if err != nil {
		return 0, err
	}
	return len(result.Tools), nil
}

func (s session) Revision() string { return s.ProtocolVersion() }
