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
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
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

// TestNilAuth has ways to authorize that are nil pointers, or have one in them, as one gets who does not look at an
// error.
func TestNilAuth(t *testing.T) {
	t.Parallel()
	var file *auth.FileStore
	stored := auth.Common{Store: file}
	token := func(context.Context) (string, error) { return "", nil }
	for _, c := range []struct {
		method auth.Method
		want   string
	}{
		{(*auth.OAuth)(nil), "auth.OAuth is a nil"},
		{(*auth.Bearer)(nil), "auth.Bearer is a nil"},
		{(*auth.ClientCredentials)(nil), "auth.ClientCredentials is a nil"},
		{(*auth.EnterpriseManaged)(nil), "auth.EnterpriseManaged is a nil"},
		{(*auth.WorkloadIdentity)(nil), "auth.WorkloadIdentity is a nil"},
		{&auth.OAuth{Ask: (*auth.Browser)(nil)}, "auth.OAuth.Ask is a nil"},
		{&auth.OAuth{Common: stored}, "auth.Common.Store is a nil"},
		{&auth.ClientCredentials{Common: stored, ClientID: "c", ClientSecret: "s"}, "auth.Common.Store is a nil"},
		{&auth.EnterpriseManaged{Common: stored, ClientID: "c", IDToken: token, IdentityProvider: "https://idp.example"}, "auth.Common.Store is a nil"},
		{&auth.WorkloadIdentity{Common: stored, Assertion: token}, "auth.Common.Store is a nil"},
		{&auth.OAuth{Common: auth.Common{Scopes: []string{"read write"}}}, `"read write", which is no scope`},
		{&auth.OAuth{Common: auth.Common{Scopes: []string{""}}}, "which is no scope"},
		{&auth.OAuth{Common: auth.Common{Resource: "https://x.example/#a"}}, "auth.Common.Resource"},
		{&auth.OAuth{Common: auth.Common{Resource: "a\nb"}}, "auth.Common.Resource"},
	} {
		server := caisson.Server{URL: "https://mcp.example.com/", Auth: c.method}
		if err := server.Validate(); !errors.Is(err, caisson.CodeInvalidArgument) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q, got %v", c.want, err)
		}
		if _, err := sharedRuntime(t).NewClient(&caisson.ClientOptions{Auth: c.method}); !errors.Is(err, caisson.CodeInvalidArgument) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("of a client, want %q, got %v", c.want, err)
		}
	}
	none := caisson.Server{URL: "https://mcp.example.com/", Auth: (*auth.None)(nil)}
	if err := none.Validate(); err != nil {
		t.Error(err)
	}
}

// TestKeyThatSignsNothing has private keys that no assertion can be signed with.
func TestKeyThatSignsNothing(t *testing.T) {
	t.Parallel()
	c := newClient(t, caisson.ClientOptions{})
	for _, test := range []struct{ key, algorithm, want string }{
		{"s3cret", "", "neither a private key in PEM nor a private JWK"},
		{"-----BEGIN PRIVATE KEY-----\nczNjcmV0\n-----END PRIVATE KEY-----\n", "", "not a private key of PKCS #8"},
		{`{"kty": "EC", "crv": "P-256", "d": "s3cret"}`, "", "neither a private key in PEM nor a private JWK"},
		{privateKey(t), "RS256", "does not fit the algorithm"},
		{privateKey(t), "ES384", "auth.ClientCredentials.PrivateKey cannot sign"},
	} {
		method := &auth.ClientCredentials{ClientID: "c", PrivateKey: []byte(test.key), Algorithm: test.algorithm}
		_, ofClient := sharedRuntime(t).NewClient(&caisson.ClientOptions{Auth: method})
		_, ofServer := c.Connect(testContext(t), caisson.Server{URL: "https://mcp.example.com/", Auth: method})
		for _, err := range []error{ofClient, ofServer} {
			if !errors.Is(err, caisson.CodeInvalidArgument) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("want %q, got %v", test.want, err)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%v has the key in it", err)
			}
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
