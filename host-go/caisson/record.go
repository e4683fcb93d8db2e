package caisson

import (
	"errors"
	"io"
	"os"
	"strings"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// RecordTo returns a [ClientOptions.Record] that makes a file for each session in a folder, readable by
// this user alone: the server's name, a number and ".jsonl". It makes the folder, for this user alone, where there is
// none.
func RecordTo(dir string) func(server string) (io.WriteCloser, error) {
	return func(server string) (io.WriteCloser, error) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		return os.CreateTemp(dir, fileName(server)+"-*.jsonl")
	}
}

// maxFileName bounds the part of a server's name in the name of a file, in bytes.
const maxFileName = 64

// fileName returns the characters of a server's name that can be in the name of a file.
func fileName(server string) string {
	name := strings.Map(func(c rune) rune {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '.', c == '_':
			return c
		}
		return '-'
	}, server)
	return name[:min(len(name), maxFileName)]
}

// recording returns where a session is recorded; nil for no recording.
func (o *ClientOptions) recording(server string) (*engine.Recording, error) {
	if o.Record == nil {
		return nil, nil
	}
	to, err := o.Record(server)
	if err == nil && to == nil {
		err = errors.New("it gives neither a writer nor an error")
	}
	if err != nil {
		return nil, &Error{
			Code: CodeInvalidArgument, Server: server, Step: "record", Err: err,
			Message: "ClientOptions.Record gives nothing to write to: " + err.Error(),
		}
	}
	return &engine.Recording{To: to, Limit: o.MaxRecordBytes, Secrets: o.RecordSecrets}, nil
}
