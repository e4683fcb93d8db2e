package component

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// A frame is what a Remote and Serve send each other: its length in four bytes, its kind, and its body.
type frameKind byte

// The frames from a Remote. After each but the last, Serve sends frames of its own until it has done it.
const (
	frameLoad    frameKind = 'L' // a loading, and the index
	frameCompile frameKind = 'P'
	frameNew     frameKind = 'N' // a making
	frameRestore frameKind = 'W' // a making, and then the state as a stream
	frameCall    frameKind = 'C' // a calling, and the arguments
	frameSave    frameKind = 'S'
	frameAnswer  frameKind = 'A' // to a frameImport: how long the host has waited, whether it failed, and the result
)

// The frames from Serve.
const (
	frameDone   frameKind = 'O' // a usage, and the result
	frameFailed frameKind = 'F' // a usage, and a remoteFailure
	frameImport frameKind = 'I' // whether memory was refused, the number of an import, and the arguments
	frameDrop   frameKind = 'X' // the number of a resource, and a representation
	frameMemory frameKind = 'M' // asks for the first contents of memories, as a stream
	frameChunk  frameKind = 'K' // asks for the chunk of a number, as a stream
)

// A stream is any number of these, and an end.
const (
	frameData frameKind = 'D'
	frameEnd  frameKind = 'E'
)

// streamPart is how much of a stream is in one frame.
const streamPart = 256 << 10

// keptBuffer is the largest buffer that is kept for the next frame.
const keptBuffer = 64 << 10

// wire carries frames. It is not safe for concurrent use.
type wire struct {
	r     *bufio.Reader
	w     *bufio.Writer
	limit uint64 // of the body of a frame that comes in
	in    []byte
	out   []byte
}

func newWire(conn io.ReadWriter, limit uint64) *wire {
	return &wire{r: bufio.NewReaderSize(conn, keptBuffer), w: bufio.NewWriterSize(conn, keptBuffer), limit: limit}
}

// send sends a frame, whose body has two parts.
func (c *wire) send(kind frameKind, head, rest []byte) error {
	n := uint64(len(head)) + uint64(len(rest))
	if n >= 1<<32 {
		return fmt.Errorf("a frame of %d bytes is too long", n)
	}
	start := append(binary.LittleEndian.AppendUint32(make([]byte, 0, 5), uint32(n)), byte(kind))
	for _, b := range [][]byte{start, head, rest} {
		if _, err := c.w.Write(b); err != nil {
			return err
		}
	}
	return c.w.Flush()
}

// receive returns the next frame. Its body is valid until the next one. What is announced is only held once it is
// there.
func (c *wire) receive() (frameKind, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if uint64(n) > c.limit {
		return 0, nil, fmt.Errorf("a frame of %d bytes, where %d are the most", n, c.limit)
	}
	if n <= keptBuffer {
		if cap(c.in) < int(n) {
			c.in = make([]byte, n, keptBuffer)
		}
		c.in = c.in[:n]
		_, err := io.ReadFull(c.r, c.in)
		return frameKind(head[4]), c.in, cutShort(err)
	}
	var body bytes.Buffer
	_, err := io.CopyN(&body, c.r, int64(n))
	return frameKind(head[4]), body.Bytes(), cutShort(err)
}

// cutShort is the error of a frame whose rest is missing.
func cutShort(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// buffer returns an empty buffer for a body. It is valid until the next call, and keep takes what it has become.
func (c *wire) buffer() []byte { return c.out[:0] }

func (c *wire) keep(b []byte) {
	if cap(b) <= keptBuffer {
		c.out = b
	}
}

// sendStream sends what r has.
func (c *wire) sendStream(r io.Reader) error {
	b := make([]byte, streamPart)
	for {
		n, err := io.ReadFull(r, b)
		if n > 0 {
			if err := c.send(frameData, b[:n], nil); err != nil {
				return err
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return c.send(frameEnd, nil, nil)
		}
		if err != nil {
			return err
		}
	}
}

// A streamWriter sends what is written to it as a stream.
type streamWriter struct{ wire *wire }

func (w streamWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), streamPart)
		if err := w.wire.send(frameData, rest[:n], nil); err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	return len(p), nil
}

// A streamReader reads a stream that comes in, to its end.
type streamReader struct {
	wire *wire
	rest []byte
	err  error
}

func (r *streamReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		kind, body, err := r.wire.receive()
		switch {
		case err != nil:
			r.err = cutShort(err)
		case kind == frameEnd:
			r.err = io.EOF
		case kind == frameData:
			r.rest = body
		default:
			r.err = unexpected(kind)
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func unexpected(kind frameKind) error {
	return fmt.Errorf("a frame %q where none is expected", byte(kind))
}
