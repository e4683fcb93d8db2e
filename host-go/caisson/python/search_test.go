package python_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/python"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// catalog has tools, and answers no call.
type catalog []*mcp.Tool

func (c catalog) ListTools(context.Context, *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	return &mcp.ListToolsResult{Tools: c}, nil
}

func (c catalog) Tools(context.Context) ([]*mcp.Tool, error) { return c, nil }

func (c catalog) CallTool(context.Context, *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	return nil, errors.New("this is only a list")
}

// TestSearch has a script in Python and one in JavaScript look for the same words, in tools at random: both find the
// same, in the same order.
func TestSearch(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{
		"read", "file", "files", "directory", "directories", "HTTPServer", "listPullRequests", "ünïcode", "天気", "box",
		"Knowledge", "graph", "2", "x", "city", "memory", "the", "address", "😀", "search_text", "--", "ÄÖ",
	}
	some := func(most int, between string) string {
		var chosen []string
		for range random.IntN(most + 1) {
			chosen = append(chosen, words[random.IntN(len(words))])
		}
		return strings.Join(chosen, between)
	}
	servers := map[string]caisson.Caller{}
	for _, server := range []string{"files", "weather-2", "memory"} {
		var tools catalog
		for i := range 12 {
			properties := map[string]any{}
			for range random.IntN(4) {
				properties[some(2, "_")] = map[string]any{"type": "string", "description": some(9, " ")}
			}
			tools = append(tools, &mcp.Tool{
				Name: fmt.Sprint(some(3, "_"), i), Title: some(2, " "), Description: some(12, " "),
				InputSchema: map[string]any{"type": "object", "properties": properties},
			})
		}
		servers[server] = tools
	}
	set, err := caisson.NewToolSet(servers)
	if err != nil {
		t.Fatal(err)
	}
	type query struct {
		Text  string `json:"text"`
		Limit int    `json:"limit"`
	}
	queries := []query{{"", 0}, {"", 1000}, {"file", -1}, {strings.Repeat("天 ", 3000) + "file", 5}, {strings.Repeat("y ", 5000) + "file", 5}}
	for range 30 {
		queries = append(queries, query{some(4, " "), random.IntN(12)})
	}
	value := func(language caisson.Language, source string) string {
		r, err := shared(t).RunScript(t.Context(), caisson.Script{
			Language: language, Source: source, Input: queries, Tools: set,
			Limits: caisson.ScriptLimits{OutputBytes: 1 << 20, Computing: 2 * time.Minute, Time: 5 * time.Minute},
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(r.Value)
	}
	ofPython := value(python.Language, "import json\nfound = [search_tools(q['text'], q['limit']) for q in input]\njson.dumps(found, ensure_ascii=False, separators=(',', ':'))")
	ofJavaScript := value(caisson.JavaScript, `JSON.stringify(input.map(q => search_tools(q.text, q.limit)))`)
	var found [][]struct{ Server, Name string }
	decode(t, []byte(text(t, ofJavaScript)), &found)
	if len(found) != len(queries) || len(found[1]) != 36 || len(found[2]) != 1 {
		t.Fatalf("JavaScript finds %d, and in the second %d", len(found), len(found[1]))
	}
	if text(t, ofPython) != text(t, ofJavaScript) {
		t.Errorf("Python finds\n%.2000s\nand JavaScript\n%.2000s", ofPython, ofJavaScript)
	}
}

// TestSearchLimits has scripts that search for what there is not, badly, and without end.
func TestSearchLimits(t *testing.T) {
	if got := value(t, "try:\n    search_tools(5)\nexcept TypeError as e:\n    return str(e)"); got != `"search_tools(text, limit): the text is a int"` {
		t.Error(got)
	}
	if got := value(t, `search_tools('teleport'), len(search_tools('\ud800')), len(search_tools('', 10**30)), search_tools('x' * 10**7)`); got != `[[],10,10,[]]` {
		t.Error(got)
	}
	s := script(t, "while True: search_tools('add')")
	s.Limits.Computing = 2 * time.Second
	_, err := run(t, s)
	var e *caisson.ScriptError
	if !errors.As(err, &e) || e.Kind != caisson.ScriptLimit || !strings.Contains(e.Message, "Computing") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := shared(t).RunScript(ctx, s); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// text is the text that a JSON value is.
func text(t *testing.T, value string) string {
	t.Helper()
	var text string
	decode(t, []byte(value), &text)
	return text
}

func decode(t *testing.T, from []byte, to any) {
	t.Helper()
	if err := json.Unmarshal(from, to); err != nil {
		t.Fatal(err)
	}
}
