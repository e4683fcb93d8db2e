package caisson

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/record"
)

// A ReplayEnd says how a recording ends.
type ReplayEnd string

const (
	// ReplayClosed is the end of a whole recording: the session was closed, or ended by itself.
	ReplayClosed ReplayEnd = "closed"
	// ReplayLimit is the end of a recording that was cut: see [Limits.MaxRecordBytes].
	ReplayLimit ReplayEnd = "limit"
	// ReplayTruncated is the end of a recording that stops without an end, because its program or its
	// writer stopped.
	ReplayTruncated ReplayEnd = "truncated"
)

// A Replay is the outcome of [Client.Replay]: a recorded session, or a recorded script, that was run again.
type Replay struct {
	Server   string    `json:"server,omitempty"` // the server's name, of a session
	Began    time.Time `json:"began"`            // when it was recorded
	Calls    int       `json:"calls"`            // of the core, by the host: operations and batches of events
	Effects  int       `json:"effects"`          // that the core asked for, outcomes of calls among them
	Readings int       `json:"readings"`         // of clocks and of random bytes, by the core
	End      ReplayEnd `json:"end"`
	// Script is what a script did; nil for a session.
	Script *ReplayedScript `json:"script,omitempty"`
}

// ReplayOptions say how strict a replay is. The zero value, or nil, is strict.
type ReplayOptions struct {
	// AnyCore replays a recording of another build of the core, which may read clocks and random
	// bytes more or less often. What the core asks for must still be the same, byte for byte. It is
	// for recordings that are kept as tests.
	AnyCore bool
	// Languages are what recorded scripts may be in, besides [JavaScript]: see [Script].Language. Of a translated
	// language only the places in errors need it.
	Languages []Language
}

// A ReplayCode says why a replay failed.
type ReplayCode string

const (
	// ReplayFormat: the file is not a recording, or was changed since it was written.
	ReplayFormat ReplayCode = "format"
	// ReplayCore: the recording is of another core, or was made with another
	// [Limits.MaxMemoryBytes].
	ReplayCore ReplayCode = "core"
	// ReplayDifference: the core did something else than it had done.
	ReplayDifference ReplayCode = "difference"
)

// A ReplayError is how [Client.Replay] fails.
type ReplayError struct {
	Code ReplayCode
	// Line is the recording's, from 1: the first that is wrong, or is not what happened.
	Line int
	// Recorded and Replayed are what happened then, and in the replay, with [ReplayDifference].
	Recorded, Replayed string
	// Message is for people. It has what is around the first difference only.
	Message string
}

// Error returns the line and the message.
func (e *ReplayError) Error() string { return "caisson: replay: " + e.Message }

// Replay runs a recorded session (see [ClientOptions.Record]), or a recorded script (see [Script].Record), again in a
// sandbox of its own, with the recorded times and random bytes: nothing is sent, nothing is started, nothing is waited
// for. What the core asks for is compared with the recording, byte for byte, and so is what a script ends with, and its
// fuel. The recording may be untrusted; a script may compute for as long as its recorded limits say, and until ctx ends.
//
// It fails with a *ReplayError, with the reader's error, with the context's, which is looked at
// between calls of the core, and with [CodeClosed] on a closed client.
func (c *Client) Replay(ctx context.Context, recording io.Reader, options *ReplayOptions) (*Replay, error) {
	if c.runtime == nil {
		return nil, errZero("Client", "Runtime.NewClient")
	}
	if recording == nil {
		return nil, &Error{Code: CodeInvalidArgument, Step: "replay", Message: "there is no recording"}
	}
	if !c.begin() {
		return nil, c.errClosed("replay", "")
	}
	defer c.ending.Done()
	reader, err := record.NewReader(recording)
	if err != nil {
		return nil, replayError(err)
	}
	if options == nil {
		options = &ReplayOptions{}
	}
	h := reader.Header()
	if h.Script != nil {
		return c.replayScript(ctx, reader, options)
	}
	done, err := c.runtime.engine.Replay(ctx, reader, c.limits(), options.AnyCore)
	if err != nil {
		return nil, replayError(err)
	}
	return &Replay{
		Server: h.Server, Began: h.Began, End: replayEnd(done.Reason),
		Calls: done.Calls, Effects: done.Imports, Readings: done.Readings,
	}, nil
}

func replayEnd(reason string) ReplayEnd { return orDefault(ReplayEnd(reason), ReplayTruncated) }

// replayError returns an error of the engine's the form that users see.
func replayError(err error) error {
	var (
		format     *record.FormatError
		other      *engine.CoreError
		difference *record.Difference
	)
	switch {
	case errors.As(err, &format):
		return &ReplayError{Code: ReplayFormat, Line: format.Line, Message: format.Error()}
	case errors.As(err, &other):
		return &ReplayError{Code: ReplayCore, Line: 1, Message: other.Error()}
	case errors.As(err, &difference):
		was, is := excerpts(difference.Recorded, difference.Replayed)
		return &ReplayError{
			Code: ReplayDifference, Line: difference.Line,
			Recorded: difference.Recorded, Replayed: difference.Replayed,
			Message: fmt.Sprintf("line %d: the replay went another way\n  recorded: %s\n  replayed: %s", difference.Line, was, is),
		}
	}
	return err
}

// excerpts cuts two texts to what is around the first difference.
func excerpts(a, b string) (string, string) {
	const before, after = 60, 140
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	cut := func(s string) string {
		if len(s) > i+after {
			s = s[:i+after] + "…"
		}
		if i > before+60 { // The function's name stays.
			s = s[:60] + "…" + s[i-before:]
		}
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return cut(a), cut(b)
}
