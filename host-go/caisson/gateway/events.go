package gateway

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// events keep what the event streams of the older revisions have carried, so that a client that loses its connection
// gets the rest. They are an [mcp.EventStore] with bounds for a session and for all.
//
// A stream belongs to one session, and another session's is not found. The handler has checked whose the session is.
type events struct {
	most, mostOfOne int64 // bytes

	mu       sync.Mutex
	size     int64
	sessions map[string]*sessionEvents
}

type sessionEvents struct {
	size    int64
	streams map[string]*streamEvents
	opened  []*streamEvents // without the standalone one, the oldest first
	order   []*streamEvents // for each event that is kept, the oldest first, its stream
}

// streamEvents are the events of one stream. The client knows an event by its place among all of the stream's.
type streamEvents struct {
	id    string
	first int // the place of the first one that is kept
	kept  [][]byte
	heard bool // of the standalone stream: a client has opened it
}

const (
	// eventCost is what an event takes beside its bytes.
	eventCost = 64
	// maxStreams bounds the streams that one session may resume. Each request has one.
	maxStreams = 1024
	// standalone is the stream of what belongs to no request.
	standalone = ""
)

var (
	errNoStream = fmt.Errorf("the stream is not kept, or is none of the session's: %w", mcp.ErrEventsPurged)
	errTooLarge = errors.New("the event has more bytes than gateway.Options.MaxEventBytesOfSession allows: it cannot be sent again")
	errUnheard  = errors.New("the client has not opened a stream for what belongs to no request")
)

func newEvents(most, mostOfOne int64) *events {
	return &events{most: most, mostOfOne: mostOfOne, sessions: map[string]*sessionEvents{}}
}

// Open begins a stream.
func (e *events) Open(_ context.Context, session, stream string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	of := e.sessions[session]
	if of == nil {
		of = &sessionEvents{streams: map[string]*streamEvents{}}
		e.sessions[session] = of
	}
	if of.streams[stream] != nil {
		return nil
	}
	s := &streamEvents{id: stream}
	of.streams[stream] = s
	if stream == standalone {
		return nil
	}
	if of.opened = append(of.opened, s); len(of.opened) > maxStreams {
		e.forget(of, of.opened[0])
	}
	return nil
}

// forget forgets a stream, which is the oldest one. The lock is held.
func (e *events) forget(of *sessionEvents, s *streamEvents) {
	e.clear(of, s)
	of.opened = of.opened[1:]
	delete(of.streams, s.id)
}

// clear drops all events of a stream. The lock is held.
func (e *events) clear(of *sessionEvents, s *streamEvents) {
	for _, data := range s.kept {
		e.count(of, -cost(data))
	}
	s.first += len(s.kept)
	s.kept = nil
	of.order = slices.DeleteFunc(of.order, func(other *streamEvents) bool { return other == s })
}

// Append keeps an event, and forgets the oldest ones where there is no room.
func (e *events) Append(_ context.Context, session, stream string, data []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	of := e.sessions[session]
	if of == nil || of.streams[stream] == nil {
		return errNoStream
	}
	s := of.streams[stream]
	if stream == standalone && !s.heard {
		return errUnheard
	}
	if cost(data) > min(e.mostOfOne, e.most) {
		// The events after it have their places, and those before it are of no use without it.
		e.clear(of, s)
		s.first++
		return errTooLarge
	}
	s.kept = append(s.kept, data)
	of.order = append(of.order, s)
	e.count(of, cost(data))
	for of.size > e.mostOfOne {
		e.drop(of)
	}
	for e.size > e.most {
		e.drop(e.largest())
	}
	return nil
}

// largest is the session that keeps most: nobody loses events for a session that keeps more. The lock is held.
func (e *events) largest() *sessionEvents {
	var most *sessionEvents
	for _, of := range e.sessions {
		if most == nil || of.size > most.size {
			most = of
		}
	}
	return most
}

// drop drops the oldest event of a session. The lock is held.
func (e *events) drop(of *sessionEvents) {
	s := of.order[0]
	of.order = of.order[1:]
	e.count(of, -cost(s.kept[0]))
	s.kept[0] = nil
	s.kept = s.kept[1:]
	s.first++
}

func cost(data []byte) int64 { return int64(len(data)) + eventCost }

func (e *events) count(of *sessionEvents, bytes int64) {
	of.size += bytes
	e.size += bytes
}

// After gives the events of a stream after the one at a place; a client that opens the standalone stream anew has seen
// the place -1.
func (e *events) After(_ context.Context, session, stream string, place int) iter.Seq2[[]byte, error] {
	after, err := e.after(session, stream, place)
	return func(yield func([]byte, error) bool) {
		if err != nil {
			yield(nil, err)
			return
		}
		for _, data := range after {
			if !yield(data, nil) {
				return
			}
		}
	}
}

func (e *events) after(session, stream string, place int) ([][]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	of := e.sessions[session]
	if of == nil || of.streams[stream] == nil {
		return nil, errNoStream
	}
	s := of.streams[stream]
	if stream == standalone {
		if !s.heard || place < 0 {
			// What was said before it was opened was said to nobody, and what another stream had is not said twice.
			e.clear(of, s)
			s.heard, s.first = true, place+1
			return nil, nil
		}
		// Notifications that are lost must not keep a client from those to come. The places of those that are left are
		// the ones that the client counts.
		s.first = min(s.first, place+1)
	}
	skip := place + 1 - s.first
	switch {
	case skip < 0:
		return nil, fmt.Errorf("gateway.Options.MaxEventBytes and MaxEventBytesOfSession bound what is kept: %w", mcp.ErrEventsPurged)
	case skip > len(s.kept):
		return nil, errNoStream // The client has not got this event.
	}
	return slices.Clone(s.kept[skip:]), nil
}

// SessionClosed forgets a session.
func (e *events) SessionClosed(_ context.Context, session string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if of := e.sessions[session]; of != nil {
		e.size -= of.size
		delete(e.sessions, session)
	}
	return nil
}
