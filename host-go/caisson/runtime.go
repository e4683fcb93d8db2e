package caisson

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/isolation"
)

// RuntimeOptions say how a [Runtime] works. The zero value, or nil, is what most programs want.
type RuntimeOptions struct {
	// Logger gets diagnostics: of the cache and of compiling, and of each [Client] that has no logger of
	// its own. Default: nothing is logged.
	Logger *slog.Logger

	// CacheDir is the folder that keeps the compiled core, about 80 MB; several processes may share it. A
	// folder that cannot be written to is only read. A folder that another user could have put code into
	// is not used: see [component.Config]. Logger gets both messages, once. Default: "caisson" in the
	// user's cache folder.
	CacheDir string
	// NoCache compiles the core in every process, which takes seconds. CacheDir is ignored.
	NoCache bool
	// CompileFirst has [New] compile what the core needs at its start before it returns. Without
	// it, and without compiled code in the cache, sessions begin in an interpreter while the core
	// is compiled, and go on in compiled code when that is done.
	CompileFirst bool
	// Interpreter interprets the core in place of compiling it: quick to start, and about 60 times
	// slower after. It is what runs on platforms that the compiler does not know.
	Interpreter bool

	// Isolation says where guests run: the sandboxes of sessions, of scripts and of what looks through declarations.
	// Default: [IsolationSandbox].
	Isolation Isolation
	// WorkerProgram is the path of a program for [IsolationProcess], whose main calls isolate.Main (package isolate) and
	// that is built of the same version of Caisson. Default: this program, whose main must call it then.
	WorkerProgram string
	// MaxWorkers bounds the processes of [IsolationProcess] that are there at once, of all clients together: one for
	// each session and each script that runs, and one for each language that is ready for the next. Where one more is needed,
	// what needs it fails with [CodeLimit]. Each takes about 70 MB. Default: 64.
	MaxWorkers int

	// MaxSessions bounds the sessions that are open or being opened at once, of all clients together;
	// each takes about 10 MB. A further one fails with [CodeLimit]. Default: 1000.
	MaxSessions int

	// MaxScripts bounds the sandboxes of scripts that are there at once, of all clients together: scripts that
	// run, and instances of modules, which may have half of them. A further script waits for its turn, as long as
	// its context lasts. A script that a tool of another script runs waits for no other: where all places are
	// taken, the scripts that one script leads to take turns. Default: 16 for each processor that Go uses, 32 at
	// least, and no more than the memory that GOMEMLIMIT names has room for, by the default of
	// [ScriptLimits].MemoryBytes.
	MaxScripts int
}

const (
	defaultMaxSessions = 1000
	defaultMaxWorkers  = 64
)

// A Runtime holds the compiled core, once for the process. Any number of clients share it ([Client]), and none of
// them compiles anything. Make one: compiling is the slow part. It is safe for concurrent use. The zero value
// fails each call with [CodeInvalidArgument].
type Runtime struct {
	engine       *engine.Engine
	engineConfig engine.Config // of the languages' engines
	languages    languages
	workers      *isolation.Workers // nil without IsolationProcess
	logger       *slog.Logger
	client       *Client       // of Connect: one without options
	sessions     chan struct{} // holds one for each session of all clients
	places       *places       // for scripts
	labels       labels

	mu      sync.Mutex
	closed  bool
	clients map[*Client]struct{}
	ending  sync.WaitGroup // clients that still have something to free
}

// New makes the core ready: compiled code is loaded from the cache when the first session or script needs it. The first
// time, sessions begin in an interpreter while the core is compiled; see [RuntimeOptions].CompileFirst. The context bounds only this. A nil options means the defaults.
//
// It fails with [CodeInvalidArgument] when there is no folder for the cache, and, with
// [RuntimeOptions].CompileFirst, with [CodeInternal] when the core does not compile on this platform.
func New(ctx context.Context, options *RuntimeOptions) (*Runtime, error) {
	o := options.withDefaults()
	if o.MaxSessions < 0 {
		return nil, errOption("RuntimeOptions.MaxSessions is negative")
	}
	if o.MaxScripts < 0 {
		return nil, errOption("RuntimeOptions.MaxScripts is negative")
	}
	dir, err := cacheDir(&o)
	if err != nil {
		return nil, err
	}
	workers, wrong := o.workers()
	if wrong != nil {
		return nil, wrong
	}
	config := engine.Config{
		CacheDir:     dir,
		Interpreter:  o.Interpreter,
		CompileFirst: o.CompileFirst,
		Logger:       o.Logger,
		Isolated:     workers,
	}
	e, failure := engine.New(ctx, config)
	if failure != nil {
		workers.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &Error{Code: CodeInternal, Step: "compile", Message: failure.Error(), Err: failure}
	}
	r := &Runtime{engine: e, engineConfig: config, workers: workers, logger: o.Logger, sessions: make(chan struct{}, o.MaxSessions), places: newPlaces(o.MaxScripts), clients: map[*Client]struct{}{}}
	if r.client, failure = r.NewClient(nil); failure != nil {
		return nil, errors.Join(failure, r.Close())
	}
	return r, nil
}

// withDefaults copies the options and fills in the defaults.
func (o *RuntimeOptions) withDefaults() RuntimeOptions {
	var c RuntimeOptions
	if o != nil {
		c = *o
	}
	c.Logger = orDefault(c.Logger, slog.New(slog.DiscardHandler))
	c.Isolation = orDefault(c.Isolation, IsolationSandbox)
	c.MaxWorkers = orDefault(c.MaxWorkers, defaultMaxWorkers)
	c.MaxSessions = orDefault(c.MaxSessions, defaultMaxSessions)
	c.MaxScripts = orDefault(c.MaxScripts, defaultMaxScripts())
	return c
}

// CompileOptions say how much [Runtime.Compile] waits for. The zero value, or nil, is everything.
type CompileOptions struct {
	// StartOnly waits only for the code that a start needs, and not for functions that are rarely called.
	StartOnly bool
}

// Compile waits until the core is compiled, and in the cache where there is one. No call needs it: it is
// for a program that fills a cache ahead, or that wants its first calls to be quick. A program that makes
// one call and ends may wait with [CompileOptions].StartOnly after it, so that its next run starts from
// the cache.
//
// It fails with the context's error, and with [CodeInternal]. With StartOnly it fails only when it has to
// wait: a context that has ended asks whether it would.
func (r *Runtime) Compile(ctx context.Context, options *CompileOptions) error {
	if r.engine == nil {
		return errZero("Runtime", "New")
	}
	if options != nil && options.StartOnly {
		return r.engine.Compiled(ctx)
	}
	if err := r.engine.Compile(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &Error{Code: CodeInternal, Step: "compile", Message: err.Error(), Err: err}
	}
	return nil
}

// errZero is the error of a method of a type's zero value.
func errZero(what, maker string) *Error {
	return &Error{Code: CodeInvalidArgument, Step: "use", Message: "the " + what + " is the zero value: make one with " + maker}
}

// CacheDir returns the folder in which a [Runtime] with these options keeps the compiled core, and
// "" where it keeps none.
func CacheDir(options *RuntimeOptions) (string, error) {
	o := options.withDefaults()
	dir, err := cacheDir(&o)
	if err != nil {
		return "", err
	}
	return dir, nil
}

// CheckCache says why the compiled core cannot be kept in the folder of [CacheDir], and what to do: it
// belongs to another user, or another user may write to it, or this one may not. It returns nil when the
// folder can be used, and when no cache is kept. It makes a missing folder. A [Runtime] works in any case,
// and logs the same to [RuntimeOptions].Logger.
func CheckCache(ctx context.Context, options *RuntimeOptions) error {
	dir, err := CacheDir(options)
	if dir == "" || err != nil {
		return err
	}
	if err := component.CheckCache(ctx, dir); err != nil {
		return &Error{Code: CodeInvalidArgument, Step: "cache", Message: "nothing can be kept in " + dir + ": " + err.Error(), Err: err}
	}
	return nil
}

func cacheDir(o *RuntimeOptions) (string, *Error) {
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
			Message: "there is no folder for the user's caches (" + err.Error() + "): set RuntimeOptions.CacheDir, or RuntimeOptions.NoCache",
		}
	}
	return filepath.Join(dir, "caisson"), nil
}

// Connect opens a session with a server for a client without options: the short way. See
// [Client.Connect], and [Runtime.NewClient] for a client with options.
func (r *Runtime) Connect(ctx context.Context, server Server) (*Session, error) {
	if r.client == nil {
		return nil, errZero("Runtime", "New")
	}
	return r.client.Connect(ctx, server)
}

// ConnectGroup connects with several servers for a client without options; see [Client.ConnectGroup].
func (r *Runtime) ConnectGroup(ctx context.Context, servers Servers, options *GroupOptions) (*Group, error) {
	if r.client == nil {
		return nil, errZero("Runtime", "New")
	}
	return r.client.ConnectGroup(ctx, servers, options)
}

// Replay runs a recording again for a client without options; see [Client.Replay].
func (r *Runtime) Replay(ctx context.Context, recording io.Reader, options *ReplayOptions) (*Replay, error) {
	if r.client == nil {
		return nil, errZero("Runtime", "New")
	}
	return r.client.Replay(ctx, recording, options)
}

// Close closes every client and frees the core. It waits until the servers' commands have ended.
// It may be called more than once, and always returns nil.
func (r *Runtime) Close() error {
	if r.engine == nil {
		return nil
	}
	r.mu.Lock()
	r.closed = true
	clients := slices.Collect(maps.Keys(r.clients))
	r.mu.Unlock()

	var all sync.WaitGroup
	for _, c := range clients {
		all.Go(func() { _ = c.Close() })
	}
	all.Wait()
	r.ending.Wait()
	r.languages.close()
	r.engine.Close()
	r.workers.Close()
	return nil
}

// add adds a client; it returns false when the runtime is closed.
func (r *Runtime) add(c *Client) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.clients[c] = struct{}{}
	r.ending.Add(1)
	return true
}

func (r *Runtime) remove(c *Client) {
	r.mu.Lock()
	delete(r.clients, c)
	r.mu.Unlock()
	r.ending.Done()
}
