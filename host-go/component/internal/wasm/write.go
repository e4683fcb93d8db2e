package wasm

import "encoding/binary"

// ReExport is a member of a generated module that imports a definition and
// exports it again under another name.
type ReExport struct {
	Name         string // the export's name
	Module, From string // the import's names
	Type         ExternType
}

// EncodeReExports returns a module that imports each definition and exports it again. It leaves the limits of
// tables and memories open, so that any instance of the kind fits.
func EncodeReExports(members []ReExport) []byte {
	var types, imports, exports []byte
	var numTypes uint32
	var counts [5]uint32
	for i := range members {
		m := &members[i]
		k := m.Type.Kind
		imports = appendName(imports, m.Module)
		imports = appendName(imports, m.From)
		imports = append(imports, byte(k))
		switch k {
		case KindTag:
			imports = append(imports, 0)
			fallthrough
		case KindFunc:
			types = appendFuncType(types, m.Type.Func)
			imports = appendU32(imports, numTypes)
			numTypes++
		case KindTable:
			imports = append(imports, m.Type.Val, 0, 0)
		case KindMemory:
			imports = appendMemoryLimits(imports, m.Type.Limits)
		case KindGlobal:
			mutable := byte(0)
			if m.Type.Mutable {
				mutable = 1
			}
			imports = append(imports, m.Type.Val, mutable)
		}
		exports = appendName(exports, m.Name)
		exports = append(exports, byte(k))
		exports = appendU32(exports, counts[k])
		counts[k]++
	}
	n := uint32(len(members))
	b := []byte("\x00asm\x01\x00\x00\x00")
	b = appendVecSection(b, secType, numTypes, types)
	b = appendVecSection(b, secImport, n, imports)
	return appendVecSection(b, secExport, n, exports)
}

// appendMemoryLimits leaves the limits open. Only a shared memory must have a maximum.
func appendMemoryLimits(b []byte, l Limits) []byte {
	if !l.Shared {
		return append(b, 0, 0)
	}
	b = append(b, 3, 0)
	return binary.AppendUvarint(b, l.Max)
}

func appendFuncType(b []byte, t *FuncType) []byte {
	b = append(b, 0x60)
	b = appendU32(b, uint32(len(t.Params)))
	b = append(b, t.Params...)
	b = appendU32(b, uint32(len(t.Results)))
	return append(b, t.Results...)
}

func appendU32(b []byte, v uint32) []byte { return binary.AppendUvarint(b, uint64(v)) }

func appendU64(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

// appendS32 writes a signed LEB128.
func appendS32(b []byte, v int32) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if (v == 0 && c&0x40 == 0) || (v == -1 && c&0x40 != 0) {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func appendName(b []byte, s string) []byte {
	b = appendU32(b, uint32(len(s)))
	return append(b, s...)
}

func appendSection(b []byte, id byte, contents []byte) []byte {
	b = append(b, id)
	b = appendU32(b, uint32(len(contents)))
	return append(b, contents...)
}

func appendVecSection(b []byte, id byte, n uint32, elems []byte) []byte {
	return appendSection(b, id, append(appendU32(nil, n), elems...))
}
