//lint:file-ignore SA1019 The newest revision deprecates roots; servers go on using them.

package caisson_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// TestNilInOptions makes clients of options in which something is nil, or cannot be declared: each fails,
// and says which option it is.
func TestNilInOptions(t *testing.T) {
	t.Parallel()
	gives := func(caisson.MethodHandler) caisson.MethodHandler { return nil }
	for want, options := range map[string]caisson.ClientOptions{
		"SendingMiddleware[0]":      {SendingMiddleware: []caisson.Middleware{nil}},
		"ReceivingMiddleware[0]":    {ReceivingMiddleware: []caisson.Middleware{nil}},
		"ReceivingMiddleware[0] is": {ReceivingMiddleware: []caisson.Middleware{gives}},
		"Roots":                     {Roots: []*mcp.Root{{URI: "file:///a"}, nil}},
		"Capabilities cannot":       {Capabilities: &mcp.ClientCapabilities{Experimental: map[string]any{"x": make(chan int)}}},
		"declared without it":       {Capabilities: &mcp.ClientCapabilities{Extensions: map[string]any{"io.modelcontextprotocol/tasks": map[string]any{}}}},
	} {
		_, err := sharedRuntime(t).NewClient(&options)
		if !errors.Is(err, caisson.CodeInvalidArgument) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// TestNilArguments hands nil to what needs something.
func TestNilArguments(t *testing.T) {
	t.Parallel()
	c := newClient(t, caisson.ClientOptions{})
	if err := c.AddRoots(&mcp.Root{URI: "file:///a"}, nil); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Errorf("AddRoots gives %v", err)
	}
	if err := c.RemoveRoots(); err != nil {
		t.Errorf("RemoveRoots gives %v", err)
	}
	if _, err := c.Replay(testContext(t), nil, nil); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Errorf("Replay gives %v", err)
	}
	if _, _, err := caisson.CallToolAs[int](testContext(t), nil, nil); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Errorf("CallToolAs gives %v", err)
	}
}

// nothing is a transport that gives no connection, and a connection that gives no message.
type nothing struct{ connected bool }

func (n nothing) Connect(context.Context) (mcp.Connection, error) {
	if n.connected {
		return n, nil
	}
	return nil, nil
}

func (nothing) Read(context.Context) (jsonrpc.Message, error)   { return nil, nil }
func (nothing) Write(context.Context, jsonrpc.Message) error    { return nil }
func (nothing) Close() error                                    { return nil }
func (nothing) SessionID() string                               { return "" }
func (nothing) RoundTrip(*http.Request) (*http.Response, error) { return nil, nil }

// TestNothingIsGiven connects over what the program brings, and which gives neither what it is for nor an
// error.
func TestNothingIsGiven(t *testing.T) {
	t.Parallel()
	for want, test := range map[string]struct {
		options caisson.ClientOptions
		server  caisson.Server
	}{
		"neither a connection nor an error": {server: caisson.Server{Transport: nothing{}}},
		"neither a message nor an error":    {server: caisson.Server{Transport: nothing{connected: true}}},
		"neither a response nor an error":   {server: caisson.Server{URL: "http://127.0.0.1:9", HTTPTransport: nothing{}}},
		"neither a writer nor an error": {
			caisson.ClientOptions{Record: func(string) (io.WriteCloser, error) { return nil, nil }},
			caissontest.NewServer(t).Caisson(),
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, test.options)
			if _, err := c.Connect(testContext(t), test.server); caisson.CodeOf(err) == caisson.CodeUnknown || !strings.Contains(err.Error(), want) {
				t.Errorf("connect gives %v", err)
			}
		})
	}
}
