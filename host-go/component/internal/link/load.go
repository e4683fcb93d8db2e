package link

import (
	"context"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
)

// Load decodes and links a component. It ends with the context, by its error. The
// error is a *binary.Error or an *Error when the component is at fault.
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
