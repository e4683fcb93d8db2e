package caissontest_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// A reporter keeps the errors that a test reports.
type reporter struct {
	testing.TB

	mu    sync.Mutex
	lines []string
}

func (r *reporter) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func (r *reporter) FailNow() { runtime.Goexit() }

func (r *reporter) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}

// TestAssertions checks how errors describe calls that differ.
func TestAssertions(t *testing.T) {
	t.Parallel()
	server := caissontest.NewServer(t)
	server.AddTool(&mcp.Tool{Name: "add"}, echo)
	server.AddTool(&mcp.Tool{Name: "none"}, echo)
	never := &reporter{TB: t}
	server.Called(never, "add", nil)
	session := connect(t, newClient(t, caisson.ClientOptions{}), server)
	for _, call := range []mcp.CallToolParams{
		{Name: "add", Arguments: map[string]any{"a": 2, "list": []int{1, 2}, "deep": map[string]any{"x": "y"}}},
		{Name: "add", Arguments: map[string]any{"a": 9007199254740993, "more": strings.Repeat("m", 1000)}},
		{Name: "none"},
	} {
		if _, err := session.CallTool(t.Context(), &call); err != nil {
			t.Fatal(err)
		}
	}
	type object = map[string]any
	server.Called(t, "none", nil)
	server.Called(t, "add", object{"deep": object{"x": "y"}, "list": []float64{1, 2}, "a": 2.0})
	server.Sent(t, "tools/call", object{"name": "none", "arguments": object{}})
	for name, test := range map[string]struct {
		check func(testing.TB)
		want  []string
	}{
		"another tool": {func(t testing.TB) { server.Called(t, "sub", nil) }, []string{`the tool "sub" was not called; called were ["add" "none"]`}},
		"other values": {
			func(t testing.TB) {
				server.Called(t, "add", object{"a": 3, "list": []int{1, 4}, "deep": object{"z": 1}})
			},
			[]string{
				"1 of 2: arguments.a is 2, want 3", "arguments.deep.x is \"y\", want none", "arguments.deep.z is missing, want 1",
				"arguments.list[1] is 2, want 4", "2 of 2: arguments.a is 9007199254740993, want 3", `mmm…, want none`,
			},
		},
		"a neighbour":       {func(t testing.TB) { server.Called(t, "add", object{"a": 9007199254740992}) }, []string{"arguments.a is 9007199254740993, want 9007199254740992"}},
		"another length":    {func(t testing.TB) { server.Called(t, "add", object{"list": []int{1}}) }, []string{"arguments.list is [1,2], want [1]"}},
		"another type":      {func(t testing.TB) { server.Called(t, "add", object{"a": "2"}) }, []string{`arguments.a is 2, want "2"`}},
		"what is no JSON":   {func(t testing.TB) { server.Called(t, "add", func() {}) }, []string{"cannot be made JSON"}},
		"a method":          {func(t testing.TB) { server.Sent(t, "prompts/get", nil) }, []string{`prompts/get was not sent; sent were ["server/discover" "tools/call"]`}},
		"a method's params": {func(t testing.TB) { server.Sent(t, "tools/call", object{"name": "x"}) }, []string{"3 of 3: params.arguments is {}, want none", `params.name is "none", want "x"`}},
	} {
		rep := &reporter{TB: t}
		test.check(rep)
		for _, want := range test.want {
			if text := rep.text(); !strings.Contains(text, want) || len(rep.lines) != 1 {
				t.Errorf("%s: it says %q, want %q", name, text, want)
			}
		}
	}
	if text := never.text(); !strings.Contains(text, "no tool was") {
		t.Errorf("it says %q", text)
	}
}
