package engine

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// slowWriter is where a recording goes that is written slowly.
type slowWriter struct{}

func (slowWriter) Write(b []byte) (int, error) {
	time.Sleep(20 * time.Millisecond)
	return len(b), nil
}
func (slowWriter) Close() error { return nil }

// TestTraps has the core trap in each export, with calls that are open and calls behind, events that
// wait, a question, a timer, a command and a recording. Each operation settles once, Close returns,
// and nothing is left.
func TestTraps(t *testing.T) {
	core := hostile(t)
	stream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, strings.Repeat(": nothing\n\n", 1000))
			_ = http.NewResponseController(w).Flush()
		}
	}))
	t.Cleanup(stream.Close)
	u, _ := url.Parse(stream.URL)

	const inWorker = " in a worker"
	for name, export := range map[string]int{
		"connect" + inWorker: 0, "deliver" + inWorker: onDeliver, "call-tool" + inWorker: onCall,
		"connect": 0, "deliver": onDeliver, "request": onRequest, "call-tool": onCall,
		"ping": onPing, "cancel": onCancel, "close": onClose, "notify": onNotify,
	} {
		t.Run(name, func(t *testing.T) {
			before := measure()
			pid := t.TempDir() + "/pid"
			e := newHostileEngine(t, core, io.Discard, time.Minute)
			if strings.HasSuffix(name, inWorker) {
				e.Close()
				e = hostileEngineIn(t, true, core, io.Discard, time.Minute)
			}
			s := trapSession(t, e, export, egress.Grant{Server: "hostile", URL: u, Command: &egress.Command{
				Path: "sh", Args: []string{"-c", `echo $$ > "$0"; exec sleep 600`, pid}, Env: os.Environ(),
			}})
			_, failure := s.Connect(testContext(t))
			if failed := failure != nil; failed != (export == 0) && export != onDeliver {
				t.Errorf("connect fails with %v", failure)
			}
			s.Ready()
			calls := &sync.WaitGroup{}
			if export > onDeliver {
				await(t, "the command runs", func() bool { text, _ := os.ReadFile(pid); return len(text) > 0 })
				trapCalls(t, s, export, calls)
			}
			if export != onClose {
				s.Wait()
			}
			s.Close()
			calls.Wait()
			if f := s.Wait(); f == nil || f.Kind != Trap {
				t.Errorf("the session ended with %v", f)
			}
			if _, f := s.Call(testContext(t), Operation{Export: ping, Method: "ping"}); f == nil || f.Kind != Trap {
				t.Errorf("a call afterwards gives %v", f)
			}
			e.Close()
			for r, n := range s.instance.budget.held {
				if resource(r) != templates && resource(r) != timersSet && resource(r) != refusals && n != 0 {
					t.Errorf("%d %s", n, s.instance.budget.limits[r].what)
				}
			}
			if text, err := os.ReadFile(pid); err == nil {
				id, _ := strconv.Atoi(strings.TrimSpace(string(text)))
				if syscall.Kill(id, 0) == nil {
					t.Errorf("the command runs still")
				}
			}
			afterwards(t, before)
		})
	}
}

// trapSession opens a session whose core traps in an export, after it has begun all sorts of things.
func trapSession(t *testing.T, e *hostileEngine, export int, grant egress.Grant) *Session {
	t.Helper()
	does := first()
	if export == 0 {
		does.compute(100_000).trap()
	} else {
		does.start(1, 1, "GET", grant.URL.String(), "").call(pipeOpen, 1, 1).call(setTimer, 1, 600_000).
			call(askHost, 1, 1, "roots/list", "{}", 0, 0, 0, 0, 0).call(notifyHost, 1, "notifications/message", 1, "{}").settle()
	}
	for _, other := range []int{onCall, onNotify} { // These stay open.
		if other != export {
			does.on(other)
		}
	}
	does.on(export).compute(2_000_000).trap()
	s, failure := e.open(testContext(t), SessionConfig{
		Endpoint: Endpoint{Kind: Stdio}, ClientInfo: Implementation{Name: "test", Version: "1"},
		ConnectTimeout: patience, Grant: grant, Capabilities: does.String(), NotificationQueue: 1024,
		Notify: func(string, []byte) {},
		Ask: func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
		Record: &Recording{To: slowWriter{}, Limit: 1 << 20},
	})
	if failure != nil {
		t.Fatal(failure)
	}
	return s
}

// trapCalls makes calls that stay open, has the core trap, and makes calls behind that.
func trapCalls(t *testing.T, s *Session, export int, calls *sync.WaitGroup) {
	call := func(ctx context.Context, op Operation, kinds ...Kind) {
		calls.Go(func() {
			op.Progress = &Progress{Token: fmt.Sprintf("%p", &op), Handle: func([]byte) {}, HandleTask: func([]byte) {}}
			_, f := s.Call(ctx, op)
			for _, kind := range kinds {
				if f != nil && f.Kind == kind {
					return
				}
			}
			t.Errorf("%s: %v", op.Method, f)
		})
	}
	open := Operation{Export: "call-tool", Method: "tools/call", Params: "{}"}
	if export == onCall {
		open = Operation{Export: notify, Method: "notifications/x", Params: "{}"}
	}
	const each = 8
	for range each {
		call(testContext(t), open, Trap)
	}
	await(t, "the calls are open", func() bool { return s.instance.budget.holds(openCalls) >= each })
	switch export {
	case onRequest:
		call(testContext(t), Operation{Method: "run", Params: "{}"}, Trap)
	case onCall:
		call(testContext(t), Operation{Export: "call-tool", Method: "tools/call", Params: "{}"}, Trap)
	case onPing:
		call(testContext(t), Operation{Export: ping, Method: "ping"}, Trap)
	case onNotify:
		call(testContext(t), Operation{Export: notify, Method: "notifications/x", Params: "{}"}, Trap)
	case onCancel:
		for ended := false; !ended; { // The core hears of it only when the call has begun.
			ctx, cancel := context.WithCancel(testContext(t))
			call(ctx, open, ContextEnded, Trap)
			_, f := s.Call(testContext(t), Operation{Export: ping, Method: "ping"})
			ended = f != nil
			cancel()
		}
	case onClose:
		go s.Close()
	}
	for range each { // Some come before, some behind, and some after the end.
		call(testContext(t), open, Trap, Closed)
	}
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for begin := time.Now(); !holds(); time.Sleep(time.Millisecond) {
		if time.Since(begin) > patience {
			t.Fatalf("it is not so in time: %s", what)
		}
	}
}
