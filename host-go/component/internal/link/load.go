package link

import (
	"context"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
)

// Load decodes and links a component. It ends with the context, and returns the context's error. When the
// component is at fault the error is a *binary.Error or an *Error.
func Load(ctx context.Context, component []byte) (*Program, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	tree, err := binary.Decode(component, ctx.Err)
	if err != nil {
		return nil, err
	}
	return Link(tree, ctx.Err)
}
