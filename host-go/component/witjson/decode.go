package witjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/caisson-dev/caisson/host-go/component"
)

// Decode reads a value of a type. It returns the value as package component has it. The error is an *Error.
func Decode(t *component.Type, text []byte) (any, error) {
	v, err := parse(text)
	if err != nil {
		return nil, err
	}
	return decode(nil, t, v)
}

// DecodeParams reads the parameters of a function from an object with a member for each. The error is an *Error.
func DecodeParams(f *component.FuncType, text []byte) ([]any, error) {
	v, err := parse(text)
	if err != nil {
		return nil, err
	}
	return object(nil, "parameter", f.Params, v)
}

// parse reads a JSON text, with the numbers as they are.
func parse(text []byte) (v any, err error) {
	if !utf8.Valid(text) {
		return nil, &Error{Msg: "the text is not UTF-8"}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err = d.Decode(&v); err == nil {
		if _, err = d.Token(); err == io.EOF {
			return v, nil
		}
		return nil, &Error{Msg: "there is more after the JSON value"}
	}
	return nil, &Error{Msg: "the text is not JSON: " + err.Error()}
}

// integers are the bounds of the integer types.
var integers = map[component.TypeKind]struct {
	least int64
	most  uint64
	make  func(text uint64) any
}{
	component.TypeS8:  {math.MinInt8, math.MaxInt8, func(n uint64) any { return int8(n) }},
	component.TypeU8:  {0, math.MaxUint8, func(n uint64) any { return uint8(n) }},
	component.TypeS16: {math.MinInt16, math.MaxInt16, func(n uint64) any { return int16(n) }},
	component.TypeU16: {0, math.MaxUint16, func(n uint64) any { return uint16(n) }},
	component.TypeS32: {math.MinInt32, math.MaxInt32, func(n uint64) any { return int32(n) }},
	component.TypeU32: {0, math.MaxUint32, func(n uint64) any { return uint32(n) }},
	component.TypeS64: {math.MinInt64, math.MaxInt64, func(n uint64) any { return int64(n) }},
	component.TypeU64: {0, math.MaxUint64, func(n uint64) any { return n }},
}

func decode(p *path, t *component.Type, v any) (any, error) {
	if _, ok := integers[t.Kind]; ok {
		return integer(p, t.Kind, v)
	}
	switch t.Kind {
	case component.TypeBool:
		return as[bool](p, v, "a boolean")
	case component.TypeF32, component.TypeF64:
		return float(p, t.Kind, v)
	case component.TypeChar:
		s, err := as[string](p, v, "a string of one character")
		if err != nil {
			return nil, err
		}
		r, n := utf8.DecodeRuneInString(s)
		if n != len(s) || n == 0 {
			return nil, p.fail("must be a string of one character, not of %d", utf8.RuneCountInString(s))
		}
		return r, nil
	case component.TypeString:
		return as[string](p, v, "a string")
	case component.TypeList:
		return list(p, t, v)
	case component.TypeMap:
		return pairs(p, t, v)
	case component.TypeTuple:
		values, err := elements(p, v, len(t.Fields))
		out := make(component.Tuple, len(values))
		for i := range values {
			if out[i], err = decode(p.element(i), t.Fields[i].Type, values[i]); err != nil {
				return nil, err
			}
		}
		return out, err
	case component.TypeRecord:
		fields, err := object(p, "field", t.Fields, v)
		return component.Record(fields), err
	case component.TypeVariant:
		name, payload, err := choice(p, t.Fields, v)
		return component.Variant{Case: name, Value: payload}, err
	case component.TypeResult:
		name, payload, err := choice(p, resultCases(t), v)
		return component.Result{OK: name == "ok", Value: payload}, err
	case component.TypeEnum:
		s, err := as[string](p, v, "one of "+names(t.Labels))
		if err == nil && !slices.Contains(t.Labels, s) {
			err = p.fail("must be one of %s, not %q", names(t.Labels), short(s))
		}
		return component.Enum(s), err
	case component.TypeFlags:
		return flags(p, t, v)
	case component.TypeOption:
		return option(p, t, v)
	}
	return nil, p.fail("a %s has no JSON text", t.Kind)
}

// as returns a value of the Go type T.
func as[T any](p *path, v any, want string) (T, error) {
	out, ok := v.(T)
	if !ok {
		return out, p.fail("must be %s, not %s", want, describe(v))
	}
	return out, nil
}

// describe says what a JSON value is.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return short(v.String())
	case string:
		return fmt.Sprintf("the string %q", short(v))
	case []any:
		return "an array"
	}
	return "an object"
}

func integer(p *path, kind component.TypeKind, v any) (any, error) {
	bounds := integers[kind]
	want := fmt.Sprintf("a whole number from %d to %d", bounds.least, bounds.most)
	n, err := as[json.Number](p, v, want)
	if err != nil {
		return nil, err
	}
	text := n.String()
	if strings.ContainsAny(text, ".eE") {
		// Some writers have 1.0 for 1. A double is exact up to 2^53.
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return nil, p.fail("must be %s, not %s", want, short(text))
		}
		text = strconv.FormatInt(int64(f), 10)
	}
	if rest, negative := strings.CutPrefix(text, "-"); negative && rest != "0" {
		i, err := strconv.ParseInt(text, 10, 64)
		if err != nil || i < bounds.least {
			return nil, p.fail("must be %s, not %s", want, short(text))
		}
		return bounds.make(uint64(i)), nil
	}
	u, err := strconv.ParseUint(strings.TrimPrefix(text, "-"), 10, 64)
	if err != nil || u > bounds.most {
		return nil, p.fail("must be %s, not %s", want, short(text))
	}
	return bounds.make(u), nil
}

// odd are the floats that are no JSON numbers. Package component knows one NaN.
var odd = map[string]float64{"NaN": math.Float64frombits(0x7ff8000000000000), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)}

func float(p *path, kind component.TypeKind, v any) (any, error) {
	const want = `a number, "NaN", "Infinity" or "-Infinity"`
	bits := 64
	if kind == component.TypeF32 {
		bits = 32
	}
	var f float64
	switch v := v.(type) {
	case json.Number:
		var err error
		if f, err = strconv.ParseFloat(v.String(), bits); err != nil {
			return nil, p.fail("%s is too large for a float of %d bits", short(v.String()), bits)
		}
	case string:
		var ok bool
		if f, ok = odd[v]; !ok {
			return nil, p.fail("must be %s, not %s", want, describe(v))
		}
	default:
		return nil, p.fail("must be %s, not %s", want, describe(v))
	}
	if bits == 32 {
		return float32(f), nil
	}
	return f, nil
}

// isBytes reports whether a type is list<u8>, which is base64.
func isBytes(t *component.Type) bool {
	return t.Kind == component.TypeList && t.Length == 0 && t.Elem.Kind == component.TypeU8
}

func list(p *path, t *component.Type, v any) (any, error) {
	if isBytes(t) {
		s, err := as[string](p, v, "a string in base64")
		if err != nil {
			return nil, err
		}
		b, err := base64.StdEncoding.Strict().DecodeString(s)
		if err != nil || strings.ContainsAny(s, "\r\n") {
			return nil, p.fail("must be a string in base64 (with + and /, with padding, on one line)")
		}
		return b, nil
	}
	length := -1
	if t.Length > 0 {
		length = int(t.Length)
	}
	values, err := elements(p, v, length)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(values))
	for i, v := range values {
		if out[i], err = decode(p.element(i), t.Elem, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// elements returns the elements of an array. length is how many there must be, or -1.
func elements(p *path, v any, length int) ([]any, error) {
	values, err := as[[]any](p, v, "an array")
	if err == nil && length >= 0 && len(values) != length {
		err = p.fail("must be an array of %d elements, not of %d", length, len(values))
	}
	if err != nil {
		return nil, err
	}
	return values, nil
}

func pairs(p *path, t *component.Type, v any) (any, error) {
	values, err := elements(p, v, -1)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(values))
	for i, v := range values {
		at := p.element(i)
		pair, err := elements(at, v, 2)
		if err != nil {
			return nil, err
		}
		key, err := decode(at.element(0), t.Key, pair[0])
		if err != nil {
			return nil, err
		}
		value, err := decode(at.element(1), t.Elem, pair[1])
		if err != nil {
			return nil, err
		}
		out[i] = component.Tuple{key, value}
	}
	return out, nil
}

// object returns the members of an object in the order of the fields. what is a word for a field.
func object(p *path, what string, fields []component.Field, v any) ([]any, error) {
	members, err := as[map[string]any](p, v, "an object")
	if err != nil {
		return nil, err
	}
	out := make([]any, len(fields))
	found := 0
	for i, f := range fields {
		v, ok := members[f.Name]
		switch {
		case ok:
			found++
		case f.Type.Kind == component.TypeOption:
			out[i] = component.None()
			continue
		default:
			return nil, p.fail("the %s %q is missing", what, f.Name)
		}
		if out[i], err = decode(p.member(f.Name), f.Type, v); err != nil {
			return nil, err
		}
	}
	if found == len(members) {
		return out, nil
	}
	var known []string
	for _, f := range fields {
		known = append(known, f.Name)
	}
	first := "" // in the order of the names, so that the same text has the same error
	for name := range members {
		if !slices.Contains(known, name) && (first == "" || name < first) {
			first = name
		}
	}
	if len(known) == 0 {
		return nil, p.fail("there is no %s %q: there are none", what, short(first))
	}
	return nil, p.fail("there is no %s %q: there are %s", what, short(first), names(known))
}

// resultCases are the cases of a result.
func resultCases(t *component.Type) []component.Field {
	return []component.Field{{Name: "ok", Type: t.OK}, {Name: "err", Type: t.Err}}
}

// choice reads one of the cases: a string for one without a payload, otherwise an object with one member.
func choice(p *path, cases []component.Field, v any) (name string, payload any, err error) {
	var given any
	with := false
	switch v := v.(type) {
	case string:
		name = v
	case map[string]any:
		if len(v) != 1 {
			return "", nil, p.fail("must be an object with one member, the case, and not with %d", len(v))
		}
		with = true
		for name, given = range v {
		}
	default:
		return "", nil, p.fail("must be one of %s, not %s", caseNames(cases), describe(v))
	}
	for _, c := range cases {
		switch {
		case c.Name != name:
			continue
		case with && c.Type == nil:
			return "", nil, p.fail("the case %q has no payload: write it as a string", name)
		case !with && c.Type != nil:
			return "", nil, p.fail("the case %q has a payload: write it as {%q: …}", name, name)
		case !with:
			return name, nil, nil
		}
		payload, err = decode(p.member(name), c.Type, given)
		return name, payload, err
	}
	return "", nil, p.fail("must be one of %s, not %q", caseNames(cases), short(name))
}

func flags(p *path, t *component.Type, v any) (any, error) {
	values, err := elements(p, v, -1)
	if err != nil {
		return nil, err
	}
	var out component.Flags
	for i, v := range values {
		at := p.element(i)
		s, err := as[string](at, v, "one of "+names(t.Labels))
		if err != nil {
			return nil, err
		}
		bit := slices.Index(t.Labels, s)
		if bit < 0 {
			return nil, at.fail("must be one of %s, not %q", names(t.Labels), short(s))
		}
		if out&(1<<bit) != 0 {
			return nil, at.fail("%q is there twice", s)
		}
		out |= 1 << bit
	}
	return out, nil
}

func option(p *path, t *component.Type, v any) (any, error) {
	if v == nil {
		return component.None(), nil
	}
	if t.Elem.Kind == component.TypeOption {
		members, _ := v.(map[string]any)
		some, ok := members["some"]
		if !ok || len(members) != 1 {
			return nil, p.fail(`must be null or {"some": …}, not %s`, describe(v))
		}
		v, p = some, p.member("some")
	}
	value, err := decode(p, t.Elem, v)
	if err != nil {
		return nil, err
	}
	return component.Some(value), nil
}

// maxNames is how many names an error lists.
const maxNames = 20

// names lists names for an error.
func names(all []string) string {
	var b strings.Builder
	for i, name := range all {
		if i == maxNames {
			return b.String() + ", …"
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(short(name)))
	}
	return b.String()
}

func caseNames(cases []component.Field) string {
	var all []string
	for _, c := range cases {
		all = append(all, c.Name)
	}
	return names(all)
}
