package engine

import (
	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/core"
)

// embedded returns the core that is embedded in the program.
func embedded() (*component.Prepared, error) {
	pack, err := core.Open()
	if err != nil {
		return nil, err
	}
	return pack.Prepared(), nil
}
