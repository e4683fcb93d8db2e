package gateway_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
)

// byHeader takes who calls from a header, for tests.
func byHeader(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.Header.Get("Test-Principal")
		if name == "" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(gateway.WithPrincipal(r.Context(), name)))
	})
}

type request struct {
	path, principal, session, version, host, origin, body string
	named                                                 string              // Mcp-Name, where it is not that of the body
	headers                                               map[string][]string // of Mcp-Param-, by the rest of their names
}

type answer struct {
	status  int
	session string
	body    string
	result  json.RawMessage
	err     struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
}

func post(t testing.TB, server *httptest.Server, r request) answer {
	t.Helper()
	q, err := http.NewRequestWithContext(testContext(t), http.MethodPost, server.URL+r.path, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Accept", "application/json, text/event-stream")
	for name, value := range map[string]string{"Test-Principal": r.principal, "Mcp-Session-Id": r.session, "Mcp-Protocol-Version": r.version, "Origin": r.origin} {
		if value != "" {
			q.Header.Set(name, value)
		}
	}
	for name, values := range r.headers {
		q.Header["Mcp-Param-"+name] = values
	}
	if r.version == newest {
		var message struct {
			Method string `json:"method"`
			Params struct {
				Name   string `json:"name"`
				TaskID string `json:"taskId"`
			} `json:"params"`
		}
		_ = json.Unmarshal([]byte(r.body), &message)
		q.Header.Set("Mcp-Method", message.Method)
		if name := cmp.Or(r.named, message.Params.Name, message.Params.TaskID); name != "" {
			q.Header.Set("Mcp-Name", name)
		}
	}
	if r.host != "" {
		q.Host = r.host
	}
	response, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: response.StatusCode, session: response.Header.Get("Mcp-Session-Id"), body: string(body)}
	text := a.body
	if i := strings.LastIndex(text, "data: "); i >= 0 {
		text = text[i+len("data: "):]
	}
	var message struct {
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	_ = json.Unmarshal([]byte(text), &message)
	a.result = message.Result
	_ = json.Unmarshal(message.Error, &a.err)
	return a
}

func serveTest(t testing.TB, g *gateway.Gateway) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(g.Handler())
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server
}

const hello = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}`

// modernCall is a call of 2026-07-28 by a client that fills in forms.
func modernCall(tool, rest string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}}}}%s}}`, tool, rest)
}

// TestHostsAndOrigins shows which requests are refused before anything is read of them.
func TestHostsAndOrigins(t *testing.T) {
	t.Parallel()
	g := newGateway(t, caisson.ServerMap{}, &gateway.Options{AllowedHosts: []string{"mcp.example.com"}, AllowedOrigins: []string{"https://app.example.com"}})
	server := serveTest(t, g)
	for _, c := range []struct {
		host, origin string
		status       int
	}{
		{"", "", 200},
		{"localhost:1", "", 200},
		{"[::1]:80", "", 200},
		{"mcp.example.com", "", 200},
		{"MCP.example.com:8080", "", 200},
		{"evil.example.com", "", 403},
		{"localhost.evil.example.com", "", 403},
		{"127.0.0.1.nip.io", "", 403},
		{"", "http://localhost:3000", 200},
		{"", "https://app.example.com", 200},
		{"", "https://evil.example.com", 403},
		{"", "https://app.example.com.evil.org", 403},
		{"", "http://app.example.com", 403},
		{"", "null", 403},
		{"", "file://", 403},
		{"mcp.example.com", "http://localhost", 403},
		{"mcp.example.com", "https://mcp.example.com", 200},
	} {
		if a := post(t, server, request{path: "/mcp", host: c.host, origin: c.origin, body: hello}); a.status != c.status {
			t.Errorf("Host %q, Origin %q: %d, want %d: %s", c.host, c.origin, a.status, c.status, a.body)
		}
	}
}

// TestAnothersSession shows that a session, and a held call, are found only by whoever has begun them, and once.
func TestAnothersSession(t *testing.T) {
	t.Parallel()
	upstream := newUpstream(t, newest)
	g := newGateway(t, caisson.ServerMap{"s": upstream.Caisson()}, &gateway.Options{Authenticate: byHeader})
	server := serveTest(t, g)
	if a := post(t, server, request{path: "/mcp", body: hello}); a.status != http.StatusUnauthorized {
		t.Errorf("without a principal: %d", a.status)
	}
	begun := post(t, server, request{path: "/mcp", principal: "ada", body: hello})
	if begun.session == "" {
		t.Fatalf("there is no session: %+v", begun)
	}
	list := `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`
	if a := post(t, server, request{path: "/mcp", principal: "ada", session: begun.session, version: older, body: list}); a.status != 200 {
		t.Errorf("one's own session: %d %s", a.status, a.body)
	}
	none := post(t, server, request{path: "/mcp", principal: "bob", session: "no-such-session", version: older, body: list})
	if a := post(t, server, request{path: "/mcp", principal: "bob", session: begun.session, version: older, body: list}); a.status != 404 || a.body != none.body {
		t.Errorf("another's session: %d %q, one that is not there %d %q", a.status, a.body, none.status, none.body)
	}
	if a := post(t, server, request{path: "/servers/s", principal: "ada", session: begun.session, version: older, body: list}); a.status != 404 {
		t.Errorf("a session of another endpoint: %d", a.status)
	}

	var round struct {
		ResultType    string                     `json:"resultType"`
		RequestState  string                     `json:"requestState"`
		InputRequests map[string]json.RawMessage `json:"inputRequests"`
	}
	asked := post(t, server, request{path: "/mcp", principal: "ada", version: newest, body: modernCall("s__form", "")})
	if err := json.Unmarshal(asked.result, &round); err != nil || round.ResultType != "input_required" || len(round.InputRequests) != 1 {
		t.Fatalf("the call was answered with %s", asked.body)
	}
	var id string
	for id = range round.InputRequests {
	}
	rest := fmt.Sprintf(`,"requestState":%q,"inputResponses":{%q:{"action":"accept","content":{"name":"Ada"}}}`, round.RequestState, id)
	refused := func(what string, a answer) {
		t.Helper()
		if a.err.Code != -32602 || !strings.Contains(a.err.Message, "requestState") {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	refused("another's", post(t, server, request{path: "/mcp", principal: "bob", version: newest, body: modernCall("s__form", rest)}))
	refused("another call", post(t, server, request{path: "/mcp", principal: "ada", version: newest, body: modernCall("s__twice", rest)}))
	refused("another endpoint", post(t, server, request{path: "/servers/s", principal: "ada", version: newest, body: modernCall("s__form", rest)}))
	refused("made up", post(t, server, request{path: "/mcp", principal: "ada", version: newest, body: modernCall("s__form", `,"requestState":"AAAAAAAAAAAAAAAAAAAAAAAAAA","inputResponses":{}`)}))
	if a := post(t, server, request{path: "/mcp", principal: "ada", version: newest, body: modernCall("s__form", rest)}); !strings.Contains(string(a.result), "Ada") {
		t.Errorf("one's own: %s", a.body)
	}
	refused("replayed", post(t, server, request{path: "/mcp", principal: "ada", version: newest, body: modernCall("s__form", rest)}))
	if calls := len(upstream.Requests("tools/call")); calls != 2 { // The call, and its next round.
		t.Errorf("the server got %d requests", calls)
	}
}

// TestHeldCallsAreBounded shows the bounds of calls that wait for their clients, in number and in time.
func TestHeldCallsAreBounded(t *testing.T) {
	t.Parallel()
	upstream := newUpstream(t, older)
	g := newGateway(t, caisson.ServerMap{"s": upstream.Caisson()}, &gateway.Options{MaxHeldCallsOfPrincipal: 2, HoldTimeout: 2 * time.Second, MaxSessionsOfServer: 4})
	server := serveTest(t, g)
	var state string
	for i := range 3 {
		a := post(t, server, request{path: "/mcp", version: newest, body: modernCall("s__form", "")})
		var round struct {
			RequestState string `json:"requestState"`
		}
		_ = json.Unmarshal(a.result, &round)
		if i < 2 && round.RequestState == "" || i == 2 && a.err.Code != -32603 {
			t.Errorf("call %d: %s", i, a.body)
		}
		if i == 0 {
			state = round.RequestState
		}
	}
	ctx := testContext(t)
	for {
		// Once their time is over, there is room for others; the old state leads nowhere.
		if a := post(t, server, request{path: "/mcp", version: newest, body: modernCall("s__form", "")}); a.err.Code == 0 {
			break
		}
		if ctx.Err() != nil {
			t.Fatal("held calls do not expire")
		}
	}
	if a := post(t, server, request{path: "/mcp", version: newest, body: modernCall("s__form", fmt.Sprintf(`,"requestState":%q,"inputResponses":{}`, state))}); a.err.Code != -32602 {
		t.Errorf("an expired state gets %s", a.body)
	}
}

// TestTooMuch shows the bounds on what clients may send, and what begins no session.
func TestTooMuch(t *testing.T) {
	t.Parallel()
	g := newGateway(t, caisson.ServerMap{}, &gateway.Options{Authenticate: byHeader, MaxRequestBytes: 10_000})
	server := serveTest(t, g)
	huge := strings.Replace(hello, `"x"`, `"`+strings.Repeat("x", 20_000)+`"`, 1)
	for _, version := range eras {
		if a := post(t, server, request{path: "/mcp", principal: "ada", version: version, body: huge}); a.status != http.StatusRequestEntityTooLarge {
			t.Errorf("a huge body in %s: %d %s", version, a.status, a.body)
		}
	}
	for _, body := range []string{
		``, `[]`, `{}`, `null`, `"x"`, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, `{"jsonrpc":"2.0","id":1,"method":"initialize"}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}`, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
		modernCall("", ""), modernCall("s", `,"requestState":1`), modernCall("s", `,"inputResponses":[]`), modernCall("__", ""), modernCall("a__", ""), modernCall("__a", ""),
	} {
		for _, version := range append([]string{""}, eras...) {
			a := post(t, server, request{path: "/mcp", principal: "carl", version: version, body: body})
			if len(a.result) > 0 {
				t.Errorf("%s in %q is answered with %s", body, version, a.result)
			}
		}
	}
	if a := post(t, server, request{path: "/nothing", principal: "ada", body: hello}); a.status != 404 {
		t.Errorf("a path of nothing: %d", a.status)
	}
	if a := post(t, server, request{path: "/servers/nobody", principal: "ada", body: hello}); a.status != 404 {
		t.Errorf("a server that is not there: %d", a.status)
	}
}

// TestSessionsEnd shows that the upstream sessions of a client end with it.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	upstream := newUpstream(t, older)
	g := newGateway(t, caisson.ServerMap{"s": upstream.Caisson()}, &gateway.Options{MaxSessionsOfPrincipal: 1})
	server := serveTest(t, g)
	for range 3 {
		client := mcp.NewClient(&mcp.Implementation{Name: "t", Version: "1"}, nil)
		var session *mcp.ClientSession
		for session == nil { // The one before is about to end.
			var err error
			session, err = client.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: server.URL + "/mcp"}, &mcp.ClientSessionOptions{ProtocolVersion: older})
			if err != nil && ctx.Err() != nil {
				t.Fatal(err)
			}
		}
		if names := tools(ctx, t, session); len(names) == 0 {
			t.Error("there are no tools")
		}
		_ = session.Close()
	}
}
