package caisson

import (
	"context"
	"encoding/json"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/caisson-dev/caisson/host-go/internal/semconv"
)

// runs observes a run of a script, or of a function of a module. What the script calls are its children.
func (t *telemetry) runs(ctx context.Context, what, name, language string) (context.Context, func(*ScriptResult, error)) {
	of := attribute.String("caisson.script.language", language)
	ctx, span := t.tracer.Start(ctx, what, trace.WithAttributes(attribute.String("caisson.script.name", semconv.Cut(name)), of), trace.WithAttributes(t.principal...))
	begun := time.Now()
	return ctx, func(result *ScriptResult, err error) {
		failure, _ := failed(err)
		if e := new(ScriptError); asError(err, &e) {
			failure = []attribute.KeyValue{attribute.String("error.type", string(e.Kind))}
		}
		if result != nil {
			span.SetAttributes(
				attribute.Int("caisson.script.tool_calls", len(result.Calls)),
				attribute.Int64("caisson.script.fuel", int64(min(result.Usage.Fuel, 1<<62))),
				attribute.Int64("caisson.script.memory", int64(min(result.Usage.MemoryBytes, 1<<62))),
				attribute.Float64("caisson.script.computing", result.Usage.Computing.Seconds()),
			)
		}
		t.scripts.Record(ctx, semconv.Since(begun), metric.WithAttributes(append([]attribute.KeyValue{of}, failure...)...))
		semconv.End(span, failure)
	}
}

// runsTool observes a script's call of a tool that is no session's: a session has a span of its own.
func runsTool(ctx context.Context, server, tool string) (context.Context, func(json.RawMessage, error)) {
	c, ok := ctx.Value(scriptClientKey{}).(*Client)
	if !ok || c.telemetry == nil {
		return ctx, func(json.RawMessage, error) {}
	}
	ctx, span := c.telemetry.tracer.Start(ctx, "execute_tool "+semconv.Cut(tool), trace.WithAttributes(
		attribute.String("gen_ai.operation.name", "execute_tool"), attribute.String("gen_ai.tool.name", semconv.Cut(tool)), attribute.String("caisson.server", semconv.Cut(server)),
	))
	return ctx, func(result json.RawMessage, err error) {
		failure, _ := failed(err)
		if err == nil && semconv.IsToolError(result) {
			failure = semconv.ToolError()
		}
		semconv.End(span, failure)
	}
}
