package python

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/caisson-dev/caisson/host-go/internal/pack"
)

// maxPacked is how large the embedded component may be: it is in every program that runs Python.
const maxPacked = 10_200_000

// TestComponent checks that what is embedded is small enough and can be read, and that this runtime has prepared it.
func TestComponent(t *testing.T) {
	t.Parallel()
	p, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Chunks {
		if b, err := p.Chunk(i); err != nil || len(b) == 0 {
			t.Errorf("chunk %d: %d bytes, %v", i, len(b), err)
		}
	}
	if len(packed) > maxPacked {
		t.Errorf("it is %d bytes, more than %d", len(packed), maxPacked)
	}
	text, err := os.ReadFile("inputs.json")
	if err != nil {
		t.Fatal(err)
	}
	var record struct{ Prepared string }
	if err := json.Unmarshal(text, &record); err != nil {
		t.Fatal(err)
	}
	now, err := pack.Preparation(filepath.Join("..", "..", "component", "testdata", "corpus"))
	if err != nil {
		t.Fatal(err)
	}
	if record.Prepared != now {
		t.Errorf("the embedded Python was prepared by another runtime (%.12q) than this one (%.12q): run make python", record.Prepared, now)
	}
}
