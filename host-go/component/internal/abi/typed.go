package abi

import (
	"fmt"
	"reflect"

	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// dynamicTypes are the Go types of WIT values. Each fits only the WIT types of its own name, whatever its
// kind.
var dynamicTypes = map[reflect.Type]bool{
	reflect.TypeFor[Record](): true, reflect.TypeFor[Tuple](): true, reflect.TypeFor[Variant](): true,
	reflect.TypeFor[Enum](): true, reflect.TypeFor[Flags](): true, reflect.TypeFor[Option](): true,
	reflect.TypeFor[Result](): true, reflect.TypeFor[Rep](): true,
}

// typed returns the codec for a Go type. The table in the documentation of package component must pair the
// type with the type of c. Only typed looks at Go types: the codec works on memory of the type.
func typed(c codec, t reflect.Type) (typedCodec, error) {
	if out := dynamic(c, t); out != nil {
		return out, nil
	}
	if !dynamicTypes[t] {
		switch c := c.(type) {
		case primCodec:
			if t.Kind() == c.goKind() {
				return c, nil
			}
		case bytesCodec:
			if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
				return c, nil
			}
		case *listCodec:
			if t.Kind() == reflect.Slice {
				return typedList(c, t)
			}
		case *fixedListCodec:
			if t.Kind() == reflect.Array && t.Len() == int(c.typ.Length) {
				return typedArray(c, t)
			}
		case *recordCodec:
			if t.Kind() == reflect.Struct {
				return typedStruct(c, c.labels(), t)
			}
		case *variantCodec:
			if t.Kind() == reflect.Pointer && c.typ.Kind == types.Option {
				return typedPointer(c, t)
			}
		case *enumCodec:
			if t.Kind() == reflect.String {
				return enumString{c}, nil
			}
		case *flagsCodec:
			if t.Kind() == reflect.Uint32 {
				return flagsBits{c}, nil
			}
		}
	}
	return nil, fmt.Errorf("%s in Go, %s in WIT", GoName(t), c.wit())
}

// dynamic returns the codec for a Go type that holds a WIT value. It returns nil for other types.
func dynamic(c codec, t reflect.Type) typedCodec {
	if t == reflect.TypeFor[any]() {
		return dynamicCodec[any]{c}
	}
	switch c := c.(type) {
	case *listCodec, *fixedListCodec:
		if t == reflect.TypeFor[[]any]() {
			return dynamicCodec[[]any]{c}
		}
	case *recordCodec:
		switch {
		case t == reflect.TypeFor[Tuple]() && c.tuple:
			return dynamicCodec[Tuple]{c}
		case t == reflect.TypeFor[Record]() && !c.tuple:
			return dynamicCodec[Record]{c}
		}
	case *variantCodec:
		switch {
		case t == reflect.TypeFor[Variant]() && c.typ.Kind == types.Variant:
			return dynamicCodec[Variant]{c}
		case t == reflect.TypeFor[Option]() && c.typ.Kind == types.Option:
			return dynamicCodec[Option]{c}
		case t == reflect.TypeFor[Result]() && c.typ.Kind == types.Result:
			return dynamicCodec[Result]{c}
		}
	case *enumCodec:
		if t == reflect.TypeFor[Enum]() {
			return enumString{c}
		}
	case *flagsCodec:
		if t == reflect.TypeFor[Flags]() {
			return flagsBits{c}
		}
	case *handleCodec:
		switch {
		case t == reflect.TypeFor[Rep]() && c.host:
			return repCodec{c}
		case t == c.goType.typ && !c.host:
			return c.goType.codec(c)
		}
	}
	return nil
}

// dynamicCodec is a WIT value in a variable of type T.
type dynamicCodec[T any] struct{ codec }

func (c dynamicCodec[T]) loadTo(t *Transfer, ptr uint32, p pointer) {
	*(*T)(p) = c.load(t, ptr).(T)
}

func (c dynamicCodec[T]) liftTo(t *Transfer, flat []uint64, p pointer) {
	*(*T)(p) = c.lift(t, flat).(T)
}

func (c dynamicCodec[T]) storeFrom(t *Transfer, ptr uint32, p pointer) { c.store(t, ptr, *(*T)(p)) }
func (c dynamicCodec[T]) lowerFrom(t *Transfer, flat []uint64, p pointer) {
	c.lower(t, flat, *(*T)(p))
}
