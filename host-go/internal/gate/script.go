package gate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
)

// A Script is what makes a call, for the log: which one it was, and what was in it.
type Script struct {
	Name string
	Hash string // the SHA-256 of the source
}

// ScriptOf describes a script.
func ScriptOf(name, source string) Script {
	sum := sha256.Sum256([]byte(source))
	return Script{name, hex.EncodeToString(sum[:])}
}

type scriptKey struct{}

// WithScript returns a context for the calls that a script makes.
func WithScript(ctx context.Context, s Script) context.Context {
	return context.WithValue(ctx, scriptKey{}, s)
}

func scriptOf(ctx context.Context) Script {
	s, _ := ctx.Value(scriptKey{}).(Script)
	return s
}
