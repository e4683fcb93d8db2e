package engine

import (
	"context"
	"testing"
)

// BenchmarkInstantiate makes an instance for a session, and gives it back.
func BenchmarkInstantiate(b *testing.B) {
	dir, err := warmed()
	if err != nil {
		b.Fatal(err)
	}
	for name, heap := range map[string]bool{"mapped": false, "heap": true} {
		e, err := newTestEngine(Config{CacheDir: dir, HeapMemory: heap, CompileFirst: true})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				in := e.newInstance(e.config.Logger, testLimits, 0)
				if err := in.instantiate(context.Background(), recorder{}); err != nil {
					b.Fatal(err)
				}
				_ = in.core.Close(context.Background())
				e.release(in)
			}
		})
		e.Close()
	}
}
