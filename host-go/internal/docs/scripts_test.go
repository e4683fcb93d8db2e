package docs_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// scripts is the code in docs/scripts.md.
func scripts(ctx context.Context, runtime *caisson.Runtime, session caisson.Caller, save func(ctx context.Context, path string, words int) (string, error)) error {
	functions := &caisson.Functions{}
	if err := addSave(functions, save); err != nil {
		return err
	}
	tools, err := caisson.NewToolSet(map[string]caisson.Caller{"files": session, "program": functions})
	if err != nil {
		return err
	}
	result, err := runtime.RunScript(ctx, caisson.Script{
		Name: "count.js",
		Source: `
			const text = await tools.files.read_file({ path: input.path });
			const words = text.split(/\s+/).filter(Boolean);
			return tools.program.save({ path: input.path, words: words.length });`,
		Input: map[string]any{"path": "notes.txt"},
		Tools: tools,
	})
	if err != nil {
		return err
	}
	if string(result.Value) != `"saved"` {
		return fmt.Errorf("the script gives %s", result.Value)
	}
	return nil
}

type count struct {
	Path  string `json:"path" jsonschema:"the file that was counted"`
	Words int    `json:"words"`
}

func addSave(functions *caisson.Functions, save func(ctx context.Context, path string, words int) (string, error)) error {
	err := caisson.AddFunction(functions, "save", "Saves a count.", func(ctx context.Context, in count) (string, error) {
		return save(ctx, in.Path, in.Words)
	})
	return err
}

// following is the code in docs/scripts.md that keeps the tools of scripts fresh.
func following(runtime *caisson.Runtime, failed func(error)) (*caisson.Client, *atomic.Pointer[caisson.ToolSet], error) {
	var tools atomic.Pointer[caisson.ToolSet] // set once there is a session
	client, err := runtime.NewClient(&caisson.ClientOptions{Handlers: caisson.Handlers{
		ToolListChangedHandler: func(ctx context.Context, _ *caisson.Request[*mcp.ToolListChangedParams]) {
			if err := tools.Load().Refresh(ctx); err != nil {
				failed(err)
			}
		},
	}})
	return client, &tools, err
}

// TestFollowing has a server tell of a tool that is new. Scripts that begin after the handler can call it.
func TestFollowing(t *testing.T) {
	runtime, err := caisson.New(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.Close()
	client, tools, err := following(runtime, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	server := caissontest.NewServer(t)
	say := func(text string) caissontest.Handler {
		return func(*caissontest.Call) (any, error) { return caissontest.Text(text), nil }
	}
	server.AddTool(&mcp.Tool{Name: "old"}, say("old"))
	session, err := client.Connect(t.Context(), server.Caisson())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	set, err := caisson.NewToolSet(map[string]caisson.Caller{"server": session})
	if err != nil {
		t.Fatal(err)
	}
	names := func() string {
		value, _, err := caisson.RunScriptAs[string](t.Context(), client, caisson.Script{
			Source: "search_tools('server', 10).map(tool => tool.name).sort().join()", Tools: set,
		})
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	if got := names(); got != "old" {
		t.Fatalf("a script finds the tools %q", got)
	}
	tools.Store(set)
	server.AddTool(&mcp.Tool{Name: "young"}, say("young"))
	patience, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for server.Notify("notifications/tools/list_changed", nil) == 0 { // The session has not asked for changes yet.
		if patience.Err() != nil {
			t.Fatal("the session never asks for changes")
		}
		time.Sleep(time.Millisecond)
	}
	for names() != "old,young" {
		if patience.Err() != nil {
			t.Fatal("the scripts never find the new tool")
		}
	}
	value, _, err := caisson.RunScriptAs[string](t.Context(), client, caisson.Script{Source: "await tools.server.young()", Tools: set})
	if err != nil || value != "young" {
		t.Errorf("the new tool gives %q: %v", value, err)
	}
}

func TestScripts(t *testing.T) {
	runtime, err := caisson.New(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.Close()
	files := &caisson.Functions{}
	read := func(_ context.Context, in struct {
		Path string `json:"path"`
	},
	) (string, error) {
		if in.Path != "notes.txt" {
			return "", errors.New("there is no " + in.Path)
		}
		return "three little words", nil
	}
	if err := caisson.AddFunction(files, "read_file", "Reads a file.", read); err != nil {
		t.Fatal(err)
	}
	saved := ""
	err = scripts(t.Context(), runtime, files, func(_ context.Context, path string, words int) (string, error) {
		saved = fmt.Sprint(path, words)
		return "saved", nil
	})
	if err != nil || saved != "notes.txt3" {
		t.Errorf("%q is saved: %v", saved, err)
	}
}
