package pack

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component"
)

// TestBeginning reads a pack's index from its beginning.
func TestBeginning(t *testing.T) {
	t.Parallel()
	index := bytes.Repeat([]byte("index "), 100_000)
	whole, _, err := Write(&component.Prepared{
		Index:  func() ([]byte, error) { return index, nil },
		Memory: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("memory")), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := Read(whole)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Prepared().Beginning()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if b, err := io.ReadAll(r); err != nil || !bytes.Equal(b, index) {
		t.Errorf("%d bytes of %d, %v", len(b), len(index), err)
	}
}

// TestDamagedPack reads packs that are cut short, or of something else.
func TestDamagedPack(t *testing.T) {
	t.Parallel()
	whole, _, err := Write(&component.Prepared{
		Index:  func() ([]byte, error) { return []byte("index"), nil },
		Memory: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("memory")), nil },
		Chunk:  func(int) ([]byte, error) { return []byte("chunk"), nil },
		Chunks: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		p, err := Read(whole[:n])
		if err != nil {
			continue
		}
		if _, err := p.Chunk(0); err == nil {
			t.Errorf("the first %d of %d bytes have the whole chunk", n, len(whole))
		}
	}
	for _, b := range []string{"", "\n", "{}\n", `{"format":2,"parts":[0,0]}` + "\n", `{"format":1,"parts":[-1,0]}` + "\n"} {
		if _, err := Read([]byte(b)); err == nil {
			t.Errorf("%q is a pack", b)
		}
	}
}
