package semconv

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Failed describes an error, for a span and for a metric: its kind, which is the text of a caisson.Code; the JSON-RPC
// error that it is, or nil; and its HTTP status, or 0. It has no word of the message, which may quote arguments.
func Failed(kind string, rpc *jsonrpc.Error, httpStatus int) (onSpan, onMetric []attribute.KeyValue) {
	if kind = strings.ReplaceAll(kind, " ", "_"); kind == "unknown" {
		kind = other
	}
	if rpc != nil {
		text := strconv.FormatInt(rpc.Code, 10)
		onSpan = []attribute.KeyValue{attribute.String("error.type", text), attribute.String("rpc.response.status_code", text)}
		if rpc.Code < -32768 || rpc.Code > -32000 { // Others than the reserved ones are of any number.
			return onSpan, []attribute.KeyValue{attribute.String("error.type", kind)}
		}
		return onSpan, onSpan
	}
	if httpStatus >= 100 && httpStatus <= 599 {
		kind = strconv.Itoa(httpStatus)
	}
	all := []attribute.KeyValue{attribute.String("error.type", kind)}
	return all, all
}

// ToolError is what the conventions have for a result with isError.
func ToolError() []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("error.type", "tool_error")}
}

// IsToolError reports whether a result has isError.
func IsToolError(result json.RawMessage) bool {
	var members struct {
		IsError bool `json:"isError"`
	}
	return json.Unmarshal(result, &members) == nil && members.IsError
}

// End ends a span, with what has failed; nil for nothing.
func End(span trace.Span, failure []attribute.KeyValue) {
	if len(failure) > 0 {
		span.SetAttributes(failure...)
		span.SetStatus(otelcodes.Error, "")
	}
	span.End()
}
