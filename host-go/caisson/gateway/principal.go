package gateway

import "context"

type principalKey struct{}

// WithPrincipal returns a context whose requests are made on behalf of a principal: for [Options].Authenticate. What
// a principal has begun, its sessions and its held calls, no other one finds.
func WithPrincipal(ctx context.Context, principal string) context.Context {
	return context.WithValue(ctx, principalKey{}, principal)
}

// PrincipalOf returns the principal of a request's context, and whether there is one.
func PrincipalOf(ctx context.Context) (principal string, ok bool) {
	principal, ok = ctx.Value(principalKey{}).(string)
	return principal, ok
}

func (g *Gateway) principalOf(ctx context.Context) string {
	if principal, ok := PrincipalOf(ctx); ok {
		return principal
	}
	return g.options.Principal
}
