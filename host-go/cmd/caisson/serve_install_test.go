package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestServeInstall prints an entry, writes it, and writes it again.
func TestServeInstall(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	t.Setenv("APPDATA", filepath.Join(home, "roaming"))
	folder := t.TempDir()
	t.Chdir(folder)
	do := func(code int, words ...string) (out, said string) {
		t.Helper()
		var o, e strings.Builder
		if got := run(append([]string{"serve"}, words...), strings.NewReader(""), &o, &e); got != code {
			t.Fatalf("%q ends with %d: %s", words, got, e.String())
		}
		return o.String(), e.String()
	}
	path := filepath.Join(home, ".cursor", "mcp.json")
	out, said := do(exitOK, "--install", "cursor", "--config", "mcp.json")
	if !strings.Contains(said, path) {
		t.Errorf("it says %q", said)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("without --write it was written")
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	args := func(text string) []string {
		t.Helper()
		var file struct {
			MCPServers map[string]struct{ Args []string }
		}
		if err := json.Unmarshal([]byte(text), &file); err != nil {
			t.Fatal(err)
		}
		return file.MCPServers["caisson"].Args
	}
	want := []string{"serve", "--config=" + filepath.Join(here, "mcp.json")}
	if got := args(out); !slices.Equal(got, want) {
		t.Errorf("the arguments are %q, want %q", got, want)
	}
	do(exitOK, "--install", "cursor", "--config", "mcp.json", "--write")
	if text, err := os.ReadFile(path); err != nil || string(text) != out {
		t.Errorf("it wrote %s, %v", text, err)
	}
	if out, _ := do(exitOK, "--install", "cursor", "--config", "mcp.json", "--write"); !strings.Contains(out, "already") {
		t.Errorf("the second time it says %q", out)
	}
	// The policy of this folder must hold in whatever folder the client starts it.
	if err := os.WriteFile("caisson.policy.yaml", []byte("version: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, said = do(exitOK, "--install", "cursor", "--write")
	text, err := os.ReadFile(path)
	if err != nil || !slices.Equal(args(string(text)), []string{"serve", "--policy=" + filepath.Join(here, "caisson.policy.yaml")}) {
		t.Errorf("with a policy it wrote %s, %v", text, err)
	}
	if kept, err := filepath.Glob(path + ".*.bak"); err != nil || len(kept) != 1 || !strings.Contains(said, kept[0]) {
		t.Errorf("there are the copies %v, and it says %q", kept, said)
	}
	if err := os.WriteFile(path, []byte("{\n\"a\" 1}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, said := do(exitFailure, "--install", "cursor", "--write"); !strings.Contains(said, path) || !strings.Contains(said, "line 2") {
		t.Errorf("about a broken file it says %q", said)
	}
	out, _ = do(exitOK, "--install", "cursor", "--config=mcp.json", "--policy=p.yaml", "--lock=l.lock", "--scripts=tools", "--scripts=more=scripts/a=b",
		"--plugin=thumbs.wasm", "--plugin=t=./x.wasm", "--cache-dir=cache", "--store=./logins", "one")
	want = []string{"serve"}
	for _, word := range []string{
		"--cache-dir=cache", "--config=mcp.json", "--lock=l.lock", "--plugin=thumbs.wasm", "--plugin=t=x.wasm", "--policy=p.yaml",
		"--scripts=tools", "--scripts=more=scripts/a=b", "--store=logins",
	} {
		flag, path, _ := strings.Cut(word, "=")
		if name, rest, ok := strings.Cut(path, "="); ok && name != "scripts/a" {
			flag, path = flag+"="+name, rest
		}
		want = append(want, flag+"="+filepath.Join(here, path))
	}
	if got := args(out); !slices.Equal(got, append(want, "--", "one")) {
		t.Errorf("the arguments are\n%q, want\n%q", got, want)
	}
	do(exitUsage, "--install", "emacs")
	do(exitUsage, "--write")
	do(exitUsage, "--install", "cursor", "--name", "a b")
}
