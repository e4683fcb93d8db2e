package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// serveArgument makes this program a stdio server, for its own profile.
const serveArgument = "-serve"

func serve() error {
	return demoserver.New().Run(context.Background(), &mcp.StdioTransport{})
}

// profile finds out which functions of the core run in ordinary use: sessions over every transport,
// calls that work and calls that fail, large messages, and enough of them to collect garbage; and scripts. What
// is not among them works too: it is loaded when it is called.
func profile(wasm []byte) (*component.Profile, error) {
	whole, err := component.Prepare(wasm, nil)
	if err != nil {
		return nil, err
	}
	called := &component.Profile{}
	e, err := newEngine(component.WithProfile(context.Background(), called), whole)
	if err != nil {
		return nil, err
	}
	defer e.Close()

	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	stdio := &egress.Command{Path: self, Args: []string{serveArgument}}
	if err := use(e, engine.Stdio, egress.Grant{Server: "stdio", Command: stdio}); err != nil {
		return nil, err
	}
	for _, s := range []struct {
		kind    engine.EndpointKind
		handler http.Handler
	}{
		{engine.HTTPOrSSE, demoserver.Handler(false, false)},
		{engine.HTTP, demoserver.Handler(false, true)},
		{engine.HTTP, demoserver.Handler(true, true)},
		{engine.HTTPOrSSE, mcp.NewSSEHandler(func(*http.Request) *mcp.Server { return demoserver.New() }, nil)},
	} {
		if err := useHTTP(e, s.kind, s.handler); err != nil {
			return nil, err
		}
	}
	// Servers that are none.
	for _, handler := range []http.HandlerFunc{
		func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) },
		func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) },
		http.NotFound,
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"jsonrpc":"2.0","id":0,"result":{"wrong":[1,2`)
		},
	} {
		if err := useHTTP(e, engine.HTTPOrSSE, handler); err == nil {
			return nil, fmt.Errorf("connecting to a server that is none worked")
		}
	}
	if err := useScripts(e); err != nil {
		return nil, err
	}
	return called, nil
}

// newEngine makes an engine for a core.
func newEngine(ctx context.Context, p *component.Prepared) (*engine.Engine, error) {
	return engine.New(ctx, engine.Config{Core: func() (*component.Prepared, error) { return p, nil }, CompileFirst: true, Logger: slog.New(slog.DiscardHandler)})
}

func useHTTP(e *engine.Engine, kind engine.EndpointKind, handler http.Handler) error {
	listener := httptest.NewServer(handler)
	defer listener.CloseClientConnections()
	u, err := url.Parse(listener.URL)
	if err != nil {
		return err
	}
	return use(e, kind, egress.Grant{Server: "http", URL: u})
}

// use is a session with a demo server.
func use(e *engine.Engine, kind engine.EndpointKind, grant egress.Grant) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	transport := egress.NewTransport(false)
	defer transport.CloseIdleConnections()
	s, err := connect(ctx, e, transport, kind, grant)
	if err != nil {
		return err
	}
	defer s.Close()
	call := func(ctx context.Context, name, arguments string) {
		_, _ = s.Call(ctx, engine.Operation{
			Export: "call-tool", Method: "tools/call",
			Params: `{"name":` + strconv.Quote(name) + `,"arguments":` + arguments + `,"_meta":{"progressToken":"p"}}`,
		})
	}
	for range 2 {
		if _, failure := s.Call(ctx, engine.Operation{Export: "list-tools", Method: "tools/list", Params: "{}"}); failure != nil {
			return failure
		}
	}
	call(ctx, "countdown", `{"from":2}`)
	call(ctx, "fail", `{"message":"as it should"}`)
	call(ctx, "fail", `{"wrong":1}`)
	call(ctx, "nothing", `{}`)
	call(ctx, "echo", `{"message":"Grüße, 世界 \ud83d\udc4b"}`)
	call(ctx, "echo", `{"message":"`+strings.Repeat("0123456789 \\n", 30_000)+`"}`)
	for i := range 200 {
		call(ctx, "add", fmt.Sprintf(`{"a":%d,"b":0.5}`, i))
	}
	given, cancelCall := context.WithTimeout(ctx, 20*time.Millisecond)
	call(given, "countdown", `{"from":100,"pause_ms":5}`)
	cancelCall()
	_, _ = s.Call(ctx, engine.Operation{Export: "ping", Method: "ping"})
	for _, method := range []string{"resources/list", "prompts/list", "no/such"} {
		_, _ = s.Call(ctx, engine.Operation{Method: method, Params: "{}"})
	}
	return nil
}

// connect begins a session. It is to be closed.
func connect(ctx context.Context, e *engine.Engine, transport http.RoundTripper, kind engine.EndpointKind, grant egress.Grant) (*engine.Session, error) {
	endpoint := engine.Endpoint{Kind: kind}
	if grant.URL != nil {
		endpoint.URL = grant.URL.String()
	}
	logger := slog.New(slog.DiscardHandler)
	s, failure := e.Open(ctx, engine.SessionConfig{
		Limits:            engine.Limits{MemoryBytes: 1 << 30, GuestTime: 5 * time.Minute},
		Logger:            logger,
		Egress:            egress.Options{MaxMessage: 32 << 20, Logger: logger, Transport: transport},
		Endpoint:          endpoint,
		ClientInfo:        engine.Implementation{Name: "pack", Version: "1"},
		ConnectTimeout:    time.Minute,
		Grant:             grant,
		Capabilities:      "{}",
		InputRounds:       1,
		RetryBudget:       time.Second,
		Restarts:          1,
		CacheResults:      true,
		Notify:            func(string, []byte) {},
		NotificationQueue: 1024,
	})
	if failure != nil {
		return nil, failure
	}
	if _, failure := s.Connect(ctx); failure != nil {
		s.Close()
		return nil, failure
	}
	return s, nil
}
