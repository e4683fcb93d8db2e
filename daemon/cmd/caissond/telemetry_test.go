package main

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	collectmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collecttraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A collector takes OTLP over HTTP.
type collector struct {
	mu      sync.Mutex
	traces  []*collecttraces.ExportTraceServiceRequest
	metrics []*collectmetrics.ExportMetricsServiceRequest
	bytes   string // all that it has got
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes += string(body)
	var answer proto.Message
	switch r.URL.Path {
	case "/v1/traces":
		request := &collecttraces.ExportTraceServiceRequest{}
		if err == nil {
			err = proto.Unmarshal(body, request)
		}
		c.traces = append(c.traces, request)
		answer = &collecttraces.ExportTraceServiceResponse{}
	case "/v1/metrics":
		request := &collectmetrics.ExportMetricsServiceRequest{}
		if err == nil {
			err = proto.Unmarshal(body, request)
		}
		c.metrics = append(c.metrics, request)
		answer = &collectmetrics.ExportMetricsServiceResponse{}
	}
	if err != nil || answer == nil {
		http.Error(w, "neither traces nor metrics", http.StatusBadRequest)
		return
	}
	text, _ := proto.Marshal(answer)
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(text)
}

// TestTelemetry has a daemon send its spans and metrics to a collector, and shows that a call's span belongs to the
// trace of who has called, and that baggage and arguments go nowhere.
func TestTelemetry(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("this system has no SIGTERM")
	}
	c := &collector{}
	at := httptest.NewServer(c)
	defer at.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", at.URL)
	t.Setenv("OTEL_SERVICE_NAME", "house")
	home := t.TempDir()
	path := filepath.Join(home, "caisson.yaml")
	if err := os.WriteFile(path, []byte("mcpServers: {one: {command: "+os.Args[0]+", env: {"+stdioVariable+": '1'}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := run(t, home, "--config", path, "--listen", "127.0.0.1:0")
	address := p.await(t, "the daemon listens")["address"].(string)
	token, err := os.ReadFile(p.await(t, "there is a token")["file"].(string))
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/call-tool", strings.NewReader(`{"server":"one","name":"hello","arguments":{"a":"s3cret"}}`))
	if err != nil {
		t.Fatal(err)
	}
	const trace = "0af7651916cd43dd8448eb211c80319c"
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Authorization": "Bearer " + strings.TrimSpace(string(token)),
		"Traceparent": "00-" + trace + "-b7ad6b7169203331-01", "Baggage": "tenant=s3cret",
	} {
		request.Header.Set(name, value)
	}
	if status, text := do(t, request); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for line := range p.lines { // Until it has ended.
		if line["level"] == "ERROR" || line["level"] == "WARN" {
			t.Errorf("%v", line)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if strings.Contains(c.bytes, "s3cret") {
		t.Error("baggage or arguments were exported")
	}
	spans, metrics, service := map[string]string{}, map[string]bool{}, ""
	for _, r := range c.traces {
		for _, of := range r.GetResourceSpans() {
			for _, attribute := range of.GetResource().GetAttributes() {
				if attribute.GetKey() == "service.name" {
					service = attribute.GetValue().GetStringValue()
				}
			}
			for _, scope := range of.GetScopeSpans() {
				for _, span := range scope.GetSpans() {
					spans[span.GetName()] = hex.EncodeToString(span.GetTraceId())
				}
			}
		}
	}
	for _, r := range c.metrics {
		for _, of := range r.GetResourceMetrics() {
			for _, scope := range of.GetScopeMetrics() {
				for _, metric := range scope.GetMetrics() {
					metrics[metric.GetName()] = true
				}
			}
		}
	}
	if service != "house" || spans["tools/call hello"] != trace {
		t.Errorf("%s has the spans %v", service, spans)
	}
	if !metrics["caisson.sessions"] || !metrics["mcp.client.operation.duration"] {
		t.Errorf("the metrics are %v", metrics)
	}
}
