package link

import (
	"context"
	"sync"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
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

// LoadKnown is Load of a component that Load has accepted before. It checks only what linking needs, which takes a
// fraction of the time. It keeps component, for Program.Type.
func LoadKnown(component []byte) (*Program, error) {
	tree, err := binary.Decode(component, nil)
	if err != nil {
		return nil, err
	}
	l := newLinker(map[*binary.CoreModule]*moduleItem{})
	l.p.Type = sync.OnceValue(func() *types.Component { return typeOf(component) })
	return l.link(tree, modulesOf(tree, nil))
}
