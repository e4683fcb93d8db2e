package main

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// inProcess answers requests without a network.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
}

// BenchmarkMetering is what metering the core costs a tools/call: a session of a
// metered core and one of an unmetered core make calls in turns, to a server in
// this process, and the least time of each counts. It needs the core as `make component` leaves it.
func BenchmarkMetering(b *testing.B) {
	wasm, err := os.ReadFile("../../../../build/core.wasm")
	if errors.Is(err, fs.ErrNotExist) {
		b.Skip("no build/core.wasm: run make component")
	}
	if err != nil {
		b.Fatal(err)
	}
	metered, err := component.Prepare(wasm, nil)
	if err != nil {
		b.Fatal(err)
	}
	unmetered, err := component.PrepareUnmetered(wasm)
	if err != nil {
		b.Fatal(err)
	}
	sessions := []*engine.Session{session(b, metered), session(b, unmetered)}
	for name, size := range map[string]int{"tools-call": 100, "tools-call-100KB": 100_000} {
		b.Run(name, func(b *testing.B) {
			params := `{"name":"echo","arguments":{"message":"` + strings.Repeat("0123456789", size/10) + `"}}`
			var times [2][]float64
			for b.Loop() {
				for i, s := range sessions {
					start := time.Now()
					if _, failure := s.Call(b.Context(), engine.Operation{Export: "call-tool", Method: "tools/call", Params: params}); failure != nil {
						b.Fatal(failure)
					}
					times[i] = append(times[i], float64(time.Since(start)))
				}
			}
			a, c := slices.Min(times[0]), slices.Min(times[1])
			b.ReportMetric(a, "metered-ns")
			b.ReportMetric(c, "unmetered-ns")
			b.ReportMetric(a/c, "ratio")
		})
	}
}

func session(b *testing.B, core *component.Prepared) *engine.Session {
	e, err := newEngine(b.Context(), core)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(e.Close)
	u := &url.URL{Scheme: "http", Host: "127.0.0.1:1", Path: "/"}
	s, err := connect(b.Context(), e, inProcess{demoserver.Handler(true, true)}, engine.HTTP, egress.Grant{Server: "http", URL: u})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	for range 200 {
		if _, failure := s.Call(b.Context(), engine.Operation{Export: "call-tool", Method: "tools/call", Params: `{"name":"echo","arguments":{"message":"x"}}`}); failure != nil {
			b.Fatal(failure)
		}
	}
	return s
}
