package semconv

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// maxTraceBytes bounds each part of a trace context that others send, in bytes: what the W3C has everybody pass on.
const maxTraceBytes = 512

var traceFields = propagation.TraceContext{}.Fields()

// IsTraceContext reports whether a member of `_meta` is a part of a W3C trace context.
func IsTraceContext(key string) bool { return slices.Contains(traceFields, key) }

// Remote returns the span that a message names as its own, by the members of its `_meta` or by its headers. It is not
// valid where there is none, or one that is not well-formed. Baggage is not read.
func Remote(get func(key string) string) trace.SpanContext {
	carrier := propagation.MapCarrier{}
	for _, key := range traceFields {
		if text := get(key); len(text) <= maxTraceBytes {
			carrier.Set(key, text)
		}
	}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}
