package server

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"testing"
)

// TestUnzipped shows that a message is decompressed up to its bound, and no further, and that the next one is again.
func TestUnzipped(t *testing.T) {
	zip := func(n int64) io.Reader {
		var text bytes.Buffer
		z := gzip.NewWriter(&text)
		if _, err := io.Copy(z, io.LimitReader(zeros{}, n)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return &text
	}
	u := &unzipper{}
	for n, want := range map[int64]error{3 * maxUnzipped: errUnzipped, maxMessageBytes: nil, 0: nil} {
		if err := u.Reset(zip(n)); err != nil {
			t.Fatal(err)
		}
		read, err := io.Copy(io.Discard, u)
		if !errors.Is(err, want) || read != min(n, maxUnzipped) {
			t.Errorf("of %d bytes %d are read: %v", n, read, err)
		}
	}
}
