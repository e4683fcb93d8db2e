// Package demoserver is a small MCP server with the official Go SDK, for `caisson demo-server` and for tests.
// Each tool shows one thing: text, structured output, progress, failure.
package demoserver

import (
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Name is the name that the server declares.
const Name = "caisson-demo"

// Version is the version that the server declares.
const Version = "1.0.0"

// New returns a server that can run on a transport. One server may have any number of sessions.
func New() *mcp.Server {
	server := mcp.NewServer(
		&mcp.Implementation{Name: Name, Title: "Caisson demo", Version: Version},
		&mcp.ServerOptions{Instructions: "Tools to try a client with. None of them has an effect outside of the server."},
	)
	addTools(server)
	return server
}

// Handler serves a new server over streamable HTTP, at any path. When stateless is set, the server keeps no
// sessions. With jsonResponse it answers with a JSON body in place of an event stream. It refuses requests of
// a web page of another origin.
func Handler(stateless, jsonResponse bool) http.Handler {
	server := New()
	handler := mcp.NewStreamableHTTPHandler(
		func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{Stateless: stateless, JSONResponse: jsonResponse},
	)
	return http.NewCrossOriginProtection().Handler(handler)
}
