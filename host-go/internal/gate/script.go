package gate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

// A Script is what makes a call, for the log: which one it was, and what was in it.
type Script struct {
	name string
	hash func() string // the SHA-256 of the source: few runs are logged
}

// NewScript describes a script.
func NewScript(name, source string) *Script {
	return &Script{name, sync.OnceValue(func() string {
		sum := sha256.Sum256([]byte(source))
		return hex.EncodeToString(sum[:])
	})}
}

type scriptKey struct{}

// WithScript returns a context for the calls that a script makes.
func WithScript(ctx context.Context, s *Script) context.Context {
	return context.WithValue(ctx, scriptKey{}, s)
}

// scriptOf is the script that makes the calls of a context; nil for none.
func scriptOf(ctx context.Context) *Script {
	s, _ := ctx.Value(scriptKey{}).(*Script)
	return s
}
