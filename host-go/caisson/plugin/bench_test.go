package plugin

import (
	"context"
	"errors"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// BenchmarkCall measures a call, with the instance that it is made in, or with one for all.
func BenchmarkCall(b *testing.B) {
	for name, keep := range map[string]bool{"instance": false, "kept": true} {
		b.Run(name, func(b *testing.B) {
			p, err := testRuntime(b).LoadBytes(context.Background(), testFile(b, "calc"), &Options{KeepInstance: keep})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				callTool(b, p, "docs_calc_ops_add", map[string]int{"a": 1, "b": 2})
			}
		})
	}
}

// BenchmarkFuel measures how long a billion units of fuel last.
func BenchmarkFuel(b *testing.B) {
	p := loadPuppet(b, &Options{Limits: Limits{Fuel: 1_000_000_000}}, "loop")
	for b.Loop() {
		if _, err := p.CallTool(context.Background(), &mcp.CallToolParams{Name: "loop"}); !errors.Is(err, caisson.CodeLimit) {
			b.Fatal(err)
		}
	}
}
