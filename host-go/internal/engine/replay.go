package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

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

// A Difference is the first crossing of a replay that is not the recording's.
type Difference struct {
	Line               int // in the recording, from 1
	Recorded, Replayed string
}

// Error names the line and shows both.
func (e *Difference) Error() string {
	return fmt.Sprintf("line %d: the recording has %s, the replay %s", e.Line, e.Recorded, e.Replayed)
}

// Replay runs a recording again in an instance of its own: nothing is sent, and nothing is waited
// for. It fails with a *CoreError, with a *Difference, with a *record.FormatError, or with an error
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
	p := &player{from: from, loose: anyCore}
	in := e.newInstance(e.config.Logger, limits, 0)
	err := in.instantiate(ctx, p)
	if err == nil {
		defer e.release(in)
		defer in.core.Close(context.WithoutCancel(ctx))
	}
	err = p.trapped(err)
	for err == nil && !p.ended {
		err = p.step(ctx, in)
	}
	if err != nil {
		return nil, err
	}
	return &p.done, nil
}

// step plays the next call.
func (p *player) step(ctx context.Context, in *instance) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	next, err := p.peek()
	if err != nil {
		return err
	}
	switch {
	case next == nil || next.Kind == record.End:
		p.end(next)
		return nil
	case next.Kind != record.Call || in.core == nil:
		return p.differ(next, "nothing")
	}
	p.next = nil
	f := in.core.ExportedFunction(next.Name)
	if f == nil {
		return p.wrong("the core does not export " + next.Name)
	}
	args, err := record.DecodeAll(next.Values)
	if err != nil {
		return p.wrong(err.Error())
	}
	p.done.Calls++
	return p.trapped(in.enter(f, args...))
}

// trapped looks at how an export has ended: in a trap exactly when the recording says so. The
// trap's text is not compared: it may be the host's.
func (p *player) trapped(err error) error {
	switch {
	case p.failure != nil:
		return p.failure
	case p.ended:
		return nil
	}
	next, wrong := p.peek()
	switch trap := next != nil && next.Kind == record.Trap; {
	case wrong != nil:
		return wrong
	case err != nil && p.cut(next):
	case err != nil && !trap:
		return p.differ(next, "a trap: "+err.Error())
	case err == nil && trap:
		return p.differ(next, "no trap")
	case trap:
		p.next = nil
	}
	return nil
}

func (p *player) wrong(message string) error {
	return &record.FormatError{Line: p.from.Line(), Message: message}
}

func (p *player) differ(e *record.Entry, replayed string) error {
	d := &Difference{Line: p.from.Line(), Recorded: "ended", Replayed: replayed}
	if e != nil {
		d.Recorded = describe(e)
	}
	return d
}

// describe shows an entry.
func describe(e *record.Entry) string {
	switch e.Kind {
	case record.Call, record.Import:
		return show(e.Name, e.Values)
	case record.Trap:
		return "a trap: " + e.Error
	case record.End:
		return "its end"
	}
	return "a reading: " + e.Kind
}

// show writes a call as text.
func show(name string, values []json.RawMessage) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	return name + "(" + strings.Join(texts, ", ") + ")"
}
