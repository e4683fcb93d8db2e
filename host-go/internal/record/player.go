package record

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
)

// A Difference is the first crossing of a replay that is not the recording's.
type Difference struct {
	Line               int // in the recording, from 1
	Recorded, Replayed string
}

// Error names the line and shows both.
func (e *Difference) Error() string {
	return fmt.Sprintf("line %d: the recording has %s, the replay %s", e.Line, e.Recorded, e.Replayed)
}

// A Player plays a recording again: it gives the readings of it, and compares what crosses. It is for one goroutine at
// a time.
type Player struct {
	// Loose has readings that need not be the recording's.
	Loose bool
	// Calls, Imports and Readings are how many were played.
	Calls, Imports, Readings int
	// Ended says that the recording has ended, for Reason, or for "" when it stops without an end.
	Ended  bool
	Reason string
	// Interrupted is the result of a run that was ended in the middle of the export that is played; nil otherwise.
	Interrupted *Outcome
	// Interrupt stops the guest, when the recording has nothing more of the export that is played but that Interrupted
	// ended it. What the guest would compute from there on is compared with nothing. Nil for a guest that goes on.
	Interrupt func()
	// Source is the text that a script was run from, as its component has it.
	Source string
	// Failure is what went wrong inside of an export, or nil.
	Failure error

	from *Reader
	next *Entry // read, and not yet played

	now, monotonic int64  // the last readings
	drawn          uint64 // random numbers that the recording did not have
}

// NewPlayer plays what the reader reads.
func NewPlayer(from *Reader) *Player { return &Player{from: from} }

// Take says that the entry that Peek has returned is played.
func (p *Player) Take() { p.next = nil }

// Peek returns the next entry that must be played: nil at the end of the file.
func (p *Player) Peek() (*Entry, error) {
	for p.next == nil || p.Loose && isReading(p.next) {
		if p.next != nil {
			p.remember(p.next)
		}
		if err := p.read(); err != nil || p.next == nil {
			return nil, err
		}
	}
	return p.next, nil
}

// read reads an entry: nil at the end of the file.
func (p *Player) read() error {
	var err error
	p.next, err = p.from.Next()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func isReading(e *Entry) bool {
	return e.Kind == Now || e.Kind == Monotonic || e.Kind == Random
}

// remember keeps the clocks going for a core that reads them when the recorded one did not.
func (p *Player) remember(e *Entry) {
	if len(e.Numbers) == 0 {
		return
	}
	switch last := e.Numbers[len(e.Numbers)-1]; e.Kind {
	case Now:
		p.now = last
	case Monotonic:
		p.monotonic = last
	}
}

// End ends the replay, with the recording's end or, with nil, without one.
func (p *Player) End(e *Entry) {
	p.Ended = true
	if e != nil {
		p.Reason = e.Reason
	}
}

// Cut ends the replay where the recording stops inside an export, and reports whether it does.
func (p *Player) Cut(e *Entry) bool {
	switch {
	case e == nil, e.Kind == End && e.Reason == Limit:
		p.End(e)
	case e.Kind == Result:
		if o, err := e.Outcome(); err == nil && o.Interrupted {
			p.Ended, p.Reason, p.Interrupted = true, Closed, o
		}
	}
	return p.Ended
}

// Ahead interrupts a guest behind the last entry of an export that was ended in its middle. Behind an import whoever has
// called [Player.Import] calls it, once the import is done.
func (p *Player) Ahead() {
	if p.Interrupt == nil || p.Failure != nil || p.Ended {
		return
	}
	if p.next == nil {
		if err := p.read(); err != nil {
			_ = p.Fail(err)
			return
		}
	}
	if p.next != nil && p.next.Kind == Result && p.Cut(p.next) {
		p.Interrupt()
	}
}

// ErrEnded stops a guest that goes on behind the recording.
var ErrEnded = errors.New("the recording has ended")

// Fail keeps the first failure inside an export: the core is not asked what it makes of it.
func (p *Player) Fail(err error) error {
	if p.Failure == nil {
		p.Failure = err
	}
	return p.Failure
}

// reading takes the next reading, when it is of this kind. A nil entry is none: the replay has
// failed, or ended, or may go on without.
func (p *Player) reading(kind string) *Entry {
	if p.Failure != nil || p.Ended {
		return nil
	}
	if p.next == nil {
		if err := p.read(); err != nil {
			_ = p.Fail(err)
			return nil
		}
	}
	e := p.next
	if e == nil || e.Kind != kind {
		if !p.Loose && !p.Cut(e) {
			_ = p.Fail(p.Differ(e, "a reading: "+kind))
		}
		return nil
	}
	p.Readings++
	if kind == Random || len(e.Numbers) == 1 {
		p.next = nil
	}
	defer p.Ahead()
	return e
}

// clock returns the next reading of a clock, or in its place the last one.
func (p *Player) clock(kind string, last *int64) int64 {
	if e := p.reading(kind); e != nil {
		*last = e.Numbers[0]
		e.Numbers = e.Numbers[1:]
	}
	return *last
}

// Sources has the clocks and the random bytes be the recording's.
func (p *Player) Sources(c *wasi.Config) {
	c.Now = func() time.Time {
		return time.Unix(0, p.clock(Now, &p.now))
	}
	c.Monotonic = func() time.Duration {
		return time.Duration(p.clock(Monotonic, &p.monotonic))
	}
	c.Random = readerFunc(func(b []byte) (int, error) {
		e := p.reading(Random)
		switch {
		case p.Failure != nil:
			return 0, p.Failure
		case p.Ended:
			return 0, ErrEnded
		case e == nil || p.Loose && len(e.Bytes) != len(b):
			p.draw(b)
		case len(e.Bytes) != len(b):
			return 0, p.Fail(p.Differ(e, "another number of random bytes"))
		default:
			copy(b, e.Bytes)
		}
		return len(b), nil
	})
}

// draw gives bytes that no recording has: a count, which is different every time.
func (p *Player) draw(b []byte) {
	for len(b) > 0 {
		p.drawn++
		b = b[copy(b, binary.LittleEndian.AppendUint64(nil, p.drawn)):]
	}
}

// Function returns the function that the guest calls in place of one with this name: what the guest calls is compared,
// and not done.
func (p *Player) Function(name string) component.HostFunc {
	return func(_ context.Context, args []any) ([]any, error) { return p.Import(name, args) }
}

// Import compares what the guest calls, and returns what the recording has as its results, or as its error.
func (p *Player) Import(name string, args []any) ([]any, error) {
	switch {
	case p.Failure != nil:
		return nil, p.Failure
	case p.Ended:
		return nil, ErrEnded
	}
	values, err := EncodeAll(args)
	if err != nil {
		return nil, p.Fail(err)
	}
	e, err := p.Peek()
	if err != nil {
		return nil, p.Fail(err)
	}
	if p.Cut(e) {
		return nil, ErrEnded
	}
	if e.Kind != Import || e.Name != name || !sameValues(e.Values, values) {
		return nil, p.Fail(p.Differ(e, show(name, values)))
	}
	p.Take()
	p.Imports++
	if e.Error != "" {
		return nil, errors.New(e.Error)
	}
	results, err := DecodeAll(e.Results)
	if err != nil {
		return nil, p.Fail(p.Wrong(err.Error()))
	}
	return results, nil
}

func sameValues(a, b []json.RawMessage) bool {
	return slices.EqualFunc(a, b, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) })
}

// Wrong is an error of the entry that was read last.
func (p *Player) Wrong(message string) error { return &FormatError{p.from.Line(), message} }

// Differ is the difference between an entry, or nil for the end of the file, and what the replay has.
func (p *Player) Differ(e *Entry, replayed string) error {
	d := &Difference{Line: p.from.Line(), Recorded: "ended", Replayed: replayed}
	if e != nil {
		d.Recorded = describe(e)
	}
	return d
}

// describe shows an entry.
func describe(e *Entry) string {
	switch e.Kind {
	case Call, Import:
		return show(e.Name, e.Values)
	case Trap:
		return "a trap: " + e.Error
	case Result:
		return e.outcome()
	case End:
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
