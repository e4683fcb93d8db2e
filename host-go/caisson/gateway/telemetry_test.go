package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/caissontest"
	"github.com/caisson-dev/caisson/host-go/internal/semconv/semconvtest"
)

// observed has all spans and metrics of a gateway.
type observed struct {
	spans  *tracetest.InMemoryExporter
	reader *metric.ManualReader
	tracer trace.Tracer
}

// observe has a gateway export to memory.
func observe(options *gateway.Options) *observed {
	o := &observed{spans: tracetest.NewInMemoryExporter(), reader: metric.NewManualReader()}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(o.spans))
	o.tracer = tracers.Tracer("test")
	options.Client.Telemetry = caisson.Telemetry{TracerProvider: tracers, MeterProvider: metric.NewMeterProvider(metric.WithReader(o.reader))}
	return o
}

// ended are the spans of a kind and a name.
func (o *observed) ended(kind trace.SpanKind, name string) (all []tracetest.SpanStub) {
	for _, span := range o.spans.GetSpans() {
		if span.SpanKind == kind && span.Name == name {
			all = append(all, span)
		}
	}
	return all
}

// span is the one span of a kind and a name.
func (o *observed) span(t testing.TB, kind trace.SpanKind, name string) tracetest.SpanStub {
	t.Helper()
	found := o.ended(kind, name)
	if len(found) != 1 {
		var names []string
		for _, span := range o.spans.GetSpans() {
			names = append(names, span.SpanKind.String()+" "+span.Name)
		}
		t.Fatalf("there are %d spans %s %q among %q", len(found), kind, name, names)
	}
	return found[0]
}

// points are the attributes of the points of the gateway's own metric.
func (o *observed) points(t testing.TB, name string) []map[string]string {
	t.Helper()
	return semconvtest.Points(t, o.reader, "/gateway", name)
}

// The trace that clients name in these tests.
const (
	namedTrace = "0102030405060708090a0b0c0d0e0f10"
	namedSpan  = "0102030405060708"
)

func traceMeta() mcp.Meta {
	return mcp.Meta{"traceparent": "00-" + namedTrace + "-" + namedSpan + "-01", "tracestate": "vendor=its", "baggage": "user=s3cret", "kept": "yes"}
}

// TestTelemetryOfClients has a client make requests of each outcome, and finds their spans and points: each is a part of
// the client's trace, above the span of what the server is sent. The server hears of that one, and of no baggage.
func TestTelemetryOfClients(t *testing.T) {
	everyWay(t, func(t *testing.T, up, down, transport string) {
		ctx := testContext(t)
		server := newUpstream(t, up)
		server.AddTool(&mcp.Tool{Name: "bad"}, func(*caissontest.Call) (any, error) { return caissontest.Failure("s3cret"), nil })
		server.AddTool(&mcp.Tool{Name: "wrong"}, func(*caissontest.Call) (any, error) {
			return nil, &jsonrpc.Error{Code: -32602, Message: "s3cret"}
		})
		server.AddTool(&mcp.Tool{Name: "odd"}, func(*caissontest.Call) (any, error) {
			return nil, &jsonrpc.Error{Code: 7, Message: "s3cret"}
		})
		options := &gateway.Options{Principal: "ada"}
		got := observe(options)
		g := newGateway(t, caisson.ServerMap{"s": server.Caisson()}, options)
		session := connectTo(t, g, "/mcp", down, transport, person())
		for _, name := range []string{"rich", "bad", "wrong", "odd", "form", "no such tool"} {
			_, _ = session.CallTool(ctx, &mcp.CallToolParams{Meta: traceMeta(), Name: "s__" + name, Arguments: map[string]any{"x": "s3cret"}})
		}
		if _, err := session.ReadResource(ctx, &mcp.ReadResourceParams{URI: "test://a"}); err != nil {
			t.Fatal(err)
		}
		if _, err := session.GetPrompt(ctx, &mcp.GetPromptParams{Name: "s__summary"}); err != nil {
			t.Fatal(err)
		}
		handshake := map[bool]string{true: "initialize", false: "server/discover"}[down == older]
		for _, want := range []struct {
			name       string
			attributes map[string]string
		}{
			{handshake, map[string]string{"mcp.method.name": handshake}},
			{"tools/call s__rich", map[string]string{"mcp.method.name": "tools/call", "gen_ai.tool.name": "s__rich", "gen_ai.operation.name": "execute_tool", "error.type": ""}},
			{"tools/call s__bad", map[string]string{"error.type": "tool_error", "rpc.response.status_code": ""}},
			{"tools/call s__wrong", map[string]string{"error.type": "-32602", "rpc.response.status_code": "-32602"}},
			{"tools/call s__odd", map[string]string{"error.type": "7", "rpc.response.status_code": "7"}},
			{"tools/call s__no such tool", map[string]string{"error.type": "-32602"}},
			{"resources/read", map[string]string{"mcp.resource.uri": "test://a", "error.type": ""}},
			{"prompts/get s__summary", map[string]string{"gen_ai.prompt.name": "s__summary", "error.type": ""}},
		} {
			span := got.span(t, trace.SpanKindServer, want.name)
			want.attributes["mcp.protocol.version"], want.attributes["caisson.endpoint"], want.attributes["enduser.id"] = down, "/mcp", "ada"
			if transport == "http" {
				want.attributes["network.transport"], want.attributes["network.protocol.name"] = "tcp", "http"
			}
			has := semconvtest.Attributes(span.Attributes)
			for key, value := range want.attributes {
				if has[key] != value {
					t.Errorf("%s: %s is %q, and not %q: %v", want.name, key, has[key], value, has)
				}
			}
			if in := has["mcp.session.id"] != ""; in != (down == older && transport == "http") {
				t.Errorf("%s: the session is %q", want.name, has["mcp.session.id"])
			}
			if failed := want.attributes["error.type"] != ""; (span.Status.Code == otelcodes.Error) != failed || span.Status.Description != "" {
				t.Errorf("%s has the status %+v", want.name, span.Status)
			}
			named := strings.HasPrefix(want.name, "tools/call")
			if named != (span.Parent.TraceID().String() == namedTrace) || named != (span.Parent.SpanID().String() == namedSpan) || named != span.Parent.IsRemote() {
				t.Errorf("%s: the parent is %+v", want.name, span.Parent)
			}
		}
		// A call that a client goes on with has a span for each round, and one upstream.
		forms := got.ended(trace.SpanKindServer, "tools/call s__form")
		if rounds := map[bool]int{true: 1, false: 2}[down == older]; len(forms) != rounds {
			t.Errorf("the call that asks has %d spans, want %d", len(forms), rounds)
		}
		for tool, above := range map[string]tracetest.SpanStub{"rich": got.span(t, trace.SpanKindServer, "tools/call s__rich"), "form": forms[0]} {
			below := got.span(t, trace.SpanKindClient, "tools/call "+tool)
			if below.Parent.SpanID() != above.SpanContext.SpanID() || below.SpanContext.TraceID() != above.SpanContext.TraceID() {
				t.Errorf("the span of what the server is sent is no child of %s: %+v", above.Name, below.Parent)
			}
		}
		below, sent := got.span(t, trace.SpanKindClient, "tools/call rich").SpanContext, server.Requests("tools/call")[0].Meta()
		want := map[string]string{}
		if up == newest {
			want["traceparent"], want["tracestate"] = fmt.Sprintf("00-%s-%s-01", below.TraceID(), below.SpanID()), "vendor=its"
		}
		for _, key := range []string{"traceparent", "tracestate", "baggage"} {
			var heard string
			_ = json.Unmarshal(sent[key], &heard)
			if heard != want[key] {
				t.Errorf("the server hears of the %s %q, want %q", key, heard, want[key])
			}
		}
		if string(sent["kept"]) != `"yes"` {
			t.Errorf("the server hears of %s", mustMarshal(sent))
		}

		outcomes := map[string]bool{}
		for _, p := range got.points(t, "mcp.server.operation.duration") {
			if p["mcp.protocol.version"] != down || p["caisson.endpoint"] != "/mcp" {
				t.Errorf("a point has %v", p)
			}
			outcomes[p["mcp.method.name"]+" "+p["gen_ai.tool.name"]+p["gen_ai.prompt.name"]+" "+p["error.type"]] = true
		}
		for _, want := range []string{
			handshake + "  ", "tools/call s__rich ", "tools/call _OTHER tool_error", "tools/call _OTHER -32602", "tools/call _OTHER rpc",
			"resources/read  ", "prompts/get s__summary ",
		} {
			if !outcomes[want] {
				t.Errorf("there is no %q among %v", want, outcomes)
			}
		}
		if points := got.points(t, "mcp.server.session.duration"); len(points) != 0 {
			t.Errorf("the session has not ended: %v", points)
		}
		_ = g.Close()
		sessions := got.points(t, "mcp.server.session.duration")
		if down == older && (len(sessions) != 1 || sessions[0]["mcp.protocol.version"] != older) || down == newest && len(sessions) != 0 {
			t.Errorf("the sessions are %v", sessions)
		}
		if text := string(mustMarshal(got.spans.GetSpans())); strings.Contains(text, "s3cret") {
			t.Error(text)
		}
	})
}

// heading has the requests of a client name a span in their headers.
type heading struct {
	mu          sync.Mutex
	traceparent string
}

func (h *heading) set(traceparent string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.traceparent = traceparent
}

// RoundTrip sends a request.
func (h *heading) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r = r.Clone(r.Context())
	if h.traceparent != "" {
		r.Header.Set("traceparent", h.traceparent)
		r.Header.Set("tracestate", "vendor=header")
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestParentsOfRequests finds which span a client's request is below: the one in `_meta`, else that of its own HTTP
// request, whichever request its session has begun with. What is no trace context is none.
func TestParentsOfRequests(t *testing.T) {
	t.Parallel()
	const ofHeader = "00-aa02030405060708090a0b0c0d0e0f10-aa02030405060708-01"
	inMeta := fmt.Sprintf("00-%s-%s-01", namedTrace, namedSpan)
	for _, down := range eras {
		for _, instrumented := range []bool{false, true} {
			t.Run(fmt.Sprint(down, " ", instrumented), func(t *testing.T) {
				t.Parallel()
				ctx := testContext(t)
				server := caissontest.NewServer(t, newest)
				options := &gateway.Options{}
				got := observe(options)
				if instrumented { // As otelhttp does.
					options.Authenticate = func(next http.Handler) http.Handler {
						return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
							ctx, span := got.tracer.Start(r.Context(), r.Method, trace.WithSpanKind(trace.SpanKindServer))
							defer span.End()
							next.ServeHTTP(w, r.WithContext(ctx))
						})
					}
				}
				web := serveTest(t, newGateway(t, caisson.ServerMap{"s": server.Caisson()}, options))
				header := &heading{}
				session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(ctx,
					&mcp.StreamableClientTransport{Endpoint: web.URL + "/mcp", HTTPClient: &http.Client{Transport: header}}, &mcp.ClientSessionOptions{ProtocolVersion: down})
				if err != nil {
					t.Fatal(err)
				}
				defer session.Close()
				for i, c := range []struct {
					what, header, meta, state string
					parent, linked            string // the ids of spans; "" for none, and "http" for that of the program
				}{
					{what: "neither"},
					{what: "the header", header: ofHeader, parent: "aa02030405060708"},
					{what: "_meta", meta: inMeta, parent: namedSpan},
					{what: "both", header: ofHeader, meta: inMeta, parent: namedSpan, linked: "aa02030405060708"},
					{what: "no trace context", header: "zz-1", meta: "00-0-0-01"},
					{what: "zeros", meta: "00-00000000000000000000000000000000-0000000000000000-01"},
					{what: "one that is too long", meta: "01-" + inMeta[3:] + "-" + strings.Repeat("a", 1000)},
					{what: "a state that is too long", meta: inMeta, state: strings.Repeat("a=b,", 1000) + "c=d", parent: namedSpan},
				} {
					if instrumented {
						if c.parent == namedSpan {
							c.linked = "http"
						} else {
							c.parent = "http"
						}
					}
					server.AddTool(&mcp.Tool{Name: fmt.Sprint("tool", i)}, says("x"))
					meta := mcp.Meta{}
					if c.meta != "" {
						meta["traceparent"], meta["tracestate"] = c.meta, c.state
					}
					before := len(got.spans.GetSpans())
					header.set(c.header)
					if _, err := session.CallTool(ctx, &mcp.CallToolParams{Meta: meta, Name: fmt.Sprint("s__tool", i)}); err != nil {
						t.Fatal(c.what, err)
					}
					header.set("")
					span := got.span(t, trace.SpanKindServer, fmt.Sprint("tools/call s__tool", i))
					state := "" // It goes with the parent.
					if c.parent != "" && c.parent == strings.Split(c.header+"---", "-")[2] {
						state = "vendor=header"
					}
					if got := span.SpanContext.TraceState().String(); got != state {
						t.Errorf("%s: the state is %q, want %q", c.what, got, state)
					}
					linked := ""
					for _, link := range span.Links {
						linked += link.SpanContext.SpanID().String()
					}
					parent := ""
					if span.Parent.IsValid() {
						parent = span.Parent.SpanID().String()
					}
					http := func(id string) string { // The span of the program may end after the answer.
						for _, s := range got.spans.GetSpans()[:before] {
							if s.SpanContext.SpanID().String() == id {
								return "http of before"
							}
						}
						return id
					}
					parent, linked = http(parent), http(linked)
					for of, ids := range map[string][2]string{"parent": {parent, c.parent}, "link": {linked, c.linked}} {
						if ids[1] == "http" && (ids[0] == "" || ids[0] == "http of before" || ids[0] == "aa02030405060708") || ids[1] != "http" && ids[0] != ids[1] {
							t.Errorf("%s: the %s is %q, want %q", c.what, of, ids[0], ids[1])
						}
					}
				}
			})
		}
	}
}

// TestTelemetryOfExtensions has a client of each era send a request and a notification that nobody here knows: their
// spans have their names and their parents, and the metric has the one that was answered.
func TestTelemetryOfExtensions(t *testing.T) {
	t.Parallel()
	for _, down := range eras {
		t.Run(down, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			options := &gateway.Options{}
			got := observe(options)
			g := newGateway(t, caisson.ServerMap{"w": weatherServer(t, newest).Caisson()}, options)
			session := weatherClient(t, g, "/servers/w", down, make(chan string, 10))
			params := map[string]any{"_meta": traceMeta()}
			if _, err := session.Request(ctx, "weather/get", params); err != nil {
				t.Fatal(err)
			}
			if err := session.Notify(ctx, "notifications/weather/moved", params); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"weather/get", "notifications/weather/moved"} {
				for len(got.ended(trace.SpanKindServer, name)) == 0 { // A notification has no answer to wait for.
					select {
					case <-time.After(10 * time.Millisecond):
					case <-ctx.Done():
						t.Fatal("there is no span of " + name)
					}
				}
				span := got.span(t, trace.SpanKindServer, name)
				if has := semconvtest.Attributes(span.Attributes); has["mcp.protocol.version"] != down || has["caisson.endpoint"] != "/servers/w" {
					t.Errorf("%s has %v", name, has)
				}
				if span.Parent.SpanID().String() != namedSpan {
					t.Errorf("%s: the parent is %+v", name, span.Parent)
				}
			}
			methods := map[string]bool{}
			for _, p := range got.points(t, "mcp.server.operation.duration") {
				methods[p["mcp.method.name"]] = true
			}
			if !methods["weather/get"] || !methods["_OTHER"] || methods["notifications/weather/moved"] {
				t.Errorf("the metric has %v", methods)
			}
		})
	}
}

// A readFirst calls a function before it is read.
type readFirst struct {
	io.Reader
	once  sync.Once
	first func()
}

// Read reads.
func (r *readFirst) Read(p []byte) (int, error) {
	r.once.Do(r.first)
	return r.Reader.Read(p)
}

// TestCloseWithoutEndpoint has a session begin at an endpoint that has gone and come back while its request was read. Close
// waits for what the telemetry writes down of it, and so has to end it.
func TestCloseWithoutEndpoint(t *testing.T) {
	t.Parallel()
	servers := caisson.ServerMap{"s": newUpstream(t, older).Caisson()}
	options := &gateway.Options{}
	got := observe(options)
	g := newGateway(t, servers, options)
	body := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"` + older + `","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`
	r := httptest.NewRequestWithContext(testContext(t), http.MethodPost, "/servers/s", &readFirst{Reader: strings.NewReader(body), first: func() {
		for _, next := range []caisson.ServerMap{{}, servers} {
			if err := g.Reload(next); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(100 * time.Millisecond) // The endpoint ends its sessions, of which this is none yet.
	}})
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	w := httptest.NewRecorder()
	g.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = g.Close()
	}()
	select {
	case <-closed:
	case <-testContext(t).Done():
		t.Fatal("Close waits for a session that nobody ends")
	}
	if points := got.points(t, "mcp.server.session.duration"); len(points) != 1 {
		t.Errorf("the sessions are %v", points)
	}
}
