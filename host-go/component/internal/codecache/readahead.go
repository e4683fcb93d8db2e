package codecache

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"io"
	"reflect"

	"github.com/tetratelabs/wazero"
)

// files is the interface by which the core runtime reads and writes the files of its cache.
type files interface {
	Get(key [sha256.Size]byte) (content io.ReadCloser, ok bool, err error)
	Add(key [sha256.Size]byte, content io.Reader) error
	Delete(key [sha256.Size]byte) error
}

// readAhead has the core runtime read its files through a buffer: it reads where each function begins eight bytes at a
// time, by a call of the system each. There is no option for that, so readAhead finds the field by its name. It reports
// whether it has: without the field everything works, and a start takes longer.
func readAhead(core wazero.CompilationCache) bool {
	c := reflect.ValueOf(core)
	if c.Kind() != reflect.Pointer || c.Elem().Kind() != reflect.Struct {
		return false
	}
	field := c.Elem().FieldByName("fileCache")
	if !field.IsValid() || !reflect.TypeFor[buffered]().AssignableTo(field.Type()) {
		return false
	}
	field = reflect.NewAt(field.Type(), field.Addr().UnsafePointer()).Elem() // One that may be set.
	plain, ok := field.Interface().(files)
	if ok {
		field.Set(reflect.ValueOf(buffered{plain}))
	}
	return ok
}

// buffered reads files through a buffer.
type buffered struct{ files }

// aheadSize holds where the functions of the largest component begin.
const aheadSize = 128 << 10

// Get returns the contents of a file.
func (b buffered) Get(key [sha256.Size]byte) (content io.ReadCloser, ok bool, err error) {
	content, ok, err = b.files.Get(key)
	if ok && err == nil {
		content = ahead{bufio.NewReaderSize(content, aheadSize), content}
	}
	return content, ok, err
}

// ahead is a file that is read ahead.
type ahead struct {
	buffer *bufio.Reader
	io.Closer
}

// Read fills b, as far as the file goes: the core runtime does not read again where it gets less.
func (a ahead) Read(b []byte) (int, error) {
	n, err := io.ReadFull(a.buffer, b)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}
