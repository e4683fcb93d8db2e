package wasi

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
)

// guests are the components of the tests, compiled once.
var guests struct {
	sync.Mutex
	runtime *component.Runtime
	of      map[string]*component.Compiled
}

// guest returns testdata/NAME.wasm, compiled.
func guest(t *testing.T, name string) *component.Compiled {
	t.Helper()
	ctx := context.Background()
	guests.Lock()
	defer guests.Unlock()
	if guests.runtime == nil {
		r, err := component.NewRuntime(ctx, &component.Config{Interpreter: true})
		if err != nil {
			t.Fatal(err)
		}
		guests.runtime, guests.of = r, map[string]*component.Compiled{}
	}
	if c := guests.of[name]; c != nil {
		return c
	}
	b, err := os.ReadFile("testdata/" + name + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	c, err := guests.runtime.Compile(ctx, b)
	if err != nil {
		t.Fatal(err)
	}
	guests.of[name] = c
	return c
}

func closeGuests() {
	if guests.runtime != nil {
		_ = guests.runtime.Close(context.Background())
	}
	ownTransport.CloseIdleConnections()
}

// outcome is how a command ended, and what it printed.
type outcome struct {
	stdout, stderr string
	code           int
	err            error
}

// runCommand runs a command component. cfg may be nil. The test sets the arguments and the output.
func runCommand(ctx context.Context, t *testing.T, c *component.Compiled, cfg *Config, args ...string) outcome {
	t.Helper()
	var own Config
	if cfg != nil {
		own = *cfg
	}
	var stdout, stderr bytes.Buffer
	own.Args = append([]string{"guest"}, args...)
	if own.Stdout == nil {
		own.Stdout = &stdout
	}
	own.Stderr = &stderr
	l := component.NewLinker()
	AddToLinker(l, &own)
	in, err := c.Instantiate(ctx, l)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := in.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	out, err := in.ExportedFunction("wasi:cli/run@0.2.0#run").Call(ctx)
	o := outcome{stdout: stdout.String(), stderr: stderr.String(), err: err}
	var exit *ExitError
	switch {
	case errors.As(err, &exit):
		o.code, o.err = exit.Code, nil
	case err == nil && out[0] != component.OK(nil):
		o.code = 1
	}
	return o
}

// guestLines runs the Rust program, which has to succeed, and returns the lines that it prints.
func guestLines(t *testing.T, cfg *Config, args ...string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	o := runCommand(ctx, t, guest(t, "guest"), cfg, args...)
	if o.err != nil || o.code != 0 {
		t.Fatalf("%.500q: code %d, %v\n%s%s", args, o.code, o.err, o.stdout, o.stderr)
	}
	return strings.Split(strings.TrimSuffix(o.stdout, "\n"), "\n")
}

// wantLines compares what was printed.
func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestCommand(t *testing.T) {
	got := guestLines(t, &Config{
		Env: [][2]string{{"NAME", "värde"}, {"EMPTY", ""}}, Cwd: "/work", Stdin: strings.NewReader("some input"),
	}, "hello", "a b", "ü")
	wantLines(t, got, `args ["a b", "ü"]`, "env NAME=värde", "env EMPTY=", `cwd Some("/work")`, "stdin SOME INPUT")

	got = guestLines(t, nil, "hello")
	wantLines(t, got, "args []", "cwd None", "stdin ")
}

func TestCommandEnds(t *testing.T) {
	ctx := context.Background()
	// The standard library calls exit, which knows only success and failure.
	for code, want := range map[string]int{"0": 0, "1": 1, "7": 1} {
		o := runCommand(ctx, t, guest(t, "guest"), nil, "exit", code)
		if o.err != nil || o.code != want {
			t.Errorf("exit %s: code %d, %v", code, o.code, o.err)
		}
	}
	o := runCommand(ctx, t, guest(t, "guest"), nil, "fail")
	if trap := (*component.TrapError)(nil); !errors.As(o.err, &trap) || !strings.Contains(o.stderr, "as asked") {
		t.Errorf("panic: %v, %s", o.err, o.stderr)
	}
}

func TestClocks(t *testing.T) {
	got := guestLines(t, &Config{Now: func() time.Time { return time.Unix(1_700_000_000, 0) }}, "clock")
	wantLines(t, got, "slept true", "now 1700000000", "resolution true", "past true", "poll [1]")
}

func TestRandom(t *testing.T) {
	got := guestLines(t, &Config{Random: &counter{}}, "random")
	if len(got) != 5 || !strings.HasPrefix(got[0], "bytes [") || !strings.HasPrefix(got[4], "seed (") {
		t.Error(got)
	}
	again := guestLines(t, &Config{Random: &counter{}}, "random")
	wantLines(t, again, got...)
}

// counter is a source of bytes that are not random.
type counter struct{ next byte }

func (c *counter) Read(b []byte) (int, error) {
	for i := range b {
		c.next++
		b[i] = c.next
	}
	return len(b), nil
}

func TestStreams(t *testing.T) {
	pr, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pr.Close()
	go func() {
		defer pw.Close()
		_, _ = pw.WriteString("0123456789")
	}()
	got := guestLines(t, &Config{Stdin: pr}, "stdin")
	wantLines(t, got, "poll [1]", "read Ok([48, 49, 50])", "skip Ok(2)", "56splice Ok(2)", "",
		"rest Ok([55, 56, 57])", "end Err(StreamError::Closed)", "end Err(StreamError::Closed)",
		"room true", "\x00\x00\x00\x00\x00")
}

// The end of the context ends a component that waits for input that does not come, and one that waits for a
// reader of its output.
func TestWaitingEndsWithTheContext(t *testing.T) {
	pr, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pr.Close()
	defer pw.Close()
	for name, cfg := range map[string]*Config{
		"hello": {Stdin: pr},
		"clock": {Stdout: writerFunc(func([]byte) (int, error) {
			_, err := pr.Read(make([]byte, 1))
			return 0, err
		})},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		o := runCommand(ctx, t, guest(t, "guest"), cfg, name)
		cancel()
		if !errors.Is(o.err, context.DeadlineExceeded) {
			t.Errorf("%s: code %d, %v", name, o.code, o.err)
		}
	}
}

func TestTerminals(t *testing.T) {
	wantLines(t, guestLines(t, nil, "terminal"), "terminals false false false")
	cfg := &Config{Terminal: Terminal{Stdin: true, Stderr: true}}
	wantLines(t, guestLines(t, cfg, "terminal"), "terminals true false true")
}

func TestSocketsAreDenied(t *testing.T) {
	wantLines(t, guestLines(t, nil, "connect", "127.0.0.1:1"),
		"tcp Err(PermissionDenied)", "udp Err(PermissionDenied)", "lookup Err(\"access-denied\")")
}
