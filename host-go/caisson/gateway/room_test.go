package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// TestSessionsMakeRoom has clients begin sessions and go without ending them. The oldest that nobody uses make room: the
// principal's own, and those of whoever has most; none that is in use does.
func TestSessionsMakeRoom(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	upstream := caissontest.NewServer(t, older)
	begun, release := make(chan struct{}), make(chan struct{})
	upstream.Handle("com.example/wait", func(call *caissontest.Call) (any, error) {
		begun <- struct{}{}
		return nil, call.Wait(release)
	})
	upstream.Answer("initialize", `{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"experimental":{"com.example":{}}},"serverInfo":{"name":"s","version":"1"}}`)
	g := newGateway(t, caisson.ServerMap{"s": upstream.Caisson()}, &gateway.Options{Authenticate: byHeader, MaxSessionsOfPrincipal: 3, MaxSessions: 6})
	g.SetRest(0)
	web := serveTest(t, g)
	begin := func(principal string) string {
		t.Helper()
		a := post(t, web, request{path: "/servers/s", principal: principal, body: hello})
		if a.err.Code != 0 {
			return ""
		}
		return a.session
	}
	there := func(principal, session string) bool {
		t.Helper()
		return post(t, web, request{path: "/servers/s", principal: principal, session: session, version: older, body: `{"jsonrpc":"2.0","id":1,"method":"ping"}`}).status == http.StatusOK
	}
	first, second, third := begin("ada"), begin("ada"), begin("ada")
	if !there("ada", first) { // So the second is the one that was not used for longest.
		t.Fatal("a session is not there")
	}
	fourth := begin("ada")
	if fourth == "" || there("ada", second) || !there("ada", first) || !there("ada", third) {
		t.Error("one's own oldest session makes no room")
	}
	one, two, three := begin("bob"), begin("bob"), begin("bob")
	if one == "" || two == "" || three == "" || !there("ada", first) {
		t.Error("there was room for all of them")
	}
	if other := begin("carl"); other == "" || there("ada", fourth) || !there("bob", one) || !there("bob", two) || !there("bob", three) || !there("ada", first) {
		t.Error("the oldest session of whoever has most makes no room")
	}

	// A stream, and a request whose client has gone from its stream, are uses.
	stream, err := http.NewRequestWithContext(ctx, http.MethodGet, web.URL+"/servers/s", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Accept": "text/event-stream", "Test-Principal": "ada", "Mcp-Session-Id": first, "Mcp-Protocol-Version": older} {
		stream.Header.Set(name, value)
	}
	open, err := http.DefaultClient.Do(stream)
	if err != nil || open.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", open, err)
	}
	defer open.Body.Close()
	done := make(chan answer)
	go func() {
		done <- post(t, web, request{path: "/servers/s", principal: "ada", session: third, version: older, body: `{"jsonrpc":"2.0","id":2,"method":"com.example/wait"}`})
	}()
	<-begun
	last := begin("ada")
	if last == "" || !there("ada", first) || !there("ada", third) {
		t.Error("a session in use makes room")
	}
	if again := begin("ada"); again == "" || there("ada", last) {
		t.Error("the one that is not in use makes no room")
	}
	close(release)
	if a := <-done; a.status != http.StatusOK || a.err.Code != 0 {
		t.Errorf("the request gets %+v", a)
	}
}

// TestSessionsInUse has a client begin sessions, one after the other, that it has used a moment ago. None of them makes room.
func TestSessionsInUse(t *testing.T) {
	t.Parallel()
	g := newGateway(t, caisson.ServerMap{}, &gateway.Options{Authenticate: byHeader, MaxSessionsOfPrincipal: 3, MaxSessions: 4})
	web := serveTest(t, g)
	for i, c := range []struct {
		principal string
		refused   string
	}{{"ada", ""}, {"ada", ""}, {"ada", ""}, {"ada", "MaxSessionsOfPrincipal"}, {"bob", ""}, {"bob", "MaxSessions "}} {
		a := post(t, web, request{path: "/mcp", principal: c.principal, body: hello})
		if (a.err.Code == 0) != (c.refused == "") || !strings.Contains(a.err.Message, c.refused) {
			t.Errorf("session %d: %+v", i, a)
		}
	}
}

// TestUpstreamSessionsOfPrincipal has a principal begin sessions with a server until it has as many as it may. Another one
// gets its own, and there is room again when one ends.
func TestUpstreamSessionsOfPrincipal(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	upstream := caissontest.NewServer(t, older)
	g := newGateway(t, caisson.ServerMap{"s": upstream.Caisson()}, &gateway.Options{Authenticate: byHeader, MaxUpstreamSessionsOfPrincipal: 2})
	web := serveTest(t, g)
	begin := func(principal string) answer {
		t.Helper()
		return post(t, web, request{path: "/servers/s", principal: principal, body: hello})
	}
	first, second := begin("ada"), begin("ada")
	if first.err.Code != 0 || second.err.Code != 0 {
		t.Fatalf("%+v, %+v", first, second)
	}
	if a := begin("ada"); a.err.Code != -32603 || !strings.Contains(a.err.Message, "MaxUpstreamSessionsOfPrincipal") {
		t.Errorf("one more gets %+v", a)
	}
	if a := begin("bob"); a.err.Code != 0 {
		t.Errorf("another principal gets %+v", a)
	}
	ending, err := http.NewRequestWithContext(ctx, http.MethodDelete, web.URL+"/servers/s", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Test-Principal": "ada", "Mcp-Session-Id": first.session, "Mcp-Protocol-Version": older} {
		ending.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(ending)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	for begin("ada").err.Code != 0 { // Its session with the server is about to end.
		if ctx.Err() != nil {
			t.Fatal("there is no room again")
		}
	}
}
