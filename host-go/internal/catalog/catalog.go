// Package catalog has the core say what there is to say of tools: declarations for who writes scripts, and a
// search. Tools are a server's words, so each call has an instance of its own, which is granted nothing and is
// thrown away.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// What one call may take.
const (
	Computing   = 10 * time.Second
	memoryBytes = 256 << 20
)

// ErrLimit says that a call has reached a bound.
var ErrLimit = errors.New("the tools are more than the sandbox can go through")

// Declare gives the declarations of tools, in a case of `language` in wit/catalog.wit.
func Declare(ctx context.Context, e *engine.Engine, tools, language string) (string, error) {
	text, _, err := call(ctx, e, Computing, "declare", tools, component.Enum(language))
	return text, err
}

// Search gives the tools that have the words of a text, as a JSON array; see `search` in wit/catalog.wit. It computes
// for no longer than within and Computing, and says for how long.
func Search(ctx context.Context, e *engine.Engine, within time.Duration, tools, text string, limit uint32, language, detail string) (found string, computed time.Duration, err error) {
	return call(ctx, e, min(within, Computing), "search", tools, text, limit, component.Enum(language), component.Enum(detail))
}

func call(ctx context.Context, e *engine.Engine, within time.Duration, name string, args ...any) (said string, computed time.Duration, err error) {
	l := component.NewLinker()
	wasi.AddToLinker(l, &wasi.Config{})
	if err := e.Compiled(ctx); err != nil {
		return "", 0, err // The interpreter would take too long for many tools.
	}
	guest, err := e.Instantiate(ctx, l, component.Limits{Memory: memoryBytes}, within)
	if err != nil {
		return "", 0, err
	}
	defer guest.Close()
	f := guest.ExportedFunction("caisson:mcp/catalog@0.1.0#" + name)
	if f == nil {
		return "", 0, errors.New("the core does not export caisson:mcp/catalog#" + name)
	}
	bounded, cancel := engine.Bounded(ctx, within)
	defer cancel()
	results, err := f.Call(bounded, args...)
	computed = guest.Made() + guest.Computed()
	var limit *component.LimitError
	switch {
	case ctx.Err() != nil:
		return "", computed, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &limit), err != nil && guest.MemoryRefused():
		return "", computed, fmt.Errorf("%w: %w", ErrLimit, err)
	case err != nil:
		return "", computed, err
	}
	answer, ok := results[0].(component.Result)
	text, isText := answer.Value.(string)
	if !ok || !isText {
		return "", computed, fmt.Errorf("the core answers with %T", results[0])
	}
	if !answer.OK {
		return "", computed, errors.New(text)
	}
	return text, computed, nil
}
