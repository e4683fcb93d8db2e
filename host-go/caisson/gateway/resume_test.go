package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// An event is one of an event stream.
type event struct{ id, retry, data string }

// An eventStream is a response with events.
type eventStream struct {
	status int
	lines  *bufio.Scanner
	lose   context.CancelFunc // the connection
}

// open sends a request of the older revision. Its response may be an event stream.
func open(t testing.TB, server *httptest.Server, method, path, principal, session, last, body string) *eventStream {
	t.Helper()
	ctx, lose := context.WithCancel(testContext(t))
	t.Cleanup(lose)
	q, err := http.NewRequestWithContext(ctx, method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Accept", "application/json, text/event-stream")
	for name, value := range map[string]string{"Test-Principal": principal, "Mcp-Session-Id": session, "Mcp-Protocol-Version": older, "Last-Event-Id": last} {
		if value != "" {
			q.Header.Set(name, value)
		}
	}
	response, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 16<<20)
	return &eventStream{status: response.StatusCode, lines: lines, lose: lose}
}

// next is the next event, with an id or data; false at the end.
func (s *eventStream) next() (e event, ok bool) {
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "id":
			e.id = value
		case "retry":
			e.retry = value
		case "data":
			e.data = value
		case "":
			if s.lines.Text() == "" && e != (event{}) {
				return e, true
			}
		}
	}
	return e, false
}

// rest is everything until the end.
func (s *eventStream) rest() (all []event) {
	for e, ok := s.next(); ok; e, ok = s.next() {
		all = append(all, e)
	}
	return all
}

// stepping is a server with a tool that tells of a step, waits to be released, and tells of another one.
func stepping(t testing.TB) (server *caissontest.Server, release chan struct{}) {
	server, release = caissontest.NewServer(t, older), make(chan struct{})
	server.AddTool(&mcp.Tool{Name: "steps"}, func(call *caissontest.Call) (any, error) {
		call.Progress(1, 2, "first")
		if err := call.Wait(release); err != nil {
			return nil, err
		}
		call.Progress(2, 2, "second")
		return caissontest.Text("finished"), nil
	})
	return server, release
}

const stepsCall = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"s__steps","arguments":{},"_meta":{"progressToken":"p"}}}`

// TestResume has a client lose its connection in the middle of a call. It gets the rest of the stream, and nothing
// twice; nobody else gets any of it.
func TestResume(t *testing.T) {
	t.Parallel()
	upstream, release := stepping(t)
	server := serveTest(t, newGateway(t, caisson.ServerMap{"s": upstream.Caisson()}, &gateway.Options{Authenticate: byHeader}))
	session := post(t, server, request{path: "/mcp", principal: "ada", body: hello}).session
	other := post(t, server, request{path: "/mcp", principal: "ada", body: hello}).session
	bobs := post(t, server, request{path: "/mcp", principal: "bob", body: hello}).session

	call := open(t, server, http.MethodPost, "/mcp", "ada", session, "", stepsCall)
	prime, ok := call.next()
	if !ok || prime.id == "" || prime.data != "" || prime.retry == "" {
		t.Fatalf("the stream begins with %+v", prime)
	}
	first, ok := call.next()
	if !ok || !strings.Contains(first.data, "first") || first.id == "" {
		t.Fatalf("the first step is %+v", first)
	}
	call.lose()
	close(release)

	for what, c := range map[string]struct {
		principal, session, path string
		status                   int
	}{
		"another principal":                {"bob", session, "/mcp", http.StatusNotFound},
		"another principal's session":      {"bob", bobs, "/mcp", http.StatusBadRequest},
		"another session of the principal": {"ada", other, "/mcp", http.StatusBadRequest},
		"another endpoint":                 {"ada", session, "/servers/s", http.StatusNotFound},
	} {
		s := open(t, server, http.MethodGet, c.path, c.principal, c.session, first.id, "")
		if s.status != c.status {
			t.Errorf("%s: %d, want %d", what, s.status, c.status)
		}
		for s.lines.Scan() {
			if strings.Contains(s.lines.Text(), "finished") || strings.Contains(s.lines.Text(), "second") {
				t.Errorf("%s gets %s", what, s.lines.Text())
			}
		}
	}

	resume := func(last string) []event {
		for ctx := testContext(t); ; {
			s := open(t, server, http.MethodGet, "/mcp", "ada", session, last, "")
			if s.status == http.StatusConflict && ctx.Err() == nil {
				continue // The server has not noticed yet that the connection is lost.
			}
			if s.status != http.StatusOK {
				t.Fatalf("the stream is resumed with %d", s.status)
			}
			return s.rest()
		}
	}
	all := resume(first.id)
	if len(all) != 2 || !strings.Contains(all[0].data, "second") || !strings.Contains(all[1].data, "finished") {
		t.Fatalf("the rest of the stream is %+v", all)
	}
	if again := resume(all[0].id); len(again) != 1 || again[0] != (event{id: all[1].id, retry: again[0].retry, data: all[1].data}) {
		t.Errorf("after the last step there is %+v", again)
	}
	if none := resume(all[1].id); len(none) != 0 {
		t.Errorf("after the result there is %+v", none)
	}
	if calls := len(upstream.Requests("tools/call")); calls != 1 {
		t.Errorf("the server was called %d times", calls)
	}
}

// cutting cuts the response to the first tools/call after its first event with data.
type cutting struct {
	mu   sync.Mutex
	cut  bool
	done func()
}

func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	var call bool
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		call = strings.Contains(string(body), `"tools/call"`)
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(strings.NewReader(string(body)))
	}
	ctx, lose := context.WithCancel(r.Context())
	response, err := http.DefaultTransport.RoundTrip(r.WithContext(ctx))
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || !call || c.cut {
		context.AfterFunc(r.Context(), lose)
		return response, err
	}
	c.cut = true
	whole := response.Body
	near, far := io.Pipe()
	go func() {
		lines := bufio.NewScanner(whole)
		for lines.Scan() {
			fmt.Fprintf(far, "%s\n", lines.Text())
			if strings.Contains(lines.Text(), "first") {
				fmt.Fprint(far, "\n")
				break
			}
		}
		lose()
		_ = whole.Close()
		_ = far.CloseWithError(io.ErrUnexpectedEOF)
		c.done()
	}()
	response.Body = near
	return response, nil
}

// TestResumeByClient has the Go SDK's client resume a call by itself.
func TestResumeByClient(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	upstream, release := stepping(t)
	server := serveTest(t, newGateway(t, caisson.ServerMap{"s": upstream.Caisson()}, nil))
	var mu sync.Mutex
	var steps []string
	client := mcp.NewClient(&mcp.Implementation{Name: "t", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) {
			mu.Lock()
			defer mu.Unlock()
			steps = append(steps, r.Params.Message)
		},
	})
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{
		Endpoint: server.URL + "/mcp", HTTPClient: &http.Client{Transport: &cutting{done: sync.OnceFunc(func() { close(release) })}},
	}, &mcp.ClientSessionOptions{ProtocolVersion: older})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	params := &mcp.CallToolParams{Name: "s__steps"}
	params.SetProgressToken("p")
	result, err := session.CallTool(ctx, params)
	if got := textOf(t, result, err); got != "finished" {
		t.Errorf("the result is %q", got)
	}
	told := func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(steps, " ")
	}
	for ctx.Err() == nil && len(told()) < len("first second") { // The client may be told of a step after the result.
	}
	if got := told(); got != "first second" {
		t.Errorf("the steps are %q", got)
	}
}

// TestPolling has a server end its event stream in the middle of a call to have its client poll. The gateway polls, and
// has its own client do so, where the client's revision knows of it.
func TestPolling(t *testing.T) {
	t.Parallel()
	for _, revision := range []string{older, "2025-06-18"} {
		release := make(chan struct{})
		upstream := mcp.NewServer(&mcp.Implementation{Name: "polled", Version: "1"}, nil)
		mcp.AddTool(upstream, &mcp.Tool{Name: "poll"}, func(ctx context.Context, r *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
			r.Extra.CloseSSEStream(mcp.CloseSSEStreamArgs{RetryAfter: 10 * time.Millisecond})
			select {
			case <-release:
			case <-ctx.Done():
			}
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "finished"}}}, nil, nil
		})
		resumed := make(chan struct{}, 1)
		streams := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return upstream }, &mcp.StreamableHTTPOptions{EventStore: mcp.NewMemoryEventStore(nil)})
		listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Last-Event-Id") != "" {
				select {
				case resumed <- struct{}{}:
				default:
				}
			}
			streams.ServeHTTP(w, r)
		}))
		t.Cleanup(func() { listener.CloseClientConnections(); listener.Close() })
		server := serveTest(t, newGateway(t, caisson.ServerMap{"s": {URL: listener.URL}}, nil))
		session := post(t, server, request{path: "/mcp", body: strings.Replace(hello, older, revision, 1)}).session
		call := `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"s__poll","arguments":{}}}`
		if revision != older {
			go func() {
				<-resumed
				close(release)
			}()
			if a := post(t, server, request{path: "/mcp", session: session, version: revision, body: call}); !strings.Contains(a.body, "finished") {
				t.Errorf("%s: %s", revision, a.body)
			}
			continue
		}
		all := open(t, server, http.MethodPost, "/mcp", "", session, "", call).rest()
		if len(all) != 2 || all[0].id == "" || all[0].data != "" || all[1].retry == "" || all[1].data != "" {
			t.Fatalf("the stream of the call is %+v", all)
		}
		<-resumed
		close(release)
		rest := open(t, server, http.MethodGet, "/mcp", "", session, all[0].id, "").rest()
		if len(rest) != 1 || !strings.Contains(rest[0].data, "finished") {
			t.Errorf("the rest of the stream is %+v", rest)
		}
	}
}

// TestResumeIsBounded has a session keep no more than it may: what is gone is refused, and never a part of it sent.
func TestResumeIsBounded(t *testing.T) {
	t.Parallel()
	upstream, release := stepping(t)
	server := serveTest(t, newGateway(t, caisson.ServerMap{"s": upstream.Caisson()}, &gateway.Options{MaxEventBytesOfSession: 1000}))
	session := post(t, server, request{path: "/mcp", body: hello}).session
	call := open(t, server, http.MethodPost, "/mcp", "", session, "", stepsCall)
	prime, _ := call.next()
	close(release)
	if all := call.rest(); len(all) != 3 {
		t.Fatalf("the stream has %+v", all)
	}
	if again := open(t, server, http.MethodGet, "/mcp", "", session, prime.id, ""); again.status != http.StatusOK || len(again.rest()) != 3 {
		t.Errorf("what is kept is resumed with %d", again.status)
	}
	for range 10 {
		if a := post(t, server, request{path: "/mcp", session: session, version: older, body: `{"jsonrpc":"2.0","id":8,"method":"tools/list"}`}); len(a.result) == 0 {
			t.Fatal(a.body)
		}
	}
	if again := open(t, server, http.MethodGet, "/mcp", "", session, prime.id, ""); again.status != http.StatusBadRequest {
		t.Errorf("what is gone is resumed with %d", again.status)
	}
}

// TestRequestsOfPrincipalAreBounded has a principal make as many requests at once as it may, and one more.
func TestRequestsOfPrincipalAreBounded(t *testing.T) {
	t.Parallel()
	for _, era := range eras {
		upstream, release := stepping(t)
		server := serveTest(t, newGateway(t, caisson.ServerMap{"s": upstream.Caisson()}, &gateway.Options{Authenticate: byHeader, MaxRequestsOfPrincipal: 2}))
		sessions := map[string]string{}
		for _, name := range []string{"ada", "bob"} {
			if era == older {
				sessions[name] = post(t, server, request{path: "/mcp", principal: name, body: hello}).session
			}
		}
		send := func(name string, id int) answer {
			body := strings.Replace(modernCall("s__steps", ""), `"id":1`, fmt.Sprintf(`"id":%d`, id), 1)
			return post(t, server, request{path: "/mcp", principal: name, session: sessions[name], version: era, body: body})
		}
		if era == older {
			send = func(name string, id int) answer {
				return post(t, server, request{
					path: "/mcp", principal: name, session: sessions[name], version: era,
					body: fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"s__steps","arguments":{}}}`, id),
				})
			}
		}
		var all sync.WaitGroup
		for i := range 2 {
			all.Go(func() {
				if a := send("ada", 10+i); !strings.Contains(a.body, "finished") {
					t.Errorf("%s: a call that has room gets %s", era, a.body)
				}
			})
		}
		for ctx := testContext(t); len(upstream.Requests("tools/call")) < 2 && ctx.Err() == nil; {
		}
		if a := send("ada", 20); a.err.Code != -32603 || !strings.Contains(a.err.Message, "MaxRequestsOfPrincipal") {
			t.Errorf("%s: one more gets %s", era, a.body)
		}
		if era == older {
			for _, method := range []string{"resources/subscribe", "resources/unsubscribe"} {
				body := `{"jsonrpc":"2.0","id":30,"method":"` + method + `","params":{"uri":"x:/y"}}`
				if a := post(t, server, request{path: "/mcp", principal: "ada", session: sessions["ada"], version: era, body: body}); a.err.Code != -32603 || !strings.Contains(a.err.Message, "MaxRequestsOfPrincipal") {
					t.Errorf("%s gets %s", method, a.body)
				}
			}
		}
		all.Go(func() {
			if a := send("bob", 21); !strings.Contains(a.body, "finished") {
				t.Errorf("%s: another principal gets %s", era, a.body)
			}
		})
		for ctx := testContext(t); len(upstream.Requests("tools/call")) < 3 && ctx.Err() == nil; {
		}
		close(release)
		all.Wait()
		if a := send("ada", 22); !strings.Contains(a.body, "finished") {
			t.Errorf("%s: once there is room again: %s", era, a.body)
		}
	}
}
