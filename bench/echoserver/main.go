// Command echoserver is the server that every peer of the bench talks to: on standard input and
// output, or, with -http, on a port of its own choice, which it prints. Over HTTP the path says how
// it answers and how many tools it has: /json/1, /json/100, /sse/1, /sse/100.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func main() {
	overHTTP := flag.Bool("http", false, "serve streamable HTTP until standard input ends")
	tools := flag.Int("tools", 1, "how many tools to have on standard input and output")
	flag.Parse()
	var err error
	if *overHTTP {
		err = serveHTTP()
	} else {
		err = newServer(*tools).Run(context.Background(), &mcp.StdioTransport{})
	}
	if err != nil {
		log.Fatal(err)
	}
}

func serveHTTP() error {
	mux := http.NewServeMux()
	for _, tools := range []int{1, 100} {
		server := newServer(tools)
		for name, asJSON := range map[string]bool{"json": true, "sse": false} {
			handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: asJSON})
			mux.Handle(fmt.Sprintf("/%s/%d", name, tools), handler)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	return http.Serve(listener, mux)
}

type arguments struct {
	Message string `json:"message"`
	Times   int    `json:"times"`
}

// inputSchema is of a usual size: each tool of a list of a hundred has it.
var inputSchema = json.RawMessage(`{
	"type": "object",
	"properties": {
		"message": {"type": "string", "description": "The text to give back", "minLength": 1},
		"times": {"type": "integer", "description": "How often to give it back", "minimum": 1, "default": 1},
		"format": {"type": "string", "enum": ["text", "markdown"], "description": "How the text is written"},
		"tags": {"type": "array", "items": {"type": "string"}, "maxItems": 16}
	},
	"required": ["message"]
}`)

func newServer(tools int) *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "echo", Version: "1"}, &mcp.ServerOptions{PageSize: tools})
	for i := range tools {
		name := "echo"
		if i > 0 {
			name = fmt.Sprintf("echo-%d", i)
		}
		server.AddTool(&mcp.Tool{Name: name, Description: "Gives a message back, as often as asked.", InputSchema: inputSchema}, echo)
	}
	return server
}

func echo(_ context.Context, request *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	in := arguments{Times: 1}
	if err := json.Unmarshal(request.Params.Arguments, &in); err != nil {
		return nil, err
	}
	text := strings.Repeat(in.Message, in.Times)
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil
}
