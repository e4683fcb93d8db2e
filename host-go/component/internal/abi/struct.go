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
	word   int     // the size of an integer that is its core value; else 0
}

// typedStruct pairs the fields of c with those of a struct: by name where they
// have one, else in order.
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

// wordSize is the size of integers that are core values as they are.
func wordSize(c typedCodec) int {
	switch c.(type) {
	case intCodec[int32], intCodec[uint32]:
		return 4
	case intCodec[int64], intCodec[uint64]:
		return 8
	}
	return 0
}

// fieldNamed finds the field that stands for a WIT name: the tag wit:"name", or
// the name without hyphens in any case.
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

// sliceCodec is a list in a slice.
type sliceCodec struct {
	*listCodec
	typ    reflect.Type
	elem   typedCodec
	stride uintptr
}

func typedList(c *listCodec, t reflect.Type) (typedCodec, error) {
	elem, err := typed(c.elem, t.Elem())
	return &sliceCodec{c, t, elem, t.Elem().Size()}, err
}

func (c *sliceCodec) loadTo(t *Transfer, ptr uint32, p pointer) { c.loadSlice(t, t.getSpan(ptr), p) }

func (c *sliceCodec) liftTo(t *Transfer, flat []uint64, p pointer) {
	c.loadSlice(t, liftSpan(flat), p)
}

func (c *sliceCodec) storeFrom(t *Transfer, ptr uint32, p pointer) {
	t.putSpan(ptr, c.storeSlice(t, p))
}

func (c *sliceCodec) lowerFrom(t *Transfer, flat []uint64, p pointer) { c.storeSlice(t, p).lower(flat) }

func (c *sliceCodec) loadSlice(t *Transfer, s span, p pointer) {
	t.checkList(s.ptr, uint64(s.n)*uint64(c.size), c.align)
	t.charge(uint64(s.n) * uint64(c.stride))
	v := reflect.MakeSlice(c.typ, int(s.n), int(s.n))
	first := v.UnsafePointer()
	for i := range uintptr(s.n) {
		c.elem.loadTo(t, s.ptr, unsafe.Add(first, i*c.stride))
		s.ptr += c.size
	}
	reflect.NewAt(c.typ, p).Elem().Set(v)
}

func (c *sliceCodec) storeSlice(t *Transfer, p pointer) span {
	s := *(*[]struct{})(p) // its length and address, whatever the elements are
	at := c.allocList(t, len(s))
	first := pointer(unsafe.SliceData(s))
	for i := range uintptr(len(s)) {
		c.elem.storeFrom(t, at+uint32(i)*c.size, unsafe.Add(first, i*c.stride))
	}
	return span{at, uint32(len(s))}
}

// arrayCodec is a list of fixed length in an array.
type arrayCodec struct {
	*fixedListCodec
	elem   typedCodec
	stride uintptr
}

func typedArray(c *fixedListCodec, t reflect.Type) (typedCodec, error) {
	elem, err := typed(c.elem, t.Elem())
	return &arrayCodec{c, elem, t.Elem().Size()}, err
}

func (c *arrayCodec) loadTo(t *Transfer, ptr uint32, p pointer) {
	for i := range c.typ.Length {
		c.elem.loadTo(t, ptr+i*c.size, unsafe.Add(p, uintptr(i)*c.stride))
	}
}

func (c *arrayCodec) liftTo(t *Transfer, flat []uint64, p pointer) {
	for i := range int(c.typ.Length) {
		c.elem.liftTo(t, flat[i*c.flat:], unsafe.Add(p, uintptr(i)*c.stride))
	}
}

func (c *arrayCodec) storeFrom(t *Transfer, ptr uint32, p pointer) {
	for i := range c.typ.Length {
		c.elem.storeFrom(t, ptr+i*c.size, unsafe.Add(p, uintptr(i)*c.stride))
	}
}

func (c *arrayCodec) lowerFrom(t *Transfer, flat []uint64, p pointer) {
	for i := range int(c.typ.Length) {
		c.elem.lowerFrom(t, flat[i*c.flat:], unsafe.Add(p, uintptr(i)*c.stride))
	}
}

// pointerCodec is an option in a pointer, nil for none.
type pointerCodec struct {
	*variantCodec
	typ  reflect.Type // what it points to
	some typedCodec
}

func typedPointer(c *variantCodec, t reflect.Type) (typedCodec, error) {
	some, err := typed(c.cases[1], t.Elem())
	return &pointerCodec{c, t.Elem(), some}, err
}

func (c *pointerCodec) loadTo(t *Transfer, ptr uint32, p pointer) {
	if v := c.made(c.disc.load(t, ptr), p); v != nil {
		c.some.loadTo(t, ptr+c.payload, v)
	}
}

func (c *pointerCodec) liftTo(t *Transfer, flat []uint64, p pointer) {
	if v := c.made(uint32(flat[0]), p); v != nil {
		c.some.liftTo(t, flat[1:], v)
	}
}

// made sets the pointer at p for case i, and returns it.
func (c *pointerCodec) made(i uint32, p pointer) (v pointer) {
	c.check(i)
	if i == 1 {
		v = reflect.New(c.typ).UnsafePointer()
	}
	*(*pointer)(p) = v
	return v
}

func (c *pointerCodec) storeFrom(t *Transfer, ptr uint32, p pointer) {
	v := *(*pointer)(p)
	c.disc.store(t, ptr, uint32(bit(v != nil)))
	if v != nil {
		c.some.storeFrom(t, ptr+c.payload, v)
	}
}

func (c *pointerCodec) lowerFrom(t *Transfer, flat []uint64, p pointer) {
	v := *(*pointer)(p)
	clear(flat[:c.flat])
	flat[0] = bit(v != nil)
	if v != nil {
		c.some.lowerFrom(t, flat[1:], v)
	}
}
