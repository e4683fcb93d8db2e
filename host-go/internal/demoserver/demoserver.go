// Package demoserver is a small MCP server on the official Go SDK, for `caisson demo-server` and
// for tests. Its tools show one thing each: text, structured output, progress, failure.
package demoserver

import (
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Name is what the server calls itself.
const Name = "caisson-demo"

// Version is the server's own version.
const Version = "1.0.0"

// New makes a server, ready to run on a transport. One server may have any number of sessions.
func New() *mcp.Server {
	server := mcp.NewServer(
		&mcp.Implementation{Name: Name, Title: "Caisson demo", Version: Version},
		&mcp.ServerOptions{Instructions: "Tools to try a client with. None of them has an effect outside of the server."},
	)
	addTools(server)
	return server
}

// Handler serves a server of its own over streamable HTTP, at any path. A stateless one keeps no
// sessions; with jsonResponse it answers with a JSON body in place of an event stream. What a web
// page of another origin asks for is refused.
func Handler(stateless, jsonResponse bool) http.Handler {
	server := New()
	handler := mcp.NewStreamableHTTPHandler(
		func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{Stateless: stateless, JSONResponse: jsonResponse},
	)
	return http.NewCrossOriginProtection().Handler(handler)
}
