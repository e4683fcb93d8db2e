package server

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"golang.org/x/net/dns/dnsmessage"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
)

func inlineURL(name, url string) *connect.Request[caissonv1.ConnectRequest] {
	return connect.NewRequest(&caissonv1.ConnectRequest{Of: &caissonv1.ConnectRequest_Inline{Inline: &caissonv1.InlineServer{Name: name, Endpoint: url}}})
}

// connected connects with an inline server, and calls it.
func connected(t *testing.T, client caissonv1connect.McpServiceClient, name, url string) error {
	t.Helper()
	c, err := client.Connect(t.Context(), inlineURL(name, url))
	if err != nil {
		return err
	}
	id := c.Msg.GetSession().GetId()
	r, err := client.CallTool(t.Context(), connect.NewRequest(&caissonv1.CallToolRequest{Target: bySession(id), Name: "echo", Arguments: []byte(`{"text":"inline"}`)}))
	if err == nil && echo(t, r.Msg.GetResult()) != "inline" {
		t.Errorf("%s says %s", name, r.Msg.GetResult())
	}
	if _, err := client.Disconnect(t.Context(), connect.NewRequest(&caissonv1.DisconnectRequest{Session: id})); err != nil {
		t.Error(err)
	}
	return err
}

// TestInlineURL connects with servers that a caller describes by their URLs: who has the scope may, and nobody else; and such
// a server cannot take the name of another one, or lead elsewhere.
func TestInlineURL(t *testing.T) {
	up := newUpstream(t)
	calls := make(chan struct{}, 100)
	counted := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls <- struct{}{}
		w.WriteHeader(http.StatusNotFound)
	}))
	elsewhere := serveHTTP(t, http.RedirectHandler(counted, http.StatusTemporaryRedirect))
	d := start(t, servers("up", up.url))
	for _, name := range []string{"alice", "commands", "only-scripts", "owner", "unknown"} {
		if err := connected(t, d.mcp(d.token(name)), "mine", up.url); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("%s has not the scope: %v", name, err)
		}
	}
	urls := d.mcp(d.token("urls"))
	if err := connected(t, urls, "mine", up.url); err != nil {
		t.Errorf("with the scope: %v", err)
	}
	if err := connected(t, urls, "up", up.url); codeOf(t, err) != caissonv1.Code_CODE_INVALID_ARGUMENT {
		t.Errorf("under the name of another server: %v", err)
	}
	for _, wrong := range []string{"file:///etc/passwd", "nonsense", "http://"} {
		if err := connected(t, urls, "mine", wrong); codeOf(t, err) != caissonv1.Code_CODE_INVALID_ARGUMENT {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if err := connected(t, urls, "mine", elsewhere); codeOf(t, err) != caissonv1.Code_CODE_REFUSED || len(calls) > 0 {
		t.Errorf("led to another origin, which got %d requests: %v", len(calls), err)
	}
	if err := connected(t, d.mcp(d.token("alice")), "mine", up.url); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("after somebody else has connected: %v", err)
	}
}

// TestInlineURLPolicy has the policy say which servers there may be, and at which origins.
func TestInlineURLPolicy(t *testing.T) {
	granted, other := newUpstream(t), newUpstream(t)
	line, _ := withPolicy(t, "  mine: {origins: ['"+granted.url+"'], tools: [echo]}\n")
	d := start(t, line)
	urls := d.mcp(d.token("urls"))
	if err := connected(t, urls, "mine", granted.url); err != nil {
		t.Errorf("at the origin that is granted: %v", err)
	}
	for name, at := range map[string]string{"mine": other.url, "theirs": granted.url} {
		err := connected(t, urls, name, at)
		if of := detail(t, err); connect.CodeOf(err) != connect.CodePermissionDenied || of.GetCode() != caissonv1.Code_CODE_DENIED || of.GetServer() != name {
			t.Errorf("%s at %s: %v", name, at, err)
		}
	}
}

// leadHere has each name lead to 127.0.0.1, until the test ends.
func leadHere(t *testing.T) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			if of := m.Questions[0]; of.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: of.Name, Class: of.Class, Type: of.Type}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
				}}
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	}()
	before := net.DefaultResolver
	t.Cleanup(func() {
		net.DefaultResolver = before
		_ = conn.Close()
		<-done
	})
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// TestInlineURLPrivate has names lead to this machine. One of the internet may not, unless the configuration says so; one that
// only a local network has may.
func TestInlineURLPrivate(t *testing.T) {
	up := newUpstream(t)
	get := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return up.server }, nil)
	at, err := url.Parse(serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "localhost" // The handler has a guard of its own, for its names.
		get.ServeHTTP(w, r)
	})))
	if err != nil {
		t.Fatal(err)
	}
	leadHere(t)
	for _, private := range []bool{false, true} {
		text := ""
		if private {
			text = "sessions: {privateAddresses: true}\n"
		}
		d := start(t, text)
		urls := d.mcp(d.token("urls"))
		err := connected(t, urls, "mine", "http://mcp.example.com:"+at.Port())
		switch {
		case private && err != nil:
			t.Errorf("a name of the internet, where that is allowed: %v", err)
		case !private && (codeOf(t, err) != caissonv1.Code_CODE_REFUSED || !strings.Contains(err.Error(), "mcp.example.com")):
			t.Errorf("a name of the internet: %v", err)
		}
		if err := connected(t, urls, "mine", "http://mcp.internal:"+at.Port()); err != nil {
			t.Errorf("a name of a local network: %v", err)
		}
	}
}
