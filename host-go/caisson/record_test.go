package caisson_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// tapes keeps the recordings of a runtime, by the server's name.
type tapes struct {
	mu     sync.Mutex
	byName map[string]*bytes.Buffer
}

func (t *tapes) record(server string) (io.WriteCloser, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byName == nil {
		t.byName = map[string]*bytes.Buffer{}
	}
	tape := &bytes.Buffer{}
	t.byName[server] = tape
	return nopCloser{tape}, nil
}

// of gives the recording of a session that is closed.
func (t *tapes) of(server string) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byName[server].Bytes()
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

const oldest = "2024-11-05"

// use does something of everything that crosses the boundary.
func use(t *testing.T, s *caisson.Session, text string) {
	t.Helper()
	ctx := testContext(t)
	for tool, err := range s.Tools(ctx, nil) {
		if err != nil {
			t.Fatalf("tools: %v", err)
		}
		_ = tool
	}
	params := &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"text": text}}
	if _, err := s.CallTool(ctx, params); err != nil {
		t.Errorf("echo: %v", err)
	}
	if _, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "no-such-tool"}); err == nil {
		t.Error("a tool that is not there can be called")
	}
	if _, err := s.ReadResource(ctx, &mcp.ReadResourceParams{URI: docURI}); err != nil {
		t.Errorf("read: %v", err)
	}
}

// TestRecordAndReplay records sessions on a child and over HTTP in both eras, with secrets in all
// places that have them, and replays them.
func TestRecordAndReplay(t *testing.T) {
	t.Parallel()
	const header, variable, query, said, told = "Bearer sk-live-0123456789abcdef", `pa"ss<wörd>&more`, "qu+ery&secret=1", "spoken-secret-42", "9f8e7d6c-not-to-be-told"
	recorded := &tapes{}
	r := newRuntime(t, caisson.Options{Record: recorded.record, RecordSecrets: []string{said}})
	for _, transport := range []caisson.Transport{caisson.TransportStdio, caisson.TransportHTTP, caisson.TransportSSE} {
		for _, revision := range []string{oldest, "2025-11-25", modern} {
			if transport == caisson.TransportSSE && revision == modern {
				continue
			}
			name := string(transport) + " " + revision
			t.Run(name, func(t *testing.T) {
				server := wholeGo(t, transport, revision)
				server.Name, server.ProtocolVersions = name, []string{revision}
				if server.Command != "" {
					server.Env["SECRET"] = variable
				} else {
					server.Headers = map[string]string{"Authorization": header, "Accept-Language": "application/json"}
					server.URL += "?key=qu%2Bery%26secret%3D1"
				}
				s := connect(t, r, server)
				id := s.ID()
				// The server says every secret, too.
				use(t, s, strings.Join([]string{header, variable, query, said, `{"password":"` + told + `"}`}, " and "))
				_ = s.Close()

				tape := recorded.of(name)
				secrets := []string{said, told}
				if server.Command != "" {
					secrets = append(secrets, "ss<w", `ss\u003cw`, "wörd")
				} else {
					secrets = append(secrets, "sk-live", "qu+ery", "qu%2Bery")
				}
				if id != "" {
					secrets = append(secrets, id)
				}
				for _, secret := range secrets {
					if i := bytes.Index(tape, []byte(secret)); i >= 0 {
						t.Errorf("the recording has %q: %s", secret, tape[max(0, i-100):i+100])
					}
				}
				done, err := r.Replay(testContext(t), bytes.NewReader(tape), nil)
				if err != nil {
					t.Fatalf("%v\n%.2000s", err, tape)
				}
				if done.End != caisson.ReplayClosed || done.Server != name || done.Calls < 6 || done.Effects < 12 {
					t.Errorf("the replay is %+v", done)
				}
				t.Logf("%d bytes, %+v", len(tape), done)
			})
		}
	}
}

func replayCode(err error) caisson.ReplayCode {
	var e *caisson.ReplayError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
