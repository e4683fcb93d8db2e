package server

import (
	"compress/gzip"
	"errors"
	"io"

	"connectrpc.com/connect"
)

// boundedGzip has messages that are compressed end where they are larger than one may be. Connect itself would go on, to
// say how large they are: a message that is a bomb would have a processor for a minute.
func boundedGzip() connect.HandlerOption {
	return connect.WithHandlerOptions(
		connect.WithCompression("gzip",
			func() connect.Decompressor { return &unzipper{left: maxUnzipped} },
			func() connect.Compressor { return gzip.NewWriter(io.Discard) }),
		connect.WithCompressMinBytes(minZipped))
}

// minZipped is how large an answer is that is worth compressing: to compress a smaller one takes longer than to send it.
const minZipped = 8 << 10

// maxUnzipped is so much that Connect sees by it that the message is too large.
const maxUnzipped = maxMessageBytes + 2

var errUnzipped = errors.New("it is not read any further")

// An unzipper reads what is compressed, up to a bound.
type unzipper struct {
	gzip.Reader
	left int
}

// Read implements [io.Reader].
func (u *unzipper) Read(b []byte) (int, error) {
	if u.left == 0 {
		return 0, errUnzipped
	}
	n, err := u.Reader.Read(b[:min(len(b), u.left)])
	u.left -= n
	return n, err
}

// Reset implements [connect.Decompressor].
func (u *unzipper) Reset(from io.Reader) error {
	u.left = maxUnzipped
	return u.Reader.Reset(from)
}
