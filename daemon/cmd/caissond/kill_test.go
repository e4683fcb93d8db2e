package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

// listening waits until a daemon listens, and gives what posts to it with the token of its home.
func (p *process) listening(t *testing.T) func(path string, body any) (int, string) {
	t.Helper()
	at := p.await(t, "the daemon listens")["address"].(string)
	token, err := os.ReadFile(p.await(t, "there is a token")["file"].(string))
	if err != nil {
		t.Fatal(err)
	}
	return func(path string, body any) (int, string) {
		t.Helper()
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+at+path, bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
		return do(t, request)
	}
}

// TestKilled kills a daemon with SIGKILL when it has acknowledged runs, and starts it again: each is there, and ends.
func TestKilled(t *testing.T) {
	home := t.TempDir()
	path := filepath.Join(home, "caisson.yaml")
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	type answer struct {
		Run struct {
			ID, State   string
			Outcome     struct{ Value []byte }
			ErrorDetail struct{ Code string }
		}
	}
	read := func(status int, text string) (a answer) {
		t.Helper()
		if err := json.Unmarshal([]byte(text), &a); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s", status, text)
		}
		return a
	}
	submission := func(i int) map[string]any {
		script := map[string]any{"source": fmt.Sprintf("return %d", i)}
		return map[string]any{"script": script, "idempotencyKey": fmt.Sprint(i), "repeatable": i%2 == 0}
	}
	p := run(t, home, "--config", path, "--listen", "127.0.0.1:0")
	post := p.listening(t)
	var ids []string
	for i := range 6 {
		ids = append(ids, read(post("/caisson.v1.ScriptService/SubmitRun", submission(i))).Run.ID)
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()

	post = run(t, home, "--config", path, "--listen", "127.0.0.1:0").listening(t)
	for i, id := range ids {
		if again := read(post("/caisson.v1.ScriptService/SubmitRun", submission(i))).Run.ID; again != id {
			t.Errorf("run %d, submitted again with its key, is %q and not %q", i, again, id)
		}
		var a answer
		storetest.Until(t, func() bool {
			a = read(post("/caisson.v1.ScriptService/GetRun", map[string]any{"id": id}))
			return a.Run.State != "RUN_STATE_RUNNING"
		})
		notRepeated := i%2 != 0 && a.Run.ErrorDetail.Code == "CODE_NOT_REPEATED"
		if string(a.Run.Outcome.Value) != fmt.Sprint(i) && !notRepeated {
			t.Errorf("run %d is %+v", i, a.Run)
		}
	}
}

// TestTerminated sends SIGTERM while a call is underway that never ends: its caller hears after drainTimeout that it is
// closed, the command of its server ends, and the daemon exits with 0.
func TestTerminated(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("this system has no such signals")
	}
	home := t.TempDir()
	path, begun := filepath.Join(home, "caisson.yaml"), filepath.Join(home, "begun")
	text := "drainTimeout: 100ms\nmcpServers: {one: {command: " + os.Args[0] + ", env: {" + stdioVariable + ": '1', " + begunVariable + ": " + begun + "}}}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := run(t, home, "--config", path, "--listen", "127.0.0.1:0")
	post := p.listening(t)
	go func() {
		storetest.Until(t, func() bool { return second(os.Stat(begun)) == nil })
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}()
	if status, text := post("/call-tool", map[string]any{"server": "one", "name": "wait"}); status == http.StatusOK || !strings.Contains(text, "CLOSED") {
		t.Errorf("the caller hears %d %s", status, text)
	}
	for range p.lines { // Until it has ended.
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the daemon ends with %v", err)
	}
	pid := 0
	if text, err := os.ReadFile(begun); err != nil || second(fmt.Sscan(string(text), &pid)) != nil {
		t.Fatalf("the command has not begun: %q, %v", text, err)
	}
	command, err := os.FindProcess(pid)
	if err == nil {
		err = command.Signal(syscall.Signal(0))
	}
	if err == nil {
		t.Errorf("the command %d still runs", pid)
	}
}

func second[T any](_ T, err error) error { return err }
