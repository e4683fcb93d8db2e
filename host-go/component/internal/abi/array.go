package abi

import (
	"reflect"
	"unsafe"
)

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
