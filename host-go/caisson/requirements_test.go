//lint:file-ignore SA1019 The newest revision deprecates roots and sampling; servers go on asking for them.

package caisson_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// A scripted server answers over HTTP what a test gives it, and keeps what it is asked.
type scripted struct {
	revision   string
	answer     func(method string, params map[string]any) any // nil: an empty result
	extensions map[string]any                                 // that the server declares

	mu       sync.Mutex
	received []request
}

type request struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params map[string]any  `json:"params"`
	body   []byte
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m request
	body, err := io.ReadAll(r.Body)
	if m.body = body; r.Method != http.MethodPost || err != nil || json.Unmarshal(body, &m) != nil {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	s.mu.Lock()
	s.received = append(s.received, m)
	s.mu.Unlock()
	if m.ID == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	var result any = map[string]any{}
	modern := s.revision >= "2026-07-28"
	capabilities := map[string]any{"tools": map[string]any{}}
	if s.extensions != nil {
		capabilities["extensions"] = s.extensions
	}
	switch {
	case m.Method == "server/discover" && modern:
		result = map[string]any{"resultType": "complete", "supportedVersions": []string{s.revision}, "capabilities": capabilities}
	case m.Method == "initialize" && !modern:
		result = map[string]any{"protocolVersion": s.revision, "capabilities": capabilities, "serverInfo": map[string]any{"name": "s", "version": "1"}}
	case m.Method == "server/discover" || m.Method == "initialize":
		w.WriteHeader(http.StatusNotFound)
		return
	case s.answer != nil:
		result = s.answer(m.Method, m.Params)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": m.ID, "result": result})
}

// of gives the requests of one method.
func (s *scripted) of(method string) []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.received), func(m request) bool { return m.Method != method })
}

func serveScripted(t *testing.T, s *scripted) caisson.Server {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return caisson.Server{Name: "scripted", URL: server.URL, Type: caisson.TransportHTTP}
}

// TestCapabilities shows that a capability is declared exactly when its handler is set.
//
// requirement: roots.capability, sampling.capability, sampling.tools-capability
// requirement: elicitation.capability, elicitation.modes
func TestCapabilities(t *testing.T) {
	t.Parallel()
	elicit := func(context.Context, *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) { return nil, nil }
	for name, test := range map[string]struct {
		handlers caisson.Handlers
		want     string
	}{
		"none": {caisson.Handlers{}, `{}`},
		"roots": {caisson.Handlers{ListRootsHandler: func(context.Context, *caisson.Request[*mcp.ListRootsParams]) (*mcp.ListRootsResult, error) {
			return nil, nil
		}}, `{"roots":{"listChanged":true}}`},
		"sampling": {caisson.Handlers{CreateMessageHandler: func(context.Context, *caisson.Request[*mcp.CreateMessageParams]) (*mcp.CreateMessageResult, error) {
			return nil, nil
		}}, `{"sampling":{}}`},
		"sampling with tools": {caisson.Handlers{CreateMessageWithToolsHandler: func(context.Context, *caisson.Request[*mcp.CreateMessageWithToolsParams]) (*mcp.CreateMessageWithToolsResult, error) {
			return nil, nil
		}}, `{"sampling":{"tools":{}}}`},
		"forms":          {caisson.Handlers{ElicitationHandler: elicit}, `{"elicitation":{"form":{"applyDefaults":true}}}`},
		"URLs":           {caisson.Handlers{URLElicitationHandler: elicit}, `{"elicitation":{"url":{}}}`},
		"forms and URLs": {caisson.Handlers{ElicitationHandler: elicit, URLElicitationHandler: elicit}, `{"elicitation":{"form":{"applyDefaults":true},"url":{}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newClient(t, caisson.ClientOptions{Handlers: test.handlers})
			old, current := &scripted{revision: "2025-11-25"}, &scripted{revision: "2026-07-28"}
			connect(t, r, serveScripted(t, old))
			connect(t, r, serveScripted(t, current))
			got, _ := json.Marshal(old.of("initialize")[0].Params["capabilities"])
			sameJSON(t, string(got), test.want)
			meta := current.of("server/discover")[0].Params["_meta"].(map[string]any)
			declared := meta["io.modelcontextprotocol/clientCapabilities"].(map[string]any)
			// The core follows tasks by itself; only the newer era has extensions for them.
			got, _ = json.Marshal(declared["extensions"])
			sameJSON(t, string(got), `{"io.modelcontextprotocol/tasks":{}}`)
			delete(declared, "extensions")
			got, _ = json.Marshal(declared)
			sameJSON(t, string(got), test.want)
		})
	}
}

// TestProgressTokens makes calls at once, and looks at the tokens that they give the server.
//
// requirement: progress.token, progress.token-unique
func TestProgressTokens(t *testing.T) {
	t.Parallel()
	server := &scripted{revision: "2025-11-25", answer: func(string, map[string]any) any { return map[string]any{"content": []any{}} }}
	s := connect(t, sharedRuntime(t), serveScripted(t, server))
	ctx := caisson.WithCallOptions(testContext(t), caisson.CallOptions{OnProgress: func(*mcp.ProgressNotificationParams) {}})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "any"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for _, m := range server.of("tools/call") {
		token, ok := m.Params["_meta"].(map[string]any)["progressToken"].(string)
		if !ok || seen[token] {
			t.Errorf("the token %q is no text, or not the first such", token)
		}
		seen[token] = true
	}
	if len(seen) != 8 {
		t.Errorf("%d tokens, want 8", len(seen))
	}
}

// TestPages has pages of every size, and cursors that only look as if they meant something.
//
// requirement: pagination.page-size, pagination.cursor, pagination.empty-cursor
func TestPages(t *testing.T) {
	t.Parallel()
	for revision, cursors := range map[string][]any{
		"2025-11-25": {"null", " 2 ", "\"{}é\u0000", nil},
		"2026-07-28": {"null", "", " 2 ", "\"{}é\u0000", nil},
	} {
		for _, last := range []any{nil, ""} {
			if last == "" && revision != "2025-11-25" {
				continue // Where it is not the end, but the page after it.
			}
			t.Run(fmt.Sprintf("%s, ends with %v", revision, last), func(t *testing.T) {
				t.Parallel()
				server := &scripted{revision: revision}
				server.answer = func(_ string, params map[string]any) any {
					page := 0
					if cursor, ok := params["cursor"]; ok {
						page = 1 + slices.Index(cursors, cursor)
					}
					tools := []any{}
					for i := range page {
						tools = append(tools, map[string]any{"name": fmt.Sprint(page, i), "inputSchema": map[string]any{"type": "object"}})
					}
					result := map[string]any{"tools": tools, "resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
					if next := cursors[page]; next != nil {
						result["nextCursor"] = next
					} else if last != nil {
						result["nextCursor"] = last
					}
					return result
				}
				s := connect(t, sharedRuntime(t), serveScripted(t, server))
				count := 0
				for _, err := range s.Tools(testContext(t), nil) {
					if err != nil {
						t.Fatal(err)
					}
					count++
				}
				pages := len(cursors) // The first has none, the second one, and so on.
				if want := pages * (pages - 1) / 2; count != want {
					t.Errorf("%d tools, want %d", count, want)
				}
				var got []any
				for _, m := range server.of("tools/list") {
					got = append(got, m.Params["cursor"])
				}
				if diff := cmp.Diff(append([]any{nil}, cursors[:pages-1]...), got); diff != "" {
					t.Errorf("cursors (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestUTF8 sends text of every plane, and halves of it.
//
// requirement: transports.utf-8
func TestUTF8(t *testing.T) {
	t.Parallel()
	server := &scripted{revision: "2026-07-28", answer: func(string, map[string]any) any {
		return map[string]any{"content": []any{}, "resultType": "complete"}
	}}
	s := connect(t, sharedRuntime(t), serveScripted(t, server))
	arguments := json.RawMessage(`{"whole":"aé世😀","half":"\ud83d"}`)
	if _, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "any", Arguments: arguments}); err != nil {
		t.Fatal(err)
	}
	m := server.of("tools/call")[0]
	if !utf8.Valid(m.body) {
		t.Errorf("not UTF-8: %q", m.body)
	}
	if got := m.Params["arguments"].(map[string]any)["whole"]; got != "aé世😀" {
		t.Errorf("the server reads %q", got)
	}
}
