package telemetry

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"
)

// clean removes OpenTelemetry's variables that the tests were started with.
func clean(t *testing.T) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
}

// TestWanted shows that nothing leaves the process unless a variable says so.
func TestWanted(t *testing.T) {
	for _, test := range []struct {
		variables       string
		traces, metrics bool
	}{
		{"", false, false},
		{"OTEL_SERVICE_NAME=x OTEL_EXPORTER_OTLP_HEADERS=a=b OTEL_EXPORTER_OTLP_PROTOCOL=grpc", false, false},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", true, true},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_EXPORTER_OTLP_PROTOCOL=grpc", true, true},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_SDK_DISABLED=true", false, false},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_METRICS_EXPORTER=none", true, false},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:1", true, false},
		{"OTEL_METRICS_EXPORTER=console", false, true},
		{"OTEL_TRACES_EXPORTER=otlp", true, false},
	} {
		t.Run(test.variables, func(t *testing.T) {
			clean(t)
			for pair := range strings.FieldsSeq(test.variables) {
				name, value, _ := strings.Cut(pair, "=")
				t.Setenv(name, value)
			}
			e, err := New(t.Context(), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close(t.Context())
			if (e.Tracers != nil) != test.traces || (e.Reader != nil) != test.metrics {
				t.Errorf("traces: %v, metrics: %v", e.Tracers != nil, e.Reader != nil)
			}
		})
	}
}

// TestWrong says which variable is to be corrected.
func TestWrong(t *testing.T) {
	for variable, want := range map[string]string{
		"OTEL_TRACES_EXPORTER=zipkin":              "OTEL_TRACES_EXPORTER",
		"OTEL_METRICS_EXPORTER=nothing":            "OTEL_METRICS_EXPORTER",
		"OTEL_RESOURCE_ATTRIBUTES=no-value":        "OTEL_RESOURCE_ATTRIBUTES",
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=smoke": "OTEL_EXPORTER_OTLP_",
	} {
		t.Run(variable, func(t *testing.T) {
			clean(t)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
			name, value, _ := strings.Cut(variable, "=")
			t.Setenv(name, value)
			if _, err := New(t.Context(), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestContinue takes the caller's trace, and nothing from what is none.
func TestContinue(t *testing.T) {
	for header, want := range map[string]string{
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": "0af7651916cd43dd8448eb211c80319c",
		"00-0af7651916cd43dd8448eb211c80319c-zz":                  "00000000000000000000000000000000",
	} {
		var got trace.SpanContext
		request := httptest.NewRequest(http.MethodPost, "/call-tool", http.NoBody)
		request.Header.Set("Traceparent", header)
		Continue(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = trace.SpanContextFromContext(r.Context()) })).ServeHTTP(httptest.NewRecorder(), request)
		if got.TraceID().String() != want {
			t.Errorf("%s: %s", header, got.TraceID())
		}
	}
}
