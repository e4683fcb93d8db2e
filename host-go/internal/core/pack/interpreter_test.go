package main

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component"
)

// The core, which is among the largest of components, is one that the interpreter
// takes by default, whole too. It needs the core as `make component` leaves it.
func TestInterpreted(t *testing.T) {
	wasm, err := os.ReadFile("../../../../build/core.wasm")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no build/core.wasm: run make component")
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := component.NewRuntime(t.Context(), &component.Config{Interpreter: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(t.Context())
	if _, err := r.Compile(t.Context(), wasm); err != nil {
		t.Error(err)
	}
}
