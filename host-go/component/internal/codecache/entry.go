package codecache

import (
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"time"
)

// An entry of the cache is its contents and a seal of sealSize bytes: the checksum of its name and contents,
// their length, and the mark. The checksum finds damage. Against others who write to the folder, the cache
// relies on the file system.
const (
	sealMark   = "sealed-1"
	sealSize   = 4 + 8 + len(sealMark)
	tempSuffix = ".tmp"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func newSum(name string) hash.Hash32 {
	sum := crc32.New(castagnoli)
	_, _ = io.WriteString(sum, name)
	return sum
}

// errDamaged ends the reading of a damaged entry.
var errDamaged = errors.New("component: the entry of the cache is damaged")

// reader reads the contents of an entry, and compares the checksum at their end.
type reader struct {
	file *os.File
	left int64
	sum  hash.Hash32
	want uint32
}

// read opens an entry. It returns nil when the entry is not there. It removes an entry that cannot be whole.
func (c *Cache) read(name string) *reader {
	return c.readAt(filepath.Join(c.folder, name), name)
}

// readAt opens the file of an entry at any path.
func (c *Cache) readAt(path, name string) *reader {
	info, err := os.Lstat(path)
	if err != nil {
		return nil
	}
	r := &reader{left: info.Size() - int64(sealSize), sum: newSum(name)}
	if !info.Mode().IsRegular() || !private(info) || r.left < 0 {
		_ = os.Remove(path)
		return nil
	}
	if r.file, err = os.Open(path); err != nil {
		return nil
	}
	var seal [sealSize]byte
	if _, err := r.file.ReadAt(seal[:], r.left); err != nil || string(seal[12:]) != sealMark || binary.LittleEndian.Uint64(seal[4:]) != uint64(r.left) {
		_ = r.file.Close()
		_ = os.Remove(path)
		return nil
	}
	r.want = binary.LittleEndian.Uint32(seal[:])
	if time.Since(info.ModTime()) > touchAfter {
		now := time.Now()
		_ = os.Chtimes(path, now, now)
	}
	return r
}

// whole reads the rest of the entry, closes it, and reports whether the entry is undamaged.
func (r *reader) whole() bool {
	defer r.Close()
	_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, make([]byte, 128<<10))
	return err == nil
}

func (r *reader) Read(b []byte) (int, error) {
	if r.left == 0 {
		if r.sum.Sum32() == r.want {
			return 0, io.EOF
		}
		return 0, r.damaged()
	}
	n, err := r.file.Read(b[:min(int64(len(b)), r.left)])
	_, _ = r.sum.Write(b[:n])
	r.left -= int64(n)
	if err != nil {
		return n, r.damaged()
	}
	return n, nil
}

func (r *reader) damaged() error {
	_ = os.Remove(r.file.Name())
	return errDamaged
}

func (r *reader) Close() error { return r.file.Close() }

// writer writes an entry under a temporary name.
type writer struct {
	file *os.File
	path string // the path of the finished entry
	sum  hash.Hash32
	n    uint64
}

func (c *Cache) create(name string) (*writer, error) {
	f, err := os.CreateTemp(c.folder, name+".*"+tempSuffix) // only the user can read it
	if err != nil {
		return nil, err
	}
	return &writer{file: f, path: filepath.Join(c.folder, name), sum: newSum(name)}, nil
}

func (w *writer) Write(b []byte) (int, error) {
	_, _ = w.sum.Write(b)
	n, err := w.file.Write(b)
	w.n += uint64(n)
	return n, err
}

// finish seals the entry and gives it its name. It removes the entry when err is not nil, or when finishing
// fails.
func (w *writer) finish(err error) error {
	if err == nil {
		seal := binary.LittleEndian.AppendUint32(nil, w.sum.Sum32())
		seal = binary.LittleEndian.AppendUint64(seal, w.n)
		_, err = w.file.Write(append(seal, sealMark...))
	}
	if closed := w.file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(w.file.Name(), w.path)
	}
	if err != nil {
		_ = os.Remove(w.file.Name())
	}
	return err
}
