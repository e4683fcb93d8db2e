package server

import (
	"context"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestFirstSteps makes the calls of docs/daemon.md's first steps, as curl does, of a server that has the tool add.
func TestFirstSteps(t *testing.T) {
	document, err := os.ReadFile("../../../docs/daemon.md")
	if err != nil {
		t.Fatal(err)
	}
	_, steps, _ := strings.Cut(string(document), "\n## First steps\n")
	steps, _, _ = strings.Cut(steps, "\n## ")
	calls := regexp.MustCompile(`(?m)^ *ask (\S+) '(.*)'$`).FindAllStringSubmatch(steps, -1)
	if len(calls) != 4 {
		t.Fatalf("they have the calls %q", calls)
	}
	type numbers struct {
		A int `json:"a"`
		B int `json:"b"`
	}
	demo := mcp.NewServer(&mcp.Implementation{Name: "demo", Version: "1"}, nil)
	mcp.AddTool(demo, &mcp.Tool{Name: "add"}, func(_ context.Context, _ *mcp.CallToolRequest, in numbers) (*mcp.CallToolResult, map[string]int, error) {
		return nil, map[string]int{"sum": in.A + in.B}, nil
	})
	url := serveHTTP(t, mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return demo }, nil))
	d := start(t, servers("demo", url)+"access: {tokens: tokens.json, scopes: {alice: ['caisson:mcp', 'caisson:scripts', 'caisson:admin']}}\n")
	for i, want := range []string{`"name":"add"`, `"structuredContent":{"sum":5}`, `"value":{"sum":5}`, `"name":"demo"`} {
		path, body := calls[i][1], calls[i][2]
		if status, text := d.post(client(d.token("alice")), "/"+path, body); status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s %s gives %d, %s", path, body, status, text)
		}
	}
}
