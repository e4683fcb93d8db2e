package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
	"github.com/caisson-dev/caisson/host-go/internal/record"
)

// A player is the interceptor of a replay.
type player struct {
	from    *record.Reader
	loose   bool          // readings need not be the recording's
	next    *record.Entry // read, and not yet played
	ended   bool
	failure error // what went wrong inside an export
	done    Replay

	now, monotonic int64  // the last readings
	drawn          uint64 // random numbers that the recording did not have
}

// peek returns the next entry that must be played: nil at the end of the file.
func (p *player) peek() (*record.Entry, error) {
	for p.next == nil || p.loose && isReading(p.next) {
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
func (p *player) read() error {
	var err error
	p.next, err = p.from.Next()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func isReading(e *record.Entry) bool {
	return e.Kind == record.Now || e.Kind == record.Monotonic || e.Kind == record.Random
}

// remember keeps the clocks going for a core that reads them when the recorded one did not.
func (p *player) remember(e *record.Entry) {
	if len(e.Numbers) == 0 {
		return
	}
	switch last := e.Numbers[len(e.Numbers)-1]; e.Kind {
	case record.Now:
		p.now = last
	case record.Monotonic:
		p.monotonic = last
	}
}

// end ends the replay, with the recording's end or, with nil, without one.
func (p *player) end(e *record.Entry) {
	p.ended = true
	if e != nil {
		p.done.Reason = e.Reason
	}
}

// cut ends the replay where the recording stops inside an export, and reports whether it does.
func (p *player) cut(e *record.Entry) bool {
	if e == nil || e.Kind == record.End && e.Reason == record.Limit {
		p.end(e)
	}
	return p.ended
}

// errEnded stops a core that goes on behind the recording.
var errEnded = errors.New("the recording has ended")

// fail keeps the first failure inside an export: the core is not asked what it makes of it.
func (p *player) fail(err error) error {
	if p.failure == nil {
		p.failure = err
	}
	return p.failure
}

// reading takes the next reading, when it is of this kind. A nil entry is none: the replay has
// failed, or ended, or may go on without.
func (p *player) reading(kind string) *record.Entry {
	if p.failure != nil || p.ended {
		return nil
	}
	if p.next == nil {
		if err := p.read(); err != nil {
			_ = p.fail(err)
			return nil
		}
	}
	e := p.next
	if e == nil || e.Kind != kind {
		if !p.loose && !p.cut(e) {
			_ = p.fail(p.differ(e, "a reading: "+kind))
		}
		return nil
	}
	p.done.Readings++
	if kind == record.Random || len(e.Numbers) == 1 {
		p.next = nil
	}
	return e
}

// clock returns the next reading of a clock, or in its place the last one.
func (p *player) clock(kind string, last *int64) int64 {
	if e := p.reading(kind); e != nil {
		*last = e.Numbers[0]
		e.Numbers = e.Numbers[1:]
	}
	return *last
}

// sources implements interceptor.
func (p *player) sources(c *wasi.Config) {
	c.Now = func() time.Time {
		return time.Unix(0, p.clock(record.Now, &p.now))
	}
	c.Monotonic = func() time.Duration {
		return time.Duration(p.clock(record.Monotonic, &p.monotonic))
	}
	c.Random = readerFunc(func(b []byte) (int, error) {
		e := p.reading(record.Random)
		switch {
		case p.failure != nil:
			return 0, p.failure
		case p.ended:
			return 0, errEnded
		case e == nil || p.loose && len(e.Bytes) != len(b):
			p.draw(b)
		case len(e.Bytes) != len(b):
			return 0, p.fail(p.differ(e, "another number of random bytes"))
		default:
			copy(b, e.Bytes)
		}
		return len(b), nil
	})
}

// draw gives bytes that no recording has: a count, which is different every time.
func (p *player) draw(b []byte) {
	for len(b) > 0 {
		p.drawn++
		b = b[copy(b, binary.LittleEndian.AppendUint64(nil, p.drawn)):]
	}
}

// function implements interceptor: what the core calls is compared, and not done.
func (p *player) function(name string, _ component.HostFunc) component.HostFunc {
	return func(_ context.Context, args []any) ([]any, error) {
		switch {
		case p.failure != nil:
			return nil, p.failure
		case p.ended:
			return nil, errEnded
		}
		values, err := record.EncodeAll(args)
		if err != nil {
			return nil, p.fail(err)
		}
		e, err := p.peek()
		if err != nil {
			return nil, p.fail(err)
		}
		if p.cut(e) {
			return nil, errEnded
		}
		if e.Kind != record.Import || e.Name != name || !sameValues(e.Values, values) {
			return nil, p.fail(p.differ(e, show(name, values)))
		}
		p.next = nil
		p.done.Imports++
		if e.Error != "" {
			return nil, errors.New(e.Error)
		}
		results, err := record.DecodeAll(e.Results)
		if err != nil {
			return nil, p.fail(p.wrong(err.Error()))
		}
		return results, nil
	}
}

func sameValues(a, b []json.RawMessage) bool {
	return slices.EqualFunc(a, b, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) })
}
