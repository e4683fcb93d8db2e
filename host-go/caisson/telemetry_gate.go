package caisson

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/internal/gate"
	"github.com/caisson-dev/caisson/host-go/internal/semconv"
)

// callAttributes are those of a call that is decided about, for spans.
func (t *telemetry) callAttributes(call *gate.Call) trace.SpanStartEventOption {
	all := []attribute.KeyValue{
		attribute.String("mcp.method.name", semconv.Cut(call.Method)), attribute.String("caisson.server", semconv.Cut(call.Server)),
		attribute.String("caisson.caller", string(orDefault(call.Caller, policy.CallerProgram))),
	}
	switch call.Kind {
	case policy.Tool:
		all = append(all, attribute.String("gen_ai.tool.name", semconv.Cut(call.Name)))
	case policy.Prompt:
		all = append(all, attribute.String("gen_ai.prompt.name", semconv.Cut(call.Name)))
	case policy.Resource:
		all = append(all, attribute.String("mcp.resource.uri", semconv.Cut(call.Name)))
	}
	return trace.WithAttributes(append(all, t.principal...)...)
}

// Decided observes a decision: a denial has a span, whatever is allowed has the one of the call.
func (t *telemetry) Decided(ctx context.Context, call *gate.Call, denied *policy.DeniedError) {
	attributes := []attribute.KeyValue{
		attribute.String("caisson.policy.effect", string(policy.Allow)),
		attribute.String("caisson.caller", string(orDefault(call.Caller, policy.CallerProgram))),
		attribute.String("caisson.server", t.servers.Label(call.Server, denied == nil)),
	}
	if denied != nil {
		attributes[0] = attribute.String("caisson.policy.effect", string(policy.Deny))
		reason := attribute.String("caisson.policy.reason", string(denied.Reason))
		attributes = append(attributes, reason)
		_, span := t.tracer.Start(ctx, "policy deny", t.callAttributes(call), trace.WithAttributes(reason))
		semconv.End(span, []attribute.KeyValue{attribute.String("error.type", "denied")})
	}
	t.decisions.Add(ctx, 1, metric.WithAttributes(attributes...))
}

// Asked observes the wait for somebody's yes.
func (t *telemetry) Asked(ctx context.Context, call *gate.Call) (context.Context, func(approved bool)) {
	ctx, span := t.tracer.Start(ctx, "policy ask", t.callAttributes(call))
	begun := time.Now()
	return ctx, func(approved bool) {
		outcome := attribute.String("caisson.approval.outcome", map[bool]string{true: "approved", false: "denied"}[approved])
		t.approval.Record(ctx, semconv.Since(begun), metric.WithAttributes(outcome))
		span.SetAttributes(outcome)
		span.End()
	}
}
