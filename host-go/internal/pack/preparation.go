package pack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/caisson-dev/caisson/host-go/component"
)

// references are components that the runtime's tests have, by their folders.
var references = []string{"rust-collections", "elements-out-of-bounds", "start"}

// Preparation is a hash of what the runtime makes of components that stay the same. With another one, a
// component that was packed earlier is not what would be packed now: it may be metered otherwise, or refused. corpus
// is the folder of the runtime's tests that has them.
func Preparation(corpus string) (string, error) {
	sum := sha256.New()
	for _, name := range references {
		wasm, err := os.ReadFile(filepath.Join(corpus, name, "component.wasm"))
		if err != nil {
			return "", err
		}
		p, err := component.Prepare(wasm, nil)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		memory, err := p.Memory()
		if err != nil {
			return "", err
		}
		index, err := p.Index()
		if err != nil {
			return "", err
		}
		sum.Write(index)
		if _, err := io.Copy(sum, memory); err != nil {
			return "", err
		}
		for i := range p.Chunks {
			chunk, err := p.Chunk(i)
			if err != nil {
				return "", err
			}
			sum.Write(chunk)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// WithPreparation adds the hash to the record of a component's inputs.
func WithPreparation(inputs []byte) ([]byte, error) {
	var record map[string]any
	if err := json.Unmarshal(inputs, &record); err != nil {
		return nil, err
	}
	sum, err := Preparation(filepath.Join("component", "testdata", "corpus"))
	if err != nil {
		return nil, err
	}
	record["prepared"] = sum
	text, err := json.MarshalIndent(record, "", "    ")
	return append(text, '\n'), err
}
