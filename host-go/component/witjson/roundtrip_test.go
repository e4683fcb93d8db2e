package witjson

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/caisson-dev/caisson/host-go/component"
)

var (
	seedFlag  = flag.Uint64("seed", 1, "seed of the generated types and values")
	typesFlag = flag.Int("types", 150, "how many types TestRoundTrip generates")
)

// same reports whether two values are equal; a NaN is equal to a NaN, and 0 is not -0.
func same(a, b any) bool {
	switch a := a.(type) {
	case float32:
		b, ok := b.(float32)
		return ok && math.Float32bits(a) == math.Float32bits(b)
	case float64:
		b, ok := b.(float64)
		return ok && math.Float64bits(a) == math.Float64bits(b)
	case component.Variant:
		b, ok := b.(component.Variant)
		return ok && a.Case == b.Case && same(a.Value, b.Value)
	case component.Result:
		b, ok := b.(component.Result)
		return ok && a.OK == b.OK && same(a.Value, b.Value)
	case component.Option:
		b, ok := b.(component.Option)
		return ok && a.Some == b.Some && same(a.Value, b.Value)
	}
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if x.IsValid() && x.Kind() == reflect.Slice && y.IsValid() && x.Type() == y.Type() && x.Type().Elem().Kind() == reflect.Interface {
		for i := range min(x.Len(), y.Len()) {
			if !same(x.Index(i).Interface(), y.Index(i).Interface()) {
				return false
			}
		}
		return x.Len() == y.Len()
	}
	return reflect.DeepEqual(a, b)
}

// resolved returns a schema ready to validate.
func resolved(t *testing.T, text json.RawMessage) *jsonschema.Resolved {
	t.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	r, err := s.Resolve(nil)
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return r
}

// accepts reports whether a schema accepts a text. exact is false when the text has a number that the validator,
// which has doubles, does not see as it is.
func accepts(schema *jsonschema.Resolved, text []byte) (ok, exact bool) {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return false, false
	}
	return schema.Validate(v) == nil, !large(v)
}

func large(v any) bool {
	switch v := v.(type) {
	case float64:
		return math.Abs(v) > 1<<52
	case []any:
		for _, v := range v {
			if large(v) {
				return true
			}
		}
	case map[string]any:
		for _, v := range v {
			if large(v) {
				return true
			}
		}
	}
	return false
}

// Values of generated types go from JSON into a component and back to JSON, and stay the same. Their texts fit the
// schema of the type. What was changed in a text is accepted by the schema exactly when it is read.
func TestRoundTrip(t *testing.T) {
	ctx := context.Background()
	runtime, err := component.NewRuntime(ctx, &component.Config{Interpreter: true})
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.Close(ctx)
	var given any
	linker := component.NewLinker()
	linker.Root().Func("echo", func(_ context.Context, args []any) ([]any, error) {
		given = args[0]
		return []any{component.Tuple{args[0], uint8(1), uint8(2)}}, nil
	})
	pad := make(component.Tuple, 17)
	for i := range pad {
		pad[i] = uint8(i)
	}
	values, spoiled := 0, 0
	for n := range *typesFlag {
		r := newRandom(*seedFlag + uint64(n))
		c, typ := compileEcho(t, runtime, r.typ(3))
		text, err := Schema(typ, nil)
		if err != nil {
			t.Fatal(err)
		}
		schema := resolved(t, text)
		for range 20 {
			v := r.value(typ)
			before, err := Encode(typ, v, 1<<20)
			if err != nil || !json.Valid(before) {
				t.Fatalf("%s, %v: %s", text, err, before)
			}
			if ok, _ := accepts(schema, before); !ok {
				t.Fatalf("the schema %s refuses %s", text, before)
			}
			read, err := Decode(typ, before)
			if err != nil || !same(read, v) {
				t.Fatalf("%s is read as %#v, %v, and not as %#v", before, read, err, v)
			}
			in, err := c.Instantiate(ctx, linker)
			if err != nil {
				t.Fatal(err)
			}
			out, err := in.ExportedFunction("echo").Call(ctx, read, pad)
			if err != nil {
				t.Fatalf("%s: %v", before, err)
			}
			if !same(given, v) {
				t.Fatalf("the component got %#v, not %#v", given, v)
			}
			after, err := Encode(typ, out[0].(component.Tuple)[0], 1<<20)
			if err != nil || string(after) != string(before) {
				t.Fatalf("%s became %s, %v", before, after, err)
			}
			if err := in.Close(ctx); err != nil {
				t.Fatal(err)
			}
			values++
			for _, changed := range r.spoil(before) {
				_, err := Decode(typ, changed)
				ok, exact := accepts(schema, changed)
				if exact && ok != (err == nil) && !strings.Contains(fmt.Sprint(err), "base64") {
					t.Fatalf("the schema %s accepts %s: %v; Decode: %v", text, changed, ok, err)
				}
				if err != nil {
					spoiled++
				}
			}
		}
	}
	if spoiled < values {
		t.Errorf("only %d of the changed texts were wrong", spoiled)
	}
	t.Logf("%d values, %d changed texts that are refused", values, spoiled)
}

// spoil returns changes of a text that are JSON.
func (r random) spoil(text []byte) [][]byte {
	others := []any{nil, true, -1.0, 1.5, 300.0, 1e20, "", "ab", "NaN", "f-a", "ok", []any{}, map[string]any{}, map[string]any{"some": nil}, map[string]any{"ok": 1.0}}
	var out [][]byte
	for range 3 {
		var v any
		if json.Unmarshal(text, &v) != nil {
			continue
		}
		changed, err := json.Marshal(r.change(v, others))
		if err == nil {
			out = append(out, changed)
		}
	}
	return out
}

func (r random) change(v any, others []any) any {
	switch v := v.(type) {
	case []any:
		switch {
		case len(v) > 0 && r.IntN(3) > 0:
			i := r.IntN(len(v))
			v[i] = r.change(v[i], others)
			return v
		case len(v) > 0 && r.IntN(2) == 0:
			return v[1:]
		case len(v) > 0:
			return append(v, v[0])
		}
	case map[string]any:
		for name := range v {
			switch r.IntN(4) {
			case 0:
				delete(v, name)
			case 1:
				v["other"] = v[name]
			default:
				v[name] = r.change(v[name], others)
			}
			return v
		}
	}
	return others[r.IntN(len(others))]
}
