// Package engine runs the MCP client core: it compiles the component once, instantiates it for
// each session, brings calls and events into it, and carries out the effects that it asks for.
//
// A call takes this path: [Session.Call] brings the call to its instance, whose goroutine enters the
// core with it (instance.go); the core asks for effects while it runs (imports.go); their outcomes
// come back to the instance as events; in the end the core settles the call, which wakes the caller.
package engine

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/isolation"
	"github.com/caisson-dev/caisson/host-go/internal/without"
)

// A Config says how an [Engine] works. Set every field, unless its comment says otherwise.
type Config struct {
	CacheDir     string // the folder of compiled code; "" keeps none
	Interpreter  bool
	CompileFirst bool // do not begin in the interpreter while the core compiles
	// Interpreted has the compilers of the process wait for the first guest from now on, and not only from the moment
	// when it is asked for.
	Interpreted bool
	// Workers is how many goroutines compile; 0 for half of the processors behind the interpreter, and all of them
	// with CompileFirst.
	Workers    int
	HeapMemory bool // keep instances' memory on the Go heap
	Logger     *slog.Logger
	Core       func() (*component.Prepared, error) // nil for the embedded core
	// Isolated makes every instance in a process of its own, and compiles in one; nil makes them in this process. Nothing
	// begins in the interpreter then, but waits for compiled code.
	Isolated *isolation.Workers
}

// An Engine holds the core, compiled. It is safe for concurrent use.
type Engine struct {
	config Config

	prepared  func() (*component.Prepared, error) // the core, which is unpacked once, when somebody needs it
	cached    func() bool                         // reports whether the cache has the code for a start; of no use with workers
	mu        sync.Mutex
	code      *code // for new instances; nil until there is compiled code, or an instance that needs the interpreter
	dropped   bool  // the interpreter's form of the code was made, and freed before there was compiled code
	instances map[*instance]struct{}
	workers   *workers // nil unless Config.Isolated

	wanted   chan struct{} // closed when somebody needs the core
	want     func()        // closes wanted
	hold     func() func() // has the compilers wait for the first guest, once, and returns what ends that
	compiled chan struct{} // closed when there is compiled code, or never will be
	behind   chan struct{} // closed when the compiler has stopped
	stop     context.CancelFunc

	background sync.WaitGroup // goroutines that still free something
}

// New makes the core ready. Nothing of it is loaded before somebody needs it. When the cache lacks its compiled code,
// instances begin in the interpreter, and move to compiled code when the compiler is done.
func New(ctx context.Context, config Config) (*Engine, error) {
	config.CompileFirst = config.CompileFirst || without.Interpreter
	config.HeapMemory = config.HeapMemory || without.SharedMemory
	e := &Engine{
		config: config, instances: map[*instance]struct{}{},
		wanted: make(chan struct{}), compiled: make(chan struct{}), behind: make(chan struct{}),
	}
	e.hold = sync.OnceValue(func() func() { return compiling.hold(giveWayToMake) })
	e.want = sync.OnceFunc(func() { close(e.wanted) })
	if config.Isolated != nil {
		e.config.Interpreted = false
	} else if config.Interpreted && !config.CompileFirst {
		e.hold()
	}
	open := config.Core
	if open == nil {
		open = embedded
	}
	e.prepared = sync.OnceValues(open)
	e.cached = func() bool { return false }
	var err error
	if config.Core != nil {
		_, err = e.prepared() // It is no part of the program, and may be damaged.
	}
	if err == nil {
		start := e.start
		if config.Isolated != nil {
			start = e.startWorkers
		}
		if err = start(ctx); err != nil {
			err = failedCode(err)
		}
	}
	if err != nil {
		e.letCompile()
		return nil, err
	}
	return e, nil
}

// letCompile has the compilers wait for no guest of the engine any more.
func (e *Engine) letCompile() { e.hold()() }

func failedCode(err error) error { return fmt.Errorf("the embedded core does not compile: %w", err) }

// start makes the final code when it is wanted first, or takes little time. Otherwise it has it made behind.
func (e *Engine) start(ctx context.Context) error {
	interpreter := e.config.Interpreter || !component.CompilerSupported()
	workers := e.config.Workers
	if workers == 0 && !e.config.CompileFirst {
		workers = behindWorkers()
	}
	r, err := e.newRuntime(ctx, interpreter, workers)
	if err != nil {
		return err
	}
	e.cached = sync.OnceValue(func() bool {
		p, err := e.prepared()
		return err == nil && r.Cached(p)
	})
	if err := r.CacheErr(); err != nil && !e.cached() {
		e.config.Logger.Warn("the cache cannot keep the compiled core: the next process compiles it again", "folder", e.config.CacheDir, "error", err)
	}
	if interpreter || e.config.CompileFirst {
		close(e.compiled)
		close(e.behind)
		e.stop = func() {}
		e.letCompile()
		if interpreter || e.cached() {
			e.code, err = e.newCode(ctx, r)
		} else {
			e.code, err = e.compile(ctx, r)
			debug.FreeOSMemory()
		}
		return err
	}
	behind, stop := context.WithCancel(context.Background())
	e.stop = stop
	if e.config.Interpreted {
		e.want()
	}
	go e.makeBehind(behind, r)
	return nil
}

// Close frees the core. Every session must be closed.
func (e *Engine) Close() {
	e.stop()
	e.letCompile()
	<-e.behind
	e.background.Wait()
	if e.workers != nil {
		e.workers.close()
	}
	if e.code != nil {
		e.code.close()
	}
}
