package component

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(hostileChild); name != "" {
		runHostile(name)
		return
	}
	goleak.VerifyTestMain(m)
}

// testFile reads a component of testdata.
func testFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// testRuntime makes a Runtime that ends with the test.
func testRuntime(t testing.TB, cfg *Config) *Runtime {
	t.Helper()
	ctx := context.Background()
	r, err := NewRuntime(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return r
}

// testInstance compiles a component of testdata and instantiates it.
func testInstance(t testing.TB, cfg *Config, name string, l *Linker) *Instance {
	t.Helper()
	c, err := testRuntime(t, cfg).Compile(context.Background(), testFile(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return instantiate(t, c, l)
}

func instantiate(t testing.TB, c *Compiled, l *Linker) *Instance {
	t.Helper()
	in, err := c.Instantiate(context.Background(), l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return in
}

// call calls an export that has to succeed, and returns its result.
func call(t testing.TB, in *Instance, name string, args ...any) any {
	t.Helper()
	f := in.ExportedFunction(name)
	if f == nil {
		t.Fatalf("no export %s", name)
	}
	out, err := f.Call(context.Background(), args...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(out) == 0 {
		return nil
	}
	return out[0]
}
