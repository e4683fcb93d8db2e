// Package semconvtest reads, for tests, what telemetry has recorded.
package semconvtest

import (
	"context"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// Attributes are those of a span or of a metric's point, as texts.
func Attributes(all []attribute.KeyValue) map[string]string {
	m := map[string]string{}
	for _, kv := range all {
		m[string(kv.Key)] = kv.Value.String()
	}
	return m
}

// Points are the attributes of a metric's points, in the scopes whose names end so.
func Points(t testing.TB, from *metric.ManualReader, scope, name string) (all []map[string]string) {
	t.Helper()
	var got metricdata.ResourceMetrics
	if err := from.Collect(context.Background(), &got); err != nil {
		t.Fatal(err)
	}
	for _, s := range got.ScopeMetrics {
		for _, m := range s.Metrics {
			if m.Name != name || !strings.HasSuffix(s.Scope.Name, scope) {
				continue
			}
			switch data := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					all = append(all, Attributes(p.Attributes.ToSlice()))
				}
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					all = append(all, Attributes(p.Attributes.ToSlice()))
				}
			}
		}
	}
	return all
}
