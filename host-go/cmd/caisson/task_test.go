package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// taskServer starts a server of test/servers with tasks, over HTTP. A server that is a command would forget
// its tasks between two commands.
func taskServer(t *testing.T, file string) (url string) {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node")
	}
	root := filepath.Join("..", "..", "..")
	if _, err := os.Stat(filepath.Join(root, "node_modules", "@modelcontextprotocol", "server")); err != nil {
		t.Skip("npm ci installs the servers")
	}
	cmd := exec.Command(program, filepath.Join(root, "test", "servers", file), "http")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line := make([]byte, 256)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(line[:n]))
}

// prints runs a command that must succeed, and returns its output.
func prints(t *testing.T, args ...string) string {
	t.Helper()
	o := caissonRun(t, args...)
	o.expect(t, exitOK)
	return strings.TrimSuffix(o.out, "\n")
}

func wantOutput(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s prints %q, want %q", what, got, want)
	}
}

func TestTasksOfTheExtension(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	url := taskServer(t, "tasks-v2.mjs")
	id := prints(t, "start-task", url, "asks")
	wantOutput(t, "get-task", prints(t, "get-task", url, id), "input_required")
	answer := `{"first":{"action":"accept","content":{"name":"ada"}},"second":{"action":"accept","content":{"name":"bob"}}}`
	wantOutput(t, "update-task", prints(t, "update-task", url, id, "--args", answer), "answered "+id)
	wantOutput(t, "wait-task", prints(t, "wait-task", url, id), "hello ada bob")
	var state struct{ Status string }
	if err := json.Unmarshal([]byte(prints(t, "get-task", url, id, "--json")), &state); err != nil || state.Status != "completed" {
		t.Errorf("get-task --json prints %+v, %v", state, err)
	}
	wantOutput(t, "call-tool", prints(t, "call-tool", url, "steps"), "done")
	wantOutput(t, "start-task", prints(t, "start-task", url, "plain"), "at once")

	id = prints(t, "start-task", url, "forever")
	caissonRun(t, "wait-task", url, id, "--timeout", "2s").expect(t, exitTimeout)
	// The third poll finds the task completed. The speed of the machine decides how many polls there were.
	last := ""
	for look := 0; look < 3 && !strings.Contains(last, "still busy"); look++ {
		last = prints(t, "get-task", url, id)
	}
	wantOutput(t, "get-task", last, "working: still busy")
	wantOutput(t, "cancel-task", prints(t, "cancel-task", url, id), "asked to cancel "+id)
	id = prints(t, "start-task", url, "erred")
	caissonRun(t, "wait-task", url, id).expect(t, exitToolError)
	caissonRun(t, "get-task", url, "nobody's").expect(t, exitFailure)
	caissonRun(t, "list-tasks", url).expect(t, exitUsage)
	caissonRun(t, "update-task", url, id).expect(t, exitUsage)
	caissonRun(t, "get-task", url).expect(t, exitUsage)
}

func TestTasksOf2025(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	// In that revision tasks belong to a session, and each command has a new one.
	url := taskServer(t, "tasks-v1.mjs")
	wantOutput(t, "call-tool", prints(t, "call-tool", url, "steps"), "done")
	if id := prints(t, "start-task", url, "silent", "--ttl", "1h"); len(id) != 32 {
		t.Errorf("start-task prints %q", id)
	}
	wantOutput(t, "list-tasks", prints(t, "list-tasks", url), "The server has no tasks.")
	caissonRun(t, "start-task", url, "plain").expect(t, exitUsage)
	caissonRun(t, "start-task", url, "silent", "--ttl", "0").expect(t, exitUsage)
}
