// Package types holds the types of the Component Model in the linker's form: with resolved indices, without
// aliases, and with resources by identity.
package types

import (
	"strconv"
	"strings"
)

// Kind is the constructor of a value type.
type Kind uint8

// These are the kinds of value types.
const (
	Bool Kind = iota
	S8
	U8
	S16
	U16
	S32
	U32
	S64
	U64
	F32
	F64
	Char
	String
	Record
	Variant
	List
	FixedList
	Tuple
	Flags
	Enum
	Option
	Result
	Own
	Borrow
	Map
)

var kindNames = [...]string{
	"bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32", "f64", "char", "string",
	"record", "variant", "list", "list", "tuple", "flags", "enum", "option", "result", "own", "borrow", "map",
}

// String returns the WIT keyword.
func (k Kind) String() string { return kindNames[k] }

// Field is a record field, a variant case or a parameter. A case without a payload has a nil type. The
// elements of a tuple have no name.
type Field struct {
	Name string
	Type *Value
}

// Value is a value type. Values are interned: two types of one Universe are equal when their pointers are
// equal.
type Value struct {
	Kind     Kind
	Fields   []Field  // Record, Tuple, Variant
	Labels   []string // Flags, Enum
	Elem     *Value   // List, FixedList, Option; Map: the value
	Key      *Value   // Map
	OK, Err  *Value   // Result, each nil when absent
	Length   uint32   // FixedList
	Resource *Resource
	// Nominal distinguishes equal types that were defined, imported or exported separately: one may have a
	// name when another has none. It is 0 when that does not matter, and it has no part in type equality.
	// Origin is the Nominal of the definition that an import or export has.
	Nominal, Origin int

	Layout
	// Weight is how many parts the type has; a long name counts by its length. Depth is how deep types are
	// nested in the type.
	Weight, Depth int

	id        int
	resources bool // refers to a resource
	borrow    bool // contains a borrow
	plain     bool // contains no type that needs a name
}

// HasBorrow reports whether the type contains a borrow at any depth.
func (v *Value) HasBorrow() bool { return v.borrow }

// HasResource reports whether the type contains a handle at any depth.
func (v *Value) HasResource() bool { return v.resources }

// Resource is a resource type. Its identity is the pointer of its root: an alias is the same type under
// another name.
type Resource struct {
	Name string
	// Index is the index in the program's table of resources. It is -1 for an abstract resource.
	Index int

	root *Resource
}

// Root returns the resource of which this one is an alias, or the resource itself.
func (r *Resource) Root() *Resource {
	if r.root != nil {
		return r.root
	}
	return r
}

// Alias returns the same resource type under another name.
func (r *Resource) Alias(name string) *Resource {
	return &Resource{Name: name, Index: r.Index, root: r.Root()}
}

// Func is a component function type. Result is nil when there is none.
type Func struct {
	Params []Field
	Result *Value
}

// Universe interns value types.
type Universe struct {
	// Stop is called now and then. Its error ends the work. Stop may be nil.
	Stop func() error

	values map[string]*Value
	ids    map[*Resource]int
	prims  [String + 1]*Value
	labels map[string]int
	// work is how many steps were spent. unasked is how many were spent since the last call of Stop.
	work, unasked int
}

// NewUniverse returns an empty universe.
func NewUniverse() *Universe {
	u := &Universe{values: map[string]*Value{}, ids: map[*Resource]int{}, labels: map[string]int{}}
	for k := Bool; k <= String; k++ {
		u.prims[k] = u.Intern(Value{Kind: k})
	}
	return u
}

// Prim returns a primitive type.
func (u *Universe) Prim(k Kind) *Value { return u.prims[k] }

// Intern returns the one type that is equal to v, with its layout.
func (u *Universe) Intern(v Value) *Value {
	v.Weight = v.weight()
	u.Spend(v.Weight)
	key := u.key(&v)
	if old := u.values[key]; old != nil {
		return old
	}
	v.id = len(u.values)
	v.resources = v.Kind == Own || v.Kind == Borrow
	v.borrow = v.Kind == Borrow
	v.plain = v.Nominal == 0 && v.Resource == nil
	v.Depth = 1
	v.each(func(t *Value) {
		v.plain = v.plain && t.plain
		v.Depth = max(v.Depth, t.Depth+1)
		v.resources = v.resources || t.resources
		v.borrow = v.borrow || t.borrow
	})
	v.Layout = v.layout()
	u.values[key] = &v
	return &v
}

// weight computes Weight.
func (v *Value) weight() int {
	n := 1 + len(v.Fields) + len(v.Labels)
	for i := range v.Fields {
		n += len(v.Fields[i].Name) / nameWeight
	}
	for _, l := range v.Labels {
		n += len(l) / nameWeight
	}
	return n
}

// nameWeight is how many bytes of a name count as a step.
const nameWeight = 64

// each calls f with the types in v.
func (v *Value) each(f func(*Value)) {
	for _, field := range v.Fields {
		if field.Type != nil {
			f(field.Type)
		}
	}
	for _, t := range []*Value{v.Elem, v.Key, v.OK, v.Err} {
		if t != nil {
			f(t)
		}
	}
}

// key returns a text for v that has its parts and labels by their ids.
func (u *Universe) key(v *Value) string {
	var b strings.Builder
	num := func(n int) {
		b.WriteString(strconv.Itoa(n))
		b.WriteByte(',')
	}
	ref := func(t *Value) {
		if t == nil {
			b.WriteString("-,")
		} else {
			num(t.id)
		}
	}
	label := func(s string) {
		id, ok := u.labels[s]
		if !ok {
			id = len(u.labels)
			u.labels[s] = id
		}
		num(id)
	}
	num(int(v.Kind))
	num(len(v.Fields))
	for _, f := range v.Fields {
		label(f.Name)
		ref(f.Type)
	}
	for _, l := range v.Labels {
		label(l)
	}
	b.WriteByte(';')
	ref(v.Elem)
	ref(v.Key)
	ref(v.OK)
	ref(v.Err)
	num(int(v.Length))
	num(v.Nominal)
	num(v.Origin)
	if v.Resource != nil {
		id, ok := u.ids[v.Resource]
		if !ok {
			id = len(u.ids)
			u.ids[v.Resource] = id
		}
		num(id)
	}
	return b.String()
}
