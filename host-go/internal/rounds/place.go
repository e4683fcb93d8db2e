// Package rounds says where a server's question stands among the questions of one answer, to who answers it in a
// session of this module's. Only the gateway asks, which passes the round on as it is.
package rounds

import "context"

// A Place is where a question stands; see input in wit/host.wit.
type Place struct {
	Round uint32 // another round of the session has another number
	Key   string // the server's own, which is any text, and one of its own in the round
	Size  uint32 // how many questions the round has
}

type placeKey struct{}

// With returns the context of a question that has a place.
func With(ctx context.Context, p Place) context.Context {
	return context.WithValue(ctx, placeKey{}, p)
}

// Of returns the place of the question that a context belongs to. There is none when the server asked with a request.
func Of(ctx context.Context) (Place, bool) {
	p, ok := ctx.Value(placeKey{}).(Place)
	return p, ok
}
