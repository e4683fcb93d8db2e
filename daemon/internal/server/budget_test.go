package server

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

// TestBudget has messages be in flight that do not end, so that nothing of them is decoded: what is more than a principal, or
// all of them, may have is refused, in each protocol, and what it takes goes back.
func TestBudget(t *testing.T) {
	d := start(t, servers("up", newUpstream(t).url)+"callers: {maxBytesPerPrincipal: 4194304, maxBytes: 6291456}\n")
	const mib = 1 << 20
	begun := errors.New("the test ends")
	// hold sends so many bytes of a message, and not its end.
	hold := func(who string, n int) (end func()) {
		t.Helper()
		body, to := io.Pipe()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+caissonv1connect.McpServiceCallToolProcedure, body)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/proto")
		before := d.budget.Used()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if response, err := client(d.token(who)).Do(request); err == nil {
				_ = response.Body.Close()
			}
		}()
		if _, err := to.Write(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		storetest.Until(t, func() bool { return d.budget.Used() >= before+n })
		return func() {
			_ = to.CloseWithError(begun)
			<-ended
		}
	}
	says := func(who string, n int, options ...connect.ClientOption) error {
		_, err := d.mcp(d.token(who), options...).CallTool(t.Context(), connect.NewRequest(&caissonv1.CallToolRequest{
			Target: byServer("up"), Name: "echo", Arguments: []byte(`{"text":"` + strings.Repeat("x", n) + `"}`),
		}))
		return err
	}
	refused := func(err error, key string) {
		t.Helper()
		if connect.CodeOf(err) != connect.CodeResourceExhausted || codeOf(t, err) != caissonv1.Code_CODE_LIMIT || !strings.Contains(err.Error(), key+" is ") {
			t.Errorf("what is more than %s: %v", key, err)
		}
	}
	alice := hold("alice", 3*mib)
	for _, protocol := range [][]connect.ClientOption{nil, {connect.WithGRPC()}, {connect.WithGRPCWeb()}, {connect.WithProtoJSON()}, {connect.WithSendGzip()}} {
		refused(says("alice", 2*mib, protocol...), "callers.maxBytesPerPrincipal")
		if err := says("alice", 1000, protocol...); err != nil {
			t.Errorf("a small one: %v", err)
		}
	}
	if status, text := d.post(client(d.token("alice")), "/call-tool", string(make([]byte, 2*mib))); status != http.StatusTooManyRequests || !strings.Contains(text, `"code":"LIMIT"`) {
		t.Errorf("by a plain path: %d %s", status, text)
	}
	if err := says("bob", 2*mib); err != nil {
		t.Errorf("somebody else's: %v", err)
	}
	bob := hold("bob", 2*mib)
	refused(says("only-mcp", 2*mib), "callers.maxBytes")
	alice()
	storetest.Until(t, func() bool { return d.budget.Used() < 3*mib })
	if err := says("alice", 2*mib, connect.WithSendGzip()); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
	bob()
	storetest.Until(t, func() bool { return d.budget.Used() == 0 })
}

// TestConnections opens more connections than there may be, by HTTP/1 and 2.
func TestConnections(t *testing.T) {
	d := start(t, servers("up", newUpstream(t).url)+"callers: {maxConnections: 2}\n")
	dial := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	first, second := dial(), dial()
	storetest.Until(t, func() bool { return d.connections.count() == 2 })
	if n, err := dial().Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("a third connection is open: %d, %v", n, err)
	}
	if _, err := d.mcp(d.token("alice")).CallTool(t.Context(), call("echo")); err == nil || connect.IsWireError(err) {
		t.Errorf("a call by one too many: %v", err)
	}
	_, _ = first.Close(), second.Close()
	storetest.Until(t, func() bool { return d.connections.count() == 0 })
	if _, err := d.mcp(d.token("alice")).CallTool(t.Context(), call("echo")); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
	if n := d.connections.count(); n != 1 {
		t.Errorf("%d connections are open", n)
	}
	hangUp()
	storetest.Until(t, func() bool { return d.connections.count() == 0 })
}
