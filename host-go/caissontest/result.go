package caissontest

import (
	"encoding/json"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Text returns the result of a tool with one text.
func Text(text string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}
}

// Failure returns the result of a tool that reports its own failure: one text, with IsError. An error of the
// tool's [Handler] is different: it is a JSON-RPC error in place of a result.
func Failure(text string) *mcp.CallToolResult {
	result := Text(text)
	result.IsError = true
	return result
}

// Structured returns the result of a tool with a value, which must marshal to a JSON object. The result has
// the value as structured content and as text (specification, server/tools, "Structured Content"). Structured
// panics when the value does not marshal.
func Structured(value any) *mcp.CallToolResult {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("caissontest: the structured content of a tool cannot be made JSON: %v", err))
	}
	result := Text(string(text))
	result.StructuredContent = json.RawMessage(text)
	return result
}
