package record

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
)

// maxLine bounds one line, in bytes. The host bounds a batch of events, and the JSON of a batch is up to six
// times as long.
const maxLine = 512 << 20

// A FormatError says that a file is not a recording, or was changed after it was written.
type FormatError struct {
	// Line is the number of the line. The first line is 1.
	Line int
	// Message says what is wrong.
	Message string
}

// Error returns the line and the message.
func (e *FormatError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Message) }

// A Reader reads a recording.
type Reader struct {
	header Header
	from   *bufio.Reader
	line   int
	sum    hash.Hash
}

// NewReader reads the header.
func NewReader(from io.Reader) (*Reader, error) {
	r := &Reader{from: bufio.NewReaderSize(from, 64<<10), sum: sha256.New()}
	text, err := r.next()
	if err == io.EOF {
		return nil, r.wrong("the file is empty")
	}
	if err != nil {
		return nil, err
	}
	h := &r.header
	if json.Unmarshal(text, h) != nil || (h.Version == 0) == (h.ScriptVersion == 0) || (h.Script == nil) != (h.ScriptVersion == 0) {
		return nil, r.wrong("this is not a recording of Caisson's")
	}
	if h.Script == nil && h.Version != Version {
		return nil, r.wrong(fmt.Sprintf("the format's version is %d: this program reads %d", h.Version, Version))
	}
	if h.Script != nil && h.ScriptVersion != ScriptVersion {
		return nil, r.wrong(fmt.Sprintf("the version of the format of scripts is %d: this program reads %d", h.ScriptVersion, ScriptVersion))
	}
	r.sum.Write(text)
	return r, nil
}

// Header returns the header.
func (r *Reader) Header() Header { return r.header }

// Line returns the number of the line that was read last.
func (r *Reader) Line() int { return r.line }

func (r *Reader) wrong(message string) error { return &FormatError{max(r.line, 1), message} }

// Next returns the next entry. io.EOF means that the file stops without an end entry.
func (r *Reader) Next() (*Entry, error) {
	text, err := r.next()
	if err != nil {
		return nil, err
	}
	e := &Entry{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(e); err != nil {
		return nil, r.wrong("it is not an entry: " + err.Error())
	}
	if _, err := d.Token(); err != io.EOF || !slices.Contains(kinds, e.Kind) ||
		(len(e.Numbers) > 0) != (e.Kind == Now || e.Kind == Monotonic) {
		return nil, r.wrong("it is not an entry")
	}
	if e.Kind != End {
		r.sum.Write(text)
		return e, nil
	}
	if want, err := endLine(e.Reason, r.sum); err != nil || !bytes.Equal(text, want) {
		return nil, r.wrong("the checksum is wrong: the file was changed")
	}
	if _, err := r.next(); err != io.EOF {
		return nil, r.wrong("there is something behind the end")
	}
	return e, nil
}

// next reads a line, with its line break.
func (r *Reader) next() ([]byte, error) {
	var line []byte
	for {
		text, err := r.from.ReadSlice('\n')
		line = append(line, text...)
		switch {
		case len(line) > maxLine:
			r.line++
			return nil, r.wrong("the line is too long")
		case err == nil:
			r.line++
			return line, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case err != io.EOF:
			return nil, err
		case len(line) > 0:
			r.line++
			return nil, r.wrong("the line is cut off")
		default:
			return nil, io.EOF
		}
	}
}
