package engine

import "context"

type unmetered struct{}

// Unmetered gives a context under which [New] runs the core without its meter. It is for the bench
// alone, which says what the meter costs: such a core cannot be stopped.
func Unmetered(ctx context.Context) context.Context {
	return context.WithValue(ctx, unmetered{}, true)
}

func isUnmetered(ctx context.Context) bool { return ctx.Value(unmetered{}) != nil }
