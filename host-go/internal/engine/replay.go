package engine

import (
	"context"
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
	"github.com/caisson-dev/caisson/host-go/internal/core"
	"github.com/caisson-dev/caisson/host-go/internal/record"
)

// A Replay is what a replay went through.
type Replay struct {
	Calls, Imports, Readings int
	// Reason is why the recording ended: record.Closed, record.Limit, or "" when it stops without an
	// end.
	Reason string
}

// A CoreError says that a recording is of another core, or of one with another bound.
type CoreError struct{ Message string }

// Error says what differs, and what to do.
func (e *CoreError) Error() string { return e.Message }

// Replay runs a recording again in an instance of its own: nothing is sent, and nothing is waited
// for. It fails with a *CoreError, with a *record.Difference, with a *record.FormatError, or with an error
// of the reader's.
//
// With anyCore the recording may be of another core, which may read the clocks and draw random
// bytes more or less often: it is only what crossed that must be the same.
func (e *Engine) Replay(ctx context.Context, from *record.Reader, limits Limits, anyCore bool) (*Replay, error) {
	h := from.Header()
	if !anyCore && h.Core != core.Hash() {
		return nil, &CoreError{fmt.Sprintf("the recording is of another build of the core, %.12q, and this is %.12q: replay it with the program that recorded it, or allow any core", h.Core, core.Hash())}
	}
	if h.MemoryBytes != limits.MemoryBytes {
		return nil, &CoreError{fmt.Sprintf("the recording is of a core with %d bytes of memory, and this has %d: set ClientOptions.MaxMemoryBytes", h.MemoryBytes, limits.MemoryBytes)}
	}
	p := player{record.NewPlayer(from)}
	p.Loose = anyCore
	in := e.newInstance(e.config.Logger, limits, 0)
	err := in.instantiate(ctx, p)
	if err == nil {
		defer e.release(in)
		defer in.core.Close(context.WithoutCancel(ctx))
	}
	err = p.trapped(err)
	for err == nil && !p.Ended {
		err = p.step(ctx, in)
	}
	if err != nil {
		return nil, err
	}
	return &Replay{Calls: p.Calls, Imports: p.Imports, Readings: p.Readings, Reason: p.Reason}, nil
}

// A player is the interceptor of a replay.
type player struct{ *record.Player }

func (p player) sources(c *wasi.Config) { p.Sources(c) }

func (p player) function(name string, _ component.HostFunc) component.HostFunc {
	return p.Function(name)
}

// step plays the next call.
func (p player) step(ctx context.Context, in *instance) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	next, err := p.Peek()
	if err != nil {
		return err
	}
	switch {
	case next == nil || next.Kind == record.End:
		p.End(next)
		return nil
	case next.Kind != record.Call || in.core == nil:
		return p.Differ(next, "nothing")
	}
	p.Take()
	f := in.core.ExportedFunction(next.Name)
	if f == nil {
		return p.Wrong("the core does not export " + next.Name)
	}
	args, err := record.DecodeAll(next.Values)
	if err != nil {
		return p.Wrong(err.Error())
	}
	p.Calls++
	return p.trapped(in.enter(f, args...))
}

// trapped looks at how an export has ended: in a trap exactly when the recording says so. The
// trap's text is not compared: it may be the host's.
func (p player) trapped(err error) error {
	switch {
	case p.Failure != nil:
		return p.Failure
	case p.Ended:
		return nil
	}
	next, wrong := p.Peek()
	switch trap := next != nil && next.Kind == record.Trap; {
	case wrong != nil:
		return wrong
	case err != nil && p.Cut(next):
	case err != nil && !trap:
		return p.Differ(next, "a trap: "+err.Error())
	case err == nil && trap:
		return p.Differ(next, "no trap")
	case trap:
		p.Take()
	}
	return nil
}
