package component

import (
	"context"

	"github.com/caisson-dev/caisson/host-go/component/internal/split"
)

// Profile collects which core functions run, for [Prepare]. The zero value is
// empty and ready. It is safe for concurrent use.
type Profile struct{ calls split.Profile }

type profileKey struct{}

// WithProfile returns a context that has Compile record which functions of the component are called. The
// record goes into p. It makes calls slower.
func WithProfile(ctx context.Context, p *Profile) context.Context {
	return context.WithValue(ctx, profileKey{}, p)
}

// listen returns a context with which the core runtime records the calls of a module, when ctx asks for a
// profile.
func listen(ctx context.Context, module int, code func() ([]byte, error)) (context.Context, error) {
	p, ok := ctx.Value(profileKey{}).(*Profile)
	if !ok {
		return ctx, nil
	}
	b, err := code()
	if err != nil {
		return nil, err
	}
	return p.calls.Listen(ctx, module, b)
}
