package component

import "context"

// callContext carries the instance to the builtins, in the context of a call.
type callContext struct {
	context.Context
	in *Instance
}

type instanceKey struct{}

// Value returns the instance for its key, also when the context is wrapped. It does not pass other keys to
// the caller's context: the core runtime looks up its own keys at each call, and must not get the caller's
// values.
func (c *callContext) Value(key any) any {
	if _, ok := key.(instanceKey); ok {
		return c.in
	}
	return nil
}

func instanceOf(ctx context.Context) *Instance {
	if c, ok := ctx.(*callContext); ok {
		return c.in
	}
	return ctx.Value(instanceKey{}).(*Instance)
}
