package component

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component/internal/abi"
)

// color and labels are types that a program defines.
type (
	color  string
	labels uint32
)

type point struct {
	Name string // in any order
	X    int32
	Up   int64 `wit:"y"`
}

type pair[A, B any] struct {
	First  A
	Second B
}

func ptr[T any](v T) *T { return &v }

// Values pass through Go types, in every pair of a form of host function and a form of call.
func TestTyped(t *testing.T) {
	c, err := testRuntime(t, nil).Compile(context.Background(), testFile(t, "echo.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	typedEcho(t, c, "bool", true, false)
	typedEcho(t, c, "s8", int8(-128), int8(127))
	typedEcho(t, c, "u8", uint8(255))
	typedEcho(t, c, "s16", int16(-32768))
	typedEcho(t, c, "u16", uint16(65535))
	typedEcho(t, c, "s32", int32(-1))
	typedEcho(t, c, "u32", labels(1<<32-1))
	typedEcho(t, c, "s64", int64(-1<<63))
	typedEcho(t, c, "u64", uint64(1<<64-1))
	typedEcho(t, c, "f32", float32(-1.5))
	typedEcho(t, c, "f64", 0.25)
	typedEcho(t, c, "char", 'é', '\U0010ffff')
	typedEcho(t, c, "string", "", "héllo", strings.Repeat("x", 1<<20))
	typedEcho(t, c, "string", color("red"))
	typedEcho(t, c, "string-utf16", "𝄞 music")
	typedEcho(t, c, "string-latin1-utf16", "é then Ā")
	typedEcho(t, c, "bytes", []byte{}, []byte{0, 255})
	typedEcho(t, c, "u64s", []uint64{}, []uint64{1, 1<<64 - 1})
	typedEcho(t, c, "u64s", []any{uint64(1)})
	typedEcho(t, c, "strings", []string{"", "a", "bc"})
	typedEcho(t, c, "point", point{Name: "p", X: -1, Up: 1 << 40})
	typedEcho(t, c, "point", Record{int32(-1), int64(1), "p"})
	typedEcho(t, c, "points", []point{{Name: "a"}, {X: 1}})
	typedEcho(t, c, "shape", circle, Variant{Case: "none"})
	typedEcho[any](t, c, "shape", circle)
	typedEcho(t, c, "color", color("blue"))
	typedEcho(t, c, "color", Enum("green"))
	typedEcho(t, c, "wide-enum", color("c299"))
	typedEcho(t, c, "flags9", labels(1<<8))
	typedEcho(t, c, "flags17", Flags(1<<16))
	typedEcho(t, c, "opt-string", nil, ptr(""), ptr("x"))
	typedEcho(t, c, "opt-string", Some("x"))
	typedEcho(t, c, "opt-opt", nil, ptr[*uint32](nil), ptr(ptr(uint32(7))))
	typedEcho(t, c, "opt-u8s", []*uint8{nil, ptr(uint8(9))})
	typedEcho(t, c, "res", OK(uint32(1)), Err("bad"))
	typedEcho(t, c, "tuple", struct {
		A uint8
		B int64
		C string
	}{1, -1, "t"})
	typedEcho(t, c, "tuple", Tuple{uint8(1), int64(-1), "t"})
	typedEcho(t, c, "big", struct {
		A uint8
		B uint16
		C uint32
		D uint64
		E int8
		F int16
		G int32
		H int64
		I float32
		J float64
		K rune
		L bool
		M string
		N uint8
		O uint16
		P uint32
		Q uint8
		R string
	}{1, 2, 3, 4, -1, -2, -3, -4, 0.5, 0.25, 'ß', true, "mid", 5, 6, 7, 8, "end"})
	typedEcho(t, c, "deep", [][]pair[string, []*Result]{{}, {{"a", []*Result{nil, ptr(Err(Enum("green")))}}}})
	typedEcho(t, c, "fixed", [3]uint16{1, 2, 3})
	typedEcho(t, c, "map", []pair[string, uint32]{{"a", 1}, {"b", 2}})
}

func typedEcho[T any](t *testing.T, c *Compiled, name string, values ...T) {
	t.Helper()
	name = "echo-" + name
	for form, f := range map[string]any{
		"plain": func(v T) T { return v },
		"typed": Typed(func(_ context.Context, v T) (T, error) { return v, nil }),
	} {
		l := echoLinker(map[string]any{})
		l.Root().Func(name, f)
		in := instantiate(t, c, l)
		bound, err := Bind[T, T](in.ExportedFunction(name))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			call(t, in, "reset")
			got, err := bound(context.Background(), v)
			if err != nil || !reflect.DeepEqual(got, v) {
				t.Errorf("%s, %s: %.200v, %v; not %.200v", name, form, got, err, v)
			}
		}
	}
}

// A function that does not fit its import causes an error with both types.
func TestHostFunctionOfWrongType(t *testing.T) {
	c, err := testRuntime(t, nil).Compile(context.Background(), testFile(t, "calls.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []any{
		nil, 7, (func(a, b uint32) uint32)(nil), HostFunc(nil),
		func() uint32 { return 0 },
		func(a, b uint32) {},
		func(a, b uint32) error { return nil },
		func(a, b int) uint32 { return 0 },
		func(a uint32, b int32) uint32 { return 0 },
		func(a, b uint32) (uint32, uint32) { return 0, 0 },
		func(a uint32, b ...uint32) uint32 { return 0 },
		func(a, b Rep) uint32 { return 0 },
		Typed(func(context.Context, uint32) (uint32, error) { return 0, nil }),
		Typed(func(context.Context, struct{ A, C uint32 }) (uint32, error) { return 0, nil }),
		Typed(func(context.Context, struct{ a, b uint32 }) (uint32, error) { return 0, nil }),
		Typed(func(context.Context, struct{ A, B uint32 }) (string, error) { return "", nil }),
		Typed(func(context.Context, struct{ A, B uint32 }) (struct{}, error) { return struct{}{}, nil }),
	} {
		l := NewLinker()
		l.Root().Func("nop", noLog).Func("add", f)
		_, err := c.Instantiate(context.Background(), l)
		var link *LinkError
		if !errors.As(err, &link) || link.Import != "add" || !strings.Contains(err.Error(), "func(a: u32, b: u32) -> u32") || strings.Contains(err.Error(), "abi.") {
			t.Errorf("%T: %v", f, err)
			continue
		}
		if typed, ok := f.(TypedFunc); ok {
			if !strings.Contains(err.Error(), abi.GoName(typed.typ)) {
				t.Errorf("no Go type in %v", err)
			}
		} else if f != nil && !strings.Contains(err.Error(), abi.GoName(reflect.TypeOf(f))) {
			t.Errorf("no Go type in %v", err)
		}
	}
}

func TestBindOfWrongType(t *testing.T) {
	in := testInstance(t, nil, "calls.wasm", callsLinker())
	_, err := Bind[string, uint32](in.ExportedFunction("sum"))
	var value *ValueError
	if !errors.As(err, &value) || !strings.Contains(err.Error(), "func(a: u32, b: u32) -> u32") ||
		!strings.Contains(err.Error(), "func(context.Context, string) (uint32, error)") {
		t.Error(err)
	}
	if _, err := Bind[string, uint32](in.ExportedFunction("none")); err == nil {
		t.Error("bound nothing")
	}
}

func callsLinker() *Linker {
	l := NewLinker()
	l.Root().
		Func("nop", Typed(func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil })).
		Func("add", Typed(func(_ context.Context, p struct{ A, B uint32 }) (uint32, error) { return p.A + p.B, nil }))
	return l
}

// Typed functions and calls return the same errors as the others.
func TestTypedErrors(t *testing.T) {
	cause := errors.New("disk full")
	for _, f := range []any{
		func(context.Context, string) error { return cause },
		Typed(func(context.Context, string) (struct{}, error) { return struct{}{}, cause }),
	} {
		in := testInstance(t, nil, "hello.wasm", logLinker(f))
		say, err := Bind[string, string](in.ExportedFunction(greet))
		if err != nil {
			t.Fatal(err)
		}
		var value *ValueError
		if _, err := say(context.Background(), "\xff"); !errors.As(err, &value) {
			t.Error(err)
		}
		var trap *TrapError
		if _, err := say(context.Background(), "x"); !errors.As(err, &trap) || !errors.Is(err, cause) {
			t.Error(err)
		}
		if _, err := say(context.Background(), "x"); !errors.Is(err, ErrInstanceDead) {
			t.Error(err)
		}
	}
}

// Calls with scalars allocate nothing, on the way in and on the way out.
func TestTypedCallsDoNotAllocate(t *testing.T) {
	in := testInstance(t, nil, "calls.wasm", callsLinker())
	ctx := context.Background()
	empty, err := Bind[struct{}, struct{}](in.ExportedFunction("empty"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := Bind[struct{ A, B uint32 }, uint32](in.ExportedFunction("sum"))
	if err != nil {
		t.Fatal(err)
	}
	callNop, err := Bind[uint32, struct{}](in.ExportedFunction("call-nop"))
	if err != nil {
		t.Fatal(err)
	}
	callAdd, err := Bind[uint32, uint32](in.ExportedFunction("call-add"))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"empty":    func() error { _, err := empty(ctx, struct{}{}); return err },
		"call-nop": func() error { _, err := callNop(ctx, 10); return err },
		"sum": func() error {
			n, err := sum(ctx, struct{ A, B uint32 }{1, 2})
			if n != 3 {
				t.Error(n)
			}
			return err
		},
		"call-add": func() error {
			n, err := callAdd(ctx, 10)
			if n != 55 {
				t.Error(n)
			}
			return err
		},
	} {
		if n := testing.AllocsPerRun(100, func() {
			if err := f(); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations a call", name, n)
		}
	}
}

// A component may export what it imports. Every form of call works with every form of host function.
func TestReexport(t *testing.T) {
	c, err := testRuntime(t, nil).Compile(context.Background(), testFile(t, "reexport.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	var line string
	var closed Rep
	for _, log := range []any{
		func(s string) { line = s },
		HostFunc(func(_ context.Context, args []any) ([]any, error) { line = args[0].(string); return nil, nil }),
	} {
		l := NewLinker()
		l.Root().Func("log", log).Func("add", func(a, b uint32) uint32 { return a + b })
		l.Interface("t:io/files").Resource("file", nil).
			Func("open", func(name string) Rep { return Rep(len(name)) }).
			Func("close", func(f Rep) { closed = f }).
			Func("[method]file.read", func(f Rep, n uint32) []string {
				return []string{strings.Repeat("x", int(f)), strings.Repeat("y", int(n))}
			})
		in := instantiate(t, c, l)
		call(t, in, "log-again", "dynamic")
		if line != "dynamic" {
			t.Error(line)
		}
		bound, err := Bind[string, struct{}](in.ExportedFunction("log-again"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bound(ctx, "bound"); err != nil || line != "bound" {
			t.Error(line, err)
		}
		if got := call(t, in, "add-again", uint32(1), uint32(2)); got != uint32(3) {
			t.Error(got)
		}
		if _, err := in.ExportedFunction("add-again").Call(ctx, uint32(1), "2"); !errors.As(err, new(*ValueError)) {
			t.Error(err)
		}
		f := call(t, in, "t:io/again#open", "four")
		if f != Rep(4) {
			t.Error(f)
		}
		if got := call(t, in, "t:io/again#[method]file.read", f, uint32(2)); !reflect.DeepEqual(got, []any{"xxxx", "yy"}) {
			t.Error(got)
		}
		call(t, in, "t:io/again#close", f)
		if closed != 4 {
			t.Error(closed)
		}
	}
}
