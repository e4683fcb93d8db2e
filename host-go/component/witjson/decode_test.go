package witjson

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component"
)

func scalar(kind component.TypeKind) *component.Type { return &component.Type{Kind: kind} }

// An error names the place in the text, what is wanted there and what is there.
func TestErrors(t *testing.T) {
	point := &component.Type{Kind: component.TypeRecord, Fields: []component.Field{{Name: "x", Type: scalar(component.TypeU8)}, {Name: "a/b", Type: &component.Type{Kind: component.TypeOption, Elem: scalar(component.TypeString)}}}}
	shape := &component.Type{Kind: component.TypeVariant, Fields: []component.Field{{Name: "none"}, {Name: "at", Type: point}}}
	f := &component.FuncType{Params: []component.Field{
		{Name: "points", Type: &component.Type{Kind: component.TypeList, Elem: point}},
		{Name: "shape", Type: &component.Type{Kind: component.TypeOption, Elem: shape}},
		{Name: "more", Type: &component.Type{Kind: component.TypeOption, Elem: &component.Type{Kind: component.TypeMap, Key: scalar(component.TypeString), Elem: scalar(component.TypeS64)}}},
		{Name: "bytes", Type: &component.Type{Kind: component.TypeOption, Elem: &component.Type{Kind: component.TypeList, Elem: scalar(component.TypeU8)}}},
	}}
	if _, err := DecodeParams(f, []byte(`{"points": [{"x": 1}], "shape": {"at": {"x": 2, "a/b": "c"}}, "more": [["k", -9223372036854775808]], "bytes": "AP8="}`)); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`[]`:                               `must be an object, not an array`,
		`{`:                                `the text is not JSON: unexpected EOF`,
		`{} {}`:                            `there is more after the JSON value`,
		"{\"points\": \"\xff\"}":           `the text is not UTF-8`,
		`{}`:                               `the parameter "points" is missing`,
		`{"points": [], "pts": 1}`:         `there is no parameter "pts": there are "points", "shape", "more", "bytes"`,
		`{"points": null}`:                 `/points: must be an array, not null`,
		`{"points": [{"x": 300}]}`:         `/points/0/x: must be a whole number from 0 to 255, not 300`,
		`{"points": [{"x": 1.5}]}`:         `/points/0/x: must be a whole number from 0 to 255, not 1.5`,
		`{"points": [{"x": -1}]}`:          `/points/0/x: must be a whole number from 0 to 255, not -1`,
		`{"points": [{"x": "1"}]}`:         `/points/0/x: must be a whole number from 0 to 255, not the string "1"`,
		`{"points": [{"x": 1e999999999}]}`: `/points/0/x: must be a whole number from 0 to 255, not 1e999999999`,
		`{"points": [{"x": 1}, {"x": 1, "a/b": true}]}`: `/points/1/a~1b: must be a string, not true`,
		`{"points": [{}]}`:                                         `/points/0: the field "x" is missing`,
		`{"points": [], "shape": "at"}`:                            `/shape: the case "at" has a payload: write it as {"at": …}`,
		`{"points": [], "shape": {"none": null}}`:                  `/shape: the case "none" has no payload: write it as a string`,
		`{"points": [], "shape": {"at": {"x": 1}, "none": 2}}`:     `/shape: must be an object with one member, the case, and not with 2`,
		`{"points": [], "shape": "square"}`:                        `/shape: must be one of "none", "at", not "square"`,
		`{"points": [], "more": [["k", 9223372036854775808]]}`:     `/more/0/1: must be a whole number from -9223372036854775808 to 9223372036854775807, not 9223372036854775808`,
		`{"points": [], "more": [["k"]]}`:                          `/more/0: must be an array of 2 elements, not of 1`,
		`{"points": [], "bytes": "AP8"}`:                           `/bytes: must be a string in base64 (with + and /, with padding, on one line)`,
		`{"points": [], "bytes": "AP8\n="}`:                        `/bytes: must be a string in base64 (with + and /, with padding, on one line)`,
		`{"points": [{"x": "` + strings.Repeat("y", 1000) + `"}]}`: `/points/0/x: must be a whole number from 0 to 255, not the string "` + strings.Repeat("y", 100) + `…"`,
	} {
		_, err := DecodeParams(f, []byte(text))
		var e *Error
		if !errors.As(err, &e) || err.Error() != want {
			t.Errorf("%.100s: %v, not %s", text, err, want)
		}
	}
}

// Integers keep all their digits, and may be written as some writers do.
func TestIntegers(t *testing.T) {
	for text, want := range map[string]any{
		"18446744073709551615": uint64(math.MaxUint64), "9007199254740993": uint64(1<<53 + 1), "1.0": uint64(1), "1e3": uint64(1000), "-0": uint64(0), "-0.0": uint64(0),
		"18446744073709551616": nil, "1e19": nil, "-1": nil, "0.5": nil,
	} {
		got, err := Decode(scalar(component.TypeU64), []byte(text))
		if got != want || (err == nil) != (want != nil) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	if got, err := Decode(scalar(component.TypeF32), []byte("1e39")); err == nil {
		t.Error(got)
	}
	if got, err := Decode(scalar(component.TypeF32), []byte("0.1")); got != float32(0.1) {
		t.Error(got, err)
	}
}

// A type whose parts multiply has no schema, and one with a handle has none.
func TestNoSchema(t *testing.T) {
	typ := scalar(component.TypeBool)
	for range 30 {
		typ = &component.Type{Kind: component.TypeTuple, Fields: []component.Field{{Type: typ}, {Type: typ}}}
	}
	if _, err := Schema(typ, nil); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	handle := &component.Type{Kind: component.TypeList, Elem: &component.Type{Kind: component.TypeBorrow, Name: "file"}}
	var of *ResourceError
	if _, err := ParamsSchema(&component.FuncType{Params: []component.Field{{Name: "f", Type: handle}}}, nil); !errors.As(err, &of) || of.Resource != "file" {
		t.Error(err)
	}
	if _, err := Decode(handle, []byte("[1]")); err == nil {
		t.Error("a handle was read")
	}
	if _, err := Encode(handle, []any{component.Rep(1)}, 1<<20); err == nil {
		t.Error("a handle was written")
	}
}

// A value of another type is an error, and not a panic.
func TestEncodeMismatch(t *testing.T) {
	r := newRandom(3)
	for range 300 {
		typ := r.typ(2)
		for _, v := range []any{nil, 1, "x", []any{}, component.Record{}, component.Tuple{1}, component.Variant{Case: "x"}, component.Some(1), component.Flags(1), component.Result{}} {
			if text, err := Encode(typ, v, 1<<20); err == nil && !json.Valid(text) {
				t.Errorf("%v of %v: %s", typ.Kind, v, text)
			}
		}
	}
}

// Any text is read or refused. What is read is written as a text that gives the same value.
func FuzzDecode(f *testing.F) {
	for seed := range uint64(20) {
		r := newRandom(seed)
		typ := r.typ(3)
		text, err := Encode(typ, r.value(typ), 1<<20)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed, text)
	}
	f.Fuzz(func(t *testing.T, seed uint64, text []byte) {
		typ := newRandom(seed).typ(3)
		v, err := Decode(typ, text)
		if err != nil {
			return
		}
		again, err := Encode(typ, v, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if w, err := Decode(typ, again); err != nil || !same(v, w) {
			t.Fatalf("%s, then %s: %v", text, again, err)
		}
	})
}

// A value whose text is too long is given up before the text is there, and a name or a text in a schema counts by its
// length.
func TestTooLong(t *testing.T) {
	list := &component.Type{Kind: component.TypeList, Elem: scalar(component.TypeString)}
	long := strings.Repeat("x", 1000)
	for _, v := range []any{[]any{long}, []any{"a", long}, make([]any, 0)} {
		_, err := Encode(list, v, 100)
		if errors.Is(err, ErrTooLong) != (len(v.([]any)) > 0) {
			t.Error(err)
		}
	}
	if _, err := Encode(&component.Type{Kind: component.TypeList, Elem: scalar(component.TypeU8)}, make([]byte, 99), 100); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
	many := &component.Type{Kind: component.TypeTuple}
	named := &component.Type{Kind: component.TypeEnum, Name: "e", Labels: []string{"a"}}
	for range 100 {
		many.Fields = append(many.Fields, component.Field{Type: named})
	}
	docs := &InterfaceDocs{Types: map[string]TypeDocs{"e": {Docs: strings.Repeat("x", 1<<20)}}}
	if _, err := Schema(many, docs); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}
