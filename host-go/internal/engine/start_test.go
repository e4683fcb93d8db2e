package engine

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/caisson-dev/caisson/host-go/caisson/isolate"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
	"github.com/caisson-dev/caisson/host-go/internal/without"
)

// patience bounds every wait of a test.
const patience = 3 * time.Minute

// testEngine makes an engine that ends with the test.
func testEngine(t *testing.T, config Config) *Engine {
	t.Helper()
	e, err := newTestEngine(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func newTestEngine(config Config) (*Engine, error) {
	config.Logger = slog.New(slog.DiscardHandler)
	return New(context.Background(), config)
}

var testLimits = Limits{MemoryBytes: 512 << 20, GuestTime: time.Minute}

// testTransport is for all sessions of the tests: none is known to end with the last of them.
var testTransport = egress.NewTransport(false)

// client gives a session's configuration what a client of these tests has.
func client(config SessionConfig) SessionConfig {
	config.Limits, config.Logger = testLimits, slog.New(slog.DiscardHandler)
	config.Egress = egress.Options{MaxMessage: 32 << 20, Logger: config.Logger, Transport: testTransport}
	return config
}

// warmedDir is what TestMain removes: warmed's folder, once there is one.
var warmedDir string

// warmed is a folder with all of the core in the cache, for tests to copy. It begins with what the
// user's own cache has: compiling the core takes seconds, and a minute under the race detector.
var warmed = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "engine-test")
	if err != nil {
		return "", err
	}
	warmedDir = dir
	if user, err := os.UserCacheDir(); err == nil {
		copyCompiled(filepath.Join(user, "caisson"), dir)
	}
	e, err := newTestEngine(Config{CacheDir: dir, CompileFirst: true})
	if err != nil {
		return "", err
	}
	e.Close()
	return dir, nil
})

// copyCompiled copies what is compiled, but for the stages of processes that are at it. What is not
// there, or half of it, is compiled anew.
func copyCompiled(from, to string) {
	paths, _ := filepath.Glob(filepath.Join(from, "*", "*"))
	for _, path := range paths {
		folder := filepath.Base(filepath.Dir(path))
		content, err := os.ReadFile(path)
		if err != nil || strings.HasPrefix(folder, "component-stage-") {
			continue
		}
		if os.MkdirAll(filepath.Join(to, folder), 0o700) == nil {
			_ = os.WriteFile(filepath.Join(to, folder, filepath.Base(path)), content, 0o600)
		}
	}
}

func TestMain(m *testing.M) {
	isolate.Main()
	code := m.Run()
	if warmedDir != "" {
		_ = os.RemoveAll(warmedDir)
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			println(err.Error())
			code = 1
		}
	}
	os.Exit(code)
}

// warmCache gives a test a warm cache of its own.
func warmCache(t *testing.T) string {
	t.Helper()
	from, err := warmed()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	// The entries alone: beside them are folders of processes that run.
	folders, _ := filepath.Glob(filepath.Join(from, "component-[0-9]*"))
	for _, folder := range folders {
		if err := os.CopyFS(filepath.Join(dir, filepath.Base(folder)), os.DirFS(folder)); err != nil {
			t.Fatal(err)
		}
	}
	// What was copied may be written to by more than its owner.
	paths, _ := filepath.Glob(filepath.Join(dir, "*", "*"))
	for _, path := range paths {
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// open opens a session with a demo server that keeps sessions.
func open(t *testing.T, e *Engine) *Session {
	t.Helper()
	return openAt(t, e, demoserver.Handler(false, true))
}

// openAt opens a session with a server over HTTP.
func openAt(t *testing.T, e *Engine, server http.Handler) *Session {
	t.Helper()
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	u, err := url.Parse(listener.URL)
	if err != nil {
		t.Fatal(err)
	}
	ctx := testContext(t)
	s, failure := e.Open(ctx, client(SessionConfig{
		Endpoint:       Endpoint{Kind: HTTP, URL: listener.URL},
		ClientInfo:     Implementation{Name: "test", Version: "1"},
		ConnectTimeout: patience,
		Grant:          egress.Grant{Server: "test", URL: u},
		Capabilities:   "{}",
	}))
	if failure != nil {
		t.Fatal(failure)
	}
	t.Cleanup(s.Close)
	if _, failure := s.Connect(ctx); failure != nil {
		t.Fatal(failure)
	}
	return s
}

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// echo has the server echo a message.
func echo(t *testing.T, s *Session, message string) {
	t.Helper()
	params, err := json.Marshal(map[string]any{"name": "echo", "arguments": map[string]any{"message": message}})
	if err != nil {
		t.Fatal(err)
	}
	text, failure := s.Call(testContext(t), Operation{Export: "call-tool", Method: "tools/call", Params: string(params)})
	if failure != nil {
		t.Fatal(failure)
	}
	var result struct{ Content []struct{ Text string } }
	if err := json.Unmarshal([]byte(text), &result); err != nil || len(result.Content) != 1 || result.Content[0].Text != message {
		t.Fatalf("it says %.200s, %v", text, err)
	}
}

// moved waits until the session's instance is in compiled code.
func moved(t *testing.T, e *Engine, s *Session, interim *code) {
	t.Helper()
	if err := e.Compiled(testContext(t)); err != nil {
		t.Fatal(err)
	}
	// Whatever comes after the move in the mailbox is done after it.
	echo(t, s, "after the compiler")
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.instance.code == interim || s.instance.code != e.code {
		t.Error("the session is still in the interpreter")
	}
}

// interpreted leaves out a test of sessions that begin in the interpreter, where none does.
func interpreted(t *testing.T) {
	t.Helper()
	if without.Interpreter {
		t.Skip("the core is compiled first")
	}
}

// TestFirstRun has a session begin in the interpreter, and go on in compiled code.
func TestFirstRun(t *testing.T) {
	interpreted(t)
	e := testEngine(t, Config{CacheDir: t.TempDir()})
	s := open(t, e)
	e.mu.Lock()
	interim := e.code
	e.mu.Unlock()
	echo(t, s, "while it compiles")
	moved(t, e, s, interim)
	echo(t, open(t, e), "a new session")
}

// TestInterpreterIsNotMade shows that a program without a session does not take the memory of the interpreter's code.
func TestInterpreterIsNotMade(t *testing.T) {
	interpreted(t)
	e := testEngine(t, Config{CacheDir: t.TempDir()})
	e.mu.Lock()
	made := e.code
	e.mu.Unlock()
	select {
	case <-e.compiled:
		t.Skip("the compiler was quicker")
	default:
	}
	if made != nil {
		t.Error("it is made before anybody needs it")
	}
	if err := e.Compiled(testContext(t)); err != nil {
		t.Fatal(err)
	}
	echo(t, open(t, e), "in compiled code")
}

// TestLoadedWhenNeeded shows that what the cache has is not loaded before somebody needs it, and that nobody gets the
// interpreter then.
func TestLoadedWhenNeeded(t *testing.T) {
	interpreted(t)
	e := testEngine(t, Config{CacheDir: warmCache(t)})
	loaded := func() *code {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.code
	}
	if err := e.Compiled(testContext(t)); err != nil || loaded() != nil {
		t.Errorf("it is loaded before anybody needs it: %v", err)
	}
	s := open(t, e)
	if c := loaded(); c == nil || s.instance.code != c || !isClosed(e.compiled) {
		t.Error("the session has other code")
	}
	echo(t, s, "hello")
}

// TestLargeCallAwaitsCompiler shows that the interpreter is not given what would take it long.
func TestLargeCallAwaitsCompiler(t *testing.T) {
	interpreted(t)
	e := testEngine(t, Config{})
	s := open(t, e)
	e.mu.Lock()
	interim := e.code
	e.mu.Unlock()
	echo(t, s, strings.Repeat("large ", 20_000))
	moved(t, e, s, interim)
}

// TestCloseWhileCompiling gives up the compiler's work, and a call that waits for it.
func TestCloseWhileCompiling(t *testing.T) {
	e, err := newTestEngine(Config{CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, e)
	ctx, cancel := context.WithCancel(context.Background())
	waiting := make(chan struct{})
	go func() {
		defer close(waiting)
		_, _ = s.Call(ctx, Operation{Export: "call-tool", Method: "tools/call", Params: `{"name":"` + strings.Repeat("x", interpreterBytes) + `"}`})
	}()
	cancel()
	<-waiting
	s.Close()
	e.Close()
}

// TestWithout has each of what makes a start quick switched off.
func TestWithout(t *testing.T) {
	for name, config := range map[string]Config{
		"warm cache":    {CacheDir: warmCache(t)},
		"shared memory": {CacheDir: warmCache(t), HeapMemory: true},
		"interpreter":   {CacheDir: warmCache(t), CompileFirst: true},
		"compiler":      {Interpreter: true},
	} {
		t.Run(name, func(t *testing.T) {
			e := testEngine(t, config)
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			if err := e.Compiled(ended); err != nil {
				t.Error("it compiles behind the interpreter")
			}
			echo(t, open(t, e), "hello")
		})
	}
}

// TestDamagedCache damages each entry that a start reads.
func TestDamagedCache(t *testing.T) {
	dir := warmCache(t)
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(paths) < 3 {
		t.Fatal(paths, err)
	}
	for i, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, info.Size()*int64(i%3)/3); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		e := testEngine(t, Config{CacheDir: dir, CompileFirst: true})
		echo(t, open(t, e), "hello")
	}
}

// TestUnusableCacheDir makes do without a cache.
func TestUnusableCacheDir(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	echo(t, open(t, testEngine(t, Config{CacheDir: filepath.Join(file, "cache")})), "hello")
}
