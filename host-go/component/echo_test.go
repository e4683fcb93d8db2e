package component

import (
	"context"
	"math"
	"reflect"
	"strings"
	"testing"
)

// echoes are values of every type, by the function of echo.wat that takes the type.
var echoes = map[string][]any{
	"bool":      {true, false},
	"s8":        {int8(0), int8(-128), int8(127)},
	"u8":        {uint8(0), uint8(255)},
	"s16":       {int16(-32768), int16(32767)},
	"u16":       {uint16(0), uint16(65535)},
	"s32":       {int32(math.MinInt32), int32(math.MaxInt32), int32(-1)},
	"u32":       {uint32(0), uint32(math.MaxUint32)},
	"s64":       {int64(math.MinInt64), int64(math.MaxInt64), int64(-1)},
	"u64":       {uint64(0), uint64(math.MaxUint64)},
	"f32":       {float32(0), float32(-1.5), float32(math.MaxFloat32), float32(math.Inf(-1))},
	"f64":       {0.0, -1.5, math.SmallestNonzeroFloat64, math.Inf(1)},
	"char":      {'a', 'é', '\ud7ff', '\ue000', '𝄞', '\U0010ffff'},
	"string":    {"", "a", "héllo", "𝄞 music", "nul\x00inside", strings.Repeat("x", 1<<20)},
	"bytes":     {[]byte{}, []byte{0, 255}, make([]byte, 1<<20)},
	"u64s":      {[]any{}, []any{uint64(1), uint64(math.MaxUint64)}},
	"strings":   {[]any{}, []any{"", "a", "bc"}},
	"point":     {Record{int32(-1), int64(1 << 40), "p"}},
	"points":    {[]any{}, []any{Record{int32(1), int64(2), "a"}, Record{int32(3), int64(4), ""}}},
	"shape":     {circle, Variant{Case: "square", Value: float32(-0.5)}, Variant{Case: "none"}, Variant{Case: "named", Value: Tuple{uint8(9), "n"}}, Variant{Case: "count", Value: uint16(65535)}},
	"shapes":    {[]any{circle, Variant{Case: "none"}, Variant{Case: "named", Value: Tuple{uint8(9), "n"}}}},
	"color":     {Enum("red"), Enum("blue")},
	"wide-enum": {Enum("c0"), Enum("c255"), Enum("c256"), Enum("c299")},
	"flags3":    {Flags(0), Flags(7)},
	"flags9":    {Flags(1 << 8), Flags(1<<9 - 1)},
	"flags17":   {Flags(1 << 16), Flags(1<<17 - 1)},
	"opt-string": {
		None(), Some(""), Some("x"),
	},
	"opt-opt":  {None(), Some(None()), Some(Some(uint32(7)))},
	"opt-u8s":  {[]any{None(), Some(uint8(0)), Some(uint8(255))}},
	"res":      {OK(uint32(1)), Err("bad")},
	"res-none": {OK(nil), Err(nil)},
	"res-ok":   {OK(2.5), Err(nil)},
	"res-err":  {OK(nil), Err(float32(2.5))},
	"tuple":    {Tuple{uint8(1), int64(-1), "t"}},
	"big": {Tuple{
		uint8(1), uint16(2), uint32(3), uint64(4), int8(-1), int16(-2), int32(-3), int64(-4),
		float32(0.5), 0.25, 'ß', true, "mid", uint8(5), uint16(6), uint32(7), uint8(8), "end",
	}},
	"deep": {
		[]any{},
		[]any{[]any{}, []any{Tuple{"a", []any{None(), Some(OK([]any{uint16(1)})), Some(Err(Enum("green")))}}}},
	},
	"fixed": {[]any{uint16(1), uint16(2), uint16(3)}},
	"map":   {[]any{Tuple{"a", uint32(1)}, Tuple{"b", uint32(2)}}},

	"string-utf16":         encodings,
	"strings-utf16":        {encodings},
	"string-latin1-utf16":  encodings,
	"strings-latin1-utf16": {encodings},
}

var (
	circle    = Variant{Case: "circle", Value: 1.5}
	encodings = []any{"", "ascii", "latin é ÿ", "beyond Ā", "é then Ā", "𝄞", "a𝄞b", strings.Repeat("é", 1000)}
)

// echoLinker gives the imports of echo.wat, and keeps what each was given.
func echoLinker(given map[string]any) *Linker {
	l := NewLinker()
	for name := range echoes {
		l.Root().Func("echo-"+name, func(_ context.Context, args []any) ([]any, error) {
			given[name] = args[0]
			return args, nil
		})
	}
	return l
}

func TestEcho(t *testing.T) {
	given := map[string]any{}
	in := testInstance(t, nil, "echo.wasm", echoLinker(given))
	for name, values := range echoes {
		for _, v := range values {
			call(t, in, "reset")
			got := call(t, in, "echo-"+name, v)
			if !reflect.DeepEqual(given[name], v) {
				t.Errorf("%s: the host function got %.200v, not %.200v", name, given[name], v)
			}
			if !reflect.DeepEqual(got, v) {
				t.Errorf("%s: got %.200v, not %.200v", name, got, v)
			}
		}
	}
}

// The runtime gives every NaN as the same one.
func TestEchoNaN(t *testing.T) {
	in := testInstance(t, nil, "echo.wasm", echoLinker(map[string]any{}))
	f32 := call(t, in, "echo-f32", math.Float32frombits(0xffc12345)).(float32)
	if bits := math.Float32bits(f32); bits != 0x7fc00000 {
		t.Errorf("f32: %#x", bits)
	}
	f64 := call(t, in, "echo-f64", math.Float64frombits(0xfff8000012345678)).(float64)
	if bits := math.Float64bits(f64); bits != 0x7ff8000000000000 {
		t.Errorf("f64: %#x", bits)
	}
}

// misfits are values that do not fit the types of the exports.
var misfits = map[string][]any{
	"bool": {1, nil}, "u32": {1, int32(1), "1"}, "f32": {1.0}, "char": {rune(0xd800), rune(0x110000), rune(-1)},
	"string": {[]byte("x"), "\xff", nil}, "bytes": {"x", []any{uint8(1)}}, "strings": {[]string{"a"}, []any{1}},
	"point": {Tuple{int32(1), int64(1), "x"}, Record{int32(1)}, Record{int32(1), int64(2), 3}},
	"tuple": {Record{uint8(1), int64(-1), "t"}},
	"shape": {Variant{Case: "triangle"}, Variant{Case: "circle"}, Some(1)},
	"color": {"red", Enum("pink")}, "wide-enum": {Enum("c300")}, "flags3": {Flags(8), uint32(1)},
	"opt-string": {"x", Some(1)}, "res": {OK("x"), Err(uint32(1)), true}, "fixed": {[]any{uint16(1)}},
	"big": {Tuple{}},
}

// A Go value that does not fit its type is an error of the caller: the instance
// goes on.
func TestValueErrors(t *testing.T) {
	in := testInstance(t, nil, "echo.wasm", echoLinker(map[string]any{}))
	for name, values := range misfits {
		for _, v := range values {
			_, err := in.ExportedFunction("echo-"+name).Call(context.Background(), v)
			if _, ok := err.(*ValueError); !ok {
				t.Errorf("%s(%v): %v", name, v, err)
			}
		}
	}
	if _, err := in.ExportedFunction("echo-u8").Call(context.Background()); err == nil {
		t.Error("no argument where one is wanted")
	}
	if got := call(t, in, "echo-u8", uint8(3)); got != uint8(3) {
		t.Error(got)
	}
}
