package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTypes(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	dir := t.TempDir()
	demo := map[string]any{"command": self(t), "args": []string{"demo-server"}, "cwd": dir}
	config, err := json.Marshal(map[string]any{"mcpServers": map[string]any{"demo": demo, "other-one": demo}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "servers.json")
	if err := os.WriteFile(path, config, 0o600); err != nil {
		t.Fatal(err)
	}
	for lang, wants := range map[string][]string{
		"ts": {"readonly demo: DemoServer;", `readonly "other-one": OtherOneServer;`, "echo(args: DemoEchoArguments): Promise<unknown>;"},
		"py": {"demo: DemoServer", `Literal["other-one"]`, "def echo(self, arguments: DemoEchoArguments, /) -> Awaitable[Any]:"},
	} {
		o := caissonRun(t, "types", "demo", "other-one", "--config", path, "--lang", lang)
		o.expect(t, exitOK)
		for _, want := range wants {
			if !strings.Contains(o.out, want) {
				t.Errorf("%s lacks %s\n%s", lang, want, o.out)
			}
		}
	}
	// The same server twice has two names.
	o := caissonRun(t, "types", "demo", "demo", "--config", path)
	o.expect(t, exitOK)
	if !strings.Contains(o.out, `readonly "demo-2": `) {
		t.Error(o.out)
	}
}
