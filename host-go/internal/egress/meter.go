package egress

import "bytes"

// meter counts the bytes of messages against a limit.
type meter interface {
	// take counts chunk, and returns how many bytes of it are within the limit.
	take(chunk []byte) int
	// String names what a message is here.
	String() string
}

// bodyMeter takes a whole body for one message.
type bodyMeter struct{ left int64 }

func (m *bodyMeter) String() string { return "response body" }

func (m *bodyMeter) take(chunk []byte) int {
	n := min(int64(len(chunk)), m.left)
	m.left -= n
	return int(n)
}

// eventMeter takes each event of a text/event-stream for one (HTML, section 9.2.5): an event ends
// with an empty line, a line with CR, LF or CR LF. The LF of a CR LF is not counted.
type eventMeter struct {
	limit     int64
	size      int64 // bytes since the last event
	lineEmpty bool  // no byte since the last end of a line
	afterCR   bool  // an LF here belongs to the CR before it
}

func newEventMeter(limit int64) *eventMeter {
	return &eventMeter{limit: limit, lineEmpty: true}
}

func (m *eventMeter) String() string { return "event" }

func (m *eventMeter) take(chunk []byte) int {
	lf := -1 // where the next LF is; found once, or a chunk of CRs would be searched for it each time
	for i := 0; i < len(chunk); {
		if m.afterCR {
			m.afterCR = false
			if chunk[i] == '\n' {
				i++
				continue
			}
		}
		if lf < i {
			lf = indexFrom(chunk, i, '\n')
		}
		end := i + indexFrom(chunk[i:lf], 0, '\r')
		text := end - i
		if end < len(chunk) {
			end++ // the CR or LF
		}
		if m.size += int64(end - i); m.size > m.limit {
			return end - int(min(m.size-m.limit, int64(end-i)))
		}
		m.lineEmpty = m.lineEmpty && text == 0
		if end == i+text { // no end of a line in the rest
			return len(chunk)
		}
		m.afterCR = chunk[end-1] == '\r'
		if m.lineEmpty {
			m.size = 0
		}
		m.lineEmpty = true
		i = end
	}
	return len(chunk)
}

// indexFrom returns where c is in chunk[from:], as an index of chunk; len(chunk) when it is not.
func indexFrom(chunk []byte, from int, c byte) int {
	if i := bytes.IndexByte(chunk[from:], c); i >= 0 {
		return from + i
	}
	return len(chunk)
}
