// Package scripts_test runs the scripts of this folder with servers that nobody here wrote: each in JavaScript,
// TypeScript and Python.
package scripts_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/python"
	"github.com/caisson-dev/caisson/host-go/caisson/typescript"
)

var runtime = sync.OnceValues(func() (*caisson.Runtime, error) { return caisson.New(context.Background(), nil) })

func TestMain(m *testing.M) {
	code := m.Run()
	if r, err := runtime(); err == nil {
		_ = r.Close()
	}
	os.Exit(code)
}

// languages are the languages of the scripts, by the ends of their files' names.
func languages() map[string]caisson.Language {
	return map[string]caisson.Language{".js": caisson.JavaScript, ".ts": typescript.Language(nil), ".py": python.Language}
}

// connect starts a server that npm installed. It skips the test where node or the server is missing: `make test`
// installs them, and a user of the module alone need not have them.
func connect(ctx context.Context, t *testing.T, name string, env map[string]string, args ...string) *caisson.Session {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node")
	}
	script, err := filepath.Abs(filepath.Join("..", "..", "..", "node_modules", "@modelcontextprotocol", name, "dist", "index.js"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(script); err != nil {
		t.Skipf("%s is not installed: npm ci installs it", name)
	}
	r, err := runtime()
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.Connect(ctx, caisson.Server{Name: name, Command: node, Args: append([]string{script}, args...), Env: env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// run runs the script of a file. What it has as its value goes to value.
func run(ctx context.Context, t *testing.T, file string, input any, servers map[string]caisson.Caller, limits caisson.ScriptLimits, value any) *caisson.ScriptResult {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tools, err := caisson.NewToolSet(servers)
	if err != nil {
		t.Fatal(err)
	}
	r, err := runtime()
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.RunScript(ctx, caisson.Script{
		Source: string(source), Name: file, Language: languages()[filepath.Ext(file)], Input: input, Tools: tools, Limits: limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(result.Value, value); err != nil {
		t.Fatalf("%s: %v", result.Value, err)
	}
	return result
}

// patience bounds a test on a slow machine.
const patience = 5 * time.Minute

// TestCountWords has a script read a folder by server-filesystem, and write a summary by server-memory.
func TestCountWords(t *testing.T) {
	texts := map[string]string{
		"one.txt":   "one",
		"long.md":   "# A title\n\nwith  several\twords, and\nGrüße, 世界 😀\n",
		"empty.txt": "",
	}
	type entity struct {
		Name         string   `json:"name"`
		EntityType   string   `json:"entityType"`
		Observations []string `json:"observations"`
	}
	want := []entity{{"words", "summary", []string{"11 words in 3 files", "long.md: 10 words", "one.txt: 1 words", "empty.txt: 0 words"}}}
	for end := range languages() {
		t.Run(end, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			folder, err := filepath.EvalSymlinks(t.TempDir()) // The server knows a folder by its true name.
			if err != nil {
				t.Fatal(err)
			}
			for name, text := range texts {
				if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Mkdir(filepath.Join(folder, "inner"), 0o700); err != nil {
				t.Fatal(err)
			}
			files := connect(ctx, t, "server-filesystem", nil, folder)
			memory := connect(ctx, t, "server-memory", map[string]string{"MEMORY_FILE_PATH": filepath.Join(t.TempDir(), "memory.jsonl")})

			var value struct{ Files, Words int }
			run(ctx, t, "count-words"+end, map[string]any{"folder": folder, "summary": "words"},
				map[string]caisson.Caller{"files": files, "memory": memory}, caisson.ScriptLimits{}, &value)
			if value.Files != len(texts) || value.Words != 11 {
				t.Errorf("the script gives %+v", value)
			}
			graph, err := memory.CallTool(ctx, &mcp.CallToolParams{Name: "read_graph"})
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(graph.StructuredContent)
			if err != nil {
				t.Fatal(err)
			}
			var written struct{ Entities []entity }
			if err := json.Unmarshal(text, &written); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, written.Entities); diff != "" {
				t.Errorf("what the memory has (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReadPages has a script read 500 resources of server-everything, which has one of each number and no list of
// them that comes in pages: the script makes the pages.
func TestReadPages(t *testing.T) {
	const items, pageSize = 500, 50
	var want [][]int
	for i := range items {
		if i%pageSize == 0 {
			want = append(want, nil)
		}
		last := len(want) - 1
		want[last] = append(want[last], i+1)
	}
	for end := range languages() {
		t.Run(end, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			everything := connect(ctx, t, "server-everything", nil, "stdio")
			var value [][]int
			result := run(ctx, t, "read-pages"+end, map[string]any{"items": items, "pageSize": pageSize},
				map[string]caisson.Caller{"everything": everything}, caisson.ScriptLimits{ToolCalls: items}, &value)
			if diff := cmp.Diff(want, value); diff != "" {
				t.Errorf("the numbers of the resources, by page (-want +got):\n%s", diff)
			}
			if err := beside(result.Calls, items); err != nil {
				t.Error(err)
			}
		})
	}
}

// beside checks that all calls were done, and that the script made each before it had the answer to the first.
func beside(calls []caisson.ScriptCall, want int) error {
	if len(calls) != want {
		return fmt.Errorf("the script has made %d calls, not %d", len(calls), want)
	}
	first := calls[0].Begun.Add(calls[0].Duration)
	for _, c := range calls {
		if c.Outcome != caisson.ScriptCallDone || c.Begun.After(first) {
			return fmt.Errorf("a call of %s, begun %v before the first answer, has ended as %q", c.Tool, first.Sub(c.Begun), c.Outcome)
		}
	}
	return nil
}
