package codecache

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
)

// A shellCase makes the entry of a module another one, before the module is compiled again.
type shellCase struct {
	name string
	// edit returns the core runtime's name for the code, and the code.
	edit func(name string, code []byte) (string, []byte)
	// whole is whether the module itself has to be compiled.
	whole bool
}

var shellCases = []shellCase{
	{"as it was kept", func(name string, code []byte) (string, []byte) { return name, code }, false},
	{"for other processors", func(_ string, code []byte) (string, []byte) { return strings.Repeat("ab", 32), code }, true},
	{"of another version of the core runtime", func(name string, code []byte) (string, []byte) {
		code[len("WAZEVO")+1] ^= 1
		return name, code
	}, true},
	{"no code", func(name string, _ []byte) (string, []byte) { return name, []byte("no code") }, true},
}

// Code in the cache is loaded by the module's shell. A shell is never run, whatever the cache has.
func TestShell(t *testing.T) {
	for _, test := range shellCases {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			mustFill(t, dir)
			c, err := Open(dir, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			module := answering(1)
			hash := Hash(module)
			kept := c.entries(hash)
			if len(kept) != 1 {
				t.Fatalf("the entries are %v", kept)
			}
			r := c.read(kept[0])
			code, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = r.damaged() // removes it
			_ = r.Close()
			name, code := test.edit(strings.TrimSuffix(kept[0][len(hash)+1:], codeSuffix), code)
			w, err := c.create(hash + "-" + name + codeSuffix)
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.Write(code)
			if err := w.finish(err); err != nil {
				t.Fatal(err)
			}
			c.listed = nil // As a process that has just begun.

			ctx := context.Background()
			defer c.Core().Close(ctx)
			core := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(c.Core()))
			defer core.Close(ctx)
			whole := false
			compile := func(ctx context.Context, b []byte) (wazero.CompiledModule, error) {
				whole = whole || bytes.Equal(b, module)
				return core.CompileModule(ctx, b)
			}
			for range 2 {
				if err := answerBy(c, core, 1, compile); err != nil {
					t.Fatal(err)
				}
			}
			if whole != test.whole {
				t.Errorf("the module itself was compiled: %v, want %v", whole, test.whole)
			}
			if left, _ := filepath.Glob(filepath.Join(c.stage.code, "*")); len(left) > 0 {
				t.Errorf("the stage has %v", left)
			}
		})
	}
}
