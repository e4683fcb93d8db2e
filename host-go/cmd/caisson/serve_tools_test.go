package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// served starts the program as a server on standard input and output, in a folder with these files, and connects.
func served(t *testing.T, files map[string]string, args ...string) *mcp.ClientSession {
	t.Helper()
	folder := t.TempDir()
	config, err := json.Marshal(map[string]any{"mcpServers": map[string]any{"demo": map[string]any{"command": self(t), "args": []string{"demo-server"}}}})
	if err != nil {
		t.Fatal(err)
	}
	files["mcp.json"] = string(config)
	for name, text := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	command := exec.Command(self(t), append([]string{"serve", "--config", "mcp.json", "--wait=2m"}, args...)...)
	command.Dir = folder
	command.Stderr = t.Output()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(ctx, &mcp.CommandTransport{Command: command}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// tell calls a tool and returns its first text.
func tell(t *testing.T, session *mcp.ClientSession, tool string, arguments any) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		return err.Error()
	}
	return result.Content[0].(*mcp.TextContent).Text
}

var scriptFiles = map[string]string{
	"tools/double.js": "/* ---\ndescription: Doubles a number.\ninputSchema: {properties: {n: {type: number}}, required: [n]}\ntools: {demo: [add]}\n--- */\n" +
		"return (await tools.demo.add({a: input.n, b: input.n})).sum ?? -1",
	"tools/typed.ts": "// ---\n// description: Is typed.\n// ---\nimport { twice } from './lib'\nconst n: number = twice(21)\nreturn n",
	"tools/lib.ts":   "export const twice = (n: number): number => 2 * n",
	"tools/sum.py":   "# ---\n# description: Sums.\n# ---\nreturn sum([1, 2, 3])",
}

// TestServeTools serves the scripts of a folder and a plugin beside a server.
func TestServeTools(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	plugin, err := filepath.Abs(calc)
	if err != nil {
		t.Fatal(err)
	}
	session := served(t, scriptFiles, "--scripts", "tools", "--plugin", "numbers="+plugin)
	list, err := session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	for _, want := range []string{"demo__add", "tools__double", "tools__typed", "tools__sum"} {
		if !slices.Contains(names, want) {
			t.Errorf("the tools are %v, without %s", names, want)
		}
	}
	if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, "numbers__") }) {
		t.Errorf("the tools are %v, without those of the plugin", names)
	}
	if text := tell(t, session, "tools__double", map[string]any{"n": 4}); text != "8" {
		t.Errorf("the script in JavaScript gives %q", text)
	}
	if text := tell(t, session, "tools__typed", nil); text != "42" {
		t.Errorf("the script in TypeScript gives %q", text)
	}
	if text := tell(t, session, "tools__sum", nil); text != "6" {
		t.Errorf("the script in Python gives %q", text)
	}
	for _, absent := range []string{"tools__none", "numbers__none", "nobody__none"} { // all in the same words
		if text := tell(t, session, absent, nil); !strings.Contains(text, `unknown tool "`+absent+`"`) || strings.Contains(text, "group") {
			t.Errorf("a tool that is not there gives %q", text)
		}
	}
}

// TestServeCode serves code mode, in each language.
func TestServeCode(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	session := served(t, scriptFiles, "--code", "--scripts", "tools")
	for language, source := range map[string]string{
		"javascript": "return (await tools.tools.double({n: 4}))",
		"typescript": "const n: number = 4; return (await tools.tools.double({n}))",
		"python":     "return await tools.tools.double({'n': 4})",
	} {
		if text := tell(t, session, "run_script", map[string]any{"source": source, "language": language}); text != "8" {
			t.Errorf("%s gives %q", language, text)
		}
		if text := tell(t, session, "get_tool", map[string]any{"name": "demo.add", "language": language}); !strings.Contains(text, "add") {
			t.Errorf("the declaration in %s is %q", language, text)
		}
	}
}

// TestServeToolsPolicy holds plugins and scripts to the policy: what they are granted, and what they may call.
func TestServeToolsPolicy(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	files := map[string]string{"p.yaml": "version: 1\nservers:\n  demo: {tools: [echo]}\nscripts:\n  tools: {tools: [double]}\n"}
	for name, text := range scriptFiles {
		files[name] = text
	}
	session := served(t, files, "--scripts", "tools", "--policy", "p.yaml")
	list, err := session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	if got := strings.Join(names, " "); got != "demo__echo tools__double" {
		t.Errorf("the tools are %s", got)
	}
	// The script's manifest grants it demo.add, and the policy does not.
	if text := tell(t, session, "tools__double", map[string]any{"n": 4}); text == "8" || !strings.Contains(text, "add") {
		t.Errorf("the script has given %q", text)
	}
	if text := tell(t, session, "tools__sum", nil); text == "6" {
		t.Error("a script was called that the policy does not grant")
	}
}

// TestServeToolsUsage refuses what cannot be served.
func TestServeToolsUsage(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	config := filepath.Join(folder, "mcp.json")
	if err := os.WriteFile(config, []byte(`{"mcpServers": {}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	caissonRun(t, "serve", "--config", config, "--code", "--http", "127.0.0.1:0").expect(t, exitUsage, "/mcp/code")
	manyRuntimes(t)
	for says, args := range map[string][]string{
		"none":                    {"--scripts", filepath.Join(folder, "none")},
		"there are two":           {"--scripts", "a=" + folder, "--scripts", "a=" + folder},
		"caisson plugin pull":     {"--plugin", "oci://127.0.0.1/a/b:1"},
		"cannot be served":        {"--scripts", "a__b=" + folder},
		"--plugin: there are two": {"--scripts", "calc=" + folder, "--plugin", calc},
	} {
		o := caissonRun(t, append([]string{"serve", "--config", config}, args...)...)
		if o.code == exitOK || !strings.Contains(o.stderr, says) {
			t.Errorf("%v: %d %s", args, o.code, o.stderr)
		}
	}
}
