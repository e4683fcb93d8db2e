//lint:file-ignore SA1019 The newest revision deprecates roots; servers go on using them.

package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// TestClients has two clients on one runtime: each answers for itself, and the end of one is not the
// other's.
func TestClients(t *testing.T) {
	t.Parallel()
	named := func(name string) *caisson.Client {
		return newClient(t, caisson.ClientOptions{
			ClientInfo: &mcp.Implementation{Name: name, Version: "1"},
			Handlers: caisson.Handlers{ElicitationHandler: func(context.Context, *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
				return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"name": name}}, nil
			}},
		})
	}
	one, two := named("one"), named("two")
	a, b := connect(t, one, inMemory(t, asking())), connect(t, two, inMemory(t, asking()))
	if got := callText(t, a, "ask"); got != "one" {
		t.Errorf("the first client answers %q", got)
	}
	_ = one.Close()
	if _, err := a.CallTool(testContext(t), &mcp.CallToolParams{Name: "ask"}); !errors.Is(err, caisson.CodeClosed) {
		t.Errorf("a call of the closed client's gives %v", err)
	}
	if _, err := one.Connect(testContext(t), inMemory(t, asking())); !errors.Is(err, caisson.ErrClosed) {
		t.Errorf("the closed client connects: %v", err)
	}
	if got := callText(t, b, "ask"); got != "two" {
		t.Errorf("the second client answers %q", got)
	}
}

// asking is a server of the Go SDK's whose tool asks the client.
func asking() *mcp.Server {
	server := newGoServer()
	server.AddTool(&mcp.Tool{Name: "ask", InputSchema: object{"type": "object"}}, func(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		answer, err := r.Session.Elicit(ctx, &mcp.ElicitParams{Message: "who?", RequestedSchema: object{"type": "object", "properties": object{"name": object{"type": "string"}}}})
		if err != nil {
			return nil, err
		}
		name, _ := answer.Content["name"].(string)
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: name}}}, nil
	})
	return server
}

// inMemory serves one session in memory, in a revision whose servers ask with requests.
func inMemory(t *testing.T, server *mcp.Server) caisson.Server {
	t.Helper()
	theirs, ours := mcp.NewInMemoryTransports()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Run(ctx, theirs)
	}()
	t.Cleanup(func() {
		cancel()
		<-served
	})
	return caisson.Server{Name: "memory", Transport: ours, ProtocolVersions: []string{"2025-11-25"}}
}

// TestTransport speaks with a server of the Go SDK's in memory, in each era.
func TestTransport(t *testing.T) {
	t.Parallel()
	for _, revision := range []string{"2024-11-05", "2025-11-25", "2026-07-28", ""} {
		t.Run(revision, func(t *testing.T) {
			t.Parallel()
			server := inMemory(t, newGoServer())
			if server.ProtocolVersions = nil; revision != "" {
				server.ProtocolVersions = []string{revision}
			}
			s := connect(t, sharedRuntime(t), server)
			if s.TransportType() != caisson.TransportCustom || revision != "" && s.ProtocolVersion() != revision {
				t.Errorf("it is %s over %s", s.ProtocolVersion(), s.TransportType())
			}
			got, _, err := caisson.CallToolAs[sum](testContext(t), s, &mcp.CallToolParams{Name: "add", Arguments: addition{2, 3}})
			if err != nil || got.Sum != 5 {
				t.Errorf("add gives %v, %v", got, err)
			}
			// The Go SDK's own client is a Caller too.
			theirs, ours := mcp.NewInMemoryTransports()
			go func() { _ = newGoServer().Run(testContext(t), theirs) }()
			other, err := mcp.NewClient(&mcp.Implementation{Name: "other", Version: "1"}, nil).Connect(testContext(t), ours, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			if got, _, err := caisson.CallToolAs[sum](testContext(t), other, &mcp.CallToolParams{Name: "add", Arguments: addition{2, 3}}); err != nil || got.Sum != 5 {
				t.Errorf("the other client's add gives %v, %v", got, err)
			}
		})
	}
}

// brokenTransport gives no connection, or one that ends.
type brokenTransport struct{ err error }

func (b brokenTransport) Connect(context.Context) (mcp.Connection, error) {
	if b.err != nil {
		return nil, b.err
	}
	theirs, ours := mcp.NewInMemoryTransports()
	c, err := theirs.Connect(context.Background())
	if err == nil {
		_ = c.Close()
	}
	return ours.Connect(context.Background())
}

// TestBrokenTransport connects with what is no server.
func TestBrokenTransport(t *testing.T) {
	t.Parallel()
	lost := errors.New("the line is cut")
	_, err := sharedRuntime(t).Connect(testContext(t), caisson.Server{Name: "cut", Transport: brokenTransport{lost}})
	if !errors.Is(err, caisson.CodeConnect) || !errors.Is(err, lost) {
		t.Errorf("connect gives %v", err)
	}
	_, err = sharedRuntime(t).Connect(testContext(t), caisson.Server{Name: "ended", Transport: brokenTransport{}})
	if code := caisson.CodeOf(err); code != caisson.CodeTransport && code != caisson.CodeConnect {
		t.Errorf("connect gives %v", err)
	}
	for _, server := range []caisson.Server{
		{Transport: brokenTransport{}, URL: "http://127.0.0.1:1"},
		{Transport: brokenTransport{}, Type: caisson.TransportHTTP},
		{Command: "x", HTTPTransport: http.DefaultTransport},
		{Command: "x", Headers: http.Header{"Authorization": {"Bearer token"}}},
		{Transport: brokenTransport{}, Headers: http.Header{"Authorization": {"Bearer token"}}},
		{Transport: brokenTransport{}, Env: map[string]string{"KEY": "value"}},
		{URL: "http://127.0.0.1:1", Args: []string{"x"}},
		{URL: "http://127.0.0.1:1", Env: map[string]string{"KEY": "value"}},
		{URL: "http://127.0.0.1:1", InheritEnv: true},
		{URL: "http://127.0.0.1:1", Dir: "/"},
	} {
		if _, err := sharedRuntime(t).Connect(testContext(t), server); !errors.Is(err, caisson.CodeInvalidArgument) {
			t.Errorf("connect gives %v", err)
		}
	}
}

// TestHeaderValues has a header with two values, and one in other letters.
func TestHeaderValues(t *testing.T) {
	t.Parallel()
	seen := make(chan http.Header, 100)
	handler := handshake(nil)
	local := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case seen <- r.Header:
		default:
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(local.Close)
	connect(t, sharedRuntime(t), caisson.Server{URL: local.URL, Headers: http.Header{"x-one": {"a", "b"}, "X-One": {"c"}}})
	got := (<-seen)["X-One"]
	if slices.Sort(got); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("the server got %q", got)
	}
}

// TestMiddleware sees what goes out and what comes in, and changes it.
func TestMiddleware(t *testing.T) {
	t.Parallel()
	var sent, came []string
	note := func(to *[]string, name string) caisson.Middleware {
		return func(next caisson.MethodHandler) caisson.MethodHandler {
			return func(ctx context.Context, s *caisson.Session, method string, params json.RawMessage) (json.RawMessage, error) {
				*to = append(*to, name+" "+method)
				return next(ctx, s, method, params)
			}
		}
	}
	five := func(next caisson.MethodHandler) caisson.MethodHandler {
		return func(ctx context.Context, s *caisson.Session, method string, params json.RawMessage) (json.RawMessage, error) {
			return next(ctx, s, method, json.RawMessage(strings.Replace(string(params), `"b":3`, `"b":5`, 1)))
		}
	}
	answer := func(next caisson.MethodHandler) caisson.MethodHandler {
		return func(ctx context.Context, s *caisson.Session, method string, params json.RawMessage) (json.RawMessage, error) {
			if method == "elicitation/create" {
				return json.RawMessage(`{"action":"accept","content":{"name":"the middleware"}}`), nil
			}
			return next(ctx, s, method, params)
		}
	}
	c := newClient(t, caisson.ClientOptions{
		Capabilities:        &mcp.ClientCapabilities{Elicitation: &mcp.ElicitationCapabilities{Form: &mcp.FormElicitationCapabilities{}}},
		SendingMiddleware:   []caisson.Middleware{note(&sent, "first"), note(&sent, "second"), five},
		ReceivingMiddleware: []caisson.Middleware{note(&came, "in"), answer},
	})
	s := connect(t, c, inMemory(t, asking()))
	got, _, err := caisson.CallToolAs[sum](testContext(t), s, &mcp.CallToolParams{Name: "add", Arguments: addition{2, 3}})
	if err != nil || got.Sum != 7 {
		t.Errorf("add gives %v, %v", got, err)
	}
	if text := callText(t, s, "ask"); text != "the middleware" {
		t.Errorf("ask gives %q", text)
	}
	if want := []string{"first tools/call", "second tools/call", "first tools/call", "second tools/call"}; !slices.Equal(sent, want) {
		t.Errorf("it saw %q", sent)
	}
	if !slices.Contains(came, "in elicitation/create") {
		t.Errorf("it saw %q", came)
	}
	other := connect(t, newClient(t, caisson.ClientOptions{SendingMiddleware: []caisson.Middleware{func(next caisson.MethodHandler) caisson.MethodHandler {
		return func(ctx context.Context, s *caisson.Session, _ string, params json.RawMessage) (json.RawMessage, error) {
			return next(ctx, s, "tools/list", params)
		}
	}}}), inMemory(t, newGoServer()))
	if err := other.Ping(testContext(t), nil); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Errorf("another method gives %v", err)
	}
}

// TestClosed names what the program has closed.
func TestClosed(t *testing.T) {
	t.Parallel()
	r, err := caisson.New(testContext(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.NewClient(nil)
	if err != nil {
		t.Fatal(err)
	}
	closed := func(what string, connector interface {
		Connect(context.Context, caisson.Server) (*caisson.Session, error)
	},
	) {
		t.Helper()
		_, err := connector.Connect(testContext(t), caisson.Server{Command: "never started"})
		if !errors.Is(err, caisson.CodeClosed) || !strings.HasSuffix(err.Error(), "the "+what+" is closed") {
			t.Errorf("Connect gives %v", err)
		}
	}
	_ = c.Close()
	closed("client", c)
	_ = r.Close()
	closed("runtime", c)
	closed("runtime", r)
}

// TestSubscribeNow says what revision 2026-07-28 has in place of subscriptions to one resource.
func TestSubscribeNow(t *testing.T) {
	t.Parallel()
	s := connect(t, sharedRuntime(t), caissontest.NewServer(t, "2026-07-28").Caisson())
	for method, err := range map[string]error{
		"Subscribe":   s.Subscribe(testContext(t), &mcp.SubscribeParams{URI: "test:a"}),
		"Unsubscribe": s.Unsubscribe(testContext(t), &mcp.UnsubscribeParams{URI: "test:a"}),
	} {
		if !errors.Is(err, caisson.CodeInvalidArgument) || !strings.HasSuffix(err.Error(), "; use Session.Listen") {
			t.Errorf("%s gives %v", method, err)
		}
	}
}

// TestKeepAlive ends the session of a server that no longer answers, and keeps one that says no.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	server := caissontest.NewServer(t, "2025-11-25")
	server.Fail("ping", &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "what is a ping?"})
	s := connect(t, newClient(t, caisson.ClientOptions{KeepAlive: 500 * time.Millisecond}), server.Caisson())
	ended, end := context.WithCancel(testContext(t))
	go func() {
		defer end()
		_ = s.Wait()
	}()
	for range 2 { // The second one shows that the answer to the first was good enough.
		if _, err := server.Await(ended, "ping"); err != nil {
			t.Log("the machine is too busy to answer a ping in time")
		}
	}
	server.Handle("ping", func(*caissontest.Call) (any, error) { return nil, caissontest.ErrSilence })
	if err := s.Wait(); !errors.Is(err, caisson.CodeTimeout) || !strings.Contains(err.Error(), "KeepAlive") {
		t.Errorf("the session ended with %v", err)
	}
	if _, err := s.ListTools(testContext(t), nil); err == nil {
		t.Error("the session goes on")
	}
}

// TestRoots adds and removes roots while sessions are open.
func TestRoots(t *testing.T) {
	t.Parallel()
	changed := make(chan struct{}, 10)
	server := mcp.NewServer(&mcp.Implementation{Name: "roots", Version: "1"}, &mcp.ServerOptions{
		RootsListChangedHandler: func(context.Context, *mcp.RootsListChangedRequest) { changed <- struct{}{} },
	})
	server.AddTool(&mcp.Tool{Name: "roots", InputSchema: object{"type": "object"}}, func(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		list, err := r.Session.ListRoots(ctx, nil)
		if err != nil {
			return nil, err
		}
		var uris []string
		for _, root := range list.Roots {
			uris = append(uris, root.URI)
		}
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: strings.Join(uris, " ")}}}, nil
	})
	c := newClient(t, caisson.ClientOptions{Roots: []*mcp.Root{{URI: "file:///a"}}})
	s := connect(t, c, inMemory(t, server))
	want := func(want string) {
		t.Helper()
		if got := callText(t, s, "roots"); got != want {
			t.Errorf("the roots are %q, want %q", got, want)
		}
	}
	want("file:///a")
	if err := c.AddRoots(&mcp.Root{URI: "file:///b"}, &mcp.Root{URI: "file:///a", Name: "again"}); err != nil {
		t.Fatal(err)
	}
	<-changed
	want("file:///b file:///a")
	if err := c.RemoveRoots("file:///b", "file:///none"); err != nil {
		t.Fatal(err)
	}
	<-changed
	want("file:///a")
	handled := newClient(t, caisson.ClientOptions{Handlers: caisson.Handlers{ListRootsHandler: func(context.Context, *caisson.Request[*mcp.ListRootsParams]) (*mcp.ListRootsResult, error) {
		return &mcp.ListRootsResult{}, nil
	}}})
	if err := handled.AddRoots(&mcp.Root{URI: "file:///c"}); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Errorf("roots beside a handler give %v", err)
	}
}

// TestRootsAreToldOnce changes the roots while a server is being told of the first change: the server is told
// once of all others, so that changes do not use up the calls that a session may have at once.
func TestRootsAreToldOnce(t *testing.T) {
	t.Parallel()
	const changed = "notifications/roots/list_changed"
	server := caissontest.NewServer(t, "2025-11-25")
	telling, release := make(chan struct{}), make(chan struct{})
	c := newClient(t, caisson.ClientOptions{
		Roots: []*mcp.Root{},
		SendingMiddleware: inFront(func(next caisson.MethodHandler, ctx context.Context, s *caisson.Session, method string, params json.RawMessage) (json.RawMessage, error) {
			if method == changed {
				telling <- struct{}{}
				<-release
			}
			return next(ctx, s, method, params)
		}),
	})
	connect(t, c, server.Caisson())
	add := func() {
		if err := c.AddRoots(&mcp.Root{URI: "file:///a"}); err != nil {
			t.Error(err)
		}
	}
	add()
	<-telling
	for range 100 {
		add()
	}
	close(release)
	<-telling
	for range 2 {
		if _, err := server.Await(testContext(t), changed); err != nil {
			t.Fatal(err)
		}
	}
	add()
	<-telling
	if _, err := server.Await(testContext(t), changed); err != nil {
		t.Fatal(err)
	}
	if told := len(server.Requests(changed)); told != 3 {
		t.Errorf("the server was told %d times, want 3", told)
	}
}

// TestRootsWhileConnecting changes the roots while sessions begin: each server gets the roots of the moment
// at which it asks.
func TestRootsWhileConnecting(t *testing.T) {
	t.Parallel()
	c := newClient(t, caisson.ClientOptions{Roots: []*mcp.Root{{URI: "file:///a"}}})
	server := caissontest.NewServer(t)
	server.AddTool(&mcp.Tool{Name: "roots"}, func(call *caissontest.Call) (any, error) {
		list, err := call.Ask("roots/list", nil)
		return caissontest.Text(string(list)), err
	})
	done := make(chan struct{})
	var changing sync.WaitGroup
	changing.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if err := errors.Join(c.AddRoots(&mcp.Root{URI: "file:///b"}), c.RemoveRoots("file:///b")); err != nil {
				t.Error(err)
				return
			}
			runtime.Gosched()
		}
	})
	for _, revision := range []string{"2025-11-25", "2026-07-28"} {
		target := server.Caisson()
		target.ProtocolVersions = []string{revision}
		s := connect(t, c, target)
		if got := callText(t, s, "roots"); !strings.Contains(got, `"file:///a"`) {
			t.Errorf("%s: the server gets %s", revision, got)
		}
		_ = s.Close()
	}
	close(done)
	changing.Wait()
}

// TestDeclared declares an extension, in both eras.
func TestDeclared(t *testing.T) {
	t.Parallel()
	for _, revision := range []string{"2025-11-25", "2026-07-28"} {
		server := caissontest.NewServer(t, revision)
		own := &mcp.ClientCapabilities{Experimental: map[string]any{"own": map[string]any{}}}
		own.AddExtension("com.example/own", map[string]any{"size": 3.0})
		s := connect(t, newClient(t, caisson.ClientOptions{Capabilities: own}), server.Caisson())
		if err := s.Ping(testContext(t), nil); err != nil {
			t.Fatal(err)
		}
		var text json.RawMessage
		if revision < "2026-07-28" {
			var params struct{ Capabilities json.RawMessage }
			if err := json.Unmarshal(server.Requests("initialize")[0].Params, &params); err != nil {
				t.Fatal(err)
			}
			text = params.Capabilities
		} else {
			text = server.Requests("server/discover")[0].Meta()[mcp.MetaKeyClientCapabilities]
		}
		var got map[string]map[string]any
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if settings, _ := got["extensions"]["com.example/own"].(map[string]any); settings["size"] != 3.0 || got["experimental"]["own"] == nil || got["roots"] != nil {
			t.Errorf("%s: the capabilities are %s", revision, text)
		}
	}
}

// TestCodes matches errors by their codes.
func TestCodes(t *testing.T) {
	err := error(&caisson.Error{Code: caisson.CodeLimit})
	if !errors.Is(err, caisson.CodeLimit) || errors.Is(err, caisson.CodeClosed) || errors.Is(err, caisson.CodeUnknown) {
		t.Errorf("%v is matched wrongly", err)
	}
	if caisson.CodeOf(nil) != caisson.CodeUnknown || caisson.CodeOf(errors.New("another")) != caisson.CodeUnknown {
		t.Error("an error of other origin has a code")
	}
}

// TestWith makes calls with options of their own, beside calls without.
func TestWith(t *testing.T) {
	t.Parallel()
	server := newGoServer()
	server.AddTool(&mcp.Tool{Name: "never", InputSchema: object{"type": "object"}}, func(ctx context.Context, _ *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	s := connect(t, sharedRuntime(t), inMemory(t, server))
	hurried := s.With(caisson.CallOptions{MaxTimeout: time.Millisecond})
	_, err := hurried.CallTool(testContext(t), &mcp.CallToolParams{Name: "never"})
	if !errors.Is(err, caisson.CodeTimeout) || !strings.Contains(err.Error(), "MaxTimeout of 1ms") {
		t.Errorf("the call ends with %v", err)
	}
	ctx := caisson.WithCallOptions(testContext(t), caisson.CallOptions{})
	if _, err := hurried.CallTool(ctx, &mcp.CallToolParams{Name: "add", Arguments: addition{2, 3}}); err != nil {
		t.Errorf("the context's options do not take their place: %v", err)
	}
	if hurried.Name() != s.Name() || hurried.ProtocolVersion() != s.ProtocolVersion() {
		t.Error("it is another session")
	}
	_ = hurried.Close()
	if err := s.Ping(testContext(t), nil); !errors.Is(err, caisson.ErrClosed) {
		t.Errorf("the session is not closed: %v", err)
	}
}

// A stuckConnection takes no message and gives none, or one that is too large, until it is closed.
type stuckConnection struct {
	large   int
	written func() // is called when a message is to go out
	closed  chan struct{}
	once    sync.Once
}

func (c *stuckConnection) Connect(context.Context) (mcp.Connection, error) { return c, nil }

func (c *stuckConnection) Read(ctx context.Context) (jsonrpc.Message, error) {
	if c.large > 0 {
		id, _ := jsonrpc.MakeID("x")
		return &jsonrpc.Response{ID: id, Result: json.RawMessage(`"` + strings.Repeat("x", c.large) + `"`)}, nil
	}
	select {
	case <-c.closed:
	case <-ctx.Done():
	}
	return nil, io.EOF
}

func (c *stuckConnection) Write(context.Context, jsonrpc.Message) error {
	if c.large == 0 {
		c.written()
		<-c.closed
	}
	return nil
}

func (c *stuckConnection) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func (c *stuckConnection) SessionID() string { return "" }

// TestStuckTransport connects over a transport that goes nowhere: it ends with the context, and over one
// whose message is too large.
func TestStuckTransport(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(testContext(t))
	stuck := &stuckConnection{written: cancel, closed: make(chan struct{})}
	c := newClient(t, caisson.ClientOptions{Limits: caisson.Limits{MaxMessageBytes: 1000}})
	if _, err := c.Connect(ctx, caisson.Server{Transport: stuck}); !errors.Is(err, context.Canceled) {
		t.Errorf("connect gives %v", err)
	}
	_, err := c.Connect(testContext(t), caisson.Server{Transport: &stuckConnection{large: 1001, closed: make(chan struct{})}})
	if !errors.Is(err, caisson.CodeLimit) || !strings.Contains(err.Error(), "MaxMessageBytes") {
		t.Errorf("a large message gives %v", err)
	}
	_ = c.Close()
	<-stuck.closed
}

// TestMaxSessions opens one session more than a runtime may have, of two clients.
func TestMaxSessions(t *testing.T) {
	t.Parallel()
	local := httptest.NewServer(handshake(nil))
	t.Cleanup(local.Close)
	r := newRuntime(t, caisson.RuntimeOptions{MaxSessions: 2})
	c, err := r.NewClient(nil)
	if err != nil {
		t.Fatal(err)
	}
	server := caisson.Server{URL: local.URL}
	first := connect(t, r, server)
	connect(t, c, server)
	if _, err := c.Connect(testContext(t), server); !errors.Is(err, caisson.CodeLimit) || !strings.Contains(err.Error(), "MaxSessions") {
		t.Errorf("one more gives %v", err)
	}
	_ = first.Close()
	connect(t, c, server)
}
