package memory

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"sync"
)

// Image is the first contents of a memory. It is a file that instances map, or, when that is impossible,
// bytes that they copy. It never changes. It is safe for concurrent use.
type Image struct {
	file *os.File
	data []byte
	size int

	// mapped is the file, for rewinding memories: nil before the first of them, and after Close.
	mu     sync.RWMutex
	mapped []byte
	closed bool
}

// A Store says where an image is kept: InFile or InBytes.
type Store func() (*os.File, error)

// InFile keeps an image in a file that only this process has. On platforms without such files it keeps the
// image on the Go heap.
func InFile() (*os.File, error) { return newFile() }

// InBytes keeps an image on the Go heap.
func InBytes() (*os.File, error) { return nil, errors.ErrUnsupported }

// ReadImage reads an image of size bytes, and then reads r to its end: a reader may compare a checksum there.
func ReadImage(r io.Reader, size int, store Store) (*Image, error) {
	im := &Image{size: size}
	var err error
	if im.file, err = store(); err == nil {
		err = copyPages(im.file, r, size)
	} else {
		im.data = make([]byte, size)
		_, err = io.ReadFull(r, im.data)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	if err != nil {
		im.Close()
		return nil, err
	}
	return im, nil
}

// copyPages copies size bytes into an empty file. It leaves holes for zeros.
func copyPages(f *os.File, r io.Reader, size int) error {
	if err := f.Truncate(int64(size)); err != nil {
		return err
	}
	buf := make([]byte, 256<<10)
	for at := 0; at < size; {
		n, err := io.ReadFull(r, buf[:min(len(buf), size-at)])
		if err != nil {
			return err
		}
		// Adjacent pages that are not zero are written at once.
		first := 0
		for page := 0; page < n; page += pageBytes {
			if zeros := isZero(buf[page:min(page+pageBytes, n)]); !zeros && page+pageBytes < n {
				continue
			} else if zeros {
				err = writeAt(f, buf[first:page], at+first)
			} else {
				err = writeAt(f, buf[first:n], at+first)
			}
			if err != nil {
				return err
			}
			first = page + pageBytes
		}
		at += n
	}
	return nil
}

const pageBytes = 4096

func isZero(b []byte) bool {
	for len(b) >= 8 {
		if binary.NativeEndian.Uint64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func writeAt(f *os.File, b []byte, at int) error {
	if len(b) == 0 {
		return nil
	}
	_, err := f.WriteAt(b, int64(at))
	return err
}

// fill puts the image into zeroed memory: at the beginning of region, or of buf when region is nil. It reports
// whether it has mapped the image there, and not copied it.
func (im *Image) fill(region, buf []byte) (mapped bool, err error) {
	if region != nil && mapImage(region, im.file, im.size) {
		return true, nil
	}
	if im.data != nil {
		copy(buf, im.data)
		return false, nil
	}
	_, err = im.file.ReadAt(buf[:im.size], 0)
	return false, err
}

// Close frees the image. Memories that began with it stay as they are. Close does nothing on nil.
func (im *Image) Close() {
	if im == nil || im.file == nil {
		return
	}
	im.mu.Lock()
	defer im.mu.Unlock()
	im.closed = true
	_ = im.file.Close()
	im.unmap()
}
