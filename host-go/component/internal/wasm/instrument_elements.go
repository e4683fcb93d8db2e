package wasm

// segment is an active element segment.
type segment struct {
	table  uint32
	offset []byte // the expression, without its end
	length uint32
}

// fits reports whether a segment certainly fits its table.
func (in *instrumenter) fits(s segment) bool {
	if uint64(s.table) >= uint64(len(in.tables)) {
		return true // The core runtime will say what is wrong with it.
	}
	r := &reader{s.offset, 0, len(s.offset)}
	if r.byte() != opI32Const {
		return false
	}
	at := uint64(r.s32())
	return r.pos == r.end && at+uint64(s.length) <= in.tables[s.table]
}
