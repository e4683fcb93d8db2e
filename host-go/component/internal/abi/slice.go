package abi

import (
	"reflect"
	"unsafe"
)

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
	s := *(*[]struct{})(p) // the length and address are the same for elements of any type
	at := c.allocList(t, len(s))
	first := pointer(unsafe.SliceData(s))
	for i := range uintptr(len(s)) {
		c.elem.storeFrom(t, at+uint32(i)*c.size, unsafe.Add(first, i*c.stride))
	}
	return span{at, uint32(len(s))}
}
