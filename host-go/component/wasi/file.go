package wasi

import (
	"context"
	"io"
	"io/fs"
	"sync"
)

// maxFiles bounds the open files and folders of components.
const maxFiles = 1024

// limiter counts open files and folders.
type limiter struct {
	mu   sync.Mutex
	open int
}

func (l *limiter) acquire() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open >= maxFiles {
		return code("insufficient-memory")
	}
	l.open++
	return nil
}

func (l *limiter) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
}

// file is an open file. Its descriptor and its streams share it, and the last of them closes it.
type file struct {
	fs.File
	// reopen opens the file anew. It is for a file that can only be read from its start.
	reopen func() (fs.File, error)
	closed func()

	mu   sync.Mutex
	refs int
	pos  int64
}

func (f *file) retain() *file {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refs++
	return f
}

func (f *file) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refs--; f.refs == 0 {
		_ = f.Close()
		f.closed()
	}
}

// readAt reads at an offset. It returns io.EOF together with the last bytes.
func (f *file) readAt(b []byte, offset uint64) (int, error) {
	if offset > 1<<63-1 {
		return 0, code("invalid")
	}
	at := int64(offset)
	if r, ok := f.File.(io.ReaderAt); ok {
		return r.ReadAt(b, at)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if at < f.pos {
		again, err := f.reopen()
		if err != nil {
			return 0, err
		}
		_ = f.Close()
		f.File, f.pos = again, 0
	}
	skipped, err := io.CopyN(io.Discard, f.File, at-f.pos)
	f.pos += skipped
	if err != nil {
		return 0, err
	}
	n, err := io.ReadFull(f.File, b)
	f.pos += int64(n)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}

// writeAt writes at an offset.
func (f *file) writeAt(b []byte, offset uint64) (int, error) {
	w, ok := f.File.(io.WriterAt)
	if !ok {
		return 0, code("read-only")
	}
	if offset > 1<<63-1 {
		return 0, code("invalid")
	}
	return w.WriteAt(b, int64(offset))
}

// fileInput is the input of read-via-stream.
type fileInput struct {
	*file
	at uint64
}

func (s *fileInput) read(n int) ([]byte, error) {
	b := make([]byte, n)
	n, err := s.readAt(b, s.at)
	s.at += uint64(n)
	if n > 0 {
		err = nil
	}
	return b[:n], err
}

func (s *fileInput) pending() <-chan struct{} { return nil }
func (s *fileInput) drop()                    { s.release() }

// fileOutput is the output of write-via-stream and append-via-stream.
type fileOutput struct {
	*file
	at       uint64
	atTheEnd bool
}

func (s *fileOutput) room() (int, error) { return chunk, nil }

func (s *fileOutput) write(_ context.Context, b []byte) error {
	if s.atTheEnd {
		fi, err := s.Stat()
		if err != nil {
			return err
		}
		s.at = uint64(fi.Size())
	}
	n, err := s.writeAt(b, s.at)
	s.at += uint64(n)
	return err
}

func (s *fileOutput) pending() <-chan struct{} { return nil }
func (s *fileOutput) drop()                    { s.release() }
