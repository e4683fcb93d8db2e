//lint:file-ignore SA1019 The newest revision deprecates roots; servers go on using them.

package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/cluster"
	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

// several starts daemons that share a NATS server. Each has tokens of its own.
func several(t *testing.T, n int, text string, times cluster.Times) (*storetest.NATS, []*daemon) {
	t.Helper()
	if !strings.Contains(text, "drainTimeout:") {
		text += "drainTimeout: 100ms\n"
	}
	nats := storetest.Start(t, nil)
	var all []*daemon
	for range n {
		all = append(all, startWith(t, text+"nats: {url: '"+nats.URL()+"'}\n", Options{ClusterTimes: times}))
	}
	return nats, all
}

// quick times let a test wait for the end of a lease.
var quick = cluster.Times{Lease: 600 * time.Millisecond, Entry: time.Minute}

// die has a daemon vanish as a process does that is killed: it says nothing any more.
func (d *daemon) die() { d.store.Conn.Close() }

func connectAs(t *testing.T, c caissonv1connect.McpServiceClient, id, server, capabilities string) {
	t.Helper()
	_, err := c.Connect(t.Context(), connect.NewRequest(&caissonv1.ConnectRequest{Id: id, Of: &caissonv1.ConnectRequest_Server{Server: server}, Capabilities: []byte(capabilities)}))
	if err != nil {
		t.Fatal(err)
	}
}

// say calls the tool echo.
func say(ctx context.Context, c caissonv1connect.McpServiceClient, id, text string) ([]byte, error) {
	r, err := c.CallTool(ctx, connect.NewRequest(&caissonv1.CallToolRequest{Target: bySession(id), Name: "echo", Arguments: []byte(`{"text":"` + text + `"}`)}))
	if err != nil {
		return nil, err
	}
	return r.Msg.GetResult(), nil
}

// codeOf is the code in the details of a status.
func codeOf(t *testing.T, err error) caissonv1.Code {
	t.Helper()
	var status *connect.Error
	if errors.As(err, &status) {
		for _, detail := range status.Details() {
			if value, err := detail.Value(); err == nil {
				if e, ok := value.(*caissonv1.Error); ok {
					return e.GetCode()
				}
			}
		}
	}
	t.Errorf("%v has no detail", err)
	return caissonv1.Code_CODE_UNSPECIFIED
}

// stateless is a server that keeps nothing of a session, and gives none an id.
func stateless(t *testing.T, u *upstream) string {
	t.Helper()
	return serveHTTP(t, mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return u.server }, &mcp.StreamableHTTPOptions{Stateless: true}))
}

// TestCluster uses a session through a daemon that has it not.
func TestCluster(t *testing.T) {
	up := newUpstream(t)
	begun, cancelled := make(chan struct{}, 1), make(chan struct{})
	mcp.AddTool(up.server, &mcp.Tool{Name: "wait"}, func(ctx context.Context, _ *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		begun <- struct{}{}
		<-ctx.Done()
		close(cancelled)
		return nil, nil, ctx.Err()
	})
	_, all := several(t, 2, servers("up", up.url), cluster.Times{})
	home, other := all[0], all[1]
	ctx := t.Context()
	alice := other.mcp(other.token("alice"))
	connectAs(t, home.mcp(home.token("alice")), "mine", "up", "")

	if got, err := say(ctx, alice, "mine", "hello"); err != nil || echo(t, got) != "hello" {
		t.Errorf("a call: %s, %v", got, err)
	}
	if n := other.pool.Count(); n != 0 {
		t.Errorf("the other daemon has made %d sessions of its own", n)
	}
	stream, err := alice.CallToolStream(ctx, connect.NewRequest(&caissonv1.CallToolStreamRequest{Target: bySession("mine"), Name: "progress"}))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for stream.Receive() {
		n++
	}
	if stream.Err() != nil || n != 4 {
		t.Errorf("a stream has %d messages, %v", n, stream.Err())
	}
	_ = stream.Close()
	_, err = alice.ReadResource(ctx, connect.NewRequest(&caissonv1.ReadResourceRequest{Target: bySession("mine"), Uri: "x:y"}))
	if codeOf(t, err) != caissonv1.Code_CODE_RPC {
		t.Errorf("the server's error: %v", err)
	}

	if _, err := say(ctx, other.mcp(other.token("bob")), "mine", "hello"); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("somebody else's session: %v", err)
	}
	if _, err := say(ctx, other.mcp(other.token("only-scripts")), "mine", "hello"); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("without the scope: %v", err)
	}
	_, err = alice.Connect(ctx, connect.NewRequest(&caissonv1.ConnectRequest{Id: "mine", Of: &caissonv1.ConnectRequest_Server{Server: "up"}}))
	if connect.CodeOf(err) != connect.CodeAlreadyExists {
		t.Errorf("the same id at another daemon: %v", err)
	}
	connectAs(t, other.mcp(other.token("bob")), "mine", "up", "") // An id is its principal's.

	calling, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		_, err := alice.CallTool(calling, connect.NewRequest(&caissonv1.CallToolRequest{Target: bySession("mine"), Name: "wait"}))
		ended <- err
	}()
	<-begun
	cancel()
	<-cancelled // At the server.
	if err := <-ended; connect.CodeOf(err) != connect.CodeCanceled {
		t.Errorf("a call that was cancelled: %v", err)
	}

	list, err := alice.ListSessions(ctx, connect.NewRequest(&caissonv1.ListSessionsRequest{}))
	if err != nil || len(list.Msg.GetSessions()) != 1 || list.Msg.GetSessions()[0].GetId() != "mine" {
		t.Errorf("the list: %v, %v", list, err)
	}
	if _, err := alice.Disconnect(ctx, connect.NewRequest(&caissonv1.DisconnectRequest{Session: "mine"})); err != nil {
		t.Errorf("disconnect: %v", err)
	}
	if _, err := say(ctx, alice, "mine", "hello"); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("after it: %v", err)
	}
	connectAs(t, alice, "mine", "up", "") // The id is free.
}

// TestClusterQuestion answers a server's question through a daemon that has the session not.
func TestClusterQuestion(t *testing.T) {
	_, all := several(t, 2, servers("up", newUpstream(t).url), cluster.Times{})
	connectAs(t, all[0].mcp(all[0].token("alice")), "asked", "up", `{"roots":{}}`)
	stream := all[1].mcp(all[1].token("alice")).Session(t.Context())
	defer stream.CloseResponse()
	send, receive := talk(t, stream)
	send(&caissonv1.SessionRequest{Of: &caissonv1.SessionRequest_Open{Open: &caissonv1.SessionOpen{Of: &caissonv1.SessionOpen_Session{Session: "asked"}}}})
	send(&caissonv1.SessionRequest{Of: &caissonv1.SessionRequest_Call{Call: &caissonv1.SessionCall{Id: "1", Method: "tools/call", Params: []byte(`{"name":"ask","arguments":{}}`)}}})
	for {
		r := receive()
		if q := r.GetQuestion(); q != nil {
			send(&caissonv1.SessionRequest{Of: &caissonv1.SessionRequest_Answer{Answer: &caissonv1.SessionAnswer{Id: q.GetId(), Of: &caissonv1.SessionAnswer_Result{Result: []byte(`{"roots":[{"uri":"file:///here"}]}`)}}}})
		}
		if reply := r.GetReply(); reply != nil {
			if got := echo(t, reply.GetResult()); got != "file:///here" {
				t.Errorf("the server was told %q", got)
			}
			break
		}
	}
	if err := stream.CloseRequest(); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := stream.Receive(); err != nil {
			if connect.CodeOf(err) != connect.CodeUnknown { // io.EOF has no code.
				t.Errorf("the stream ends with %v", err)
			}
			return
		}
	}
}

// TestClusterDeath kills the daemon that has the sessions.
func TestClusterDeath(t *testing.T) {
	up := newUpstream(t)
	begun := make(chan struct{}, 1)
	mcp.AddTool(up.server, &mcp.Tool{Name: "wait"}, func(ctx context.Context, _ *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		begun <- struct{}{}
		<-ctx.Done()
		return nil, nil, ctx.Err()
	})
	_, all := several(t, 3, servers("up", up.url, "simple", stateless(t, up)), quick)
	ctx := t.Context()
	alice := all[1].mcp(all[1].token("alice"))
	for id, server := range map[string]string{"state": "up", "none": "simple"} {
		connectAs(t, all[0].mcp(all[0].token("alice")), id, server, "")
		if _, err := say(ctx, alice, id, "hello"); err != nil {
			t.Fatal(err)
		}
	}
	ended := make(chan error, 1)
	go func() {
		_, err := alice.CallTool(ctx, connect.NewRequest(&caissonv1.CallToolRequest{Target: bySession("state"), Name: "wait"}))
		ended <- err
	}()
	<-begun
	all[0].die()
	go func() { // What is underway ends when the next message finds nobody; a ping would be the next one.
		for ctx.Err() == nil {
			_, _ = say(ctx, alice, "state", "hello")
		}
	}()
	if err := <-ended; codeOf(t, err) != caissonv1.Code_CODE_TRANSPORT || connect.CodeOf(err) != connect.CodeAborted {
		t.Errorf("the call that was underway: %v", err)
	}
	// Without state: made anew, once, by whoever is asked; and found there by the third one.
	results := make(chan error, 8)
	for range cap(results) {
		go func() {
			got, err := say(ctx, alice, "none", "again")
			if err == nil && echo(t, got) != "again" {
				err = errors.New(string(got))
			}
			results <- err
		}()
	}
	for range cap(results) {
		if err := <-results; err != nil {
			t.Errorf("the session without state: %v", err)
		}
	}
	if got, err := say(ctx, all[2].mcp(all[2].token("alice")), "none", "third"); err != nil || echo(t, got) != "third" {
		t.Errorf("at a third daemon: %s, %v", got, err)
	}
	if one, two := all[1].pool.Count(), all[2].pool.Count(); one != 1 || two != 0 {
		t.Errorf("it was made %d and %d times", one, two)
	}
	// With state: nothing is sent, and then it is known that it is lost.
	for {
		_, err := say(ctx, alice, "state", "hello")
		code := codeOf(t, err)
		if code == caissonv1.Code_CODE_CLOSED {
			if !strings.Contains(err.Error(), "connect again") || connect.CodeOf(err) != connect.CodeAborted {
				t.Errorf("%v", err)
			}
			break
		}
		if code != caissonv1.Code_CODE_CONNECT {
			t.Fatalf("before the lease ends: %v", err)
		}
	}
	connectAs(t, alice, "state", "up", "") // Connect again, with the same id.
	if _, err := say(ctx, all[2].mcp(all[2].token("alice")), "state", "hello"); err != nil {
		t.Errorf("after that: %v", err)
	}
}

// TestClusterDrain ends the daemon that has a session: what another one has sent is answered, and its id is free then.
func TestClusterDrain(t *testing.T) {
	up := newUpstream(t)
	begun, release := make(chan struct{}), make(chan struct{})
	mcp.AddTool(up.server, &mcp.Tool{Name: "wait"}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
		close(begun)
		<-release
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "waited"}}}, nil, nil
	})
	_, all := several(t, 2, servers("up", up.url)+"drainTimeout: 1m\n", cluster.Times{})
	ctx := t.Context()
	connectAs(t, all[0].mcp(all[0].token("alice")), "mine", "up", "")
	alice := all[1].mcp(all[1].token("alice"))
	type answer struct {
		r   *connect.Response[caissonv1.CallToolResponse]
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		r, err := alice.CallTool(ctx, connect.NewRequest(&caissonv1.CallToolRequest{Target: bySession("mine"), Name: "wait"}))
		answered <- answer{r, err}
	}()
	<-begun
	all[0].end()
	<-all[0].draining
	close(release)
	if a := <-answered; a.err != nil || echo(t, a.r.Msg.GetResult()) != "waited" {
		t.Errorf("what was underway: %v, %v", a.r, a.err)
	}
	if err := all[0].stop(); err != nil {
		t.Fatal(err)
	}
	connectAs(t, alice, "mine", "up", "")
	if got, err := say(ctx, alice, "mine", "hello"); err != nil || echo(t, got) != "hello" {
		t.Errorf("%s, %v", got, err)
	}
}

// TestClusterNATS restarts NATS: what is at home goes on, what is elsewhere has a typed error, and all is as before then.
func TestClusterNATS(t *testing.T) {
	nats, all := several(t, 2, servers("up", newUpstream(t).url), quick)
	ctx := t.Context()
	home, other := all[0].mcp(all[0].token("alice")), all[1].mcp(all[1].token("alice"))
	connectAs(t, home, "mine", "up", "")
	if _, err := say(ctx, other, "mine", "hello"); err != nil {
		t.Fatal(err)
	}
	nats.Stop()
	if got, err := say(ctx, home, "mine", "home"); err != nil || echo(t, got) != "home" {
		t.Errorf("at home without NATS: %s, %v", got, err)
	}
	short, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := say(short, other, "mine", "hello")
	if code := codeOf(t, err); code != caissonv1.Code_CODE_CONNECT {
		t.Errorf("elsewhere without NATS: %v", err)
	}
	nats.Restart()
	for {
		got, err := say(ctx, other, "mine", "back")
		if err == nil {
			if echo(t, got) != "back" {
				t.Errorf("%s", got)
			}
			return
		}
		if code := codeOf(t, err); code != caissonv1.Code_CODE_CONNECT {
			t.Fatalf("while it comes back: %v", err)
		}
	}
}
