package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestSetups runs the commands of docs/serve.md for a machine of one's own, a team's repository and a CI job. Then it
// changes what a server is, and the CI job fails.
func TestSetups(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are for a shell of Unix")
	}
	manyRuntimes(t)
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "serve.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Three set-ups\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var blocks []string
	for i, block := range strings.Split(section, "```") {
		if code, ok := strings.CutPrefix(block, "sh\n"); ok && i%2 == 1 {
			blocks = append(blocks, code)
		}
	}
	if len(blocks) != 3 {
		t.Fatalf("there are %d blocks", len(blocks))
	}
	own, team, job := blocks[0], blocks[1], blocks[2]

	home := t.TempDir()
	programs := filepath.Join(home, "bin")
	if err := os.Mkdir(programs, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self(t), filepath.Join(programs, "caisson")); err != nil {
		t.Fatal(err)
	}
	shell := func(folder, code string) (string, error) {
		command := exec.Command("sh", "-e", "-c", code)
		command.Dir = folder
		command.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+filepath.Join(home, ".config"), "PATH="+programs+string(os.PathListSeparator)+os.Getenv("PATH"))
		out, err := command.CombinedOutput()
		return string(out), err
	}
	run := func(folder, code string, want ...string) {
		t.Helper()
		out, err := shell(folder, code)
		if err != nil {
			t.Fatalf("%s%v: %s", code, err, out)
		}
		for _, text := range want {
			if !strings.Contains(out, text) {
				t.Errorf("%sthere is no %q in %s", code, text, out)
			}
		}
	}
	config := `{"mcpServers": {"demo": {"command": "caisson", "args": ["demo-server"]}}}`
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	write(filepath.Join(home, ".config", "caisson", "mcp.json"), config)
	elsewhere := filepath.Join(home, "elsewhere")
	if err := os.Mkdir(elsewhere, 0o700); err != nil {
		t.Fatal(err)
	}
	run(elsewhere, own, "is written", "mcpServers")

	// Who does this has a policy and a lock file of their own by now.
	ownLock, err := os.ReadFile(filepath.Join(home, ".config", "caisson", "caisson.lock"))
	if err != nil {
		t.Fatal(err)
	}
	repository := filepath.Join(home, "repository")
	write(filepath.Join(repository, "mcp.json"), config)
	if _, err := exec.LookPath("git"); err != nil {
		team = strings.Replace(team, "git add", ": git add", 1)
	} else {
		run(repository, "git init -q")
	}
	run(repository, team, "is written", "--policy", filepath.Join(repository, "caisson.policy.yaml"))
	run(repository, job, "are approved")
	write(filepath.Join(repository, "mcp.json"), strings.Replace(config, `"demo-server"`, `"demo-server", "--stdio"`, 1))
	if out, err := shell(repository, job); err == nil {
		t.Errorf("another server is approved: %s", out)
	}
	if now, err := os.ReadFile(filepath.Join(home, ".config", "caisson", "caisson.lock")); err != nil || string(now) != string(ownLock) {
		t.Errorf("the repository's servers are in the own lock file: %v %s", err, now)
	}
}
