package sleep

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"testing"
)

var key = bytes.Repeat([]byte("k"), KeyBytes)

func seal(t testing.TB, b []byte) []byte {
	t.Helper()
	sealed, err := Seal(key, 1<<20, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// TestSealOpen seals bytes and opens them.
func TestSealOpen(t *testing.T) {
	text := []byte("a run, and its secret")
	a, b := seal(t, text), seal(t, text)
	if bytes.Contains(a, text) || bytes.Equal(a, b) {
		t.Error("what is sealed can be read, or is the same twice")
	}
	ids := map[string]bool{}
	for _, sealed := range [][]byte{a, b, a} {
		id, from, err := Open(key, sealed, 1<<20, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(from)
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%q, %v", got, err)
		}
		ids[id] = true
		if err := from.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(ids) != 2 {
		t.Errorf("the identities are %v", ids)
	}
}

// TestBounds seals and opens what is too large.
func TestBounds(t *testing.T) {
	noise := make([]byte, 4<<20)
	_, _ = rand.Read(noise)
	var e *Error
	_, err := Seal(key, 1<<20, func(w io.Writer) error {
		_, err := w.Write(noise)
		return err
	})
	if !errors.As(err, &e) || e.Code != TooLarge {
		t.Errorf("more than may be sealed: %v", err)
	}
	_, from, err := Open(key, seal(t, make([]byte, 64<<20)), 1<<20, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	n, err := io.Copy(io.Discard, from)
	if !errors.As(err, &e) || e.Code != TooLarge || n > 1<<20 {
		t.Errorf("a bomb gives %d bytes, %v", n, err)
	}
	failed := errors.New("no")
	if _, err := Seal(key, 1<<20, func(io.Writer) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("what cannot be written: %v", err)
	}
}

// FuzzOpen opens anything.
func FuzzOpen(f *testing.F) {
	whole := seal(f, []byte("a run"))
	f.Add(whole)
	f.Add(whole[:40])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, from, err := Open(key, b, 1<<16, 1<<16)
		var e *Error
		if err != nil {
			if !errors.As(err, &e) {
				t.Errorf("%v", err)
			}
			return
		}
		defer from.Close()
		if got, err := io.ReadAll(from); err != nil || string(got) != "a run" {
			t.Errorf("it opens as %q, %v", got, err)
		}
	})
}
