package runs

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Memory has the runs of one daemon, which end with it.
type Memory struct {
	options Options
	working sync.WaitGroup

	mu     sync.Mutex
	all    map[string]map[string]*held // by principal and id
	closed bool
}

var _ Runs = (*Memory)(nil)

// held is a run in memory.
type held struct {
	hash   string
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when it has ended

	run Run // with Memory.mu held, and constant when done is closed
}

// NewMemory makes it.
func NewMemory(options Options) *Memory {
	options.defaults()
	return &Memory{options: options, all: map[string]map[string]*held{}}
}

// Submit implements [Runs].
func (m *Memory) Submit(_ context.Context, s Submission) (*Run, error) {
	_, hash, err := s.body()
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed()
	}
	own, id := m.all[s.Principal], s.id()
	if before := own[id]; before != nil {
		if before.hash != hash {
			return nil, &KeyError{id}
		}
		return before.snapshot(), nil
	}
	underway := 0
	for _, h := range own {
		if !h.run.State.Final() {
			underway++
		}
	}
	if underway >= m.options.MaxUnderway {
		return nil, errUnderway(underway)
	}
	if own == nil {
		own = map[string]*held{}
		m.all[s.Principal] = own
	}
	for len(own) >= m.options.MaxKept {
		m.drop(oldestEnded(own))
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	h := &held{hash: hash, cancel: cancel, done: make(chan struct{})}
	h.run = Run{ID: id, Principal: s.Principal, Name: s.name(), Submitted: time.Now(), State: Running}
	own[id] = h
	m.options.Metrics.submitted(s.Script.GetLanguage())
	m.options.Metrics.started(s.Script.GetLanguage(), startFirst, h.run.Submitted)
	m.working.Go(func() { m.work(ctx, h, &s) })
	return h.snapshot(), nil
}

// work runs a script, and keeps what it has come to.
func (m *Memory) work(ctx context.Context, h *held, s *Submission) {
	done := m.options.Work(ctx, &Job{Principal: s.Principal, Script: s.Script})
	outcome, failed := done.Outcome, done.Failure
	m.mu.Lock()
	defer m.mu.Unlock()
	h.run.State, h.run.Ended, h.run.Outcome, h.run.Failure = Ended, time.Now(), outcome, failed
	if cause := context.Cause(ctx); cause != nil && !complete(outcome, failed) {
		h.run.State, h.run.Failure = Cancelled, stopped(cause)
	}
	m.options.Metrics.ended(s.Script.GetLanguage(), &h.run, outcome)
	h.cancel(nil)
	close(h.done)
	time.AfterFunc(m.options.Keep, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.drop(h)
	})
}

// oldestEnded is there: more runs are kept than are underway.
func oldestEnded(own map[string]*held) *held {
	var oldest *held
	for _, h := range own {
		if h.run.State.Final() && (oldest == nil || h.run.Ended.Before(oldest.run.Ended)) {
			oldest = h
		}
	}
	return oldest
}

// drop forgets a run, unless another one has its id by now. With m.mu held.
func (m *Memory) drop(h *held) {
	own := m.all[h.run.Principal]
	if own[h.run.ID] != h {
		return
	}
	delete(own, h.run.ID)
	if len(own) == 0 {
		delete(m.all, h.run.Principal)
	}
}

// snapshot is the run as it is. With Memory.mu held.
func (h *held) snapshot() *Run {
	run := h.run
	return &run
}

func (m *Memory) find(principal, id string) (*held, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if h := m.all[principal][id]; h != nil {
		return h, nil
	}
	return nil, &NotFoundError{id}
}

func (m *Memory) look(h *held) *Run {
	m.mu.Lock()
	defer m.mu.Unlock()
	return h.snapshot()
}

// Get implements [Runs].
func (m *Memory) Get(_ context.Context, principal, id string) (*Run, error) {
	h, err := m.find(principal, id)
	if err != nil {
		return nil, err
	}
	return m.look(h), nil
}

// List implements [Runs].
func (m *Memory) List(_ context.Context, principal string) ([]*Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*Run
	for _, h := range m.all[principal] {
		run := h.snapshot()
		run.Outcome = nil
		all = append(all, run)
	}
	newestFirst(all)
	return all, nil
}

func newestFirst(all []*Run) {
	slices.SortFunc(all, func(a, b *Run) int { return b.Submitted.Compare(a.Submitted) })
}

// Cancel implements [Runs].
func (m *Memory) Cancel(ctx context.Context, principal, id string) (*Run, error) {
	h, err := m.find(principal, id)
	if err != nil {
		return nil, err
	}
	h.cancel(errCancelled)
	select {
	case <-h.done:
		return m.look(h), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Watch implements [Runs].
func (m *Memory) Watch(ctx context.Context, principal, id string, tell func(*Run) error) error {
	h, err := m.find(principal, id)
	if err != nil {
		return err
	}
	for {
		run := m.look(h)
		if err := tell(run); err != nil || run.State.Final() {
			return err
		}
		select {
		case <-h.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Stop implements [Runs].
func (m *Memory) Stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
}

// Drain implements [Runs].
func (m *Memory) Drain(ctx context.Context) {
	m.Stop()
	if ended(ctx, &m.working) {
		return
	}
	m.mu.Lock()
	for _, own := range m.all {
		for _, h := range own {
			h.cancel(errDrained)
		}
	}
	m.mu.Unlock()
	m.working.Wait()
}

// ended waits for the end of what works; false when the context ends before.
func ended(ctx context.Context, working *sync.WaitGroup) bool {
	over := make(chan struct{})
	go func() {
		working.Wait()
		close(over)
	}()
	select {
	case <-over:
		return true
	case <-ctx.Done():
		return false
	}
}

// Underway implements [Runs].
func (m *Memory) Underway() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, own := range m.all {
		for _, h := range own {
			if !h.run.State.Final() {
				n++
			}
		}
	}
	return n
}

// Backlog implements [Runs]: nothing waits.
func (m *Memory) Backlog(context.Context) (Backlog, error) { return Backlog{}, nil }
