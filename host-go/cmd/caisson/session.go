//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package main

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// sessionFlags are the flags of every command that talks to a server.
type sessionFlags struct {
	server     serverFlags
	runtime    runtimeFlags
	store      storeFlag
	governance governanceFlags
	timeout    time.Duration
	logLevel   string
	roots      []string
	record     string
	private    bool
}

func (f *sessionFlags) register(c *cobra.Command) {
	f.server.register(c)
	f.runtime.register(c)
	f.store.register(c)
	f.governance.register(c)
	durationFlag(c, &f.timeout, "timeout", 30*time.Second, "bound connecting and calling together by `DURATION`")
	c.Flags().StringVar(&f.logLevel, "log-level", "", "ask the server for its log from `LEVEL` on, such as info")
	completeFlag(c, "log-level", logLevels...)
	c.Flags().StringArrayVar(&f.roots, "root", nil, "tell the server that it may work in `FOLDER`; repeatable")
	c.Flags().BoolVar(&f.private, "private-addresses", false, "let the name of a server lead to a private address; localhost and addresses always may")
	c.Flags().StringVar(&f.record, "record", "", "record the session in `FILE`, with secrets hidden, for \"caisson replay\"")
	_ = c.MarkFlagFilename("record", "jsonl")
	_ = c.MarkFlagDirname("root") // It fails only for a flag that is not there.
}

func (f *sessionFlags) check(c *cobra.Command) error {
	if f.timeout <= 0 {
		return usage(c, "--timeout must be more than 0")
	}
	if f.logLevel != "" {
		if err := checkLevel(c, f.logLevel); err != nil {
			return err
		}
	}
	return f.store.check(c)
}

// logLevels are the levels of logging messages (specification, server/utilities/logging).
var logLevels = []string{"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"}

func checkLevel(c *cobra.Command, level string) error {
	if !slices.Contains(logLevels, level) {
		return usage(c, "there is no level %q: there are %s", level, strings.Join(logLevels, ", "))
	}
	return nil
}

// maxConnect keeps ClientOptions.ConnectTimeout in its range for any --timeout.
const maxConnect = 24 * time.Hour

// An action is what a command does with a session.
type action struct {
	use func(context.Context, *client) error
	// onNotification, when set, gets every notification, in order.
	onNotification func(ctx context.Context, method string, params json.RawMessage)
}

// withSession connects to a server, uses the session, and closes everything again.
func (a *app) withSession(ctx context.Context, f *sessionFlags, server caisson.Server, do action) error {
	return a.withUser(ctx, f, server, userOptions{onNotification: do.onNotification}, func(ctx context.Context, u *user) error {
		begin := time.Now()
		session, err := u.client.Connect(ctx, u.server)
		if err != nil {
			return &connectError{u.clock.explain(ctx, err, server.Name, "connect")}
		}
		defer session.Close()
		u.log.Debug("connected", "took", time.Since(begin), "server", session.Name(),
			"transport", session.TransportType(), "protocol", session.ProtocolVersion())
		client := &client{app: a, owner: u.client, session: session, clock: u.clock, log: u.log, policy: u.policy}
		if f.logLevel != "" {
			if err := client.setLevel(ctx, f.logLevel); err != nil {
				return err
			}
		}
		return do.use(ctx, client)
	})
}

// A user is the program's client, for one server.
type user struct {
	client *caisson.Client
	server caisson.Server
	logins *logins // nil for a server that has no login
	clock  *clock
	log    *slog.Logger
	policy *policy.Policy // see client
}

// userOptions say how a command differs from the others.
type userOptions struct {
	// onNotification, when set, gets every notification.
	onNotification func(ctx context.Context, method string, params json.RawMessage)
	// login, when set, changes how to log in.
	login func(*logins) error
	// strict says that the command is about the login itself: a store that cannot be used is an error.
	strict bool
	// lenient goes on where the client's secret is not to be had.
	lenient bool
}

// withUser sets up a client for a server, uses it, and closes everything again.
func (a *app) withUser(ctx context.Context, f *sessionFlags, server caisson.Server, o userOptions, use func(context.Context, *user) error) error {
	log := a.logger()
	options := caisson.ClientOptions{Logger: log, Stderr: a.serverErr(), PrivateAddresses: f.private}
	asker := newAsker(a)
	var err error
	if options.Handlers, err = asker.handlers(f.roots); err != nil {
		return err
	}
	closeLog, err := f.governance.apply(&options, asker.approve)
	if err != nil {
		return err
	}
	defer closeLog()
	logins, err := f.store.newLogins(ctx, a, asker, &server, o.strict)
	if err != nil {
		return err
	}
	if logins != nil {
		if o.login != nil {
			if err := o.login(logins); err != nil {
				return err
			}
		}
		if err := logins.prepare(ctx, &server, o.lenient); err != nil {
			return err
		}
	}
	if f.record != "" {
		file, err := os.OpenFile(f.record, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return &caisson.Error{Code: caisson.CodeInvalidArgument, Step: "--record", Message: err.Error(), Err: err}
		}
		options.Record = func(string) (io.WriteCloser, error) { return file, nil } // The client has only one session.
	}
	// The clock bounds connecting. This bound must only not end before the clock.
	options.ConnectTimeout = min(f.timeout, maxConnect) + time.Second
	options.OnNotification = func(ctx context.Context, _ *caisson.Session, method string, params json.RawMessage) {
		a.notified(method, params)
		if o.onNotification != nil {
			o.onNotification(ctx, method, params)
		}
	}
	begin := time.Now()
	runtime, err := a.newRuntime(ctx, f.runtime.options(a))
	if err != nil {
		return err
	}
	defer runtime.Close()
	client, err := runtime.NewClient(&options)
	if err != nil {
		return err
	}
	log.Debug("started the runtime", "took", time.Since(begin))

	whole := ctx
	ctx = byPerson(ctx)
	ctx, clock, stop := newClock(ctx, f.timeout)
	defer stop()
	asker.clock = clock
	if err := use(ctx, &user{client: client, server: server, logins: logins, clock: clock, log: log, policy: options.Governance.Policy}); err != nil {
		return f.explainLogin(err, &server, logins)
	}
	// The result is printed. A first run waits until the next run will find the core in the cache.
	if !f.runtime.noCache {
		a.waitCompiled(whole, runtime)
	}
	return nil
}

// A client is a session whose errors are ready for people.
type client struct {
	app     *app
	owner   *caisson.Client
	session *caisson.Session
	clock   *clock
	log     *slog.Logger
	policy  *policy.Policy // nil without one; with it a list may lack what the server has
}

// do makes a call. It explains the call's error.
func (c *client) do(ctx context.Context, method string, call func(context.Context) error) error {
	begin := time.Now()
	err := call(ctx)
	c.log.Debug("request", "took", time.Since(begin), "method", method)
	return c.clock.explain(ctx, err, c.session.Name(), method)
}

// request sends any request and returns the unchanged result.
func (c *client) request(ctx context.Context, method string, params any) (result json.RawMessage, err error) {
	err = c.do(ctx, method, func(ctx context.Context) error {
		result, err = c.session.Request(ctx, method, params)
		return err
	})
	return result, err
}

// requestWithProgress is request for calls that may take long: it shows the progress.
func (c *client) requestWithProgress(ctx context.Context, method string, params any) (json.RawMessage, error) {
	defer c.app.progressed(nil)
	return c.request(caisson.WithCallOptions(ctx, caisson.CallOptions{OnProgress: c.app.progressed}), method, params)
}

func (c *client) setLevel(ctx context.Context, level string) error {
	return c.do(ctx, "logging/setLevel", func(ctx context.Context) error {
		return c.session.SetLoggingLevel(ctx, &mcp.SetLoggingLevelParams{Level: mcp.LoggingLevel(level)})
	})
}

// pages iterates over the unchanged results of a list, one for each page. The first error ends the iteration.
func (c *client) pages(ctx context.Context, method string) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		begin := time.Now()
		for result, err := range c.session.Pages(ctx, method, nil) {
			c.log.Debug("request", "took", time.Since(begin), "method", method)
			if !yield(result, c.clock.explain(ctx, err, c.session.Name(), method)) {
				return
			}
			begin = time.Now()
		}
	}
}

func (c *client) protocolError(step, message string) error {
	return &caisson.Error{Code: caisson.CodeProtocol, Server: c.session.Name(), Step: step, Message: message}
}
