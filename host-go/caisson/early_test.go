//lint:file-ignore SA1019 The newest revision deprecates roots and logging; servers go on using them.

package caisson_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// early is what a server says before it answers initialize.
var early = []string{
	`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"early"}}`,
	`{"jsonrpc":"2.0","id":"question","method":"roots/list"}`,
	`{"jsonrpc":"2.0","id":"ping","method":"ping"}`,
}

// earlyResult is the answer to initialize, with the answers that the server got in its instructions.
func earlyResult(id json.RawMessage, answers []string) string {
	instructions, _ := json.Marshal(strings.Join(answers, "\n"))
	return `{"jsonrpc":"2.0","id":` + string(id) + `,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},` +
		`"serverInfo":{"name":"early","version":"1"},"instructions":` + string(instructions) + `}}`
}

// earlyChild answers initialize when what it asked before is answered.
func earlyChild(out *lines, in *bufio.Reader, m message) {
	for _, text := range early {
		out.print("%s", text)
	}
	answers := make([]string, 2)
	for i := range answers {
		line, _ := in.ReadString('\n')
		answers[i] = strings.TrimSpace(line)
	}
	out.print("%s", earlyResult(m.ID, answers))
}

// earlyHandler does the same over HTTP.
func earlyHandler() http.Handler {
	answers := make(chan string, 2)
	rest := handshake(nil)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var m message
		_ = json.Unmarshal(body, &m)
		switch {
		case m.Method == "initialize":
			w.Header().Set("Content-Type", "text/event-stream")
			for _, text := range early {
				_, _ = io.WriteString(w, "data: "+text+"\n\n")
			}
			_ = http.NewResponseController(w).Flush()
			got := make([]string, 2)
			for i := range got {
				select {
				case got[i] = <-answers:
				case <-r.Context().Done():
					return
				}
			}
			_, _ = io.WriteString(w, "data: "+earlyResult(m.ID, got)+"\n\n")
		case m.Method == "" && m.ID != nil:
			answers <- string(body)
			w.WriteHeader(http.StatusAccepted)
		default:
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			rest.ServeHTTP(w, r)
		}
	})
}

// TestBeforeTheHandshake has a server notify and ask before it answers initialize: a handler hears of
// it when the session is there, a question is answered with an error, and a ping is answered.
func TestBeforeTheHandshake(t *testing.T) {
	t.Parallel()
	local := httptest.NewServer(earlyHandler())
	t.Cleanup(local.Close)
	for name, server := range map[string]caisson.Server{"stdio": childServer(t, "early"), "http": {URL: local.URL}} {
		t.Run(name, func(t *testing.T) {
			received := make(chan string, 1)
			r := newClient(t, caisson.ClientOptions{Handlers: caisson.Handlers{
				LoggingMessageHandler: func(_ context.Context, r *caisson.Request[*mcp.LoggingMessageParams]) {
					s := r.Session
					_, _, _, _ = s.ID(), s.TransportType(), s.ServerInfo(), s.InitializeResult()
					if s.Capabilities().Tools == nil || s.Instructions() == "" {
						t.Error("the session is not there yet")
					}
					received <- s.ProtocolVersion()
				},
				ListRootsHandler: func(context.Context, *caisson.Request[*mcp.ListRootsParams]) (*mcp.ListRootsResult, error) {
					t.Error("a handler is asked before there is a session")
					return nil, errors.New("too early")
				},
			}})
			s := connect(t, r, server)
			if revision := <-received; revision != "2025-11-25" {
				t.Errorf("the handler hears of a session of revision %q", revision)
			}
			for _, text := range strings.Split(s.Instructions(), "\n") {
				var answer struct {
					ID     string
					Result *struct{}
					Error  *jsonrpc.Error
				}
				if err := json.Unmarshal([]byte(text), &answer); err != nil {
					t.Fatal(err, text)
				}
				switch {
				case answer.ID == "ping" && answer.Result == nil:
					t.Errorf("the ping gets %s", text)
				case answer.ID == "question" && (answer.Error == nil || answer.Error.Code != jsonrpc.CodeInvalidRequest):
					t.Errorf("the question gets %s", text)
				}
			}
		})
	}
}

// TestNothingBeforeTheHandshake has a server that notifies, and never answers initialize: no handler
// hears of it.
func TestNothingBeforeTheHandshake(t *testing.T) {
	t.Parallel()
	notified := make(chan struct{})
	local := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m message
		if json.NewDecoder(r.Body).Decode(&m) != nil || m.Method != "initialize" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: "+early[0]+"\n\n")
		_ = http.NewResponseController(w).Flush()
		close(notified)
		<-r.Context().Done()
	}))
	t.Cleanup(local.Close)
	r := newClient(t, caisson.ClientOptions{OnNotification: func(context.Context, *caisson.Session, string, json.RawMessage) {
		t.Error("a handler hears of a session that there never was")
	}})
	ctx, cancel := context.WithCancel(testContext(t))
	go func() {
		<-notified
		cancel()
	}()
	_, err := r.Connect(ctx, caisson.Server{URL: local.URL, Type: caisson.TransportHTTP, ProtocolVersions: []string{"2025-11-25"}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("connect gives %v", err)
	}
	_ = r.Close()
}

// TestQueuedBytes bounds what waits for a handler in bytes: many small notifications, and a few large.
func TestQueuedBytes(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	r := newClient(t, caisson.ClientOptions{
		Limits:         caisson.Limits{MaxMessageBytes: 10_000, MaxQueuedBytes: 1000},
		OnNotification: func(context.Context, *caisson.Session, string, json.RawMessage) { <-release },
	})
	s := connect(t, r, childServer(t, "notifies"))
	_, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "any"})
	if caisson.CodeOf(err) != caisson.CodeLimit {
		t.Errorf("the call in flight ends with %v", err)
	}
	if err := s.Wait(); caisson.CodeOf(err) != caisson.CodeLimit || !strings.Contains(err.Error(), "MaxQueuedBytes") {
		t.Errorf("the session ended with %v", err)
	}
	if err := s.Ping(testContext(t), nil); caisson.CodeOf(err) != caisson.CodeLimit {
		t.Errorf("a call afterwards gives %v", err)
	}
	close(release)
}
