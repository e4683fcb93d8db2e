// Package core holds the MCP client core: the component that is built from src/ and wit/ at the
// root of the repository, made ready to start quickly and compressed, beside a record of what it
// was built from.
package core

import (
	_ "embed"
	"encoding/json"
	"sync"

	"github.com/caisson-dev/caisson/host-go/internal/pack"
)

//go:embed core.pack
var packed []byte

//go:embed inputs.json
var inputs []byte

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

// Open returns the embedded component.
func Open() (*pack.Pack, error) { return pack.Read(packed) }
