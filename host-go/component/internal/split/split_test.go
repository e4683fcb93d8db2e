package split

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component/internal/codecache"
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

// The index for a start has the shells of the modules in place of their code, and is the same otherwise. The beginning of
// an index names it.
func TestStart(t *testing.T) {
	parts := splitEcho(t)
	whole, err := ReadIndex(parts.Index, len(parts.Chunks))
	if err != nil {
		t.Fatal(err)
	}
	b, err := whole.Start()
	if err != nil {
		t.Fatal(err)
	}
	start, err := ReadIndex(b, len(parts.Chunks))
	if err != nil {
		t.Fatal(err)
	}
	first, err := ReadBeginning(bytes.NewReader(parts.Index))
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(parts.Index[sha256.Size:]); first.Sum != hex.EncodeToString(sum[:]) || len(first.Modules) != len(whole.Modules) {
		t.Errorf("it begins with %+v", first)
	}
	for i := range whole.Modules {
		m, s := whole.Modules[i], start.Modules[i]
		shell, err := codecache.Shell(m.Code, m.Hash)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(s.Shell, shell) || s.Code != nil || first.Modules[i] != m.Hash {
			t.Errorf("module %d: %d bytes of shell, not %d, and %d of code", i, len(s.Shell), len(shell), len(s.Code))
		}
		m.Code, s.Shell = nil, nil
		s.Size = m.Size
		if !reflect.DeepEqual(m, s) {
			t.Errorf("module %d is %+v, and not %+v", i, s, m)
		}
	}
	for n := range sha256.Size + 4 {
		if _, err := ReadBeginning(bytes.NewReader(parts.Index[:n])); err == nil {
			t.Errorf("%d bytes are a beginning", n)
		}
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
