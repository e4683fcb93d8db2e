package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/goleak"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/race"
	"github.com/caisson-dev/caisson/host-go/internal/without"
)

// inFlight is how many calls the tests have under way at once.
const inFlight = 64

// TestManyInFlight has 64 calls under way on one session; the server answers them in reverse.
func TestManyInFlight(t *testing.T) {
	t.Parallel()
	s := connect(t, sharedRuntime(t), childServer(t, "reverse"))
	var all sync.WaitGroup
	for i := range inFlight {
		all.Go(func() {
			result, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "any", Arguments: map[string]any{"call": i}})
			if err != nil {
				t.Errorf("call %d: %v", i, err)
				return
			}
			want := fmt.Sprintf(`{"call":%d}`, i)
			if got := result.Content[0].(*mcp.TextContent).Text; got != want {
				t.Errorf("call %d was answered with %s", i, got)
			}
		})
	}
	all.Wait()
}

// TestManySessions has eight sessions with eight servers at once.
func TestManySessions(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			s, err := sharedRuntime(t).Connect(testContext(t), childServer(t, "echo"))
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = s.Close() }()
			for j := range 20 {
				result, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "any", Arguments: map[string]any{"i": i, "j": j}})
				if err != nil {
					t.Error(err)
					return
				}
				got := result.StructuredContent.(map[string]any)
				if got["i"] != float64(i) || got["j"] != float64(j) {
					t.Errorf("session %d call %d was answered with %v", i, j, got)
				}
			}
		})
	}
	all.Wait()
}

// TestContextEnds ends a call by its context, and sees the server being told and the session
// going on.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	r, said := listener(t)
	s := connect(t, r, childServer(t, "silent"))
	for name, test := range map[string]struct {
		end  func() (context.Context, context.CancelFunc)
		want error
	}{
		"cancelled": {func() (context.Context, context.CancelFunc) { return context.WithCancel(testContext(t)) }, context.Canceled},
		"past its deadline": {func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(testContext(t), 2*time.Second)
		}, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := test.end()
			defer cancel()
			failed := make(chan error)
			go func() {
				_, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "any"})
				failed <- err
			}()
			waitFor(t, said, "called")
			if test.want == context.Canceled {
				cancel()
			}
			if err := <-failed; err != test.want { //nolint:errorlint // The context's own error is promised.
				t.Errorf("the call gives %v, want %v", err, test.want)
			}
			waitFor(t, said, "cancelled")
			if _, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "fine"}); err != nil {
				t.Errorf("the session does not go on: %v", err)
			}
		})
	}
}

// listener makes a client and a channel of the params of all notifications that come.
func listener(t *testing.T) (*caisson.Client, <-chan string) {
	t.Helper()
	said := make(chan string, 10)
	return newClient(t, caisson.ClientOptions{OnNotification: func(_ context.Context, _ *caisson.Session, _ string, params json.RawMessage) {
		said <- string(params)
	}}), said
}

// waitFor waits for the server to say something.
func waitFor(t *testing.T, said <-chan string, what string) {
	t.Helper()
	select {
	case params := <-said:
		if !strings.Contains(params, what) {
			t.Errorf("the server says %s, want %q", params, what)
		}
	case <-time.After(patience):
		t.Fatalf("the server does not say %q", what)
	}
}

// TestConnectContextEnds gives up connecting to a server that never answers.
func TestConnectContextEnds(t *testing.T) {
	t.Parallel()
	server := caisson.Server{Name: "sleeper", Command: "sleep", Args: []string{"3600"}}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := sharedRuntime(t).Connect(ctx, server); err != context.DeadlineExceeded { //nolint:errorlint // The context's own error is promised.
		t.Errorf("Connect gives %v, want context.DeadlineExceeded", err)
	}
	r := newClient(t, caisson.ClientOptions{Limits: caisson.Limits{ConnectTimeout: 200 * time.Millisecond}})
	_, err := r.Connect(testContext(t), server)
	if caisson.CodeOf(err) != caisson.CodeTimeout || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "ClientOptions.ConnectTimeout") {
		t.Errorf("Connect gives %v, want a timeout that names its option", err)
	}
}

// TestServerIntroduction checks what a session tells about its server.
func TestServerIntroduction(t *testing.T) {
	t.Parallel()
	s := connect(t, sharedRuntime(t), childServer(t, "silent"))
	if got := s.ServerInfo(); got.Name != "child" || got.Version != "1" {
		t.Errorf("ServerInfo is %+v", got)
	}
	if s.Capabilities().Tools == nil || s.Capabilities().Prompts != nil {
		t.Errorf("Capabilities are %+v", s.Capabilities())
	}
	if s.Instructions() != "Be kind." || s.ProtocolVersion() != "2025-11-25" || s.TransportType() != caisson.TransportStdio || s.ID() != "" {
		t.Errorf("it is %q %q %q %q", s.Instructions(), s.ProtocolVersion(), s.TransportType(), s.ID())
	}
}

// TestOlderServers connects to servers of older revisions, also ones that do not take well to the
// probe for 2026-07-28.
func TestOlderServers(t *testing.T) {
	t.Parallel()
	for mode, revision := range map[string]string{
		"dies-of-discover": "2025-11-25", "silent-to-discover": "2025-11-25", "2024-11-05": "2024-11-05",
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := connect(t, sharedRuntime(t), childServer(t, mode))
			if s.ProtocolVersion() != revision {
				t.Errorf("the revision is %s, want %s", s.ProtocolVersion(), revision)
			}
			if _, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "fine"}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestNotifications shows that they come untouched and in order, and may call the session.
func TestNotifications(t *testing.T) {
	t.Parallel()
	var got []string
	done := make(chan struct{})
	r := newClient(t, caisson.ClientOptions{OnNotification: func(ctx context.Context, s *caisson.Session, method string, params json.RawMessage) {
		got = append(got, string(params))
		if err := s.Ping(ctx, nil); err != nil {
			t.Errorf("the handler cannot call: %v", err)
		}
		if len(got) == 100 {
			close(done)
		}
	}})
	s := connect(t, r, childServer(t, "notifies"))
	if _, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "any"}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("they did not all come")
	}
	for i, params := range got {
		if want := fmt.Sprintf(`{"level":"info","data":%d,"new":{"field":true}}`, i); params != want {
			t.Errorf("notification %d is %s", i, params)
		}
	}
}

// TestNotificationQueueOverflows has a handler that never returns.
func TestNotificationQueueOverflows(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	r := newClient(t, caisson.ClientOptions{Limits: caisson.Limits{NotificationQueue: 10}, OnNotification: func(context.Context, *caisson.Session, string, json.RawMessage) { <-release }})
	s := connect(t, r, childServer(t, "notifies"))
	_, _ = s.CallTool(testContext(t), &mcp.CallToolParams{Name: "any"})
	if err := s.Wait(); caisson.CodeOf(err) != caisson.CodeLimit || !strings.Contains(err.Error(), "NotificationQueue") {
		t.Errorf("the session ended with %v", err)
	}
	close(release)
}

// TestClose closes a session with a call in flight, twice, and a runtime with sessions.
func TestClose(t *testing.T) {
	t.Parallel()
	r, said := listener(t)
	s, other := connect(t, r, childServer(t, "silent")), connect(t, r, childServer(t, "silent"))
	failed := make(chan error)
	go func() {
		_, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "any"})
		failed <- err
	}()
	waitFor(t, said, "called")
	_ = s.Close()
	_ = s.Close()
	if err := <-failed; !errors.Is(err, caisson.ErrClosed) {
		t.Errorf("the call in flight gives %v, want ErrClosed", err)
	}
	if err := s.Wait(); err != nil {
		t.Errorf("Wait gives %v after Close, want nil", err)
	}
	_ = r.Close()
	if err := other.Ping(testContext(t), nil); !errors.Is(err, caisson.ErrClosed) {
		t.Errorf("a session of a closed runtime gives %v, want ErrClosed", err)
	}
	if _, err := r.Connect(testContext(t), childServer(t, "silent")); !errors.Is(err, caisson.ErrClosed) {
		t.Errorf("a closed runtime gives %v, want ErrClosed", err)
	}
}

// TestNothingIsLeft connects and closes a thousand times, and finds no goroutine, no file, no
// child process, and no memory worth speaking of.
func TestNothingIsLeft(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	ctx, files, ready := testContext(t), openFiles(t), childProcesses(t) // A runtime of other tests may keep a worker ready.
	r, err := caisson.New(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	// The compiler leaves its code behind.
	if err := r.Compile(ctx, nil); err != nil {
		t.Fatal(err)
	}
	times := 1000
	if race.Enabled || without.Validators || without.Warmup || without.SharedMemory {
		times = 100 // The same code at a tenth of the speed.
	}
	local := httptest.NewServer(handshake(nil))
	server, pipe := caisson.Server{URL: local.URL}, childServer(t, "echo")
	connects := func(times int) {
		slots := make(chan struct{}, 4)
		var all sync.WaitGroup
		for i := range times {
			slots <- struct{}{}
			all.Go(func() {
				defer func() { <-slots }()
				server := server
				if i%4 == 0 { // A process costs more to start than a session does.
					server = pipe
				}
				s, err := r.Connect(ctx, server)
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Ping(ctx, nil); err != nil {
					t.Error(err)
				}
				_ = s.Close()
			})
		}
		all.Wait()
	}
	connects(times / 10)
	before := heap()
	connects(times)
	if grown := heap() - before; grown > 10<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	left := func(child string) bool { return !slices.Contains(ready, child) }
	if children := childProcesses(t); slices.ContainsFunc(children, left) {
		t.Errorf("child processes are left: %v", children)
	}
	_ = r.Close()
	local.Close()
	if now := openFiles(t); now > files {
		t.Errorf("%d files are open, %d were", now, files)
	}
	goleak.VerifyNone(t, goleak.IgnoreCurrent())
}

func heap() int64 {
	runtime.GC()
	runtime.GC() // What finalizers freed.
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// openFiles counts this process's open files where the platform shows them.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// childProcesses lists this process's children where the platform shows them.
func childProcesses(t *testing.T) []string {
	t.Helper()
	var children []string
	tasks, _ := filepath.Glob("/proc/self/task/*/children")
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err == nil {
			children = append(children, strings.Fields(string(text))...)
		}
	}
	return children
}

// TestCloseWhileConnecting closes a client, or its runtime, while sessions are opened: each connects, or is told.
func TestCloseWhileConnecting(t *testing.T) {
	t.Parallel()
	local := httptest.NewServer(handshake(nil))
	t.Cleanup(local.Close)
	for i := range 8 {
		var r interface {
			connector
			Close() error
		} = newClient(t, caisson.ClientOptions{})
		if i%2 == 0 {
			r = newRuntime(t, caisson.RuntimeOptions{})
		}
		var all sync.WaitGroup
		begun := make(chan struct{}, 4)
		for range cap(begun) {
			all.Go(func() {
				begun <- struct{}{}
				s, err := r.Connect(testContext(t), caisson.Server{URL: local.URL})
				switch {
				case err == nil:
					_ = s.Close()
				case caisson.CodeOf(err) != caisson.CodeClosed:
					t.Errorf("connect gives %v", err)
				}
			})
		}
		<-begun
		time.Sleep(time.Duration(i) * time.Millisecond)
		_ = r.Close()
		all.Wait()
	}
}
