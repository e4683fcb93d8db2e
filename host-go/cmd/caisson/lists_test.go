package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

func TestListTools(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	for name, server := range demoTransports(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := caissonRun(t, append([]string{"list-tools"}, server...)...)
			o.expect(t, exitOK)
			golden(t, "list-tools", o.out)
		})
	}
}

func TestListToolsByName(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	dir := t.TempDir()
	config, err := json.Marshal(map[string]any{"mcpServers": map[string]any{
		"demo": map[string]any{"command": self(t), "args": []string{"demo-server"}, "cwd": dir},
	}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "servers.json")
	if err := os.WriteFile(path, config, 0o600); err != nil {
		t.Fatal(err)
	}
	o := caissonRun(t, "list-tools", "demo", "--config", path)
	o.expect(t, exitOK)
	golden(t, "list-tools", o.out)
}

// decodeOne checks that a text is exactly one JSON value, on a line, and decodes it.
func decodeOne[T any](t *testing.T, text string) (value T) {
	t.Helper()
	if strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		t.Errorf("the output is not one line: %q", text)
	}
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("the output is not one JSON value: %v\n%s", err, text)
	}
	return value
}

// The result is what the Go SDK's client gets from the same server.
func TestListToolsJSON(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	clientEnd, serverEnd := mcp.NewInMemoryTransports()
	if _, err := demoserver.New().Connect(t.Context(), serverEnd, nil); err != nil {
		t.Fatal(err)
	}
	session, err := client.Connect(t.Context(), clientEnd, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	want, err := session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	servers := demoTransports(t)
	for _, name := range []string{"stdio", "http"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := caissonRun(t, append([]string{"list-tools", "--json"}, servers[name]...)...)
			o.expect(t, exitOK)
			got := decodeOne[mcp.ListToolsResult](t, o.out)
			if diff := cmp.Diff(want.Tools, got.Tools); diff != "" {
				t.Errorf("tools (-want +got):\n%s", diff)
			}
		})
	}
}

func TestListToolsPages(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	var want []string
	for i := range 7 {
		want = append(want, fmt.Sprintf("tool-%d", i))
	}
	for _, pageSize := range []int{100, 3} {
		server := toolsServer(t, len(want), pageSize)
		t.Run(fmt.Sprint(pageSize, " a page"), func(t *testing.T) {
			t.Parallel()
			o := caissonRun(t, "list-tools", "--json", server)
			o.expect(t, exitOK)
			result := decodeOne[map[string]any](t, o.out)
			if _, more := result["nextCursor"]; more {
				t.Error("the result has a nextCursor")
			}
			var got []string
			for _, tool := range result["tools"].([]any) {
				got = append(got, tool.(map[string]any)["name"].(string))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
			if !strings.Contains(o.out, "a < b && c > d") {
				t.Errorf("the text is not as the server gave it: %s", o.out)
			}
			o = caissonRun(t, "list-tools", server)
			o.expect(t, exitOK)
			if lines := strings.Count(o.out, "\n"); lines != 2*len(want) {
				t.Errorf("there are %d lines:\n%s", lines, o.out)
			}
		})
	}
}

func TestListToolsOfOddServers(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	const odd = `{"tools":[{"name":"a\u001b[31m","title":"Only a title","inputSchema":{"type":"object","properties":{"z":{"type":"string"},"b\n":{}},"required":["z"]}},` +
		`{"name":"a-name-that-is-much-longer-than-the-column","description":"\n first line \n second","inputSchema":{"type":"object"}}],"x":[1.0,9007199254740993],"_meta":{"k":null}}`
	server := cannedServer(t, map[string]string{"tools/list": odd})
	t.Run("for people", func(t *testing.T) {
		t.Parallel()
		o := caissonRun(t, "list-tools", server)
		o.expect(t, exitOK)
		want := `a\u{1b}[31m                       Only a title
                                  z: string, b ?: any
a-name-that-is-much-longer-than-the-column  first line
                                  no arguments
`
		if diff := cmp.Diff(want, o.out); diff != "" {
			t.Errorf("output (-want +got):\n%s", diff)
		}
	})
	t.Run("for programs", func(t *testing.T) {
		t.Parallel()
		o := caissonRun(t, "list-tools", "--json", server)
		o.expect(t, exitOK)
		if diff := cmp.Diff(decodeOne[any](t, odd+"\n"), decodeOne[any](t, o.out)); diff != "" {
			t.Errorf("result (-want +got):\n%s", diff)
		}
		if !strings.Contains(o.out, "9007199254740993") {
			t.Errorf("a number has changed: %s", o.out)
		}
	})
	t.Run("no tools", func(t *testing.T) {
		t.Parallel()
		o := caissonRun(t, "list-tools", cannedServer(t, map[string]string{"tools/list": `{"tools":[]}`}))
		o.expect(t, exitOK)
		if o.out != "The server has no tools.\n" {
			t.Errorf("it prints %q", o.out)
		}
	})
	t.Run("pages without end", func(t *testing.T) {
		t.Parallel()
		o := caissonRun(t, "list-tools", cannedServer(t, map[string]string{"tools/list": `{"tools":[],"nextCursor":"a"}`}))
		o.expect(t, exitFailure, "tools/list: protocol: the server's pages have no end")
		if o.out != "" {
			t.Errorf("it prints %q", o.out)
		}
	})
}
