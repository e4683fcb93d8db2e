package binary

import "encoding/binary"

// MapModules returns the component with f applied to each core module, also to those of nested components.
// Decode must have accepted the component.
func MapModules(b []byte, f func(module []byte) ([]byte, error)) ([]byte, error) {
	out := append([]byte(nil), b[:8]...)
	for rest := b[8:]; len(rest) > 0; {
		id := rest[0]
		size, n := binary.Uvarint(rest[1:])
		contents := rest[1+n : 1+n+int(size)]
		rest = rest[1+n+int(size):]
		var err error
		switch id {
		case 1:
			contents, err = f(contents)
		case 4:
			contents, err = MapModules(contents, f)
		}
		if err != nil {
			return nil, err
		}
		out = binary.AppendUvarint(append(out, id), uint64(len(contents)))
		out = append(out, contents...)
	}
	return out, nil
}
