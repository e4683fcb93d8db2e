package core

import (
	"bytes"
	"testing"
)

// maxPacked is how large the embedded component may be: it is in every program that uses it.
const maxPacked = 6 << 20

// TestComponent checks that what is embedded is a component, and its record whole. That it was
// built from the sources beside it is checked by scripts/check-inputs.mjs, which needs Node.
func TestComponent(t *testing.T) {
	wasm, err := Wasm()
	if err != nil {
		t.Fatal(err)
	}
	// The magic number, version 13, layer 1 (Binary.md, "Component Definitions").
	if !bytes.HasPrefix(wasm, []byte("\x00asm\x0d\x00\x01\x00")) {
		t.Errorf("it begins with % x", wasm[:8])
	}
	if len(compressed) > maxPacked {
		t.Errorf("it is %d bytes compressed, more than %d", len(compressed), maxPacked)
	}
	in := Inputs()
	if in.Bundle == "" || in.WIT == "" || in.SDK.Version == "" || len(in.Revisions) == 0 || len(in.Tools) == 0 {
		t.Errorf("the record is %+v", in)
	}
}
