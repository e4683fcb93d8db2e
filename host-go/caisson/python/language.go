// Package python is the language Python for scripts: CPython 3.14 in a sandbox. Only a program that imports this
// package links CPython, which is about 10 MB.
//
//	result, err := client.RunScript(ctx, caisson.Script{
//		Language: python.Language,
//		Source:   "sum(input)",
//		Input:    []int{1, 2, 3},
//	})
//
// docs/python.md in the repository says what a script finds: the standard library that is there and what is not,
// how values become JSON, and how a script waits.
package python

import (
	"context"
	"io/fs"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
	"github.com/caisson-dev/caisson/host-go/internal/python"
)

// Language is Python, with the standard library alone.
var Language caisson.Language = language{}

// WithPackages is Python with packages beside the standard library: packages and modules in Python, as they lie in
// a `site-packages` folder, in the root of the file system. A script imports them, and can read what else is
// there; it cannot write. Packages with native code do not load. The file system must be safe for concurrent use.
// os.DirFS follows links out of its folder: use (*os.Root).FS for a folder that somebody else can write to.
func WithPackages(packages fs.FS) caisson.Language { return language{packages} }

type language struct{ packages fs.FS }

// Name implements [caisson.Language].
func (language) Name() string { return "Python" }

// Translate implements [caisson.Language]: CPython takes the source as it is.
func (language) Translate(_ context.Context, source caisson.ScriptSource) (caisson.Translation, error) {
	return caisson.Translation{Text: source.Text}, nil
}

// Component implements [caisson.Language].
func (l language) Component() *caisson.LanguageComponent {
	c := &caisson.LanguageComponent{Name: "python", Open: python.Open}
	if l.packages != nil {
		c.Mounts = []wasi.Mount{{Path: "/packages", FS: l.packages}}
	}
	return c
}
