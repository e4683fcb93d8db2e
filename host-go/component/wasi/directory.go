package wasi

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"unicode/utf8"

	"github.com/caisson-dev/caisson/host-go/component"
)

// entries is how many directory entries one read returns at most.
const entries = 128

// directoryStream is a directory-entry-stream.
type directoryStream struct {
	dir  fs.ReadDirFile
	rest []fs.DirEntry
	err  error
	done func()
}

func (d *descriptor) readDirectory(h *host) (*directoryStream, error) {
	f, err := d.folder(".")
	if err != nil {
		return nil, err
	}
	if err := h.open.acquire(); err != nil {
		return nil, err
	}
	file, err := f.open(".", 0)
	if err != nil {
		h.open.release()
		return nil, err
	}
	dir, ok := file.(fs.ReadDirFile)
	if !ok {
		_ = file.Close()
		h.open.release()
		return nil, code("unsupported")
	}
	return &directoryStream{dir: dir, done: h.open.release}, nil
}

func (s *directoryStream) drop() {
	_ = s.dir.Close()
	s.done()
}

// next returns an option<directory-entry>. It leaves out names that are not UTF-8, which a component cannot
// get.
func (s *directoryStream) next() (component.Option, error) {
	for {
		for len(s.rest) == 0 {
			if s.err != nil {
				return component.None(), ended(s.err)
			}
			s.rest, s.err = s.dir.ReadDir(entries)
		}
		e := s.rest[0]
		s.rest = s.rest[1:]
		if name := e.Name(); utf8.ValidString(name) {
			return component.Some(component.Record{typeOf(e.Type()), name}), nil
		}
	}
}

// ended returns err, or nil when err is io.EOF.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// readLink returns the target of a link, if a component can use the target.
func (d *descriptor) readLink(name string) (any, error) {
	f, err := d.folder(name)
	if err != nil {
		return nil, err
	}
	text, err := f.readlink(name)
	switch {
	case err != nil:
		return nil, err
	case !utf8.ValidString(text):
		return nil, code("illegal-byte-sequence")
	case path.IsAbs(text):
		return nil, code("not-permitted")
	}
	return text, nil
}
