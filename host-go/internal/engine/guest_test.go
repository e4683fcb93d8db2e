package engine

import (
	"log/slog"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
	"github.com/caisson-dev/caisson/host-go/internal/without"
)

// A guest that began in the interpreter goes on in compiled code, once there is some.
func TestGuestFollows(t *testing.T) {
	if without.Interpreter {
		t.Skip("nothing begins in the interpreter")
	}
	ctx := t.Context()
	e, err := New(ctx, Config{Interpreted: true, Workers: 1, CacheDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	l := component.NewLinker()
	wasi.AddToLinker(l, nil)
	for _, name := range []string{"timers", "script-host"} {
		l.Interface("caisson:mcp/" + name + "@0.1.0").Fallback(refuse)
	}
	g, err := e.Instantiate(ctx, l, component.Limits{}, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	deliver := func() {
		t.Helper()
		if _, err := g.ExportedFunction("caisson:mcp/scripts@0.1.0#deliver").Call(ctx, []any{}); err != nil {
			t.Error(err)
		}
	}
	deliver()
	if err := e.Compiled(ctx); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		if moved, err := g.Follow(); moved != want || err != nil {
			t.Errorf("moved: %t, and not %t; %v", moved, want, err)
		}
		deliver()
	}
}

// The interpreter's form of the code is freed before the compiler begins, when no guest needs it any more. A guest that
// comes meanwhile has it made again.
func TestInterpreterIsFreed(t *testing.T) {
	interpreted(t)
	release := compiling.hold(patience)
	defer release()
	e := testEngine(t, Config{Interpreted: true, Workers: 2, CacheDir: t.TempDir()})
	guest := func() *code {
		t.Helper()
		l := component.NewLinker()
		wasi.AddToLinker(l, nil)
		for _, name := range []string{"timers", "script-host"} {
			l.Interface("caisson:mcp/" + name + "@0.1.0").Fallback(refuse)
		}
		g, err := e.Instantiate(t.Context(), l, component.Limits{}, patience)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		if _, err := g.ExportedFunction("caisson:mcp/scripts@0.1.0#deliver").Call(t.Context(), []any{}); err != nil {
			t.Error(err)
		}
		return g.code
	}
	first := guest()
	if guest() != first {
		t.Error("it is made for each guest")
	}
	release()
	for ctx := testContext(t); ; time.Sleep(time.Millisecond) {
		e.mu.Lock()
		now, freed := e.code, e.dropped
		e.mu.Unlock()
		if freed {
			break
		}
		if now != first || ctx.Err() != nil {
			t.Fatal("the compiler begins with the interpreter's form beside it")
		}
	}
	if again := guest(); again == first {
		t.Error("a guest has what was freed")
	} else if e.drop(); guest() != again && !isClosed(e.compiled) {
		t.Error("it is freed twice")
	}
}
