package component

import (
	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// FuncType is the type of a function.
type FuncType struct {
	// Params are the parameters, in order.
	Params []Field
	// Result is the type of the result, or nil.
	Result *Type
}

// Type is the type of a WIT value. The parts of a type may be shared: a type that is written out can be far larger
// than the component's file. A type is never a part of itself. Do not change it.
type Type struct {
	// Kind is the constructor.
	Kind TypeKind
	// Name is the name that the type has in the interface of the function, or "".
	Name string
	// Fields are the fields of a record, the cases of a variant, or the elements of a tuple, which have no names.
	Fields []Field
	// Labels are those of flags and of an enum.
	Labels []string
	// Elem is the type of a list's elements, of an option's value, and of a map's values.
	Elem *Type
	// Key is the type of a map's keys.
	Key *Type
	// Length is the number of elements of a list of fixed length, and 0 for any other list.
	Length uint32
	// OK and Err are the payloads of a result, each nil for none.
	OK, Err *Type
}

// Field is a parameter, a field of a record, a case of a variant or an element of a tuple.
type Field struct {
	Name string
	// Type is nil for a case without a payload.
	Type *Type
}

// TypeKind is the constructor of a type, in WIT's word for it.
type TypeKind string

// These are the kinds of types.
const (
	TypeBool    TypeKind = "bool"
	TypeS8      TypeKind = "s8"
	TypeU8      TypeKind = "u8"
	TypeS16     TypeKind = "s16"
	TypeU16     TypeKind = "u16"
	TypeS32     TypeKind = "s32"
	TypeU32     TypeKind = "u32"
	TypeS64     TypeKind = "s64"
	TypeU64     TypeKind = "u64"
	TypeF32     TypeKind = "f32"
	TypeF64     TypeKind = "f64"
	TypeChar    TypeKind = "char"
	TypeString  TypeKind = "string"
	TypeRecord  TypeKind = "record"
	TypeVariant TypeKind = "variant"
	TypeList    TypeKind = "list"
	TypeTuple   TypeKind = "tuple"
	TypeFlags   TypeKind = "flags"
	TypeEnum    TypeKind = "enum"
	TypeOption  TypeKind = "option"
	TypeResult  TypeKind = "result"
	TypeMap     TypeKind = "map"
	// TypeOwn and TypeBorrow are handles of a resource; the type's name is the resource's.
	TypeOwn    TypeKind = "own"
	TypeBorrow TypeKind = "borrow"
)

// A describer makes the Types of one interface or world.
type describer struct {
	names map[int]string // by the origin of the type
	made  map[*types.Value]*Type
}

func newDescriber(named []types.Named) *describer {
	d := &describer{names: map[int]string{}, made: map[*types.Value]*Type{}}
	for i := range named {
		if v, ok := named[i].Type.(*types.Value); ok && named[i].Sort == binary.SortType && v.Origin != 0 {
			if _, known := d.names[v.Origin]; !known {
				d.names[v.Origin] = named[i].Name.Text
			}
		}
	}
	return d
}

func (d *describer) function(f *types.Func) *FuncType {
	return &FuncType{Params: d.fields(f.Params), Result: d.value(f.Result)}
}

func (d *describer) fields(fields []types.Field) []Field {
	var out []Field
	for _, f := range fields {
		out = append(out, Field{f.Name, d.value(f.Type)})
	}
	return out
}

func (d *describer) value(v *types.Value) *Type {
	if v == nil {
		return nil
	}
	if t := d.made[v]; t != nil {
		return t
	}
	t := &Type{Kind: TypeKind(v.Kind.String()), Labels: v.Labels, Length: v.Length}
	d.made[v] = t
	switch {
	case v.Resource != nil:
		t.Name = v.Resource.Name
	case v.Origin != 0:
		t.Name = d.names[v.Origin]
	}
	t.Fields = d.fields(v.Fields)
	t.Elem, t.Key, t.OK, t.Err = d.value(v.Elem), d.value(v.Key), d.value(v.OK), d.value(v.Err)
	return t
}
