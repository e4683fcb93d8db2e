package caissontest

import (
	"encoding/json"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Text makes the result of a tool that is one text.
func Text(text string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}
}

// Failure makes the result of a tool that fails by its own account: one text, with IsError. An error of the
// tool's [Handler] is another thing: a JSON-RPC error in place of a result.
func Failure(text string) *mcp.CallToolResult {
	result := Text(text)
	result.IsError = true
	return result
}

// Structured makes the result of a tool that is a value, which marshals to a JSON object: as structured
// content, and as the text of it (specification, server/tools, "Structured Content"). It panics when the
// value does not marshal.
func Structured(value any) *mcp.CallToolResult {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("caissontest: the structured content of a tool cannot be made JSON: %v", err))
	}
	result := Text(string(text))
	result.StructuredContent = json.RawMessage(text)
	return result
}
