package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/bench/internal/catalog"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// The SDKs of the servers behind a gateway.
const (
	goSDK      = "the Go SDK"
	typescript = "the TypeScript SDK, v1"
	newer      = "the TypeScript SDK, v2"
	fastMCP    = "FastMCP"
	mcpGo      = "mcp-go"
	everything = "server-everything" // It is on the TypeScript SDK, v1, too.
)

// toolsEach is how many tools each server has, save server-everything, which has its own.
const toolsEach = 27

// allTools is the least number of tools that the servers are to have together.
const allTools = 300

// An upstream is a server behind a gateway, over stdio.
type upstream struct {
	name, sdk string
	command   []string
	tools     int
}

func (u upstream) server(revision string) *wire.Server {
	return &wire.Server{Command: u.command[0], Args: u.command[1:], Revision: revision}
}

// upstreams are the servers of a run, and how many tools a client without capabilities is shown by each.
func (b *bench) upstreams(folder string) (all []upstream, err error) {
	text, err := json.Marshal(catalog.Tools(toolsEach))
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "tools.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	node, err := nodePeer(&b.workshop)
	if err != nil {
		return nil, err
	}
	python, err := b.workshop.environment(b.workshop.pythonFiles())
	if err != nil {
		return nil, err
	}
	onMCPGo, err := b.workshop.build("upstream-mcpgo", "./upstream/mcpgo", nil)
	if err != nil {
		return nil, err
	}
	in := func(parts ...string) string { return filepath.Join(append([]string{b.workshop.source}, parts...)...) }
	for _, kind := range []struct {
		name, sdk string
		count     int
		command   []string
	}{
		{"go", goSDK, 2, []string{b.echoServer, "-tools", fmt.Sprint(toolsEach)}},
		{"ts1", typescript, 2, []string{node[0], in("upstream", "v1.mjs"), file}},
		{"ts2", newer, 3, []string{node[0], in("upstream", "v2.mjs"), file}},
		{"python", fastMCP, 2, []string{python, in("upstream", "fastmcp_server.py"), file}},
		{"mcp-go", mcpGo, 2, []string{onMCPGo, file}},
		{"everything", everything, 1, []string{node[0], in("..", "node_modules", "@modelcontextprotocol", "server-everything", "dist", "index.js"), "stdio"}},
	} {
		tools, err := countTools(kind.command)
		if err != nil {
			return nil, fmt.Errorf("a server on %s: %w", kind.sdk, err)
		}
		for i := range kind.count {
			all = append(all, upstream{fmt.Sprintf("%s-%d", kind.name, i+1), kind.sdk, kind.command, tools})
		}
	}
	if n := toolsOf(all); n < allTools {
		return nil, fmt.Errorf("the servers have %d tools together, and not %d", n, allTools)
	}
	return all, nil
}

func toolsOf(all []upstream) (n int) {
	for _, u := range all {
		n += u.tools
	}
	return n
}

// countTools asks a server for its tools, without a gateway.
func countTools(command []string) (n int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := mcp.NewClient(&mcp.Implementation{Name: "bench", Version: "1"}, &mcp.ClientOptions{Capabilities: &mcp.ClientCapabilities{}})
	session, err := client.Connect(ctx, &mcp.CommandTransport{Command: exec.Command(command[0], command[1:]...)}, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = session.Close() }() // The server has answered.
	for _, err := range session.Tools(ctx, nil) {
		if err != nil {
			return n, err
		}
		n++
	}
	if n == 0 {
		return 0, errors.New("it has no tools")
	}
	return n, nil
}

// writeConfiguration writes the file that all gateways read.
func writeConfiguration(folder string, all []upstream) (file string, err error) {
	type server struct {
		Command string   `json:"command"`
		Args    []string `json:"args"`
	}
	servers := map[string]server{}
	for _, u := range all {
		servers[u.name] = server{u.command[0], u.command[1:]}
	}
	text, err := json.MarshalIndent(map[string]any{"mcpServers": servers}, "", "\t")
	if err != nil {
		return "", err
	}
	file = filepath.Join(folder, "mcp.json")
	return file, os.WriteFile(file, text, 0o600)
}
