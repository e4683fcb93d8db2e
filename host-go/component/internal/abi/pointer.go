package abi

import (
	"reflect"
)

// pointerCodec is an option as a pointer. nil is none.
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

// made sets the pointer at p for case i, and returns the pointer.
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
