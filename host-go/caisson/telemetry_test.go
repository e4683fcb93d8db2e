//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/caissontest"
	"github.com/caisson-dev/caisson/host-go/internal/semconv/semconvtest"
)

// observed has all spans and metrics of a client.
type observed struct {
	spans  *tracetest.SpanRecorder
	reader *metric.ManualReader
	tracer trace.Tracer
}

func newObserved(t testing.TB) (*observed, caisson.Telemetry) {
	t.Helper()
	s := &observed{spans: tracetest.NewSpanRecorder(), reader: metric.NewManualReader()}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(s.spans))
	s.tracer = tracers.Tracer("test")
	return s, caisson.Telemetry{TracerProvider: tracers, MeterProvider: metric.NewMeterProvider(metric.WithReader(s.reader))}
}

// span returns the one span of a name that has ended.
func (s *observed) span(t testing.TB, name string) sdktrace.ReadOnlySpan {
	t.Helper()
	var found []sdktrace.ReadOnlySpan
	var names []string
	for _, span := range s.spans.Ended() {
		names = append(names, span.Name())
		if span.Name() == name {
			found = append(found, span)
		}
	}
	if len(found) != 1 {
		t.Fatalf("there are %d spans %q among %q", len(found), name, names)
	}
	return found[0]
}

// points are the attributes of a metric's points.
func (s *observed) points(t testing.TB, name string) []map[string]string {
	t.Helper()
	return semconvtest.Points(t, s.reader, "", name)
}

// text is everything that telemetry has.
func (s *observed) text(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	for _, span := range s.spans.Ended() {
		fmt.Fprintln(&b, span.Name(), span.Attributes(), span.Events(), span.Status(), span.Links())
	}
	return b.String() + s.metricText(t)
}

func (s *observed) metricText(t testing.TB) string {
	t.Helper()
	var got metricdata.ResourceMetrics
	if err := s.reader.Collect(context.Background(), &got); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func contains(t testing.TB, what string, got, want map[string]string) {
	t.Helper()
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s: %s is %q, and not %q: %v", what, key, got[key], value, got)
		}
	}
}

// TestTelemetry makes calls of each outcome in both eras, and finds their spans and metrics as the semantic
// conventions have them.
func TestTelemetry(t *testing.T) {
	t.Parallel()
	for _, era := range bothEras {
		t.Run(era, func(t *testing.T) {
			t.Parallel()
			server := toolServer(t, era, "good")
			server.AddTool(&mcp.Tool{Name: "bad"}, func(*caissontest.Call) (any, error) {
				return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: "s3cret"}}}, nil
			})
			server.AddTool(&mcp.Tool{Name: "wrong"}, func(*caissontest.Call) (any, error) {
				return nil, &jsonrpc.Error{Code: -32602, Message: "s3cret"}
			})
			server.AddTool(&mcp.Tool{Name: "asks"}, func(call *caissontest.Call) (any, error) {
				_, err := call.Ask("elicitation/create", map[string]any{"message": "s3cret", "requestedSchema": map[string]any{"type": "object", "properties": map[string]any{}}})
				return caissontest.Text("x"), err
			})
			server.Answer("resources/read", `{"contents":[{"uri":"file:///a","text":"s3cret"}]}`)
			got, telemetry := newObserved(t)
			c := newClient(t, caisson.ClientOptions{Telemetry: telemetry, Handlers: caisson.Handlers{
				ElicitationHandler: func(context.Context, *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
					return &mcp.ElicitResult{Action: "decline"}, nil
				},
			}})
			s := connect(t, c, server.Caisson())
			ctx, root := got.tracer.Start(testContext(t), "root")
			for _, tool := range []string{"good", "bad", "wrong", "asks", "no such tool"} {
				_, _ = s.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: map[string]any{"x": "s3cret"}})
			}
			if _, err := s.ReadResource(ctx, &mcp.ReadResourceParams{URI: "file:///a"}); err != nil {
				t.Fatal(err)
			}
			root.End()
			handshake := map[bool]string{true: "initialize", false: "server/discover"}[era < "2026"]
			contains(t, "handshake", semconvtest.Attributes(got.span(t, handshake).Attributes()), map[string]string{"mcp.method.name": handshake, "mcp.protocol.version": era, "caisson.server": "caissontest"})
			for _, want := range []struct {
				name       string
				kind       trace.SpanKind
				attributes map[string]string
			}{
				{"tools/call good", trace.SpanKindClient, map[string]string{"mcp.method.name": "tools/call", "gen_ai.tool.name": "good", "gen_ai.operation.name": "execute_tool", "mcp.protocol.version": era, "error.type": ""}},
				{"tools/call bad", trace.SpanKindClient, map[string]string{"error.type": "tool_error", "rpc.response.status_code": ""}},
				{"tools/call wrong", trace.SpanKindClient, map[string]string{"error.type": "-32602", "rpc.response.status_code": "-32602"}},
				{"elicitation/create", trace.SpanKindServer, map[string]string{"mcp.method.name": "elicitation/create", "error.type": ""}},
				{"resources/read", trace.SpanKindClient, map[string]string{"mcp.resource.uri": "file:///a"}},
			} {
				span := got.span(t, want.name)
				if span.SpanKind() != want.kind {
					t.Errorf("%s is a span of the kind %v", want.name, span.SpanKind())
				}
				if want.kind == trace.SpanKindClient && span.Parent().SpanID() != root.SpanContext().SpanID() {
					t.Errorf("%s is not a child of the caller's span", want.name)
				}
				contains(t, want.name, semconvtest.Attributes(span.Attributes()), want.attributes)
				if failed := want.attributes["error.type"] != ""; (span.Status().Code == otelcodes.Error) != failed {
					t.Errorf("%s has the status %v", want.name, span.Status())
				}
			}
			outcomes := map[string]string{}
			for _, p := range got.points(t, "mcp.client.operation.duration") {
				if p["mcp.method.name"] == "tools/call" {
					outcomes[p["gen_ai.tool.name"]+" "+p["error.type"]] = p["caisson.server"]
				}
			}
			for _, want := range []string{"good ", "_OTHER tool_error", "asks ", "_OTHER -32602"} {
				if outcomes[want] != "caissontest" {
					t.Errorf("there is no %q among %v", want, outcomes)
				}
			}
			if len(got.points(t, "mcp.server.operation.duration")) != 1 {
				t.Error("the question is not in the metrics")
			}
			if len(got.points(t, "mcp.client.session.duration")) != 0 {
				t.Error("the session has not ended")
			}
			_ = c.Close()
			if points := got.points(t, "mcp.client.session.duration"); len(points) != 1 || points[0]["mcp.protocol.version"] != era || points[0]["error.type"] != "" {
				t.Error(points)
			}
			if text := got.text(t); strings.Contains(text, "s3cret") {
				t.Error(text)
			}
			if text := got.metricText(t); strings.Contains(text, "file:///") || strings.Contains(text, "no such tool") || strings.Contains(text, "session.id") {
				t.Error(text)
			}
		})
	}
}

// TestTelemetryCarriesTheTrace finds that a server hears of the span of its call, and of nothing else.
func TestTelemetryCarriesTheTrace(t *testing.T) {
	t.Parallel()
	server := toolServer(t, modern, "a")
	got, telemetry := newObserved(t)
	s := connect(t, newClient(t, caisson.ClientOptions{Telemetry: telemetry}), server.Caisson())
	if _, err := call(t, s, "a", nil); err != nil {
		t.Fatal(err)
	}
	of := got.span(t, "tools/call a").SpanContext()
	meta := server.Requests("tools/call")[0].Meta()
	if want := fmt.Sprintf(`"00-%s-%s-01"`, of.TraceID(), of.SpanID()); string(meta["traceparent"]) != want || meta["baggage"] != nil {
		t.Errorf("the server heard of %s and %s, and not of %s", meta["traceparent"], meta["baggage"], want)
	}
}

// TestQuestionsChooseNoTrace finds that a server cannot put the span of its question into a trace that it names.
func TestQuestionsChooseNoTrace(t *testing.T) {
	t.Parallel()
	server := caissontest.NewServer(t, "2025-11-25")
	const named = "00-0102030405060708090a0b0c0d0e0f10-0102030405060708-01"
	server.AddTool(&mcp.Tool{Name: "asks"}, func(call *caissontest.Call) (any, error) {
		_, err := call.Ask("roots/list", map[string]any{"_meta": map[string]any{"traceparent": named}})
		return caissontest.Text("x"), err
	})
	got, telemetry := newObserved(t)
	s := connect(t, newClient(t, caisson.ClientOptions{Telemetry: telemetry, Roots: []*mcp.Root{}}), server.Caisson())
	if _, err := call(t, s, "asks", nil); err != nil {
		t.Fatal(err)
	}
	span := got.span(t, "roots/list")
	if links := span.Links(); span.Parent().IsValid() || len(links) != 1 || links[0].SpanContext.TraceID().String() != named[3:35] {
		t.Errorf("its parent is %v, and its links are %v", span.Parent(), links)
	}
}

// TestTelemetryOfThePolicy finds decisions, denials and the wait for a yes.
func TestTelemetryOfThePolicy(t *testing.T) {
	t.Parallel()
	got, telemetry := newObserved(t)
	yes := true
	c := newClient(t, caisson.ClientOptions{Telemetry: telemetry, Governance: caisson.Governance{
		Policy: asksFor(t, ""), Principal: "alice",
		Approve: func(ctx context.Context, q *policy.Question) (policy.Answer, error) {
			if !trace.SpanContextFromContext(ctx).IsValid() {
				t.Error("the question has no span")
			}
			if yes {
				return q.Yes(""), nil
			}
			return q.No(), nil
		},
	}})
	s := connect(t, c, toolServer(t, "2025-11-25", "a", "b", "other").Caisson())
	if _, err := call(t, s, "a", map[string]any{"x": "s3cret"}); err != nil {
		t.Fatal(err)
	}
	contains(t, "asked", semconvtest.Attributes(got.span(t, "policy ask").Attributes()), map[string]string{
		"gen_ai.tool.name": "a", "caisson.server": "caissontest", "enduser.id": "alice", "caisson.approval.outcome": "approved", "caisson.caller": "program",
	})
	if _, err := call(t, s, "other", map[string]any{"x": "s3cret"}); !errors.Is(err, caisson.CodeDenied) {
		t.Fatal(err)
	}
	contains(t, "denied", semconvtest.Attributes(got.span(t, "policy deny").Attributes()), map[string]string{
		"gen_ai.tool.name": "other", "caisson.policy.reason": "not granted", "enduser.id": "alice", "mcp.method.name": "tools/call", "error.type": "denied",
	})
	yes = false
	if _, err := call(t, s, "a", nil); !errors.Is(err, caisson.CodeDenied) {
		t.Fatal(err)
	}
	var outcomes []string
	for _, p := range got.points(t, "caisson.approval.duration") {
		outcomes = append(outcomes, p["caisson.approval.outcome"])
	}
	if slices.Sort(outcomes); strings.Join(outcomes, " ") != "approved denied" {
		t.Error(outcomes)
	}
	decisions := map[string]bool{}
	for _, p := range got.points(t, "caisson.policy.decisions") {
		decisions[p["caisson.policy.effect"]+" "+p["caisson.policy.reason"]+" "+p["caisson.server"]] = true
	}
	for _, want := range []string{"allow  caissontest", "deny not granted caissontest", "deny approval caissontest"} {
		if !decisions[want] {
			t.Errorf("there is no %q among %v", want, decisions)
		}
	}
	if text := got.text(t); strings.Contains(text, "s3cret") {
		t.Error(text)
	}
	if text := got.metricText(t); strings.Contains(text, "alice") || strings.Contains(text, `"other"`) {
		t.Error(text)
	}
}

// TestTelemetryOfScripts finds a span for each run, with its calls below it.
func TestTelemetryOfScripts(t *testing.T) {
	t.Parallel()
	got, telemetry := newObserved(t)
	c := newClient(t, caisson.ClientOptions{Telemetry: telemetry})
	s := connect(t, c, toolServer(t, "2025-11-25", "a").Caisson())
	tools, err := caisson.NewToolSet(map[string]caisson.Caller{"one": s, "two": fixedCaller{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.RunScript(testContext(t), caisson.Script{Name: "s", Tools: tools, Source: "await tools.one.a({x: 's3cret'}); await tools.two.fixed({}); 1"}); err != nil {
		t.Fatal(err)
	}
	run := got.span(t, "run script")
	contains(t, "run", semconvtest.Attributes(run.Attributes()), map[string]string{"caisson.script.name": "s", "caisson.script.language": "JavaScript", "caisson.script.tool_calls": "2"})
	for _, name := range []string{"tools/call a", "execute_tool fixed"} {
		if got.span(t, name).Parent().SpanID() != run.SpanContext().SpanID() {
			t.Errorf("%s is not below the run", name)
		}
	}
	if _, err := c.RunScript(testContext(t), caisson.Script{Source: "throw new Error('s3cret')"}); err == nil {
		t.Fatal("it did not fail")
	}
	m, err := c.Load(testContext(t), caisson.Script{Tools: tools, Source: "export async function f() { return await tools.two.fixed({}) }"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.RunFunction(testContext(t), "f"); err != nil {
		t.Fatal(err)
	}
	var below bool
	function := got.span(t, "run function").SpanContext().SpanID()
	for _, span := range got.spans.Ended() {
		below = below || span.Name() == "execute_tool fixed" && span.Parent().SpanID() == function
	}
	if !below {
		t.Error("what a function calls is not below it")
	}
	kinds := map[string]bool{}
	for _, p := range got.points(t, "caisson.script.duration") {
		kinds[p["error.type"]] = true
	}
	if !kinds[""] || !kinds["runtime"] {
		t.Error(kinds)
	}
	if text := got.text(t); strings.Contains(text, "s3cret") {
		t.Error(text)
	}
}

// fixedCaller has one tool.
type fixedCaller struct{}

func (fixedCaller) ListTools(context.Context, *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	return &mcp.ListToolsResult{Tools: []*mcp.Tool{{Name: "fixed", InputSchema: map[string]any{"type": "object"}}}}, nil
}

func (fixedCaller) CallTool(context.Context, *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "s3cret"}}}, nil
}

// TestManyNamesAreBounded has a model and a server make up names, in several clients: metrics keep a bounded number of
// them.
func TestManyNamesAreBounded(t *testing.T) {
	t.Parallel()
	server := caissontest.NewServer(t, "2025-11-25")
	server.Answer("tools/call", `{"content":[]}`)
	own, err := caisson.New(testContext(t), nil) // The names are those of all clients of a runtime.
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	got, telemetry := newObserved(t)
	telemetry.TracerProvider = nil
	for client := range 2 {
		c, err := own.NewClient(&caisson.ClientOptions{Telemetry: telemetry})
		if err != nil {
			t.Fatal(err)
		}
		s := connect(t, c, server.Caisson())
		for i := range 600 {
			if _, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: fmt.Sprintf("made-up-%d-%d", client, i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if names := len(got.points(t, "mcp.client.operation.duration")); names < 1000 || names > 1010 {
		t.Errorf("there are %d points", names)
	}
}

// BenchmarkTelemetry is the price of a call's telemetry: without any, and with spans and metrics.
func BenchmarkTelemetry(b *testing.B) {
	for _, with := range []bool{false, true} {
		b.Run(fmt.Sprintf("telemetry=%v", with), func(b *testing.B) {
			var options caisson.ClientOptions
			if with {
				options.Telemetry = caisson.Telemetry{TracerProvider: sdktrace.NewTracerProvider(), MeterProvider: metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))}
			}
			server := caissontest.NewServer(b, "2025-11-25")
			server.Answer("tools/call", `{"content":[{"type":"text","text":"x"}]}`)
			s := connect(b, newClient(b, options), server.Caisson())
			for b.Loop() {
				if _, err := s.CallTool(b.Context(), &mcp.CallToolParams{Name: "a"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
