package memory

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// errChanges is what is not changes of a memory.
var errChanges = errors.New("the contents of a memory are not whole")

// WriteChanges writes how a memory differs from what it began with: an image, or, with nil, zeros. The form is a list of
// runs of pages of 4 KiB: how many pages are the same, how many are not, and those, each byte combined with the
// image's by exclusive or: what has not changed in them compresses to nothing. A run of no pages is the last one.
func WriteChanges(w *bufio.Writer, b []byte, im *Image) error {
	same := uint64(0)
	run := 0 // where the run of changed pages begins
	page := make([]byte, pageBytes)
	end := func(at int) error {
		changed := (at - run + pageBytes - 1) / pageBytes
		if changed == 0 {
			return nil
		}
		if err := writeNumbers(w, same, uint64(changed)); err != nil {
			return err
		}
		for ; run < at; run += pageBytes {
			n := min(pageBytes, len(b)-run)
			if err := im.read(page, run); err != nil {
				return err
			}
			combine(page, b[run:run+n])
			if _, err := w.Write(page); err != nil {
				return err
			}
		}
		same = 0
		return nil
	}
	err := im.eachPage(len(b), func(at int, image []byte) error {
		n := min(pageBytes, len(b)-at)
		if string(b[at:at+n]) != string(image[:n]) {
			return nil
		}
		if err := end(at); err != nil {
			return err
		}
		same++
		run = at + pageBytes
		return nil
	})
	if err == nil {
		err = end(len(b))
	}
	if err == nil {
		err = writeNumbers(w, 0, 0)
	}
	return err
}

// ReadChanges changes a memory that is as it began to what WriteChanges wrote.
func ReadChanges(r *bufio.Reader, b []byte) error {
	page := make([]byte, pageBytes)
	at := uint64(0)
	for {
		same, err := binary.ReadUvarint(r)
		if err != nil {
			return cut(err)
		}
		changed, err := binary.ReadUvarint(r)
		if err != nil {
			return cut(err)
		}
		if changed == 0 {
			return nil
		}
		whole := uint64(len(b)+pageBytes-1) / pageBytes
		if same > whole-at || changed > whole-at-same {
			return errChanges
		}
		at += same
		for ; changed > 0; changed-- {
			if _, err := io.ReadFull(r, page); err != nil {
				return cut(err)
			}
			from := at * pageBytes
			to := b[from:min(from+pageBytes, uint64(len(b)))]
			combine(to, page[:len(to)])
			at++
		}
	}
}

// cut makes the end of the file, which comes too early, an error of the contents.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errChanges
	}
	return err
}

func writeNumbers(w *bufio.Writer, numbers ...uint64) error {
	for _, n := range numbers {
		if _, err := w.Write(binary.AppendUvarint(nil, n)); err != nil {
			return err
		}
	}
	return nil
}

// combine sets each byte of a to its exclusive or with that of b, which is no longer.
func combine(a, b []byte) {
	for ; len(b) >= 8; a, b = a[8:], b[8:] {
		binary.NativeEndian.PutUint64(a, binary.NativeEndian.Uint64(a)^binary.NativeEndian.Uint64(b))
	}
	for i := range b {
		a[i] ^= b[i]
	}
}

// eachPage calls f with the pages that a memory of size bytes began with. A nil image is zeros.
func (im *Image) eachPage(size int, f func(at int, page []byte) error) error {
	buf := make([]byte, 256<<10)
	for at := 0; at < size; at += len(buf) {
		if err := im.read(buf, at); err != nil {
			return err
		}
		for k := 0; k < len(buf) && at+k < size; k += pageBytes {
			if err := f(at+k, buf[k:k+pageBytes]); err != nil {
				return err
			}
		}
	}
	return nil
}

// read reads the image at an offset; behind its end there are zeros.
func (im *Image) read(b []byte, at int) error {
	n := 0
	if im != nil && at < im.size {
		n = min(len(b), im.size-at)
		if im.data != nil {
			copy(b[:n], im.data[at:])
		} else if _, err := im.file.ReadAt(b[:n], int64(at)); err != nil {
			return err
		}
	}
	clear(b[n:])
	return nil
}
