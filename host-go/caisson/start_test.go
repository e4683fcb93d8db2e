package caisson_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// startFolder names the folder in which the processes of one slow command count themselves.
const startFolder = "CAISSON_TEST_START_FOLDER"

// startSlowly is a stdio server of revision 2026-07-28, and of the older ones, whose first process
// begins to read when a second one is there. The second never reads.
func startSlowly() {
	folder := os.Getenv(startFolder)
	second := filepath.Join(folder, "second")
	if os.Mkdir(filepath.Join(folder, "first"), 0o700) != nil {
		_ = os.Mkdir(second, 0o700)
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	for {
		if _, err := os.Stat(second); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	out := &lines{}
	for in := json.NewDecoder(os.Stdin); ; {
		var m message
		if in.Decode(&m) != nil {
			return
		}
		switch m.Method {
		case "server/discover":
			out.print(`{"jsonrpc":"2.0","id":%s,"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private"}}`, m.ID)
		case "tools/call":
			out.print(`{"jsonrpc":"2.0","id":%s,"result":{"resultType":"complete","content":[{"type":"text","text":"called"}]}}`, m.ID)
		case "initialize":
			out.print(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32022,"message":"this connection has begun in another revision"}}`, m.ID)
		}
	}
}

// TestSlowStart shows that a command which is up late is spoken to in the newest revision, although
// it was started a second time in between.
func TestSlowStart(t *testing.T) {
	t.Parallel()
	// Half of it passes before the second process is started.
	r := newClient(t, caisson.ClientOptions{Limits: caisson.Limits{ConnectTimeout: 20 * time.Second}})
	server := childServer(t, "slow")
	server.Env[startFolder] = t.TempDir()
	s := connect(t, r, server)
	if s.ProtocolVersion() != "2026-07-28" {
		t.Errorf("the revision is %s", s.ProtocolVersion())
	}
	if got := callText(t, s, "any"); got != "called" {
		t.Errorf("the call gives %q", got)
	}
}

// lateStream is a server of revision 2025-11-25 that asks on its own stream while a tool runs. It
// takes the client's request for that stream late, and what it asks without one is lost.
type lateStream struct {
	late     time.Duration
	holds    bool // Whether the head of the stream goes out with the first event.
	mu       sync.Mutex
	stream   http.ResponseWriter
	answered chan struct{}
}

func (l *lateStream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		time.Sleep(l.late)
		w.Header().Set("Content-Type", "text/event-stream")
		l.mu.Lock()
		l.stream = w
		if !l.holds {
			_ = http.NewResponseController(w).Flush()
		}
		l.mu.Unlock()
		<-r.Context().Done()
		return
	}
	var m message
	_ = json.NewDecoder(r.Body).Decode(&m)
	reply := func(result string) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,%s}`, m.ID, result)
	}
	switch {
	case m.Method == "initialize":
		// How slow the server is now. So the test may be as slow.
		time.Sleep(500 * time.Millisecond)
		w.Header().Set("Mcp-Session-Id", "one")
		reply(`"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"late","version":"1"}}`)
	case m.Method == "tools/call":
		l.mu.Lock()
		stream := l.stream
		if stream != nil {
			_, _ = io.WriteString(stream, "data: "+`{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"name?","requestedSchema":{"type":"object","properties":{}}}}`+"\n\n")
			_ = http.NewResponseController(stream).Flush()
		}
		l.mu.Unlock()
		if stream == nil {
			reply(`"result":{"content":[{"type":"text","text":"the question is lost"}]}`)
			return
		}
		select {
		case <-l.answered:
			reply(`"result":{"content":[{"type":"text","text":"answered"}]}`)
		case <-r.Context().Done():
		}
	case string(m.ID) == `"q"`:
		close(l.answered)
		w.WriteHeader(http.StatusAccepted)
	case m.ID == nil:
		w.WriteHeader(http.StatusAccepted)
	default:
		reply(`"error":{"code":-32601,"message":"no such method"}`)
	}
}

// TestQuestionAtOnce shows that a first call does not overtake the stream that the server asks on.
func TestQuestionAtOnce(t *testing.T) {
	t.Parallel()
	accept := func(context.Context, *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
		return &mcp.ElicitResult{Action: "accept", Content: map[string]any{}}, nil
	}
	r := newClient(t, caisson.ClientOptions{Handlers: caisson.Handlers{ElicitationHandler: accept}})
	for name, server := range map[string]*lateStream{
		"at once":        {},
		"late":           {late: 100 * time.Millisecond},
		"without a head": {late: 100 * time.Millisecond, holds: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server.answered = make(chan struct{})
			h := httptest.NewServer(server)
			t.Cleanup(h.Close)
			s := connect(t, r, caisson.Server{URL: h.URL, Type: caisson.TransportHTTP})
			if got := callText(t, s, "any"); got != "answered" {
				t.Errorf("the call gives %q", got)
			}
		})
	}
}

// TestFailingProbe shows that a server which fails at the probe is reached in the older way, and that
// one which fails at both is told with both.
func TestFailingProbe(t *testing.T) {
	t.Parallel()
	answer := func(w http.ResponseWriter, m message) {
		_, _ = fmt.Fprintf(w, text, m.ID, "called")
	}
	for name, fails := range map[string]func(http.ResponseWriter){
		"status":     func(w http.ResponseWriter) { http.Error(w, "oops", http.StatusInternalServerError) },
		"page":       func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<!doctype html><title>Hello</title>") },
		"connection": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			older := handshake(func(w http.ResponseWriter, m message) {
				w.Header().Set("Content-Type", "application/json")
				answer(w, m)
			})
			h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Mcp-Method") == "server/discover" {
					fails(w)
					return
				}
				older.ServeHTTP(w, r)
			}))
			t.Cleanup(h.Close)
			s := connect(t, sharedRuntime(t), caisson.Server{URL: h.URL, Type: caisson.TransportHTTP})
			if got := callText(t, s, "any"); got != "called" || s.ProtocolVersion() != "2025-11-25" {
				t.Errorf("the call gives %q in %s", got, s.ProtocolVersion())
			}
		})
	}
	t.Run("both", func(t *testing.T) {
		t.Parallel()
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "oops", http.StatusInternalServerError)
		}))
		t.Cleanup(h.Close)
		_, err := sharedRuntime(t).Connect(testContext(t), caisson.Server{Name: "it", URL: h.URL, Type: caisson.TransportHTTP})
		const want = "caisson: it: connect: http: the server answered 500 Internal Server Error: oops; server/discover, which it was sent before, got the same"
		if err == nil || err.Error() != want {
			t.Errorf("it gives %v, want %s", err, want)
		}
	})
}
