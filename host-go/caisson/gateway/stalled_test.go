package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// A stall has the connections of clients that do not read: once one has sent a header Test-Stall, what is written to it
// goes nowhere after the first event, as with a client whose window is full.
type stall struct {
	net.Listener
	full    chan struct{} // closed once a write waits
	release chan struct{}
	once    sync.Once
}

func (s *stall) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &stalledConn{Conn: c, stall: s}, nil
}

type stalledConn struct {
	net.Conn
	stall *stall

	mu     sync.Mutex
	slow   bool
	events int
}

func (c *stalledConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if strings.Contains(string(p[:n]), "Test-Stall: yes") {
		c.mu.Lock()
		c.slow = true
		c.mu.Unlock()
	}
	return n, err
}

func (c *stalledConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	wait := c.slow && c.events > 0
	if strings.Contains(string(p), "data: ") || strings.Contains(string(p), "HTTP/1.1 200") {
		c.events++
	}
	c.mu.Unlock()
	if wait {
		c.stall.once.Do(func() { close(c.stall.full) })
		<-c.stall.release
	}
	return c.Conn.Write(p)
}

// stalledServer serves a gateway over connections that may stall.
func stalledServer(t *testing.T, g *gateway.Gateway) (*httptest.Server, *stall) {
	t.Helper()
	server := httptest.NewUnstartedServer(g.Handler())
	s := &stall{Listener: server.Listener, full: make(chan struct{}), release: make(chan struct{})}
	server.Listener = s
	server.Start()
	t.Cleanup(func() { close(s.release); server.CloseClientConnections(); server.Close() })
	return server, s
}

// listenStalled begins an event stream of a revision that its client does not read.
func listenStalled(t *testing.T, server *httptest.Server, era, principal string) {
	t.Helper()
	method, body, session := http.MethodGet, "", ""
	if era == newest {
		method, body = http.MethodPost, `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`
	} else {
		begun := post(t, server, request{path: "/mcp", principal: principal, body: hello})
		if session = begun.session; session == "" {
			t.Fatalf("there is no session: %s", begun.body)
		}
		if a := post(t, server, request{path: "/mcp", principal: principal, session: session, version: era, body: `{"jsonrpc":"2.0","method":"notifications/initialized"}`}); a.status/100 != 2 {
			t.Fatalf("the session does not begin: %s", a.body)
		}
	}
	q, err := http.NewRequestWithContext(testContext(t), method, server.URL+"/mcp", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Test-Principal": principal, "Test-Stall": "yes",
		"Mcp-Protocol-Version": era, "Mcp-Session-Id": session, "Mcp-Method": "subscriptions/listen",
	} {
		if value != "" {
			q.Header.Set(name, value)
		}
	}
	response, err := (&http.Client{Transport: &http.Transport{}}).Do(q)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		t.Fatalf("there is no stream: %d %s", response.StatusCode, text)
	}
}

// TestStalledListener has a client that does not read its event stream. Neither a new policy nor a new configuration
// waits for it, and others are told of changes, and called for, as before.
func TestStalledListener(t *testing.T) {
	for _, era := range eras {
		t.Run(era, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			server := caissontest.NewServer(t, newest)
			server.AddTool(&mcp.Tool{Name: "one"}, says("one"))
			server.AddTool(&mcp.Tool{Name: "two"}, says("two"))
			granting := func(name string) string { return fmt.Sprintf("version: 1\nservers: {s: {tools: [%s]}}\n", name) }
			options := governed(rules(t, granting("one")))
			options.Authenticate = byHeader
			servers := caisson.ServerMap{"s": server.Caisson()}
			g := newGateway(t, servers, options)
			web, stall := stalledServer(t, g)
			for range 3 {
				listenStalled(t, web, era, "mallory")
			}
			told := make(chan struct{}, 1000)
			session := connectTo(t, g, "/mcp", era, "memory", &mcp.ClientOptions{
				ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { told <- struct{}{} },
			})
			finished := make(chan struct{})
			go func() {
				defer close(finished)
				for full := false; !full; { // Until a stream is full, and then some.
					select {
					case <-stall.full:
						full = true
					case <-ctx.Done():
						return
					default:
					}
					for _, name := range []string{"one", "two"} {
						if err := g.SetPolicy(rules(t, granting(name))); err != nil {
							t.Error(err)
						}
						if err := g.Reload(caisson.ServerMap{"s": server.Caisson(), name: server.Caisson()}); err != nil {
							t.Error(err)
						}
					}
				}
			}()
			select {
			case <-finished:
			case <-ctx.Done():
				t.Fatal("a new policy waits for a client that does not read")
			}
			if got := tools(ctx, t, session); !slices.Equal(got, []string{"s__two"}) {
				t.Errorf("the tools are %v", got)
			}
			for heard := false; !heard; {
				if err := g.SetPolicy(rules(t, granting("two"))); err != nil {
					t.Fatal(err)
				}
				select {
				case <-told:
					heard = true
				case <-time.After(100 * time.Millisecond): // The client was not yet listening.
				case <-ctx.Done():
					t.Fatal("the other client is not told")
				}
			}
		})
	}
}
