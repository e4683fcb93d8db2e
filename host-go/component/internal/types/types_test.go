package types

import (
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
)

// kit makes types for tests.
type kit struct{ *Universe }

func (k kit) list(v *Value) *Value         { return k.Intern(Value{Kind: List, Elem: v}) }
func (k kit) option(v *Value) *Value       { return k.Intern(Value{Kind: Option, Elem: v}) }
func (k kit) result(ok, err *Value) *Value { return k.Intern(Value{Kind: Result, OK: ok, Err: err}) }
func (k kit) own(r *Resource) *Value       { return k.Intern(Value{Kind: Own, Resource: r}) }
func (k kit) labels(kind Kind, n int) *Value {
	return k.Intern(Value{Kind: kind, Labels: strings.Split(strings.Repeat("x-", n-1)+"x", "-")})
}

func (k kit) fields(kind Kind, types ...*Value) *Value {
	v := Value{Kind: kind}
	for i, t := range types {
		v.Fields = append(v.Fields, Field{string(rune('a' + i)), t})
	}
	return k.Intern(v)
}

// The cases are from CanonicalABI.md, "Alignment", "Element Size" and "Flattening".
func TestLayout(t *testing.T) {
	k := kit{NewUniverse()}
	u8, u16, u32, u64, f32, f64, str := k.Prim(U8), k.Prim(U16), k.Prim(U32), k.Prim(U64), k.Prim(F32), k.Prim(F64), k.Prim(String)
	for _, c := range []struct {
		name        string
		v           *Value
		size, align uint32
		flat        string
		payload     uint32
	}{
		{"bool", k.Prim(Bool), 1, 1, "i", 0},
		{"char", k.Prim(Char), 4, 4, "i", 0},
		{"string", str, 8, 4, "ii", 0},
		{"record with padding at its end", k.fields(Record, u8, u32, u8), 12, 4, "iii", 0},
		{"tuple of a long", k.fields(Tuple, u8, u64), 16, 8, "iI", 0},
		{"flags of 8", k.labels(Flags, 8), 1, 1, "i", 0},
		{"flags of 9", k.labels(Flags, 9), 2, 2, "i", 0},
		{"flags of 17", k.labels(Flags, 17), 4, 4, "i", 0},
		{"enum of 256", k.labels(Enum, 256), 1, 1, "i", 1},
		{"enum of 257", k.labels(Enum, 257), 2, 2, "i", 2},
		{"option", k.option(u16), 4, 2, "ii", 2},
		{"option of a long", k.option(u64), 16, 8, "iI", 8},
		{"result without payloads", k.result(nil, nil), 1, 1, "i", 1},
		// Cases share their core values: values of different types share an i32 or an i64.
		{"result of f32 and u32", k.result(f32, u32), 8, 4, "ii", 4},
		{"result of f32 and f64", k.result(f32, f64), 16, 8, "iI", 8},
		{"result of f64 and f64", k.result(f64, f64), 16, 8, "iF", 8},
		{"result of string and f32", k.result(str, f32), 12, 4, "iii", 4},
		{"list of 3", k.Intern(Value{Kind: FixedList, Elem: u16, Length: 3}), 6, 2, "iii", 0},
	} {
		flat := ""
		for _, b := range c.v.Flat {
			flat += string(map[byte]rune{I32: 'i', I64: 'I', CF32: 'f', CF64: 'F'}[b])
		}
		if c.v.Size != c.size || c.v.Align != c.align || flat != c.flat || c.v.Payload != c.payload {
			t.Errorf("%s: size %d, alignment %d, core values %s, payload at %d", c.name, c.v.Size, c.v.Align, flat, c.v.Payload)
		}
	}
	many := k.Intern(Value{Kind: FixedList, Elem: u8, Length: 1 << 20})
	if many.FlatLen != MaxFlatParams+1 || many.Flat != nil {
		t.Errorf("%d core values of a long list", many.FlatLen)
	}
}

// Parameters and results that are too many for core values pass through memory.
func TestFlattenFunc(t *testing.T) {
	k := kit{NewUniverse()}
	str, u32 := k.Prim(String), k.Prim(U32)
	params := func(n int) (out []Field) {
		for range n {
			out = append(out, Field{"x", u32})
		}
		return out
	}
	for _, c := range []struct {
		f                    *Func
		liftIn, liftOut      int
		lowerIn, lowerResult int
	}{
		{&Func{}, 0, 0, 0, 0},
		{&Func{Params: params(16), Result: u32}, 16, 1, 16, 1},
		{&Func{Params: params(17), Result: u32}, 1, 1, 1, 1},
		{&Func{Params: params(2), Result: str}, 2, 1, 3, 0},
		{&Func{Params: params(17), Result: str}, 1, 1, 2, 0},
	} {
		lift, lower := c.f.FlattenLift(), c.f.FlattenLower()
		if len(lift.Params) != c.liftIn || len(lift.Results) != c.liftOut || len(lower.Params) != c.lowerIn || len(lower.Results) != c.lowerResult {
			t.Errorf("%d parameters: lifted %v, lowered %v", len(c.f.Params), lift, lower)
		}
	}
}

func TestString(t *testing.T) {
	k := kit{NewUniverse()}
	u8, str, file := k.Prim(U8), k.Prim(String), &Resource{Name: "file"}
	deep := u8
	for range 10 {
		deep = k.list(deep)
	}
	for want, v := range map[string]*Value{
		"record { a: u8, b: string }":       k.fields(Record, u8, str),
		"variant { a(u8), b }":              k.fields(Variant, u8, nil),
		"tuple<u8, list<string>>":           k.fields(Tuple, u8, k.list(str)),
		"option<option<u8>>":                k.option(k.option(u8)),
		"result":                            k.result(nil, nil),
		"result<u8>":                        k.result(u8, nil),
		"result<_, u8>":                     k.result(nil, u8),
		"list<u8, 3>":                       k.Intern(Value{Kind: FixedList, Elem: u8, Length: 3}),
		"map<string, u8>":                   k.Intern(Value{Kind: Map, Key: str, Elem: u8}),
		"file":                              k.own(file),
		"borrow<file>":                      k.Intern(Value{Kind: Borrow, Resource: file}),
		"list<list<list<list<list<...>>>>>": deep,
	} {
		if got := v.String(); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

// instance returns an instance type with a resource r and a function f that takes an r.
func (k kit) instance(r *Resource, more ...Named) *Instance {
	f := &Func{Params: []Field{{"x", k.own(r)}}}
	return &Instance{Fresh: []*Resource{r}, Exports: append([]Named{
		{binary.Name{Text: "r"}, Extern{Sort: binary.SortType, Type: r}},
		{binary.Name{Text: "f"}, Extern{Sort: binary.SortFunc, Func: f}},
	}, more...)}
}

// The cases are from Explainer.md, "Type Checking".
func TestMatch(t *testing.T) {
	k := kit{NewUniverse()}
	u8, u16 := k.Prim(U8), k.Prim(U16)
	r, s, other := &Resource{Name: "r", Index: -1}, &Resource{Name: "s"}, &Resource{Name: "other"}
	fn := func(name string, v, result *Value) *Extern {
		return &Extern{Sort: binary.SortFunc, Func: &Func{Params: []Field{{name, v}}, Result: result}}
	}
	named := func(name string, e *Extern) Named { return Named{binary.Name{Text: name}, *e} }
	inst := func(i *Instance) *Extern { return &Extern{Sort: binary.SortInstance, Instance: i} }
	mixed := k.instance(s)
	mixed.Exports[1].Func = &Func{Params: []Field{{"x", k.own(other)}}}
	comp := func(imports, exports []Named) *Extern {
		return &Extern{Sort: binary.SortComponent, Component: &Component{Imports: imports, Exports: exports}}
	}
	a, b := named("a", fn("x", u8, nil)), named("b", fn("x", u16, nil))
	for _, c := range []struct {
		name       string
		have, want *Extern
		why        string // part of it; "" for a match
	}{
		{"the same function", fn("x", u8, u16), fn("x", u8, u16), ""},
		{"a parameter's type", fn("x", u8, nil), fn("x", u16, nil), "parameter `x`: expected u16, found u8"},
		{"a parameter's name", fn("x", u8, nil), fn("y", u8, nil), "expected parameter named `y`, found `x`"},
		{"a result too many", fn("x", u8, u8), fn("x", u8, nil), "result type: expected no type"},
		{"another sort", fn("x", u8, nil), inst(&Instance{}), "expected instance, found func"},
		{
			"a record's field", fn("x", k.fields(Record, u8), nil),
			fn("x", k.Intern(Value{Kind: Record, Fields: []Field{{"z", u8}}}), nil), "expected name `z`",
		},
		{"more exports than wanted", inst(&Instance{Exports: []Named{a, b}}), inst(&Instance{Exports: []Named{b}}), ""},
		{"an export missing", inst(&Instance{Exports: []Named{a}}), inst(&Instance{Exports: []Named{a, b}}), "missing expected export `b`"},
		{"a resource given", inst(k.instance(s)), inst(k.instance(r)), ""},
		{"two resources where one is wanted", inst(mixed), inst(k.instance(r)), "resource types are not the same"},
		{"a component that takes less", comp(nil, []Named{a, b}), comp([]Named{a}, []Named{a}), ""},
		{"a component that takes more", comp([]Named{a}, nil), comp(nil, nil), "missing expected import `a`"},
		{"a component that gives less", comp(nil, nil), comp(nil, []Named{a}), "missing expected export `a`"},
	} {
		got := k.NewMatch([]*Resource{r}).Extern(c.have, c.want)
		if c.why == "" && got != "" || !strings.Contains(got, c.why) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

// Each opening of an instance type makes its own resources. An alias is the same resource.
func TestResourceIdentity(t *testing.T) {
	k := kit{NewUniverse()}
	typ := k.instance(&Resource{Name: "r", Index: -1})
	one, fresh := k.Open(typ)
	two, _ := k.Open(typ)
	if len(fresh) != 1 || one.Exports[0].Type != Type(fresh[0]) {
		t.Fatal(fresh)
	}
	f, g := one.Exports[1].Func, two.Exports[1].Func
	if k.Equality().Func(f, g) == "" {
		t.Error("the resources of two instances are the same")
	}
	if SameResource(fresh[0].Alias("again"), fresh[0]) != "" {
		t.Error("an alias is another resource")
	}
	if !k.FreeResource(f) || k.FreeResource(typ) || k.FreeResource(k.list(k.Prim(U8))) {
		t.Error("which resources are free")
	}
}
