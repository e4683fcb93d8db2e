package server

import (
	"context"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/config"
	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

// exported are the names that Prometheus gets: those of the daemon, and those of the runtime and the process.
func exported(t *testing.T) (own, others []string) {
	t.Helper()
	var mu sync.Mutex
	var made []sdk.Instrument
	m, err := NewMetrics(sdk.WithView(func(i sdk.Instrument) (sdk.Stream, bool) { // It is asked about each instrument that is made.
		mu.Lock()
		defer mu.Unlock()
		made = append(made, i)
		return sdk.Stream{}, false
	}))
	if err != nil {
		t.Fatal(err)
	}
	file, err := config.Parse("caisson.yaml", []byte("listen: 'unix:none'\nnats: {url: '"+storetest.Start(t, nil).URL()+"'}\n"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), file, Options{Runtime: caissontest.Runtime(t), Telemetry: caisson.Telemetry{MeterProvider: m.Provider}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := m.Watch(s); err != nil {
		t.Fatal(err)
	}
	// Prometheus knows an instrument that has a value: so each gets one, in metrics of their own.
	again, err := NewMetrics()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range made {
		give(t, again.Provider.Meter("again"), i)
	}
	for _, metrics := range []*Metrics{m, again} {
		families, err := metrics.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			if name := family.GetName(); strings.HasPrefix(name, "caisson_") || strings.HasPrefix(name, "mcp_") {
				own = append(own, name)
			} else {
				others = append(others, name)
			}
		}
	}
	slices.Sort(own)
	return slices.Compact(own), others
}

// give makes an instrument of the same kind, with a value.
func give(t *testing.T, meter metric.Meter, i sdk.Instrument) {
	t.Helper()
	var err error
	switch i.Kind {
	case sdk.InstrumentKindHistogram:
		var h metric.Float64Histogram
		if h, err = meter.Float64Histogram(i.Name, metric.WithUnit(i.Unit)); err == nil {
			h.Record(t.Context(), 1)
		}
	case sdk.InstrumentKindCounter:
		var c metric.Int64Counter
		if c, err = meter.Int64Counter(i.Name, metric.WithUnit(i.Unit)); err == nil {
			c.Add(t.Context(), 1)
		}
	case sdk.InstrumentKindUpDownCounter:
		var c metric.Int64UpDownCounter
		if c, err = meter.Int64UpDownCounter(i.Name, metric.WithUnit(i.Unit)); err == nil {
			c.Add(t.Context(), 1)
		}
	case sdk.InstrumentKindObservableGauge:
		_, err = meter.Int64ObservableGauge(i.Name, metric.WithUnit(i.Unit), metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(1)
			return nil
		}))
	case sdk.InstrumentKindObservableCounter:
		_, err = meter.Int64ObservableCounter(i.Name, metric.WithUnit(i.Unit), metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(1)
			return nil
		}))
	default:
		t.Errorf("%s is of a kind that this test does not know: %v", i.Name, i.Kind)
	}
	if err != nil {
		t.Fatal(err)
	}
}

var (
	code      = regexp.MustCompile("(?s)```(?:promql|yaml)\n(.*?)```")
	selectors = regexp.MustCompile(`\{[^}]*\}`)
	labels    = regexp.MustCompile(`(\w+)\s*(?:=~|!=|!~|=)\s*"`)
	grouping  = regexp.MustCompile(`\b(?:by|ignoring|on)\s*\(([^)]*)\)`)
	names     = regexp.MustCompile(`\b(?:caisson|mcp|go|process)_[a-z_]+`)
	rows      = regexp.MustCompile("(?m)^\\| `((?:caisson|mcp)_[a-z_]+)` \\|")
)

// TestOperations holds docs/operations.md against the daemon: each metric that is exported stands in its table, and each
// metric, label and code in it is there.
func TestOperations(t *testing.T) {
	document, telemetry := readDocument(t, "operations.md"), readDocument(t, "telemetry.md")
	own, others := exported(t)
	var listed []string
	for _, row := range rows.FindAllStringSubmatch(document, -1) {
		listed = append(listed, row[1])
	}
	slices.Sort(listed)
	if !slices.Equal(listed, own) {
		t.Errorf("the table has %q, and exported are %q", listed, own)
	}
	used := 0
	for _, block := range code.FindAllStringSubmatch(document, -1) {
		text := block[1]
		var known []string
		for _, found := range labels.FindAllStringSubmatch(text, -1) {
			known = append(known, found[1])
		}
		for _, found := range grouping.FindAllStringSubmatch(text, -1) {
			for label := range strings.SplitSeq(found[1], ",") {
				known = append(known, strings.TrimSpace(label))
			}
		}
		for _, label := range known {
			if label != "le" && label != "job" && !strings.Contains(strings.ReplaceAll(telemetry, ".", "_"), "`"+label+"`") {
				t.Errorf("there is no label %s", label)
			}
		}
		for _, name := range names.FindAllString(grouping.ReplaceAllString(selectors.ReplaceAllString(text, ""), ""), -1) {
			used++
			base := name
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				base = strings.TrimSuffix(base, suffix)
			}
			if runtime.GOOS != "linux" && strings.HasPrefix(name, "process_") {
				continue // Not every system has all of them.
			}
			if !slices.Contains(own, base) && !slices.Contains(others, name) {
				t.Errorf("there is no metric %s", name)
			}
		}
	}
	if used < 15 {
		t.Errorf("only %d metrics are used", used)
	}
	for _, name := range caissonv1.Code_name {
		if name != "CODE_UNSPECIFIED" && !strings.Contains(document, "\n| `"+strings.TrimPrefix(name, "CODE_")+"` |") {
			t.Errorf("the document does not say what to do about %s", name)
		}
	}
}

func readDocument(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
