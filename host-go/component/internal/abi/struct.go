package abi

import (
	"fmt"
	"reflect"
	"strings"
	"unsafe"
)

// structCodec is a record, a tuple, or the parameters of a function in a struct.
type structCodec []structField

type structField struct {
	typedCodec
	offset uint32  // in the guest's memory
	flat   int     // in core values
	at     uintptr // in the struct
	word   int     // the size of an integer that equals its core value; otherwise 0
}

// typedStruct pairs the fields of c with those of a struct: by name if they have names, and otherwise in
// order.
func typedStruct(c *recordCodec, names []string, t reflect.Type) (typedCodec, error) {
	if t.NumField() != len(c.fields) {
		return nil, fmt.Errorf("%s in Go has %d fields where %d are wanted", GoName(t), t.NumField(), len(c.fields))
	}
	out := make(structCodec, len(c.fields))
	for i, f := range c.fields {
		field, name := t.Field(i), fmt.Sprint(i)
		if names != nil {
			var ok bool
			name = names[i]
			if field, ok = fieldNamed(t, name); !ok {
				return nil, fmt.Errorf("%s in Go has no field for %s", GoName(t), name)
			}
		}
		if !field.IsExported() {
			return nil, fmt.Errorf("%s in Go: the field %s is not exported", GoName(t), field.Name)
		}
		fc, err := typed(f.codec, field.Type)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[i] = structField{fc, f.offset, f.flat, field.Offset, wordSize(fc)}
	}
	return out, nil
}

// wordSize returns the size of an integer that equals its core value, and 0 for other types.
func wordSize(c typedCodec) int {
	switch c.(type) {
	case intCodec[int32], intCodec[uint32]:
		return 4
	case intCodec[int64], intCodec[uint64]:
		return 8
	}
	return 0
}

// fieldNamed finds the field for a WIT name: the field has the tag wit:"name", or the name without hyphens in
// any case.
func fieldNamed(t reflect.Type, name string) (reflect.StructField, bool) {
	plain := strings.ReplaceAll(name, "-", "")
	for i := range t.NumField() {
		f := t.Field(i)
		if tag, ok := f.Tag.Lookup("wit"); ok && tag == name || !ok && strings.EqualFold(f.Name, plain) {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func (c structCodec) loadTo(t *Transfer, ptr uint32, p pointer) {
	for i := range c {
		c[i].loadTo(t, ptr+c[i].offset, unsafe.Add(p, c[i].at))
	}
}

func (c structCodec) liftTo(t *Transfer, flat []uint64, p pointer) {
	for i := range c {
		f := &c[i]
		switch at := unsafe.Add(p, f.at); f.word {
		case 4:
			*(*uint32)(at) = uint32(flat[f.flat])
		case 8:
			*(*uint64)(at) = flat[f.flat]
		default:
			f.liftTo(t, flat[f.flat:], at)
		}
	}
}

func (c structCodec) storeFrom(t *Transfer, ptr uint32, p pointer) {
	for i := range c {
		c[i].storeFrom(t, ptr+c[i].offset, unsafe.Add(p, c[i].at))
	}
}

func (c structCodec) lowerFrom(t *Transfer, flat []uint64, p pointer) {
	for i := range c {
		f := &c[i]
		switch at := unsafe.Add(p, f.at); f.word {
		case 4:
			flat[f.flat] = uint64(*(*uint32)(at))
		case 8:
			flat[f.flat] = *(*uint64)(at)
		default:
			f.lowerFrom(t, flat[f.flat:], at)
		}
	}
}
