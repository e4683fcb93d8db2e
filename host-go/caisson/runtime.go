package caisson

import (
	"context"
	"os"
	"path/filepath"
	"sync"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// A Runtime holds the compiled core and makes sessions from it. Make one and share it: compiling
// is the slow part. It is safe for concurrent use.
type Runtime struct {
	options Options
	engine  *engine.Engine

	mu       sync.Mutex
	closed   bool
	sessions map[*Session]struct{}
	ending   sync.WaitGroup // sessions, and connects given up, that still have something to free
}

// New makes the core ready: it loads compiled code from the cache, or, the first time, has sessions
// begin in an interpreter while the core is compiled; see [Options].CompileFirst. The context bounds
// only this. A nil options means the defaults.
//
// It fails with [CodeInvalidArgument] for options that cannot be, and with [CodeInternal] when
// the core does not compile on this platform.
func New(ctx context.Context, options *Options) (*Runtime, error) {
	o := options.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	dir, err := cacheDir(&o)
	if err != nil {
		return nil, err
	}
	e, failure := engine.New(ctx, engine.Config{
		CacheDir:     dir,
		Interpreter:  o.Interpreter,
		CompileFirst: o.CompileFirst,
		MemoryBytes:  o.MaxMemoryBytes,
		MaxGuestTime: o.MaxGuestTime,
		HandlerBytes: o.MaxQueuedBytes,
		Logger:       o.Logger,
		Egress: egress.Options{
			MaxMessage:       o.MaxMessageBytes,
			Transport:        o.HTTPTransport,
			PrivateAddresses: o.PrivateAddresses,
			Logger:           o.Logger,
			Stderr:           o.Stderr,
		},
	})
	if failure != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &Error{Code: CodeInternal, Step: "compile", Message: failure.Error(), Err: failure}
	}
	return &Runtime{options: o, engine: e, sessions: map[*Session]struct{}{}}, nil
}

// Compile waits until all of the core is compiled, and in the cache where there is one. No call
// needs it: it is for who fills a cache ahead, or wants the first calls to be quick ones. It fails
// with the context's error, or with [CodeInternal].
func (r *Runtime) Compile(ctx context.Context) error {
	if err := r.engine.Compile(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &Error{Code: CodeInternal, Step: "compile", Message: err.Error(), Err: err}
	}
	return nil
}

// WaitCompiled waits until what a start needs is compiled, and in the cache where there is one. A
// program that makes one call and ends may do so after it, so that its next run starts from the
// cache. It fails with the context's error, and only when it has to wait: a context that has ended
// asks whether it would.
func (r *Runtime) WaitCompiled(ctx context.Context) error { return r.engine.Compiled(ctx) }

// CacheDir gives the folder in which a [Runtime] with these options keeps the compiled core, and
// "" where it keeps none.
func CacheDir(options *Options) (string, error) {
	o := options.withDefaults()
	dir, err := cacheDir(&o)
	if err != nil {
		return "", err
	}
	return dir, nil
}

// CheckCache says why the compiled core cannot be kept in the folder of [CacheDir], and what to do: it
// belongs to another user, or another user may write to it, or this one may not. It gives nil when it
// can, and where none is kept. A folder that is not there is made. A [Runtime] works in any case, and
// says the same to [Options].Logger.
func CheckCache(ctx context.Context, options *Options) error {
	dir, err := CacheDir(options)
	if dir == "" || err != nil {
		return err
	}
	if err := component.CheckCache(ctx, dir); err != nil {
		return &Error{Code: CodeInvalidArgument, Step: "cache", Message: "nothing can be kept in " + dir + ": " + err.Error(), Err: err}
	}
	return nil
}

func cacheDir(o *Options) (string, *Error) {
	switch {
	case o.NoCache:
		return "", nil
	case o.CacheDir != "":
		return o.CacheDir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", &Error{
			Code: CodeInvalidArgument, Step: "cache", Err: err,
			Message: "there is no folder for the user's caches (" + err.Error() + "): set Options.CacheDir, or Options.NoCache",
		}
	}
	return filepath.Join(dir, "caisson"), nil
}

// Connect opens a session with a server: it starts the server's command where it has one,
// negotiates the protocol's revision and shakes hands. The context bounds the connecting alone,
// not the session.
//
// It fails with [CodeInvalidArgument] for a Server that cannot be, with [CodeConnect] when the
// server cannot be reached or its command not be started, and with any other code that the
// handshake can end in; with the context's error when the context ends.
func (r *Runtime) Connect(ctx context.Context, server Server) (*Session, error) {
	return r.connect(ctx, server, nil)
}

// connect is Connect with somebody who hears of the lists that change.
func (r *Runtime) connect(ctx context.Context, server Server, listChanged func(method string)) (*Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	transport, u, wrong := server.check()
	if wrong != nil {
		return nil, wrong
	}
	s := newSession(r, server.name())
	s.listChanged = listChanged
	if !r.add(s) {
		return nil, &Error{Code: CodeClosed, Server: s.name, Step: "connect", Message: "the runtime is closed"}
	}
	if err := s.connect(ctx, &server, transport, u); err != nil {
		return nil, err
	}
	return s, nil
}

// Close closes every session and frees the core. It waits until the servers' commands are gone.
// It may be called more than once, and always gives nil.
func (r *Runtime) Close() error {
	r.mu.Lock()
	r.closed = true
	sessions := make([]*Session, 0, len(r.sessions))
	for s := range r.sessions {
		sessions = append(sessions, s)
	}
	r.mu.Unlock()

	var all sync.WaitGroup
	for _, s := range sessions {
		all.Go(func() { _ = s.Close() })
	}
	all.Wait()
	r.ending.Wait()
	r.engine.Close()
	return nil
}

func (r *Runtime) add(s *Session) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.sessions[s] = struct{}{}
	r.ending.Add(1)
	return true
}

func (r *Runtime) remove(s *Session) {
	r.mu.Lock()
	delete(r.sessions, s)
	r.mu.Unlock()
	r.ending.Done()
}
