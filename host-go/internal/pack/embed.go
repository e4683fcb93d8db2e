package pack

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/caisson-dev/caisson/host-go/component"
)

// An Embedding says which built component goes where, so that a Go package embeds it.
type Embedding struct {
	Wasm, Inputs string // the files of the component, and of the record of its inputs
	Folder, Pack string // the folder to put it into, and the pack's name; the record is inputs.json beside it
	// Profile finds out which functions run in ordinary use.
	Profile func(wasm []byte) (*component.Profile, error)
	Force   bool // also when the inputs are the same
}

// Embed prepares a component, and writes it with the record of its inputs. It does nothing when the inputs are those
// of the component that is there already, because a component's bytes differ from build to build. It returns
// what it has done, for people.
func Embed(e Embedding) (string, error) {
	inputs, err := os.ReadFile(e.Inputs)
	if err != nil {
		return "", err
	}
	if inputs, err = WithPreparation(inputs); err != nil {
		return "", err
	}
	record, file := filepath.Join(e.Folder, "inputs.json"), filepath.Join(e.Folder, e.Pack)
	there, err := os.ReadFile(record)
	_, missing := os.Stat(file)
	if err == nil && missing == nil && bytes.Equal(inputs, there) && !e.Force {
		return "the inputs are those of the component that is there: nothing to do", nil
	}
	wasm, err := os.ReadFile(e.Wasm)
	if err != nil {
		return "", err
	}
	called, err := e.Profile(wasm)
	if err != nil {
		return "", fmt.Errorf("finding out which functions run: %w", err)
	}
	p, err := component.Prepare(wasm, called)
	if err != nil {
		return "", err
	}
	packed, summary, err := Write(p)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(file, packed, 0o644); err != nil {
		return "", err
	}
	if err := os.WriteFile(record, inputs, 0o644); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bytes, %s", len(wasm), summary), nil
}
