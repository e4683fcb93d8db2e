package component

import (
	"context"
	"runtime"
	"testing"
	"time"
)

// What is kept of an instance that has ended keeps nothing else of it alive: not the functions of its host.
func TestEndedIsNotAlive(t *testing.T) {
	ctx := context.Background()
	c := prepared(t, nil, "echo.wasm")
	gone := make(chan struct{}, 8)
	func() {
		for range 3 {
			in, err := c.InstantiateWith(ctx, echoLinker(map[string]any{}), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			call(t, in, "echo-string", "before")
			runtime.AddCleanup(in, func(int) { gone <- struct{}{} }, 0)
			if err := in.Close(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}()
	if runtime.GOOS == "linux" && len(c.ended.all) != 1 {
		t.Fatalf("%d are kept", len(c.ended.all))
	}
	for range 3 {
		for begun := time.Now(); len(gone) == 0; {
			if runtime.GC(); time.Since(begun) > 10*time.Second {
				t.Fatal("an instance is alive")
			}
			runtime.Gosched()
		}
		<-gone
	}
	runtime.KeepAlive(c)
}
