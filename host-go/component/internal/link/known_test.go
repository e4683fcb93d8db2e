package link

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component/internal/wit"
)

// A component that is known to be valid gives the same program as one that is validated, and the same types.
func TestKnown(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/*.wasm")
	if err != nil {
		t.Fatal(err)
	}
	corpus, err := filepath.Glob("../../testdata/corpus/*/component.wasm")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, path := range append(paths, corpus...) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Load(context.Background(), b)
		if err != nil {
			continue // Not all of them are valid.
		}
		got, err := LoadKnown(b)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if g, w := wit.Print(got.Type()), wit.Print(want.Type()); g != w {
			t.Errorf("%s has the types\n%s\nand not\n%s", path, g, w)
		}
		got.Type, want.Type = nil, nil
		got.Universe, want.Universe = nil, nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is another program", path)
		}
		compared++
	}
	if compared < 10 {
		t.Errorf("only %d components were compared", compared)
	}
}
