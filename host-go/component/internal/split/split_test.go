package split

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// splitEcho takes echo.wasm apart, with each of its functions in a chunk.
func splitEcho(t *testing.T) *Parts {
	t.Helper()
	component, err := os.ReadFile(filepath.Join("..", "..", "testdata", "echo.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	parts, err := Split(component, Options{
		Metering: wasm.Metering{Module: "host", Name: "safe-point", Grow: "grow", Grown: "grown", Load: "load", Quantum: 1 << 18, Counter: "fuel", Start: "start"},
		Load:     "load", Chunk: 1,
		Hot: func(int, int) bool { return false },
	})
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

// ReadIndex reads what Split has written: the modules, their code, and the number of chunks.
func TestIndex(t *testing.T) {
	parts := splitEcho(t)
	if len(parts.Chunks) == 0 {
		t.Fatal("no function is in a chunk")
	}
	index, err := ReadIndex(parts.Index, len(parts.Chunks))
	if err != nil {
		t.Fatal(err)
	}
	program, err := index.Program()
	if err != nil {
		t.Fatal(err)
	}
	slots, images := 0, 0
	for i, m := range index.Modules {
		slots += len(m.Slots)
		images += m.Image
		if len(m.Code) != m.Size || !bytes.HasPrefix(m.Code, []byte("\x00asm\x01\x00\x00\x00")) {
			t.Errorf("the code of module %d has %d bytes of %d, and begins with %.8q", i, len(m.Code), m.Size, m.Code)
		}
	}
	if len(index.Modules) != len(program.Modules) || slots != len(parts.Chunks) || images != len(parts.Memory) {
		t.Errorf("%d modules of %d, %d chunks of %d, %d bytes of images of %d",
			len(index.Modules), len(program.Modules), slots, len(parts.Chunks), images, len(parts.Memory))
	}
	if _, err := ReadIndex(parts.Index, len(parts.Chunks)+1); err == nil {
		t.Error("a chunk is missing, and nobody notices")
	}
}

// A damaged or shortened index is an error.
func TestDamagedIndex(t *testing.T) {
	parts := splitEcho(t)
	for n := range parts.Index {
		damaged := bytes.Clone(parts.Index)
		damaged[n] ^= 0x55
		for what, b := range map[string][]byte{"cut at": parts.Index[:n], "changed at": damaged} {
			_, err := ReadIndex(b, len(parts.Chunks))
			if fault := (*Error)(nil); !errors.As(err, &fault) {
				t.Fatalf("%s %d: %v", what, n, err)
			}
		}
	}
}

// Each slot belongs to the last chunk that begins at the slot or before it.
func TestChunkOfSlot(t *testing.T) {
	c := NewChunks([]int{0, 3, 4}, 7)
	for slot, want := range []int{0, 0, 0, 1, 2, 2} {
		if got := c.With(slot); got != want {
			t.Errorf("slot %d is in chunk %d, not %d", slot, got, want)
		}
	}
	if c.Len() != 3 || c.Number(2) != 9 || NewChunks(nil, 0).Len() != 0 {
		t.Error(c.Len(), c.Number(2))
	}
}
