package abi

// span is the place of a string or list: its address, and its length in its own units.
type span struct{ ptr, n uint32 }

func (t *Transfer) getSpan(ptr uint32) span {
	return span{le.Uint32(t.buf[ptr:]), le.Uint32(t.buf[ptr+4:])}
}

func (t *Transfer) putSpan(ptr uint32, s span) {
	le.PutUint32(t.buf[ptr:], s.ptr)
	le.PutUint32(t.buf[ptr+4:], s.n)
}

func liftSpan(flat []uint64) span  { return span{uint32(flat[0]), uint32(flat[1])} }
func (s span) lower(flat []uint64) { flat[0], flat[1] = uint64(s.ptr), uint64(s.n) }
