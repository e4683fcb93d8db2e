package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testRuntime(t testing.TB) *Runtime {
	t.Helper()
	r, err := New(context.Background(), &RuntimeOptions{NoCache: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func testFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// list is a list of tools of these names.
func list(names ...string) string {
	var tools []string
	for _, name := range names {
		quoted, _ := json.Marshal(name) // A string always marshals.
		tools = append(tools, `{"name":`+string(quoted)+`,"inputSchema":{"type":"object"}}`)
	}
	return "[" + strings.Join(tools, ",") + "]"
}

// puppet returns the puppet with this list of tools.
func puppet(t testing.TB, list string) []byte {
	t.Helper()
	const size = 4096
	b := testFile(t, "puppet")
	at := bytes.Index(b, []byte("[LIST"))
	if at < 0 || len(list) > size {
		t.Fatal("the puppet has no room for the list")
	}
	copy(b[at:], list+strings.Repeat(" ", size-len(list)))
	return b
}

func loadPuppet(t testing.TB, options *Options, tools ...string) *Plugin {
	t.Helper()
	o := copyOptions(options)
	o.Name = "puppet"
	p, err := testRuntime(t).LoadBytes(context.Background(), puppet(t, list(tools...)), &o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func loadCalc(t testing.TB) *Plugin {
	t.Helper()
	p, err := testRuntime(t).Load(context.Background(), "testdata/calc.wasm", nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func callTool(t testing.TB, p *Plugin, tool string, arguments any) *mcp.CallToolResult {
	t.Helper()
	result, err := p.CallTool(context.Background(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	return result
}

// textOf returns the text of a result.
func textOf(result *mcp.CallToolResult) string {
	text := ""
	for _, c := range result.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			text += t.Text
		}
	}
	return text
}
