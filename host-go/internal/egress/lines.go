package egress

import (
	"bytes"
	"strings"
)

// lines puts the lines of a stream together again. A line ends with LF or CR LF.
type lines struct {
	limit   int64           // of one line, without its end
	partial strings.Builder // the line that has not ended: handed on without another copy
}

// next takes the first line out of chunk. It returns the rest of chunk, and the line if it is whole
// and not empty. With ok false the line is larger than the limit.
func (l *lines) next(chunk []byte) (rest []byte, line string, ok bool) {
	text, rest, whole := bytes.Cut(chunk, []byte{'\n'})
	// One byte more than the limit is still possible: a CR.
	if int64(l.partial.Len())+int64(len(text)) > l.limit+1 {
		return nil, "", false
	}
	l.partial.Write(text)
	if !whole {
		return nil, "", true
	}
	line, ok = l.last()
	return rest, line, ok
}

// last returns what there is of a line, as if it had ended here.
func (l *lines) last() (line string, ok bool) {
	line = strings.TrimSuffix(l.partial.String(), "\r")
	l.partial.Reset()
	if int64(len(line)) > l.limit {
		return "", false
	}
	return strings.ToValidUTF8(line, "\uFFFD"), true
}
