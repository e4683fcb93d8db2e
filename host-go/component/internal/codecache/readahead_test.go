package codecache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"testing"

	"github.com/tetratelabs/wazero"
)

// counted is a file that counts how often it is read.
type counted struct {
	io.Reader
	reads *int
}

func (c counted) Read(b []byte) (int, error) {
	*c.reads++
	return c.Reader.Read(b)
}

func (counted) Close() error { return nil }

// counting has one file, for each key.
type counting struct {
	content []byte
	reads   int
}

func (c *counting) Get([sha256.Size]byte) (io.ReadCloser, bool, error) {
	return counted{bytes.NewReader(c.content), &c.reads}, true, nil
}
func (*counting) Add([sha256.Size]byte, io.Reader) error { return nil }
func (*counting) Delete([sha256.Size]byte) error         { return nil }

// The core runtime's cache has the field, and a file is read a buffer at a time, to its last bytes.
func TestReadAhead(t *testing.T) {
	core, err := wazero.NewCompilationCacheWithDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer core.Close(context.Background())
	if !readAhead(core) {
		t.Error("this version of the core runtime has another cache: its starts take longer")
	}
	if plain := wazero.NewCompilationCache(); readAhead(plain) {
		t.Error("a cache without files has some")
	}
	content := make([]byte, 3*aheadSize+5) // No multiple of eight.
	for i := range content {
		content[i] = byte(i / 7)
	}
	from := &counting{content: content}
	r, ok, err := buffered{from}.Get([sha256.Size]byte{})
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	var got []byte
	for b := make([]byte, 8); ; {
		n, err := r.Read(b)
		if n < len(b) && len(got)+n < len(content) {
			t.Fatalf("after %d bytes it reads %d, %v", len(got), n, err)
		}
		if got = append(got, b[:n]...); err != nil {
			break
		}
	}
	if !bytes.Equal(got, content) || from.reads > 6 {
		t.Errorf("%d bytes of %d, read %d times", len(got), len(content), from.reads)
	}
}
