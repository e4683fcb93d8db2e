// Command echoserver is the server that every peer of the bench talks to: on standard input and
// output, or, with -http, on a port of its own choice, which it prints. Over HTTP the path says how
// it answers, how many tools it has and, below, the one revision that it speaks: /json/1, /sse/100,
// /sse/100/2025-06-18. Without one it speaks the newest.
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
	"path"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/bench/internal/catalog"
)

func main() {
	overHTTP := flag.Bool("http", false, "serve streamable HTTP until standard input ends")
	tools := flag.Int("tools", 1, "how many tools to have on standard input and output")
	revision := flag.String("revision", "", "the one revision to speak there; all when empty")
	flag.Parse()
	var err error
	if *overHTTP {
		err = serveHTTP()
	} else {
		err = newServer(*tools, *revision).Run(context.Background(), &mcp.StdioTransport{})
	}
	if err != nil {
		log.Fatal(err)
	}
}

func serveHTTP() error {
	mux := http.NewServeMux()
	for _, tools := range []int{1, 100} {
		for _, revision := range append(mcp.SupportedProtocolVersions(), "") {
			server := newServer(tools, revision)
			for name, asJSON := range map[string]bool{"json": true, "sse": false} {
				// The older revisions have sessions.
				stateless := revision == "" || revision >= "2026-07-28"
				handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: stateless, JSONResponse: asJSON})
				mux.Handle(path.Join("/", name, fmt.Sprint(tools), revision), handler)
			}
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

func newServer(tools int, revision string) *mcp.Server {
	options := &mcp.ServerOptions{PageSize: tools}
	if revision != "" {
		options.SupportedProtocolVersions = []string{revision}
	}
	server := mcp.NewServer(&mcp.Implementation{Name: "echo", Version: "1"}, options)
	for _, tool := range catalog.Tools(tools) {
		server.AddTool(tool, echo)
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
