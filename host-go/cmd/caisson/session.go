package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// sessionFlags are the flags of every command that talks to a server.
type sessionFlags struct {
	server  serverFlags
	runtime runtimeFlags
	timeout time.Duration
}

func (f *sessionFlags) register(c *cobra.Command) {
	f.server.register(c)
	f.runtime.register(c)
	c.Flags().DurationVar(&f.timeout, "timeout", 30*time.Second, "bound connecting and calling, together, by `DURATION`")
}

func (f *sessionFlags) check(c *cobra.Command) error {
	if f.timeout <= 0 {
		return usage(c, "--timeout must be more than 0")
	}
	return nil
}

// maxConnect keeps Options.ConnectTimeout in its range, whatever --timeout is.
const maxConnect = 24 * time.Hour

// withSession connects to a server, calls use, and closes everything again.
func (a *app) withSession(ctx context.Context, f *sessionFlags, server caisson.Server, use func(context.Context, *client) error) error {
	options := f.runtime.options(a)
	options.OnNotification = a.notified
	// The context bounds the connecting; this bound is only not to come before it.
	options.ConnectTimeout = min(f.timeout, maxConnect) + time.Second
	log, begin := options.Logger, time.Now()
	runtime, err := a.newRuntime(ctx, options)
	if err != nil {
		return err
	}
	defer runtime.Close()
	log.Debug("started the runtime", "took", time.Since(begin))

	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	begin = time.Now()
	session, err := runtime.Connect(ctx, server)
	if err != nil {
		return &connectError{explain(err, server.Name, "connect", f.timeout)}
	}
	defer session.Close()
	log.Debug("connected", "took", time.Since(begin), "server", session.Name(),
		"transport", session.Transport(), "protocol", session.ProtocolVersion())
	return use(ctx, &client{session: session, timeout: f.timeout, log: log})
}

// A client is a session whose errors are ready for people.
type client struct {
	session *caisson.Session
	timeout time.Duration
	log     *slog.Logger
}

// request sends any request and gives the untouched result.
func (c *client) request(ctx context.Context, method string, params any) (json.RawMessage, error) {
	begin := time.Now()
	result, err := c.session.Request(ctx, method, params)
	c.log.Debug("request", "took", time.Since(begin), "method", method, "bytes", len(result))
	return result, explain(err, c.session.Name(), method, c.timeout)
}

// explain gives the end of a context the words that it lacks.
func explain(err error, server, step string, timeout time.Duration) error {
	var complete *caisson.Error
	if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &complete) {
		return err
	}
	return &caisson.Error{
		Code: caisson.CodeTimeout, Server: server, Step: step, Err: err,
		Message: fmt.Sprintf("it took longer than %v: allow more with --timeout", timeout),
	}
}

// toolPages iterates over the untouched results of tools/list, one a page. The first error ends
// it.
func (c *client) toolPages(ctx context.Context) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		var params struct {
			Cursor string `json:"cursor,omitempty"`
		}
		for seen := map[string]bool{}; ; seen[params.Cursor] = true {
			result, err := c.request(ctx, "tools/list", params)
			if !yield(result, err) || err != nil {
				return
			}
			var page struct {
				NextCursor string `json:"nextCursor"`
			}
			if err := json.Unmarshal(result, &page); err != nil {
				yield(nil, c.protocolError("tools/list", err.Error()))
				return
			}
			if page.NextCursor == "" {
				return
			}
			if seen[page.NextCursor] {
				yield(nil, c.protocolError("tools/list", "the server's pages have no end: a cursor came twice"))
				return
			}
			params.Cursor = page.NextCursor
		}
	}
}

func (c *client) protocolError(step, message string) error {
	return &caisson.Error{Code: caisson.CodeProtocol, Server: c.session.Name(), Step: step, Message: message}
}
