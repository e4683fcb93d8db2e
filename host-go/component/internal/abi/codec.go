package abi

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// codec lifts and lowers the values of one type (CanonicalABI.md, "Loading", "Storing", "Flat Lifting", "Flat
// Lowering"). Compiling a component builds its codecs once. A codec holds sizes, offsets and case numbers.
//
// Core values are 64-bit words, as the core runtime passes them: an i32 or f32 is in the lower half. So the
// coercions between the cases of a variant are truncations, which every codec does anyway.
//
// load and store work on a range that the caller has checked. They check the memory that the value points to.
// They trap by panicking: see package trap.
type codec interface {
	load(t *Transfer, ptr uint32) any
	store(t *Transfer, ptr uint32, v any)
	lift(t *Transfer, flat []uint64) any
	lower(t *Transfer, flat []uint64, v any)
	// wit is the type.
	wit() fmt.Stringer
}

// typedCodec is a codec that also works on a Go type: p points to a variable of the type.
type typedCodec interface {
	loadTo(t *Transfer, ptr uint32, p pointer)
	storeFrom(t *Transfer, ptr uint32, p pointer)
	liftTo(t *Transfer, flat []uint64, p pointer)
	lowerFrom(t *Transfer, flat []uint64, p pointer)
}

type pointer = unsafe.Pointer

// ResourceType is what the codecs of handles must know of a resource type.
type ResourceType struct {
	Host      bool // whether the host implements it
	Component int  // the component instance that implements it, unless Host
}

// Codecs builds and keeps the codecs and signatures of one component.
type Codecs struct {
	u          *types.Universe
	resource   func(i int) ResourceType
	handle     GoType
	of         map[*types.Value]codec
	signatures map[*types.Func]*Signature
}

// GoType is a Go type that holds the WIT values of handles.
type GoType struct {
	typ   reflect.Type
	codec func(codec) typedCodec
}

// GoTypeFor returns T as the Go type of the handles of guests' resources. Guest.Resource returns values of T.
func GoTypeFor[T any]() GoType {
	return GoType{reflect.TypeFor[T](), func(c codec) typedCodec { return dynamicCodec[T]{c} }}
}

// NewCodecs returns the Codecs for types of the universe. resource returns the resource type with an index.
// handle is the Go type of guests' resources.
func NewCodecs(u *types.Universe, resource func(i int) ResourceType, handle GoType) *Codecs {
	return &Codecs{u: u, resource: resource, handle: handle, of: map[*types.Value]codec{}, signatures: map[*types.Func]*Signature{}}
}

func (cs *Codecs) get(v *types.Value) codec {
	if v == nil {
		return nil
	}
	if c := cs.of[v]; c != nil {
		return c
	}
	c := cs.build(v)
	cs.of[v] = c
	return c
}

func (cs *Codecs) build(v *types.Value) codec {
	switch v.Kind {
	case types.Bool:
		return boolCodec{}
	case types.S8:
		return intCodec[int8]{v.Kind}
	case types.U8:
		return intCodec[uint8]{v.Kind}
	case types.S16:
		return intCodec[int16]{v.Kind}
	case types.U16:
		return intCodec[uint16]{v.Kind}
	case types.S32:
		return intCodec[int32]{v.Kind}
	case types.U32:
		return intCodec[uint32]{v.Kind}
	case types.S64:
		return intCodec[int64]{v.Kind}
	case types.U64:
		return intCodec[uint64]{v.Kind}
	case types.F32:
		return f32Codec{}
	case types.F64:
		return f64Codec{}
	case types.Char:
		return charCodec{}
	case types.String:
		return stringCodec{}
	case types.List:
		if v.Elem.Kind == types.U8 {
			return bytesCodec{v}
		}
		return &listCodec{typ: v, elem: cs.get(v.Elem), size: v.Elem.Size, align: v.Elem.Align}
	case types.Map:
		pair := cs.u.Intern(types.Value{Kind: types.Tuple, Fields: []types.Field{{Type: v.Key}, {Type: v.Elem}}})
		return &listCodec{typ: v, elem: cs.get(pair), size: pair.Size, align: pair.Align}
	case types.FixedList:
		return &fixedListCodec{typ: v, elem: cs.get(v.Elem), size: v.Elem.Size, flat: v.Elem.FlatLen}
	case types.Record, types.Tuple:
		return cs.record(v)
	case types.Variant, types.Option, types.Result:
		return cs.variant(v)
	case types.Enum:
		return newEnumCodec(v)
	case types.Flags:
		return &flagsCodec{typ: v, size: v.Size, mask: Flags(1<<uint64(len(v.Labels)) - 1)}
	case types.Own, types.Borrow:
		r := cs.resource(v.Resource.Index)
		return &handleCodec{typ: v, resource: v.Resource.Index, own: v.Kind == types.Own, host: r.Host, component: r.Component, goType: cs.handle}
	}
	panic("component: no codec for " + v.Kind.String())
}
