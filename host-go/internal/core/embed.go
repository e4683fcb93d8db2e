// Package core holds the MCP client core: the component that is built from src/ and wit/ at the
// root of the repository, compressed, beside a record of what it was built from.
package core

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

//go:embed core.wasm.zst
var compressed []byte

//go:embed inputs.json
var inputs []byte

// maxSize bounds the decompressed component: it is 23 MB today, and a damaged file must not take
// the machine's memory.
const maxSize = 64 << 20

// Record says what the component was built from. A component is built anew when this changes;
// its bytes differ from build to build all the same.
type Record struct {
	// Bundle is the SHA-256 of the bundled JavaScript.
	Bundle string `json:"bundle"`
	// WIT is the SHA-256 over the files of wit/.
	WIT string `json:"wit"`
	// Tools are the versions of what the build used.
	Tools map[string]string `json:"tools"`
	// SDK is the official SDK's package inside.
	SDK struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"sdk"`
	// Revisions are the protocol revisions that it speaks, the newest first.
	Revisions []string `json:"revisions"`
}

// Inputs gives the record of the embedded component.
var Inputs = sync.OnceValue(func() Record {
	var r Record
	if err := json.Unmarshal(inputs, &r); err != nil {
		panic("core: inputs.json is not valid: " + err.Error()) // Caught by this package's test.
	}
	return r
})

// Wasm gives the component, decompressed anew at every call: it is needed once a process, and
// 23 MB is too much to keep for a second time.
func Wasm() ([]byte, error) {
	r, err := zstd.NewReader(bytes.NewReader(compressed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxSize))
	if err != nil {
		return nil, fmt.Errorf("core.wasm.zst: %w", err)
	}
	defer r.Close()
	wasm, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("core.wasm.zst: %w", err)
	case len(wasm) > maxSize:
		return nil, fmt.Errorf("core.wasm.zst: larger than %d bytes", maxSize)
	}
	return wasm, nil
}
