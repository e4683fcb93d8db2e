package component

import "context"

// callContext carries the instance to the builtins.
type callContext struct {
	context.Context
	in *Instance
}

type instanceKey struct{}

// Value finds the instance, also where the context was wrapped. The core runtime
// asks for values of its own at each call: it is given none of the caller's.
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
