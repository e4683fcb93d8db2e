package engine

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/isolation"
)

// workers make the instances of an engine in processes. One that is ready waits for the next instance: it takes longer
// to start a process and to load the code than to make an instance.
type workers struct {
	all       *isolation.Workers
	component *component.Prepared
	config    component.RemoteConfig
	scratch   string        // the folder of compiled code, when it lasts as long as the engine
	loadWait  time.Duration // how long the next worker may take to be ready

	lasts  context.Context // ends with the engine
	mu     sync.Mutex
	closed bool
	ready  *isolation.Worker
	making chan struct{} // closed when the next one is ready; nil when none is being made
	filled sync.WaitGroup
}

// loadWait bounds how long the worker that waits for the next guest may take to load the code, or to compile it. One that is
// stopped, say by a signal, would hold each guest up for as long as its caller has time.
const loadWait = 2 * time.Minute

// startWorkers has the component compiled by a worker, unless the cache has it. No code of it is in this process.
func (e *Engine) startWorkers(ctx context.Context) error {
	folder := e.config.CacheDir
	r, err := e.newRuntime(ctx, false, 0)
	if err != nil {
		return err
	}
	p, err := e.prepared()
	if err != nil {
		return errors.Join(err, r.Close(ctx))
	}
	cached := r.Cached(p)
	kept := folder != "" && r.CacheErr() == nil
	_ = r.Close(ctx)
	interpreter := e.config.Interpreter || !component.CompilerSupported()
	w := &workers{all: e.config.Isolated, component: p, loadWait: loadWait}
	if !kept && !cached && !interpreter {
		if w.scratch, err = os.MkdirTemp("", "caisson-"); err != nil {
			return err
		}
		folder = w.scratch
	}
	w.config = component.RemoteConfig{CacheDir: folder, Interpreter: interpreter}
	e.workers = w
	behind, stop := context.WithCancel(context.Background())
	e.stop, w.lasts = stop, behind
	if cached || interpreter {
		close(e.compiled)
		close(e.behind)
		return nil
	}
	if !e.config.CompileFirst {
		go e.compileInWorker(behind, behindWorkers())
		return nil
	}
	go e.compileInWorker(behind, e.config.Workers)
	select {
	case <-e.compiled:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// compileInWorker has a worker write the compiled code. Where that fails, each worker compiles by itself.
func (e *Engine) compileInWorker(ctx context.Context, goroutines int) {
	defer close(e.behind)
	compiled := sync.OnceFunc(func() { close(e.compiled) })
	defer compiled()
	err := func() error {
		done, err := compiling.begin(ctx, true)
		if err != nil {
			return err
		}
		defer done()
		w := e.workers
		config := w.config
		config.CompilationWorkers = goroutines
		r, err := w.all.Start(ctx, isolation.Compile, w.component, config)
		if err != nil {
			return err
		}
		defer r.Close(ctx)
		compiled()
		return r.CompileChunks(ctx)
	}()
	if err != nil && ctx.Err() == nil {
		e.config.Logger.Warn("the compiled code is not kept: each worker process compiles it again", "error", err)
	}
}

// instantiate gives a worker to begin, which makes the instance, and may have it compute for so long. The worker that was
// ready may have ended meanwhile: then there is a second one.
func (w *workers) instantiate(ctx context.Context, within time.Duration, begin func(context.Context, *component.Remote) error) (Sandbox, error) {
	r, err := w.take(ctx)
	if err != nil {
		return nil, err
	}
	defer w.refill()
	for {
		fresh := r == nil
		if fresh {
			if r, err = w.all.Start(ctx, isolation.Run, w.component, w.config); err != nil {
				return nil, err
			}
		}
		bounded, cancel := Bounded(ctx, within)
		err = begin(bounded, r.Remote)
		cancel()
		if err == nil {
			return remote{r}, nil
		}
		_ = r.Close(ctx)
		var lost *component.LostError
		if fresh || !errors.As(err, &lost) {
			return nil, err
		}
		r = nil
	}
}

// take takes the worker that is ready, or will be in a moment; nil when there is none. The error is the context's.
func (w *workers) take(ctx context.Context) (*isolation.Worker, error) {
	w.mu.Lock()
	making := w.making
	w.mu.Unlock()
	if making != nil {
		select {
		case <-making:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.ready
	w.ready = nil
	return r, nil
}

// refill makes a worker ready, unless there is one.
func (w *workers) refill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ready != nil || w.making != nil || w.closed {
		return
	}
	w.making = make(chan struct{})
	w.filled.Go(func() {
		// Where it fails, whoever needs one starts it, and hears why it cannot be. The end of the context ends the process.
		ctx, cancel := context.WithTimeout(w.lasts, w.loadWait)
		defer cancel()
		r, err := w.all.Start(ctx, isolation.Run, w.component, w.config)
		w.mu.Lock()
		defer w.mu.Unlock()
		close(w.making)
		w.making = nil
		if err == nil {
			w.ready = r
		}
	})
}

// close ends the worker that is ready. The others are their instances'.
func (w *workers) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.filled.Wait()
	if w.ready != nil {
		_ = w.ready.Close(context.Background())
	}
	if w.scratch != "" {
		_ = os.RemoveAll(w.scratch)
	}
}
