package component

import (
	"context"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files of this package")

// The WIT of a component is as recorded. wasm-tools reads it; check this by hand when a golden file changes:
// wasm-tools component wit testdata/echo.wit.
func TestWIT(t *testing.T) {
	for _, name := range []string{"echo", "resources"} {
		c, err := testRuntime(t, &Config{Interpreter: true}).Compile(context.Background(), testFile(t, name+".wasm"))
		if err != nil {
			t.Fatal(err)
		}
		got := c.WIT()
		file := "testdata/" + name + ".wit"
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want := strings.ReplaceAll(string(testFile(t, name+".wit")), "\r\n", "\n")
		if got != want {
			t.Errorf("%s: the WIT is not that of %s; run with -update and look at the difference", name, file)
		}
	}
}

func TestExterns(t *testing.T) {
	c, err := testRuntime(t, &Config{Interpreter: true}).Compile(context.Background(), testFile(t, "resources.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	imports := c.Imports()
	if len(imports) != 2 || imports[0].Name != "t:io/files@1.0.0" || imports[0].Kind != KindInstance || imports[1].Kind != KindFunc {
		t.Fatal(imports)
	}
	if got := imports[0].Items[2]; got.Name != "[method]file.size" || got.Type != "func(self: borrow<file>) -> u32" {
		t.Error(got)
	}
	if got := c.Exports()[0]; got.Name != "counter" || got.Kind != KindType || got.Type != "resource" {
		t.Error(got)
	}
}
