// Package isolation starts the processes in which guests run: workers. Each has one instance of a component, and ends
// with it. What a worker does is package isolate's; this one links nothing for it.
package isolation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/selfexec"
)

// Name is the first argument of a process that is to be a worker. The second is what it does, the third the folder of
// compiled code, and the fourth a folder of its own.
const Name = "caisson-worker"

// These are what a worker does. One that compiles may write to the folder of compiled code, and runs no guest. One
// that runs a guest may only read it.
const (
	Compile = "compile"
	Run     = "run"
)

var able atomic.Bool

// Register says that this program can be a worker: its main asks whether it is one.
func Register() { able.Store(true) }

// ErrNobody says that this program can be no worker.
var ErrNobody = errors.New("the program's main does not call isolate.Main (package caisson/isolate), and no other program is named that does")

// A LimitError says that there are as many workers as there may be.
type LimitError struct{ Max int }

// Error names the bound.
func (e *LimitError) Error() string {
	return fmt.Sprintf("RuntimeOptions.MaxWorkers of %d worker processes are there already: close sessions, or raise it", e.Max)
}

// Workers are the workers of one runtime. They are safe for concurrent use.
type Workers struct {
	program string
	logger  *slog.Logger
	places  chan struct{}

	mu     sync.Mutex
	closed bool
	all    map[*process]struct{}
	ended  sync.WaitGroup
}

// New returns workers of a program, "" for this one, at most so many at once. The error is ErrNobody.
func New(program string, most int, logger *slog.Logger) (*Workers, error) {
	if program == "" {
		if !able.Load() {
			return nil, ErrNobody
		}
		var err error
		if program, err = selfexec.Program(); err != nil {
			return nil, err
		}
	}
	return &Workers{program: program, logger: logger, places: make(chan struct{}, most), all: map[*process]struct{}{}}, nil
}

// Start starts a worker that does what, and gives it a component. Close what it returns. Those that run guests count; who
// compiles takes turns. The error is the context's, a *LimitError, or says why the process cannot be started or the
// component not compiled.
func (w *Workers) Start(ctx context.Context, what string, p *component.Prepared, config component.RemoteConfig) (*Worker, error) {
	leave := func() {}
	if what == Run {
		select {
		case w.places <- struct{}{}:
			leave = func() { <-w.places }
		default:
			return nil, &LimitError{cap(w.places)}
		}
	}
	process, err := w.start(what, config.CacheDir, leave)
	if err != nil {
		leave()
		return nil, fmt.Errorf("a worker process cannot be started: %w", err)
	}
	started := &Worker{component.NewRemote(process, process.end), process}
	if err := started.Load(ctx, p, config); err != nil {
		_ = started.Close(ctx)
		return nil, err
	}
	return started, nil
}

// A Worker is a process with the code of a component, and then with one instance of it.
type Worker struct {
	*component.Remote
	process *process
}

// Close ends the process, and waits until it has ended.
func (w *Worker) Close(ctx context.Context) error {
	err := w.Remote.Close(ctx)
	<-w.process.ended
	return err
}

// Close ends all workers, and waits until they have ended. No more can be started. nil has none.
func (w *Workers) Close() {
	if w == nil {
		return
	}
	w.mu.Lock()
	w.closed = true
	for p := range w.all {
		p.end()
	}
	w.mu.Unlock()
	w.ended.Wait()
}

// PIDs returns the numbers of the processes that are there.
func (w *Workers) PIDs() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []int
	for p := range w.all {
		all = append(all, p.command.Process.Pid)
	}
	return all
}
