// Package python holds CPython and the runner of scripts in Python: the component that is built from python/ and
// wit/ at the root of the repository, made ready to start quickly and compressed, beside a record of what it was
// built from. `make python` builds it.
package python

import (
	_ "embed"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/pack"
)

//go:embed python.pack
var packed []byte

// Open returns the embedded component.
func Open() (*component.Prepared, error) {
	p, err := pack.Read(packed)
	if err != nil {
		return nil, err
	}
	return p.Prepared(), nil
}
