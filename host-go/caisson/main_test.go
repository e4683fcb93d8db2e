package caisson_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/isolate"
)

// childMode names, in the environment of a child process, the server that this test binary is to
// be in place of running tests; see children_test.go.
const childMode = "CAISSON_TEST_CHILD"

// isolation names, in the environment, where the guests of the tests' runtimes run: "process" runs them all in workers.
const isolation = "CAISSON_TEST_ISOLATION"

func TestMain(m *testing.M) {
	isolate.Main()
	if mode := os.Getenv(childMode); mode != "" {
		switch mode {
		case "go-sdk":
			serveGo()
		case "extension":
			serveExtension()
		case "slow":
			startSlowly()
		case "whole":
			serveWhole()
		case "fuzz":
			serveFuzz()
		case "sleep":
			sleepProcess()
		case "login":
			logIn()
		case "isolated":
			isolatedParent()
		case "hostile":
			hostile()
		default:
			child(mode)
		}
		return
	}
	os.Exit(m.Run())
}

// patience bounds every wait of a test: far more than anything takes, also on a busy machine with
// the race detector on.
const patience = 2 * time.Minute

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// shared is a runtime with the default options, for every test that needs no other.
var shared = sync.OnceValues(func() (*caisson.Runtime, error) {
	return caisson.New(context.Background(), &caisson.RuntimeOptions{Isolation: caisson.Isolation(os.Getenv(isolation))})
})

func sharedRuntime(t testing.TB) *caisson.Runtime {
	t.Helper()
	r, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// newRuntime makes a runtime of the test's own.
func newRuntime(t testing.TB, options caisson.RuntimeOptions) *caisson.Runtime {
	t.Helper()
	if options.Logger == nil {
		options.Logger = testLogger(t)
	}
	if options.Isolation == "" {
		options.Isolation = caisson.Isolation(os.Getenv(isolation))
	}
	r, err := caisson.New(testContext(t), &options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// newClient makes a client of the test's own, on the runtime that all tests share.
func newClient(t testing.TB, options caisson.ClientOptions) *caisson.Client {
	t.Helper()
	if options.Logger == nil {
		options.Logger = testLogger(t)
	}
	c, err := sharedRuntime(t).NewClient(&options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func testLogger(t testing.TB) *slog.Logger { return slog.New(slog.NewTextHandler(testWriter{t}, nil)) }

// testWriter writes to a test's log.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

// A connector is a client, or a runtime for a client without options.
type connector interface {
	Connect(ctx context.Context, server caisson.Server) (*caisson.Session, error)
	Replay(ctx context.Context, recording io.Reader, options *caisson.ReplayOptions) (*caisson.Replay, error)
}

func connect(t testing.TB, r connector, server caisson.Server) *caisson.Session {
	t.Helper()
	s, err := r.Connect(testContext(t), server)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// childServer is a server that is this test binary in one of its modes.
func childServer(t testing.TB, mode string) caisson.Server {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return caisson.Server{Name: mode, Command: path, Env: map[string]string{childMode: mode}}
}

// root is the repository's root folder.
func root(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// node gives the path of Node and of a file that npm installed, and skips the test where one is
// missing: `make test` installs them, and a user of the module alone need not have them.
func node(t testing.TB, file string) (program, script string) {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node")
	}
	script = filepath.Join(root(t), file)
	if _, err := os.Stat(script); err != nil {
		t.Skipf("%s is not there: npm ci installs it", file)
	}
	return program, script
}

// start starts a process for the length of the test and waits for the line of its output that
// says that it is ready.
func start(t testing.TB, cmd *exec.Cmd, ready string) (line string) {
	t.Helper()
	line, ok := tryStart(t, cmd, ready)
	if !ok {
		t.Fatalf("%s ended, and did not say %q", cmd, ready)
	}
	return line
}

// tryStart is start for a process that may end before it is ready.
func tryStart(t testing.TB, cmd *exec.Cmd, ready string) (line string, ok bool) {
	t.Helper()
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
		_ = w.Close()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	lines := make(chan string, 1)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(r); scanner.Scan(); {
			if strings.Contains(scanner.Text(), ready) {
				lines <- scanner.Text()
				break
			}
		}
		_, _ = io.Copy(io.Discard, r)
	}()
	select {
	case line, ok = <-lines:
		return line, ok
	case <-time.After(patience):
		t.Fatalf("%s did not say %q", cmd, ready)
		return "", false
	}
}
