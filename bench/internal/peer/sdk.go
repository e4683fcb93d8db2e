package peer

import (
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
