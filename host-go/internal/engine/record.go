package engine

import (
	"context"
	"crypto/rand"
	"io"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
	"github.com/caisson-dev/caisson/host-go/internal/core"
	"github.com/caisson-dev/caisson/host-go/internal/record"
)

// A Recording says where a session is recorded.
type Recording struct {
	To      io.WriteCloser
	Limit   int64    // in bytes
	Secrets []string // hidden beside those of the grant
}

// newRecording begins the recording of a session; nil when there is to be none.
func newRecording(config *SessionConfig) *record.Writer {
	if config.Record == nil {
		return nil
	}
	server := config.Grant.Server
	header := record.Header{Core: core.Hash(), Server: server, Began: time.Now().UTC(), MemoryBytes: config.Limits.MemoryBytes}
	learned := func() []string { return nil }
	if config.Authorization != nil {
		learned = config.Authorization.Secrets
	}
	return record.NewWriter(config.Record.To, header, record.Options{
		Limit:   config.Record.Limit,
		Secrets: append(config.Grant.Secrets(), config.Record.Secrets...),
		Learned: learned,
		Failed: func(err error) {
			config.Logger.Warn("the recording of the session is not whole", "server", server, "error", err)
		},
	})
}

// A recorder is the interceptor of a session that is, or is not, recorded.
type recorder struct{ *record.Writer }

func (r recorder) sources(c *wasi.Config) {
	if r.Writer == nil {
		return
	}
	begin := time.Now()
	c.Now, c.Monotonic, c.Random = time.Now, func() time.Duration { return time.Since(begin) }, rand.Reader
	r.Sources(c)
}

func (r recorder) function(name string, f component.HostFunc) component.HostFunc {
	if r.Writer == nil {
		return f
	}
	return func(ctx context.Context, args []any) ([]any, error) {
		results, err := f(ctx, args)
		r.Import(name, args, results, err)
		return results, err
	}
}
