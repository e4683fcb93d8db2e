package component

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// FuzzComponent takes any bytes through decoding, linking, imports, exports, WIT, instantiation and calls of
// every export, under small limits. The outcome is always a documented error or a result, in bounded time and
// memory.
func FuzzComponent(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*.wasm")
	if err != nil {
		f.Fatal(err)
	}
	invalid, err := filepath.Glob("testdata/invalid/*.wasm")
	if err != nil {
		f.Fatal(err)
	}
	corpus, err := filepath.Glob("testdata/corpus/*/component.wasm")
	if err != nil {
		f.Fatal(err)
	}
	hostile, err := filepath.Glob("testdata/hostile/*.wasm")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range slices.Concat(seeds, invalid, corpus, hostile) {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		r, err := NewRuntime(ctx, &Config{Interpreter: true, Limits: Limits{Memory: 4 << 20, Fuel: 300_000}})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close(context.Background())
		c, err := r.Compile(ctx, b)
		if err != nil {
			if decode := (*DecodeError)(nil); !errors.As(err, &decode) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		c.Imports()
		c.Exports()
		c.WIT()
		in, err := c.Instantiate(ctx, denyAll(c))
		if err != nil {
			known(t, err)
			return
		}
		defer in.Close(context.Background())
		for name, f := range c.exports.all("") {
			if deep(f.sig.Type) {
				continue
			}
			_, err := in.ExportedFunction(name).Call(ctx, zeroArgs(f.sig.Type)...)
			known(t, err)
			in.MemorySize()
			in.FuelUsed()
		}
	})
}

// known fails on an error that is not one of the documented ones.
func known(t *testing.T, err error) {
	t.Helper()
	var trap *TrapError
	var link *LinkError
	var value *ValueError
	if err == nil || errors.As(err, &trap) || errors.As(err, &link) || errors.As(err, &value) ||
		errors.Is(err, ErrInstanceDead) || errors.Is(err, context.DeadlineExceeded) {
		return
	}
	t.Fatalf("%T: %v", err, err)
}

// denyAll gives every import a function that fails.
func denyAll(c *Compiled) *Linker {
	deny := func(context.Context, []any) ([]any, error) { return nil, errors.New("denied") }
	fallback := func(string) HostFunc { return deny }
	l := NewLinker()
	l.Root().Fallback(fallback)
	for _, e := range c.Imports() {
		l.Interface(e.Name).Fallback(fallback)
	}
	return l
}

// deep reports whether values of a function's parameters may be too large to make: types can be exponential.
func deep(f *types.Func) bool {
	return slices.ContainsFunc(f.Params, func(p types.Field) bool { return p.Type.Depth > 10 || p.Type.Size > 1<<20 })
}

func zeroArgs(f *types.Func) []any {
	var args []any
	for _, p := range f.Params {
		args = append(args, zero(p.Type))
	}
	return args
}

// zero makes a value of a type.
func zero(t *types.Value) any {
	switch t.Kind {
	case types.Bool:
		return false
	case types.S8:
		return int8(-1)
	case types.U8:
		return uint8(1)
	case types.S16:
		return int16(-1)
	case types.U16:
		return uint16(1)
	case types.S32:
		return int32(-1)
	case types.U32:
		return uint32(1)
	case types.S64:
		return int64(-1)
	case types.U64:
		return uint64(1)
	case types.F32:
		return float32(1)
	case types.F64:
		return 1.0
	case types.Char:
		return 'x'
	case types.String:
		return "é𝄞"
	case types.List:
		if t.Elem.Kind == types.U8 {
			return []byte{1, 2, 3}
		}
		return []any{zero(t.Elem)}
	case types.Map:
		return []any{Tuple{zero(t.Key), zero(t.Elem)}}
	case types.FixedList:
		out := make([]any, min(t.Length, 1000))
		for i := range out {
			out[i] = zero(t.Elem)
		}
		return out
	case types.Record, types.Tuple:
		var out []any
		for _, f := range t.Fields {
			out = append(out, zero(f.Type))
		}
		if t.Kind == types.Record {
			return Record(out)
		}
		return Tuple(out)
	case types.Variant:
		v := Variant{Case: t.Fields[len(t.Fields)-1].Name}
		if p := t.Fields[len(t.Fields)-1].Type; p != nil {
			v.Value = zero(p)
		}
		return v
	case types.Enum:
		return Enum(t.Labels[0])
	case types.Flags:
		return Flags(1)
	case types.Option:
		return Some(zero(t.Elem))
	case types.Result:
		if t.OK == nil {
			return OK(nil)
		}
		return OK(zero(t.OK))
	}
	return Rep(1)
}
