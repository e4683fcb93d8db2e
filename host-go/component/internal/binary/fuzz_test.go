package binary

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// FuzzDecode checks that any input gives a tree, or an *Error with an offset within the input.
func FuzzDecode(f *testing.F) {
	seeds, err := filepath.Glob("../../testdata/*.wasm")
	if err != nil || len(seeds) == 0 {
		f.Fatal("no seeds", err)
	}
	corpus, err := filepath.Glob("../../testdata/corpus/*/component.wasm")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range append(seeds, corpus...) {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Decode(b, nil)
		var e *Error
		switch {
		case err == nil && c == nil:
			t.Fatal("nothing")
		case err == nil:
		case !errors.As(err, &e):
			t.Fatalf("%T: %v", err, err)
		case e.Offset < 0 || e.Offset > len(b):
			t.Fatalf("offset %d of %d: %v", e.Offset, len(b), err)
		}
	})
}
