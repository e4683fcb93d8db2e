package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"go.yaml.in/yaml/v3"
)

// TestSetups has the files of docs/serve.md for a machine of one's own, a team's repository and a CI job, and runs their
// commands. The server of the team is one on this machine; it changes a tool, and the CI job fails until somebody
// approves the change.
func TestSetups(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are for a shell of Unix")
	}
	manyRuntimes(t)
	t.Parallel()
	tickets := mcp.NewServer(&mcp.Implementation{Name: "tickets", Version: "1"}, nil)
	describe := func(description string) {
		tickets.AddTool(&mcp.Tool{
			Name: "find", Description: description, InputSchema: map[string]any{"type": "object"}, Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true},
		}, func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return &mcp.CallToolResult{}, nil
		})
	}
	describe("Finds a ticket.")
	own, team, job := readSetups(t, serveIn(t, tickets, true))

	home := t.TempDir()
	programs, elsewhere, repository := filepath.Join(home, "bin"), filepath.Join(home, "elsewhere"), filepath.Join(home, "repository")
	for _, folder := range []string{programs, elsewhere, repository} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(self(t), filepath.Join(programs, "caisson")); err != nil {
		t.Fatal(err)
	}
	_, noGit := exec.LookPath("git")
	shell := func(folder, code string) (string, error) {
		if noGit != nil {
			code = regexp.MustCompile(`(?m)^git `).ReplaceAllString(code, ": git ")
		}
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
	// The files of a set-up are written, but for one that adds to what the commands write.
	write := func(s setup, folder string) {
		t.Helper()
		for path, text := range s.files {
			path = placed(path, home, folder)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}

	write(own, elsewhere)
	run(elsewhere, own.commands[0], "is written", "mcpServers")
	for path, text := range own.added {
		path = placed(path, home, elsewhere)
		policy, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(policy, text...), 0o600); err != nil {
			t.Fatal(err)
		}
		run(elsewhere, "caisson policy check '"+path+"'\n", "is a policy for 1 servers")
	}
	run(elsewhere, "caisson pins verify\ncaisson list-tools demo\n", "are approved", "countdown")

	// Who does this has a policy and a lock file of their own by now.
	ownLock, err := os.ReadFile(filepath.Join(home, ".config", "caisson", "caisson.lock"))
	if err != nil {
		t.Fatal(err)
	}
	write(team, repository)
	run(repository, ": # the repository\ngit init -q\n")
	run(repository, team.commands[0], "is written", "--policy", filepath.Join(repository, "caisson.policy.yaml"))
	write(job, repository)
	steps := stepsOf(t, job.files[".github/workflows/caisson.yml"])
	run(repository, steps, "is a policy for 1 servers", "are approved", "0 findings")

	describe("Finds a ticket, and more.")
	if out, err := shell(repository, steps); err == nil || !strings.Contains(out, "and more") {
		t.Errorf("a changed tool is approved: %v %s", err, out)
	}
	want := []string{"Finds a ticket{+, and more+}."}
	if noGit == nil {
		want = append(want, `"Finds a ticket, and more."`) // It is in the difference that a review sees.
	}
	run(repository, team.commands[1], want...)
	run(repository, steps, "are approved")
	if now, err := os.ReadFile(filepath.Join(home, ".config", "caisson", "caisson.lock")); err != nil || !bytes.Equal(now, ownLock) {
		t.Errorf("the repository's servers are in the own lock file: %v %s", err, now)
	}
}

// A setup is what docs/serve.md has of one: files by their paths, what is added to files, and blocks of commands.
type setup struct {
	files, added map[string]string
	commands     []string
}

// readSetups reads the three set-ups, with a server in place of the team's. A block that is no commands is the file that
// the text before it names last.
func readSetups(t *testing.T, server string) (own, team, job setup) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "serve.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Three set-ups\n")
	section, _, _ = strings.Cut(section, "\n## ")
	parts := strings.Split(strings.ReplaceAll(section, "https://mcp.example.com", server), "\n**")[1:]
	if len(parts) != 3 {
		t.Fatalf("there are %d set-ups", len(parts))
	}
	file := regexp.MustCompile("(Add to )?`([^`]+)`:$")
	var setups [3]setup
	for i, part := range parts {
		s := setup{files: map[string]string{}, added: map[string]string{}}
		blocks := strings.Split(part, "```")
		for k := 1; k < len(blocks); k += 2 {
			language, code, _ := strings.Cut(blocks[k], "\n")
			if language == "sh" {
				s.commands = append(s.commands, code)
				continue
			}
			named := file.FindStringSubmatch(strings.TrimSpace(blocks[k-1]))
			switch {
			case named == nil:
				t.Fatalf("nothing says which file this is:\n%s", code)
			case named[1] != "":
				s.added[named[2]] = code
			default:
				s.files[named[2]] = code
			}
		}
		setups[i] = s
	}
	own, team, job = setups[0], setups[1], setups[2]
	for _, s := range []struct {
		setup
		files, added, commands int
	}{{own, 1, 1, 1}, {team, 1, 0, 2}, {job, 1, 0, 0}} {
		if len(s.setup.files) != s.files || len(s.setup.added) != s.added || len(s.setup.commands) != s.commands {
			t.Fatalf("a set-up has other files or commands: %+v", s.setup)
		}
	}
	return own, team, job
}

// placed is where a path of the text is: in the home, or in a folder.
func placed(path, home, folder string) string {
	if below, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(home, below)
	}
	return filepath.Join(folder, path)
}

// stepsOf are the commands of a workflow's job, without the one that gets this program: that is here.
func stepsOf(t *testing.T, workflow string) (commands string) {
	t.Helper()
	var w struct {
		On   map[string]any
		Jobs map[string]struct {
			Steps []struct{ Uses, Run string }
		}
	}
	if err := yaml.Unmarshal([]byte(workflow), &w); err != nil {
		t.Fatal(err)
	}
	installed := false
	for _, step := range w.Jobs["servers"].Steps {
		switch {
		case strings.HasPrefix(step.Run, "go install github.com/caisson-dev/caisson/host-go/cmd/caisson@"):
			installed = true
		case step.Run != "":
			commands += step.Run + "\n"
		}
	}
	if len(w.On) != 2 || !installed || strings.Count(commands, "caisson ") < 3 {
		t.Fatalf("the workflow has other steps: %+v", w)
	}
	return commands
}
