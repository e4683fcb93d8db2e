package core

import (
	"bytes"
	"io"
	"testing"

	"github.com/caisson-dev/caisson/host-go/internal/without"
)

// maxPacked is how large the embedded component may be: it is in every program that uses it.
const maxPacked = 6 << 20

// TestComponent checks that what is embedded can be read, and its record is whole. That it was
// built from the sources beside it is checked by scripts/check-inputs.mjs, which needs Node.
func TestComponent(t *testing.T) {
	t.Parallel()
	p, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if index, err := p.Index(); err != nil || len(index) == 0 {
		t.Errorf("the index: %d bytes, %v", len(index), err)
	}
	r, err := p.Memory()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, r); err != nil || n == 0 {
		t.Errorf("the memory: %d bytes, %v", n, err)
	}
	_ = r.Close()
	for i := range p.Chunks() {
		if b, err := p.Chunk(i); err != nil || !bytes.HasPrefix(b, []byte("\x00asm")) {
			t.Errorf("chunk %d: %d bytes, %v", i, len(b), err)
		}
	}
	if len(packed) > maxPacked && !without.Sweep {
		t.Errorf("it is %d bytes, more than %d", len(packed), maxPacked)
	}
	in := Inputs()
	if in.Bundle == "" || in.WIT == "" || in.SDK.Version == "" || len(in.Revisions) == 0 || len(in.Tools) == 0 {
		t.Errorf("the record is %+v", in)
	}
}
