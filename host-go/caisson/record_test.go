package caisson_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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
	const header, variable, query, said, answered = "Bearer sk-live-0123456789abcdef", `pa"ss<wörd>&more`, "qu+ery&secret=1", "spoken-secret-42", "9f8e7d6c-not-to-be-told"
	recorded := &tapes{}
	r := newClient(t, caisson.ClientOptions{Record: recorded.record, RecordSecrets: []string{said}})
	for _, transport := range []caisson.TransportType{caisson.TransportStdio, caisson.TransportHTTP, caisson.TransportSSE} {
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
					server.Headers = http.Header{"Authorization": {header}, "Accept-Language": {"application/json"}}
					server.URL += "?key=qu%2Bery%26secret%3D1"
				}
				s := connect(t, r, server)
				id := s.ID()
				// The server says every secret, too.
				use(t, s, strings.Join([]string{header, variable, query, said, `{"password":"` + answered + `"}`}, " and "))
				_ = s.Close()

				tape := recorded.of(name)
				secrets := []string{said, answered}
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

// TestReplayOfChangedRecordings changes what crossed, and makes the checksum right again by leaving
// the end out: a replay finds what the core does not do.
func TestReplayOfChangedRecordings(t *testing.T) {
	t.Parallel()
	recorded := &tapes{}
	r := newClient(t, caisson.ClientOptions{Record: recorded.record})
	server := wholeGo(t, caisson.TransportStdio, oldest)
	server.ProtocolVersions = []string{oldest}
	s := connect(t, r, server)
	use(t, s, "some text")
	_ = s.Close()
	tape := recorded.of(s.Name())
	replay := func(tape []byte) (*caisson.Replay, error) {
		return r.Replay(testContext(t), bytes.NewReader(tape), nil)
	}

	lines := bytes.SplitAfter(bytes.TrimSuffix(tape, []byte("\n")), []byte("\n"))
	endless := bytes.Join(lines[:len(lines)-1], nil)
	if done, err := replay(endless); err != nil || done.End != caisson.ReplayTruncated {
		t.Errorf("without its end: %+v, %v", done, err)
	}
	// Cut behind any line, it is the same as far as it goes.
	for i := 1; i < len(lines); i += len(lines)/6 + 1 {
		if done, err := replay(bytes.Join(lines[:i], nil)); err != nil || done.End != caisson.ReplayTruncated {
			t.Errorf("cut behind line %d: %+v, %v", i, done, err)
		}
	}
	for name, change := range map[string][2]string{
		"an argument":      {`{"record":["caisson",`, `{"record":["caissoN",`},
		"what was said":    {`some text`, `same text`},
		"a call's id":      {`"values":[2,1,`, `"values":[3,1,`},
		"a reading":        {`{"kind":"monotonic"`, `{"kind":"random"`},
		"a clock":          {`"kind":"monotonic"`, `"kind":"now"`},
		"an unknown call":  {`client@0.1.0#call-tool`, `client@0.1.0#call-tools`},
		"a type":           {`"values":[2,1,`, `"values":[2,"1",`},
		"a missing import": {`#pipe-open`, `#pipe-close`},
	} {
		if !bytes.Contains(endless, []byte(change[0])) {
			t.Errorf("%s: the recording has no %s", name, change[0])
			continue
		}
		_, err := replay(bytes.Replace(endless, []byte(change[0]), []byte(change[1]), 1))
		if code := replayCode(err); code != caisson.ReplayDifference && code != caisson.ReplayFormat {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Another core may read the clocks at other times.
	unread := slices.DeleteFunc(slices.Clone(lines[:len(lines)-1]), func(line []byte) bool { return bytes.Contains(line, []byte(`"kind":"monotonic"`)) })
	otherwise := bytes.Replace(bytes.Join(unread, nil), []byte(`"core":"`), []byte(`"core":"0`), 1)
	if _, err := replay(otherwise); replayCode(err) != caisson.ReplayCore {
		t.Errorf("of another core: %v", err)
	}
	anyCore := &caisson.ReplayOptions{AnyCore: true}
	if done, err := r.Replay(testContext(t), bytes.NewReader(otherwise), anyCore); err != nil || done.Effects < 12 {
		t.Errorf("of any core: %+v, %v", done, err)
	}
	if _, err := r.Replay(testContext(t), bytes.NewReader(bytes.Replace(otherwise, []byte("some text"), []byte("same text"), 1)), anyCore); replayCode(err) != caisson.ReplayDifference {
		t.Errorf("of any core, changed: %v", err)
	}
	if _, err := replay(bytes.Replace(tape, []byte("some text"), []byte("same text"), -1)); replayCode(err) != caisson.ReplayFormat {
		t.Errorf("changed everywhere: %v", err)
	}
}

// TestRecordTo makes its folder.
func TestRecordTo(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "all", "recordings")
	w, err := caisson.RecordTo(folder)("a/b")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(folder, "a-b-*.jsonl")); len(files) != 1 {
		t.Errorf("it has %q", files)
	}
}

// TestRecordFails shows what becomes of a session whose recording cannot be begun, or written.
func TestRecordFails(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	var log bytes.Buffer
	r := newClient(t, caisson.ClientOptions{
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Record: func(server string) (io.WriteCloser, error) {
			if server == "none" {
				return nil, full
			}
			return nopCloser{failing{full}}, nil
		},
	})
	server := childServer(t, "whole")
	server.Name = "none"
	if _, err := r.Connect(testContext(t), server); caisson.CodeOf(err) != caisson.CodeInvalidArgument || !errors.Is(err, full) {
		t.Errorf("connect: %v", err)
	}
	server.Name = "full"
	s := connect(t, r, server)
	use(t, s, "text")
	_ = s.Close()
	if n := strings.Count(log.String(), "the recording of the session is not whole"); n != 1 || !strings.Contains(log.String(), full.Error()) {
		t.Errorf("the log is\n%s", &log)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestRecordLimit shows that a recording that was cut is replayed as far as it goes, wherever that
// is.
func TestRecordLimit(t *testing.T) {
	t.Parallel()
	for _, limit := range []int64{3000, 5000, 8000} {
		recorded := &tapes{}
		var log bytes.Buffer
		r := newClient(t, caisson.ClientOptions{Record: recorded.record, Limits: caisson.Limits{MaxRecordBytes: limit}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		s := connect(t, r, childServer(t, "whole"))
		use(t, s, "text")
		_ = s.Close()
		tape := recorded.of(s.Name())
		done, err := r.Replay(testContext(t), bytes.NewReader(tape), nil)
		if err != nil || done.End != caisson.ReplayLimit || int64(len(tape)) > limit {
			t.Errorf("of %d bytes, %d are replayed: %+v, %v", limit, len(tape), done, err)
		}
		if !strings.Contains(log.String(), "it was cut") {
			t.Errorf("the log is\n%s", &log)
		}
	}
}

// TestRecordBusySession records calls that cross each other, that are given up, that tell of their
// progress, and a large one.
func TestRecordBusySession(t *testing.T) {
	t.Parallel()
	recorded := &tapes{}
	r := newClient(t, caisson.ClientOptions{Record: recorded.record, OnNotification: func(context.Context, *caisson.Session, string, json.RawMessage) {}})
	const secret = "sk-live-0123456789abcdef"
	for _, revision := range []string{"2025-11-25", modern} {
		server := wholeGo(t, caisson.TransportHTTP, revision)
		server.Name, server.ProtocolVersions = revision, []string{revision}
		server.Headers = http.Header{"Authorization": {"Bearer " + secret}}
		s := connect(t, r, server)
		var calls sync.WaitGroup
		for i := range 12 {
			calls.Go(func() {
				ctx, cancel := context.WithCancel(testContext(t))
				defer cancel()
				var err error
				switch i % 3 {
				case 0:
					_, err = s.CallTool(ctx, &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"text": strings.Repeat(secret+" ", 1<<8*(i+1))}})
				case 1:
					_, err = s.CallTool(ctx, &mcp.CallToolParams{Name: "progress", Meta: mcp.Meta{"progressToken": i}})
				case 2:
					stop := time.AfterFunc(time.Duration(i)*time.Millisecond, cancel)
					defer stop.Stop()
					if _, err = s.CallTool(ctx, &mcp.CallToolParams{Name: "wait"}); errors.Is(err, context.Canceled) {
						err = nil
					}
				}
				if err != nil {
					t.Errorf("call %d: %v", i, err)
				}
			})
		}
		calls.Wait()
		_ = s.Close()
		tape := recorded.of(revision)
		if bytes.Contains(tape, []byte(secret)) {
			t.Error("the recording has the secret")
		}
		done, err := r.Replay(testContext(t), bytes.NewReader(tape), nil)
		if err != nil || done.End != caisson.ReplayClosed {
			t.Errorf("%s: %+v, %v", revision, done, err)
		}
		t.Logf("%d bytes, %+v", len(tape), done)
	}
}

// TestRecordTrap records a core that runs out of memory, which it does again.
func TestRecordTrap(t *testing.T) {
	t.Parallel()
	recorded := &tapes{}
	r := newClient(t, caisson.ClientOptions{Record: recorded.record, Limits: caisson.Limits{MaxMemoryBytes: 40 << 20}})
	s := connect(t, r, childServer(t, "whole"))
	params := &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"text": strings.Repeat("x", 8<<20)}}
	if _, err := s.CallTool(testContext(t), params); caisson.CodeOf(err) != caisson.CodeTrap {
		t.Fatalf("the call ends with %v", err)
	}
	_ = s.Close()
	tape := recorded.of(s.Name())
	if done, err := r.Replay(testContext(t), bytes.NewReader(tape), nil); err != nil || done.End != caisson.ReplayClosed {
		t.Errorf("%+v, %v", done, err)
	}
	if _, err := sharedRuntime(t).Replay(testContext(t), bytes.NewReader(tape), nil); replayCode(err) != caisson.ReplayCore {
		t.Errorf("with another bound of memory: %v", err)
	}
}
