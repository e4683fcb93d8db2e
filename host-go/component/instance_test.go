package component

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/caisson-dev/caisson/host-go/internal/footprint"
	"github.com/caisson-dev/caisson/host-go/internal/race"
)

const greet = "t:greet/greeter@1.2.0#greet"

func logLinker(f any) *Linker {
	l := NewLinker()
	l.Interface("t:greet/log@1.5.0").Func("line", f)
	return l
}

func noLog(context.Context, []any) ([]any, error) { return nil, nil }

func TestVersions(t *testing.T) {
	in := testInstance(t, nil, "hello.wasm", logLinker(noLog))
	for _, name := range []string{greet, "t:greet/greeter@1.0.0#greet", "t:greet/greeter@1.9.9#greet"} {
		if got := call(t, in, name, "you"); got != "hello, you" {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, name := range []string{"greet", "t:greet/greeter#greet", "t:greet/greeter@2.0.0#greet", "t:greet/greeter@0.1.0#greet"} {
		if in.ExportedFunction(name) != nil {
			t.Errorf("found %s", name)
		}
	}
	for name, want := range map[string]string{
		"a:b/c": "a:b/c", "a:b/c@1.2.3": "a:b/c@1", "a:b/c@0.2.3": "a:b/c@0.2", "a:b/c@0.0.3": "a:b/c@0.0.3",
		"a:b/c@0.2.3-rc.1": "a:b/c@0.2.3-rc.1", "a:b/c@1.2": "a:b/c@1.2",
	} {
		if got := compatible(name); got != want {
			t.Errorf("%s: %s, not %s", name, got, want)
		}
	}
}

func TestHostError(t *testing.T) {
	cause := errors.New("disk full")
	in := testInstance(t, nil, "hello.wasm", logLinker(func(context.Context, []any) ([]any, error) { return nil, cause }))
	_, err := in.ExportedFunction(greet).Call(context.Background(), "x")
	var trap *TrapError
	if !errors.As(err, &trap) || !errors.Is(err, cause) || trap.Func != greet {
		t.Fatal(err)
	}
	if !strings.Contains(err.Error(), "t:greet/log@1.0.0#line") {
		t.Errorf("the error does not name the host function: %v", err)
	}
	if trap.Stack == "" || strings.Contains(err.Error(), trap.Stack) {
		t.Errorf("stack: %q", trap.Stack)
	}
	if _, err := in.ExportedFunction(greet).Call(context.Background(), "x"); !errors.Is(err, ErrInstanceDead) {
		t.Fatal(err)
	}
}

func TestHostPanic(t *testing.T) {
	in := testInstance(t, nil, "hello.wasm", logLinker(func(context.Context, []any) ([]any, error) { panic("oops") }))
	_, err := in.ExportedFunction(greet).Call(context.Background(), "x")
	if trap := (*TrapError)(nil); !errors.As(err, &trap) || !strings.Contains(err.Error(), "oops") {
		t.Fatal(err)
	}
}

func TestHostResultOfWrongType(t *testing.T) {
	given := map[string]any{}
	l := echoLinker(given)
	for _, results := range [][]any{nil, {uint32(1), uint32(2)}, {"x"}} {
		l.Root().Func("echo-u32", func(context.Context, []any) ([]any, error) { return results, nil })
		in := testInstance(t, nil, "echo.wasm", l)
		_, err := in.ExportedFunction("echo-u32").Call(context.Background(), uint32(1))
		if trap := (*TrapError)(nil); !errors.As(err, &trap) || !strings.Contains(err.Error(), "echo-u32") {
			t.Errorf("%v: %v", results, err)
		}
	}
}

func TestTrap(t *testing.T) {
	in := testInstance(t, nil, "hello.wasm", logLinker(noLog))
	_, err := in.ExportedFunction("trap").Call(context.Background())
	var trap *TrapError
	if !errors.As(err, &trap) || err.Error() != "component: trap trapped: unreachable" {
		t.Fatal(err)
	}
}

func TestReentrance(t *testing.T) {
	var in *Instance
	var inner error
	in = testInstance(t, nil, "hello.wasm", logLinker(func(ctx context.Context, _ []any) ([]any, error) {
		_, inner = in.ExportedFunction(greet).Call(ctx, "x")
		return nil, nil
	}))
	if got := call(t, in, greet, "x"); got != "hello, x" {
		t.Fatal(got)
	}
	if !errors.Is(inner, ErrReentered) {
		t.Fatal(inner)
	}
}

func TestConcurrentCallIsRefused(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	in := testInstance(t, nil, "hello.wasm", logLinker(func(context.Context, []any) ([]any, error) {
		close(entered)
		<-leave
		return nil, nil
	}))
	done := make(chan error)
	go func() {
		_, err := in.ExportedFunction(greet).Call(context.Background(), "x")
		done <- err
	}()
	<-entered
	if _, err := in.ExportedFunction(greet).Call(context.Background(), "y"); !errors.Is(err, ErrReentered) {
		t.Error(err)
	}
	if err := in.Close(context.Background()); !errors.Is(err, ErrReentered) {
		t.Error(err)
	}
	close(leave)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestClose(t *testing.T) {
	in := testInstance(t, nil, "hello.wasm", logLinker(noLog))
	f := in.ExportedFunction(greet)
	if in.MemorySize() != 1<<16 {
		t.Error(in.MemorySize())
	}
	for range 2 {
		if err := in.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Call(context.Background(), "x"); !errors.Is(err, ErrInstanceDead) {
		t.Fatal(err)
	}
	if in.MemorySize() != 0 {
		t.Error(in.MemorySize())
	}
}

func TestMissingImport(t *testing.T) {
	c, err := testRuntime(t, nil).Compile(context.Background(), testFile(t, "hello.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	wrongVersion := NewLinker()
	wrongVersion.Interface("t:greet/log@2.0.0").Func("line", noLog)
	empty := NewLinker()
	empty.Interface("t:greet/log@1.0.0")
	for _, l := range []*Linker{nil, NewLinker(), wrongVersion, empty} {
		_, err := c.Instantiate(context.Background(), l)
		var link *LinkError
		if !errors.As(err, &link) || link.Import != "t:greet/log@1.0.0#line" || link.Type != "func(text: string)" {
			t.Errorf("%v", err)
		}
	}
}

// One Compiled makes many instances at once. The instances do not see one another.
func TestConcurrentInstances(t *testing.T) {
	ctx := context.Background()
	c, err := testRuntime(t, nil).Compile(ctx, testFile(t, "hello.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 20 {
				logged := ""
				in, err := c.Instantiate(ctx, logLinker(func(_ context.Context, args []any) ([]any, error) {
					logged = args[0].(string)
					return nil, nil
				}))
				if err != nil {
					t.Error(err)
					return
				}
				name := fmt.Sprintf("%d-%d", g, i)
				out, err := in.ExportedFunction(greet).Call(ctx, name)
				if err != nil || out[0] != "hello, "+name || logged != "hello, "+name {
					t.Error(out, logged, err)
				}
				if err := in.Close(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestCompileCache(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		in := testInstance(t, &Config{CacheDir: dir}, "hello.wasm", logLinker(noLog))
		if got := call(t, in, greet, "x"); got != "hello, x" {
			t.Fatal(got)
		}
	}
}

// A closed instance leaves neither heap nor address space behind.
func TestManyInstances(t *testing.T) {
	ctx := context.Background()
	c, err := testRuntime(t, nil).Compile(ctx, testFile(t, "hello.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	round := func(n int) (heap, space uint64) {
		for range n {
			in, err := c.Instantiate(ctx, logLinker(noLog))
			if err != nil {
				t.Fatal(err)
			}
			if got := call(t, in, greet, "x"); got != "hello, x" {
				t.Fatal(got)
			}
			if err := in.Close(ctx); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, footprint.AddressSpace()
	}
	n := 10_000
	if race.Enabled {
		n = 500
	}
	heap, space := round(100)
	heapAfter, spaceAfter := round(n)
	if heapAfter > heap+4<<20 {
		t.Errorf("heap of %d bytes after 100 instances, %d after %d more", heap, heapAfter, n)
	}
	if spaceAfter > space+2<<30 { // an instance's memory reserves half a gigabyte
		t.Errorf("address space of %d bytes after 100 instances, %d after %d more", space, spaceAfter, n)
	}
}

func TestCompiledClose(t *testing.T) {
	ctx := context.Background()
	r := testRuntime(t, nil)
	for range 3 {
		c, err := r.Compile(ctx, testFile(t, "hello.wasm"))
		if err != nil {
			t.Fatal(err)
		}
		in, err := c.Instantiate(ctx, logLinker(noLog))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(in.Close(ctx), c.Close(ctx)); err != nil {
			t.Fatal(err)
		}
	}
}
