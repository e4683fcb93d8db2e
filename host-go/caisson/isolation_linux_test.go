package caisson_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// gone reports whether a process has ended. One that nobody has waited for yet has.
func gone(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return true
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(after, "Z") || strings.HasPrefix(after, "X")
}

// TestWorkersEndWithTheirParent ends a program that has a worker which computes, and one that waits: both end.
func TestWorkersEndWithTheirParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), childMode+"=isolated")
	parent.Stderr = os.Stderr
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer parent.Wait()
	defer parent.Process.Kill()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var first, second int
	if _, err := fmt.Sscanf(line, "[%d %d]", &first, &second); err != nil || gone(first) || gone(second) {
		t.Fatalf("%q: %v", line, err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { return gone(first) && gone(second) }) {
		t.Errorf("the workers are still there: %d %t, %d %t", first, gone(first), second, gone(second))
	}
}

// TestWorkerHasNoSecrets looks for the credentials of a session in all that its worker has: its arguments, its
// environment, what it has open, and its memory. The program itself has them.
func TestWorkerHasNoSecrets(t *testing.T) {
	const header, variable = "secret-of-the-header-4711", "secret-of-the-environment-4711"
	t.Setenv("CAISSON_TEST_SECRET", variable)
	r := newRuntime(t, caisson.RuntimeOptions{Isolation: caisson.IsolationProcess})
	server := httptest.NewServer(demoserver.Handler(false, false))
	defer server.Close()
	session, err := r.Connect(testContext(t), caisson.Server{URL: server.URL, Headers: http.Header{"X-Secret": {header}}})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	said := "this goes through the sandbox 4711"
	if _, err := session.CallTool(testContext(t), &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"message": said}}); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, pid := range caisson.WorkerPIDs(r) {
		folder := "/proc/" + strconv.Itoa(pid)
		environment, err := os.ReadFile(folder + "/environ")
		if err != nil {
			t.Fatal(err)
		}
		arguments, err := os.ReadFile(folder + "/cmdline")
		if err != nil {
			t.Fatal(err)
		}
		all := append(append(processMemory(t, folder), environment...), arguments...)
		for _, secret := range []string{header, variable} {
			if bytes.Contains(all, []byte(secret)) {
				t.Errorf("the worker has %s", secret)
			}
		}
		found = found || bytes.Contains(all, []byte(said))
		open, err := os.ReadDir(folder + "/fd")
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range open {
			to, _ := os.Readlink(folder + "/fd/" + fd.Name())
			if n, _ := strconv.Atoi(fd.Name()); n > 2 && !strings.HasPrefix(to, "anon_inode:") && !strings.HasPrefix(to, "/memfd:") && !strings.Contains(to, "/caisson") {
				t.Errorf("the worker has %s open", to)
			}
		}
	}
	if !found {
		t.Error("what the session has sent is not in the memory of its worker: the test looks in the wrong place")
	}
}

// processMemory returns what a process has written in its memory.
func processMemory(t *testing.T, folder string) []byte {
	t.Helper()
	maps, err := os.ReadFile(folder + "/maps")
	if err != nil {
		t.Fatal(err)
	}
	memory, err := os.Open(folder + "/mem")
	if err != nil {
		t.Skipf("the system does not show the memory of another process: %v", err)
	}
	defer memory.Close()
	var all []byte
	for line := range strings.Lines(string(maps)) {
		var from, to int64
		var mode string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); err != nil || !strings.HasPrefix(mode, "rw") || to-from > 256<<20 {
			continue
		}
		part := make([]byte, to-from)
		if n, err := memory.ReadAt(part, from); err == nil || err == io.EOF {
			all = append(all, part[:n]...)
		}
	}
	return all
}
