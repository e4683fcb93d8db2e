package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
)

// code is the core in a form that instances can be made of: compiled, or, while the compiler is
// still at work, for the interpreter.
type code struct {
	runtime  *component.Runtime
	compiled *component.Compiled
	users    users // instances
}

// users are counted, and can be waited for. New ones come with the lock of the engine.
type users struct {
	sync.WaitGroup
	n atomic.Int64
}

func (u *users) add() {
	u.n.Add(1)
	u.Add(1)
}

func (u *users) done() {
	u.n.Add(-1)
	u.Done()
}

func (e *Engine) newRuntime(ctx context.Context, interpreter bool, workers int) (*component.Runtime, error) {
	config := &component.Config{
		Interpreter:        interpreter,
		HeapMemory:         e.config.HeapMemory,
		CompilationWorkers: workers,
		Turn:               e.turn,
	}
	if !interpreter && e.config.CacheDir != "" {
		config.CacheDir = e.config.CacheDir
		r, err := component.NewRuntime(ctx, config)
		if err == nil {
			return r, nil
		}
		e.config.Logger.Warn("the cache of compiled code cannot be used: the core is compiled in every process", "folder", config.CacheDir, "error", err)
		config.CacheDir = ""
	}
	return component.NewRuntime(ctx, config)
}

// newCode makes the code with a runtime, which it closes where that fails.
func (e *Engine) newCode(ctx context.Context, r *component.Runtime) (*code, error) {
	p, err := e.prepared()
	var compiled *component.Compiled
	if err == nil {
		compiled, err = r.CompilePrepared(ctx, p)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close(context.WithoutCancel(ctx)))
	}
	return &code{runtime: r, compiled: compiled}, nil
}

func (c *code) close() {
	_ = c.compiled.Close(context.Background())
	_ = c.runtime.Close(context.Background())
}

// behindWorkers is how many goroutines compile while the program does its own work: half of what
// it may use. Fewer than two could not be stopped before their end.
func behindWorkers() int { return max(2, runtime.GOMAXPROCS(0)/2) }

// compile is newCode of what is not in the cache.
func (e *Engine) compile(ctx context.Context, r *component.Runtime) (*code, error) {
	done, err := e.turn(ctx)
	if err != nil {
		return nil, errors.Join(err, r.Close(context.WithoutCancel(ctx)))
	}
	defer done()
	return e.newCode(ctx, r)
}

// turn waits for the engine's turn to compile a module.
func (e *Engine) turn(ctx context.Context) (done func(), err error) {
	done, err = compiling.begin(ctx, isClosed(e.wanted) && !isClosed(e.compiled))
	if err == nil {
		e.drop()
	}
	return done, err
}

// drop frees the interpreter's form of the code before the first module is compiled, when no instance needs it any more:
// the compiler takes as much. An instance that comes before the compiler is done has the form made again, and then it
// stays.
func (e *Engine) drop() {
	e.mu.Lock()
	c := e.code
	unused := c != nil && !e.dropped && !isClosed(e.compiled) && c.users.n.Load() == 0
	if unused {
		e.code, e.dropped = nil, true
	}
	e.mu.Unlock()
	if unused {
		c.close()
		debug.FreeOSMemory()
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// unneeded is how long the core's compiler waits for somebody to need the core, before it begins all the same: a program
// that begins with another language has its first result before.
const unneeded = 250 * time.Millisecond

// makeBehind makes the code. What the cache has is loaded when somebody needs it. Otherwise it is compiled then, or a
// moment later: instances run in the interpreter meanwhile, and have to move, and the chunks are compiled after that.
func (e *Engine) makeBehind(ctx context.Context, r *component.Runtime) {
	defer close(e.behind)
	select {
	case <-e.wanted:
	case <-time.After(unneeded):
	case <-ctx.Done():
	}
	cached := ctx.Err() == nil && e.cached()
	if cached {
		select {
		case <-e.wanted:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		close(e.compiled)
		_ = r.Close(context.WithoutCancel(ctx))
		return
	}
	var compiled *code
	var err error
	if cached {
		e.letCompile() // Nobody begins in the interpreter.
		compiled, err = e.newCode(ctx, r)
	} else {
		compiled, err = e.compile(ctx, r)
	}
	if err != nil {
		if ctx.Err() == nil {
			e.config.Logger.Error("the core does not compile: it stays in the interpreter, which is slow", "error", err)
		}
		close(e.compiled)
		return
	}
	e.mu.Lock()
	interim := e.code
	e.code = compiled
	instances := make([]*instance, 0, len(e.instances))
	for in := range e.instances {
		instances = append(instances, in)
	}
	e.mu.Unlock()
	close(e.compiled)
	for _, in := range instances {
		in.mailbox.put(item{move: true})
	}
	if cached {
		return
	}
	e.background.Go(func() {
		if interim != nil {
			interim.users.Wait()
			interim.close()
		}
		// What the compiler, and the interpreter's form of the code, have left of memory is more than the program
		// will need.
		debug.FreeOSMemory()
	})
	if err := compiled.compiled.CompileChunks(ctx); err != nil && ctx.Err() == nil {
		e.config.Logger.Warn("compiling the core's rarer functions", "error", err)
	}
	debug.FreeOSMemory()
}

// use gives a session's instance its code, until release.
func (e *Engine) use(ctx context.Context, in *instance) error {
	if e.workers != nil {
		return e.Compiled(ctx)
	}
	if err := e.load(ctx); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	c, err := e.take(ctx)
	if err == nil {
		in.code = c
		e.instances[in] = struct{}{}
	}
	return err
}

// load waits for the code, where the cache has it. The error is the context's.
func (e *Engine) load(ctx context.Context) error {
	e.want()
	if isClosed(e.compiled) || !e.cached() {
		return nil
	}
	select {
	case <-e.compiled:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take returns the code for a new instance, as one of its users. While nothing is compiled it makes the interpreter's
// form of the code: that takes more than 100 MB, and not every program needs it. Call it after load, with the lock.
func (e *Engine) take(ctx context.Context) (*code, error) {
	if e.code == nil {
		r, err := e.newRuntime(ctx, true, 0)
		if err == nil {
			e.code, err = e.newCode(ctx, r)
		}
		if err != nil {
			return nil, failedCode(err)
		}
	}
	e.code.users.add()
	return e.code, nil
}

func (e *Engine) release(in *instance) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.instances[in]; ok {
		delete(e.instances, in)
		in.code.users.done()
	}
}

// move moves the instance to compiled code, if there is some by now. When that fails, the instance stays
// in the interpreter: it is slow, and nothing worse.
func (in *instance) move() error {
	e := in.engine
	e.mu.Lock()
	old, next := in.code, e.code
	if next != old {
		next.users.add()
	}
	e.mu.Unlock()
	if next == old {
		return nil
	}
	err := in.core.(local).Move(context.Background(), next.compiled)
	e.mu.Lock()
	if err == nil {
		in.code = next
	} else {
		old = next
	}
	e.mu.Unlock()
	old.users.done()
	if errors.Is(err, component.ErrNotMovable) {
		in.logger.Warn("the core stays in the interpreter, which is slow", "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("going on in compiled code: %w", err)
	}
	return in.findExports()
}

// awaitCompiler waits, before something large is given to an instance in the interpreter, until there is
// compiled code: that takes less time than the work would. It stops waiting when given is done; a nil
// channel never is.
func (in *instance) awaitCompiler(size int, given <-chan struct{}) error {
	if size < interpreterBytes {
		return nil
	}
	e := in.engine
	e.want()
	select {
	case <-e.compiled:
	case <-in.mailbox.done:
	case <-given:
	}
	return in.move()
}

// interpreterBytes is the largest message that the interpreter gets while the compiler is at work.
const interpreterBytes = 32 << 10

// Compile waits until all of the core is compiled, and in the cache where there is one. The error
// is the context's, or what compiling failed with.
func (e *Engine) Compile(ctx context.Context) error {
	e.want()
	select {
	case <-e.compiled:
	case <-ctx.Done():
		return ctx.Err()
	}
	if e.workers != nil {
		select {
		case <-e.behind:
			return nil // Where a worker could not keep it, the log says so.
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	e.mu.Lock()
	c := e.code
	e.mu.Unlock()
	if c == nil {
		return nil // It does not compile, which the log says.
	}
	return c.compiled.CompileChunks(ctx)
}

// Compiled waits until what a start needs is compiled: not where the cache has it, though it may not be loaded yet. It
// fails with the context's error, when it has to wait.
func (e *Engine) Compiled(ctx context.Context) error {
	if isClosed(e.compiled) || e.cached() {
		return nil
	}
	e.want()
	select {
	case <-e.compiled:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
