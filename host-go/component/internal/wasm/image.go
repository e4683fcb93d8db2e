package wasm

// maxImage bounds a memory image, even when the module asks for more.
const maxImage = 1 << 30

// TakeData removes the data for a memory's first contents from a module. It returns the module and the
// contents, without the zeros at their end. It returns a nil image and the unchanged module when the data
// depend on running the module: the memory is imported, or code names the segments.
func TakeData(b []byte) (out, image []byte, err error) {
	defer catch(&err)
	p := parse(b)
	data, ok := p.secs[secData]
	mem, defined := p.secs[secMemory]
	if !ok || !defined || p.memory != 1 {
		return b, nil, nil
	}
	for i := range p.bodies {
		if p.bodies[i].bound {
			return b, nil, nil
		}
	}
	m := &reader{b, mem.start, mem.end}
	m.count()
	size := m.limits().Min << 16
	if image, ok = dataImage(&reader{b, data.start, data.end}, min(size, maxImage)); !ok {
		return b, nil, nil
	}
	out = append(make([]byte, 0, len(b)-(data.end-data.header)), b[:8]...)
	for _, sec := range sections(b) {
		if sec.id != secData && sec.id != secCount {
			out = append(out, b[sec.header:sec.end]...)
		}
	}
	return out, image, nil
}

// dataImage returns the image. ok is false when it cannot be made.
func dataImage(r *reader, size uint64) (image []byte, ok bool) {
	for range r.count() {
		if flags := r.u32(); flags != 0 {
			return nil, false
		}
		if r.byte() != opI32Const {
			return nil, false
		}
		at := uint64(r.s32())
		if r.byte() != opEnd {
			return nil, false
		}
		n := r.u32()
		start := r.pos
		r.skip(n)
		end := at + uint64(n)
		if end > size {
			return nil, false // The core runtime will say what is wrong with it.
		}
		if end > uint64(len(image)) {
			image = append(image, make([]byte, end-uint64(len(image)))...)
		}
		copy(image[at:], r.b[start:r.pos])
	}
	return image, true
}

// s32 reads a signed LEB128 of 32 bits as an unsigned number.
func (r *reader) s32() uint32 {
	var v uint32
	for shift := 0; ; shift += 7 {
		b := r.byte()
		v |= uint32(b&0x7f) << shift
		if b < 0x80 {
			if b&0x40 != 0 && shift < 25 {
				v |= ^uint32(0) << (shift + 7)
			}
			return v
		}
		if shift == 28 {
			r.fail("integer too large")
		}
	}
}

// Skeleton returns a module with the types, imports and exports of b, but without code and data. It is not a
// valid module. Read reads it like the whole module.
func Skeleton(b []byte) (out []byte, err error) {
	defer catch(&err)
	out = append(out, b[:8]...)
	for _, sec := range sections(b) {
		switch sec.id {
		case secType, secImport, secFunction, secTable, secMemory, secTag, secGlobal, secExport:
			out = append(out, b[sec.header:sec.end]...)
		}
	}
	return out, nil
}
