package wasi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"reflect"
	"testing"
	"testing/iotest"
	"time"

	"go.uber.org/goleak"

	"github.com/caisson-dev/caisson/host-go/component"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		closeGuests()
		os.Exit(code)
	}))
}

// command instantiates testdata/command.wat under a configuration.
func command(t *testing.T, cfg *Config) *component.Instance {
	t.Helper()
	ctx := context.Background()
	b, err := os.ReadFile("testdata/command.wasm")
	if err != nil {
		t.Fatal(err)
	}
	r, err := component.NewRuntime(ctx, &component.Config{Interpreter: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(ctx) })
	c, err := r.Compile(ctx, b)
	if err != nil {
		t.Fatal(err)
	}
	l := component.NewLinker()
	AddToLinker(l, cfg)
	in, err := c.Instantiate(ctx, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(ctx) })
	return in
}

func call(t *testing.T, in *component.Instance, name string, args ...any) any {
	t.Helper()
	out, err := in.ExportedFunction(name).Call(context.Background(), args...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(out) == 0 {
		return nil
	}
	return out[0]
}

func TestDefaultsGrantNothing(t *testing.T) {
	in := command(t, nil)
	if got := call(t, in, "env"); len(got.([]any)) != 0 {
		t.Error("environment", got)
	}
	if got := call(t, in, "args"); len(got.([]any)) != 0 {
		t.Error("arguments", got)
	}
	if got := call(t, in, "print", "x"); got != component.OK(nil) {
		t.Error("stdout takes what it is given", got)
	}
	if got := call(t, in, "read", uint64(10)).(component.Result); got.OK {
		t.Error("stdin has not ended", got)
	}
	if got := call(t, in, "socket"); got != uint8(1) {
		t.Errorf("create-tcp-socket: error %v, not access-denied", got)
	}
	before := uint64(time.Now().Add(-time.Minute).Unix())
	if now := call(t, in, "wall").(component.Tuple); now[0].(uint64) < before {
		t.Error("wall clock", now)
	}
	a, b := call(t, in, "mono").(uint64), call(t, in, "mono").(uint64)
	if b < a {
		t.Error("monotonic clock", a, b)
	}
	if call(t, in, "random") == call(t, in, "random") {
		t.Error("two random numbers are the same")
	}
}

func TestGranted(t *testing.T) {
	var stdout bytes.Buffer
	now := time.Unix(1_700_000_000, 5)
	in := command(t, &Config{
		Args: []string{"prog", "--flag"}, Env: [][2]string{{"KEY", "value"}},
		Stdin: bytes.NewReader([]byte("input")), Stdout: &stdout,
		Now: func() time.Time { return now }, Monotonic: func() time.Duration { return 42 },
		Random: bytes.NewReader([]byte{1, 0, 0, 0, 0, 0, 0, 0, 7, 8, 9}),
	})
	check := func(name string, want any, args ...any) {
		t.Helper()
		if got := call(t, in, name, args...); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, not %v", name, got, want)
		}
	}
	check("args", []any{"prog", "--flag"})
	check("env", []any{component.Tuple{"KEY", "value"}})
	check("wall", component.Tuple{uint64(1_700_000_000), uint32(5)})
	check("mono", uint64(42))
	check("random", uint64(1))
	check("random-bytes", []byte{7, 8, 9}, uint64(3))
	check("print", component.OK(nil), "hello\n")
	check("read", component.OK([]byte("inp")), uint64(3))
	check("read", component.OK([]byte("ut")), uint64(3))
	if got := call(t, in, "read", uint64(3)).(component.Result); got.OK {
		t.Error(got)
	}
	if stdout.String() != "hello\n" {
		t.Errorf("stdout: %q", stdout.String())
	}
}

func TestWriteError(t *testing.T) {
	in := command(t, &Config{Stdout: writerFunc(func([]byte) (int, error) { return 0, errors.New("broken pipe") })})
	if got := call(t, in, "print", "x").(component.Result); got.OK {
		t.Error(got)
	}
	in = command(t, &Config{Stdin: iotest.ErrReader(errors.New("broken"))})
	if got := call(t, in, "read", uint64(1)).(component.Result); got.OK {
		t.Error(got)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestExit(t *testing.T) {
	for status, code := range map[component.Result]int{component.OK(nil): 0, component.Err(nil): 1} {
		in := command(t, nil)
		_, err := in.ExportedFunction("exit").Call(context.Background(), status)
		var exit *ExitError
		if !errors.As(err, &exit) || exit.Code != code {
			t.Errorf("%v: %v", status, err)
		}
	}
}

// The clock wakes a guest that waits, and the end of the context stops it.
func TestPoll(t *testing.T) {
	start := time.Now()
	call(t, command(t, nil), "sleep", uint64(20*time.Millisecond))
	if took := time.Since(start); took < 20*time.Millisecond {
		t.Errorf("woke after %v", took)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := command(t, nil).ExportedFunction("sleep").Call(ctx, uint64(time.Hour))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

func TestRandomIsBounded(t *testing.T) {
	in := command(t, nil)
	_, err := in.ExportedFunction("random-bytes").Call(context.Background(), uint64(1<<40))
	if trap := (*component.TrapError)(nil); !errors.As(err, &trap) {
		t.Fatal(err)
	}
	in = command(t, &Config{Random: bytes.NewReader(nil)})
	if _, err := in.ExportedFunction("random").Call(context.Background()); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
}
