// A server on github.com/mark3labs/mcp-go with the tools of a file: see ../../serve_servers.go.
//
//	mcpgo TOOLS.json
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// A definition is a tool of the file. Its schemas are sent as they are written there.
type definition struct {
	mcp.Tool
	InputSchema  json.RawMessage `json:"inputSchema"`
	OutputSchema json.RawMessage `json:"outputSchema"`
}

func main() {
	if err := serve(); err != nil {
		log.Fatal(err)
	}
}

func serve() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: %s TOOLS.json", os.Args[0])
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	var definitions []definition
	if err := json.Unmarshal(text, &definitions); err != nil {
		return fmt.Errorf("%s: %w", os.Args[1], err)
	}
	s := server.NewMCPServer("bench-mcp-go", "1", server.WithToolCapabilities(false))
	for _, d := range definitions {
		d.RawInputSchema, d.RawOutputSchema = d.InputSchema, d.OutputSchema
		s.AddTool(d.Tool, echo)
	}
	return server.ServeStdio(s)
}

func echo(_ context.Context, request mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	message, err := request.RequireString("message")
	if err != nil {
		return nil, err
	}
	return mcp.NewToolResultText(strings.Repeat(message, request.GetInt("times", 1))), nil
}
