package runs

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/store"
)

// The queue has one message for each run that has not ended. Whoever has it holds it by a sign of life, and acknowledges
// it when the record says how the run has ended; without either it goes to another daemon.
const (
	workStream   = "caisson_work"
	workSubject  = "caisson.v1.work."
	beginSubject = workSubject + "begin."
	beginName    = "begin"
	wakeName     = "wake-"

	// maxRuns bounds the runs of all principals that have not ended.
	maxRuns      = 10000
	maxWorkBytes = 16 << 20
	// defaultPlaces is how many runs a daemon has underway at once.
	defaultPlaces = 64
	defaultLease  = 15 * time.Second
	// submitWait bounds a submission. A message whose record is not there after orphanAge belongs to one that has failed.
	submitWait = 10 * time.Second
	orphanAge  = time.Minute
	// lookInterval is how often who waits for a change looks by itself.
	lookInterval = 2 * time.Second
	// defaultPatience is how long a question of a run is open before the run sleeps.
	defaultPatience = 10 * time.Second
	// maxAsleep is how long a run sleeps at most, as [caisson.Sleeping] has it.
	maxAsleep = 30 * 24 * time.Hour
)

// wakeSubject is for runs that sleep: those of a build have a queue of their own, as no other one wakes them.
func wakeSubject(build string) string { return workSubject + "wake." + build + "." }

// QueueOptions say how a Queue works.
type QueueOptions struct {
	Options
	// Store and Shelf keep the runs. The store stays open until the queue was drained.
	Store *store.Store
	Shelf *Shelf
	// Node is this daemon, and Alive says whether a daemon is there, or may be.
	Node  string
	Alive func(ctx context.Context, node string) (bool, error)
	// Lease is how long a run counts as underway after its daemon has said so the last time. Default: 15 s.
	Lease time.Duration
	// Places bounds the runs that this daemon has underway at once; others wait. Default: 64.
	Places int
	// Build names this build: letters and digits. Runs that sleep are woken by daemons of the same one.
	Build string
	// Sleeps says that runs can sleep. Patience is how long a question is open before its run does. Default: 10 s.
	Sleeps   bool
	Patience time.Duration
	// Logger gets what there is to say. Default: nothing is logged.
	Logger *slog.Logger
}

// A Queue has the runs in the store. Drain it, before the store is closed.
type Queue struct {
	options QueueOptions
	log     *slog.Logger
	kept    *Shelf
	work    jetstream.Stream
	queued  jetstream.Consumer // of the runs that are to begin
	taking  context.Context    // ends when no more runs are begun
	stop    context.CancelFunc
	drains  chan struct{} // closed when what is underway is to sleep
	drain   func()
	takers  sync.WaitGroup
	working sync.WaitGroup
	open    context.Context // ends when nothing is waited for any more
	close   context.CancelFunc

	mu    sync.Mutex
	own   map[string]context.CancelCauseFunc // what stops a run, by its key; nil before it is underway
	woken int                                // those of them that have slept
}

var _ Runs = (*Queue)(nil)

// OpenQueue opens the runs of a store, and begins to take them. The error is one of the store.
func OpenQueue(ctx context.Context, o QueueOptions) (*Queue, error) {
	o.defaults()
	o.Lease, o.Places = cmp.Or(o.Lease, defaultLease), cmp.Or(o.Places, defaultPlaces)
	o.Patience = cmp.Or(o.Patience, defaultPatience)
	q := &Queue{options: o, log: o.Logger, kept: o.Shelf, own: map[string]context.CancelCauseFunc{}, drains: make(chan struct{})}
	q.drain = sync.OnceFunc(func() { close(q.drains) })
	if q.log == nil {
		q.log = slog.New(slog.DiscardHandler)
	}
	q.taking, q.stop = context.WithCancel(context.Background())
	q.open, q.close = context.WithCancel(context.Background())
	var err error
	q.work, err = o.Store.Stream(ctx, jetstream.StreamConfig{
		Name: workStream, Subjects: []string{workSubject + ">"}, Retention: jetstream.WorkQueuePolicy,
		MaxMsgs: maxRuns, MaxBytes: maxWorkBytes, MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew,
	})
	if err != nil {
		return nil, err
	}
	for name, subject := range map[string]string{beginName: beginSubject, wakeName + o.Build: wakeSubject(o.Build)} {
		config := jetstream.ConsumerConfig{
			Durable: name, FilterSubject: subject + ">", AckPolicy: jetstream.AckExplicitPolicy, AckWait: o.Lease, MaxAckPending: maxRuns,
		}
		if name != beginName {
			config.InactiveThreshold = maxAge // A build goes, and its last run with it.
		}
		consumer, err := q.work.CreateOrUpdateConsumer(ctx, config)
		if err != nil {
			q.stop()
			return nil, away("open the queue of runs", err)
		}
		if name == beginName {
			q.queued = consumer
		}
		q.takers.Go(func() { q.take(consumer, subject) })
	}
	q.tellOthers(ctx)
	return q, nil
}

// Submit implements [Runs].
func (q *Queue) Submit(ctx context.Context, s Submission) (*Run, error) {
	if q.taking.Err() != nil {
		return nil, errClosed()
	}
	ctx, cancel := context.WithTimeout(ctx, submitWait)
	defer cancel()
	body, hash, err := s.body()
	if err != nil {
		return nil, err
	}
	r := &record{
		ID: s.id(), Principal: s.Principal, Name: s.name(), Hash: hash, Language: s.Script.GetLanguage(), Submitted: time.Now().UTC(), Repeatable: s.Repeatable,
		State: Queued, Body: len(body),
	}
	if s.Key != "" {
		if run, err := q.again(ctx, r); run != nil || err != nil {
			return run, err
		}
	}
	if err := q.room(ctx, r); err != nil {
		return nil, err
	}
	// First what is run, then the message, then the record: whatever fails between, no run is there that is not in the
	// queue. Who gets the message before the record is there looks again.
	if err := q.kept.write(ctx, r.key(), bodyOf(r), body, maxAge); err != nil {
		return nil, away("submit run", err)
	}
	if err := q.enqueue(ctx, r); err != nil {
		return nil, away("submit run", err)
	}
	switch err := q.kept.put(ctx, r); {
	case errors.Is(err, errChanged): // Somebody else was faster, with the same key.
		return q.again(ctx, r)
	case err != nil:
		return nil, away("submit run", err)
	}
	q.options.Metrics.submitted(r.Language)
	return r.run(), nil
}

// enqueue puts the message of a run into the queue, in the place of one that is there.
func (q *Queue) enqueue(ctx context.Context, r *record) error {
	_, err := q.kept.js.Publish(ctx, beginSubject+r.key(), nil)
	return err
}

// bodyOf names the bytes of what is run. They have the hash in their name, as two that submit at once may differ.
func bodyOf(r *record) string { return "body-" + r.Hash[:16] }

const outcomeName = "outcome"

// again finds the run of the same key; nil where there is none.
func (q *Queue) again(ctx context.Context, r *record) (*Run, error) {
	before, err := q.kept.get(ctx, r.key())
	switch {
	case errors.Is(err, errNone):
		return nil, nil
	case err != nil:
		return nil, away("submit run", err)
	case before.Hash != r.Hash:
		return nil, &KeyError{r.ID}
	case before.State == Queued: // Who had no answer submits again: the message may be what was lost.
		if err := q.enqueue(ctx, before); err != nil {
			return nil, away("submit run", err)
		}
	}
	return q.whole(ctx, before)
}

// room checks the bounds of a principal, and makes room among the runs that have ended. They are looked at and not
// counted: submissions at the same moment may exceed them by as many.
func (q *Queue) room(ctx context.Context, r *record) error {
	own, err := q.kept.records(ctx, owner(r.Principal))
	if err != nil {
		return away("submit run", err)
	}
	var ended []*record
	bytes := r.bytes()
	for _, other := range own {
		bytes += other.bytes()
		if other.State.Final() {
			ended = append(ended, other)
		}
	}
	if underway := len(own) - len(ended); underway >= q.options.MaxUnderway {
		return errUnderway(underway)
	}
	slices.SortFunc(ended, func(a, b *record) int { return a.Ended.Compare(b.Ended) })
	for n := len(own); len(ended) > 0 && (n >= q.options.MaxKept || bytes > maxPrincipalBytes); n-- {
		if err := q.kept.forget(ctx, ended[0].key(), ""); err != nil {
			return away("submit run", err)
		}
		bytes -= ended[0].bytes()
		ended = ended[1:]
	}
	if bytes > maxPrincipalBytes {
		return errLimit("the runs of the principal that have not ended would have %d bytes in the store, and may have %d", bytes, int64(maxPrincipalBytes))
	}
	return nil
}

// find reads the record of a principal's run.
func (q *Queue) find(ctx context.Context, principal, id string) (*record, error) {
	r, err := q.kept.get(ctx, key(principal, id))
	switch {
	case errors.Is(err, errNone):
		return nil, &NotFoundError{id}
	case err != nil:
		return nil, away("run", err)
	}
	return r, nil
}

// whole is a run with its outcome.
func (q *Queue) whole(ctx context.Context, r *record) (*Run, error) {
	run := r.run()
	if r.Outcome == 0 {
		return run, nil
	}
	text, err := q.kept.read(ctx, r.key(), outcomeName, r.Outcome)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, &NotFoundError{r.ID} // It expires at this moment.
	}
	if err != nil {
		return nil, away("run", err)
	}
	run.Outcome = &caissonv1.Outcome{}
	if err := proto.Unmarshal(text, run.Outcome); err != nil {
		return nil, err
	}
	return run, nil
}

// Get implements [Runs].
func (q *Queue) Get(ctx context.Context, principal, id string) (*Run, error) {
	r, err := q.find(ctx, principal, id)
	if err != nil {
		return nil, err
	}
	return q.whole(ctx, r)
}

// List implements [Runs].
func (q *Queue) List(ctx context.Context, principal string) ([]*Run, error) {
	own, err := q.kept.records(ctx, owner(principal))
	if err != nil {
		return nil, away("list runs", err)
	}
	var all []*Run
	for _, r := range own {
		if r.Principal == principal {
			all = append(all, r.run())
		}
	}
	newestFirst(all)
	return all, nil
}

// Cancel implements [Runs].
func (q *Queue) Cancel(ctx context.Context, principal, id string) (*Run, error) {
	for {
		r, err := q.find(ctx, principal, id)
		if err != nil {
			return nil, err
		}
		if r.State.Final() {
			return q.whole(ctx, r)
		}
		before := r.State
		switch before {
		case Running: // Its daemon stops it.
			r.Cancel = true
		default:
			r.end(Cancelled, stopped(errCancelled))
		}
		switch err := q.put(ctx, r, nil); {
		case errors.Is(err, errChanged):
			continue
		case err != nil:
			return nil, away("cancel run", err)
		}
		if before != Running {
			q.clear(ctx, r)
		}
		break
	}
	var last *Run
	err := q.Watch(ctx, principal, id, func(run *Run) error {
		last = run
		return nil
	})
	return last, err
}

// Watch implements [Runs].
func (q *Queue) Watch(ctx context.Context, principal, id string, tell func(*Run) error) error {
	k := key(principal, id)
	changed, stop, err := q.changes(k)
	if err != nil {
		return away("watch run", err)
	}
	defer stop()
	var told State
	for {
		r, err := q.find(ctx, principal, id)
		if err != nil {
			return err
		}
		if r.State != told {
			told = r.State
			run, err := q.whole(ctx, r)
			if err == nil {
				err = tell(run)
			}
			if err != nil || r.State.Final() {
				return err
			}
		}
		select {
		case <-changed:
		case <-time.After(lookInterval):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// changes has a channel get something when a record may have changed.
func (q *Queue) changes(key string) (<-chan struct{}, func(), error) {
	changed := make(chan struct{}, 1)
	s, err := q.kept.conn.Subscribe(changedSubject+key, func(*nats.Msg) {
		select {
		case changed <- struct{}{}:
		default: // It looks anyway.
		}
	})
	if err != nil {
		return nil, nil, err
	}
	return changed, func() { _ = s.Unsubscribe() }, nil
}

// put writes a record, as the shelf does, and counts the run where it has ended. The outcome may be nil.
func (q *Queue) put(ctx context.Context, r *record, outcome *caissonv1.Outcome) error {
	err := q.kept.put(ctx, r)
	if err == nil && r.State.Final() {
		q.options.Metrics.ended(r.Language, r.run(), outcome)
	}
	return err
}

// clear removes what a run that has ended needs no more. What is left expires.
func (q *Queue) clear(ctx context.Context, r *record) {
	for _, what := range []string{bodyOf(r), asleepName, "question", "answer"} {
		_ = q.kept.forget(ctx, r.key(), what)
	}
	_ = q.work.Purge(ctx, jetstream.WithPurgeSubject(beginSubject+r.key()))
	if r.Build != "" {
		_ = q.work.Purge(ctx, jetstream.WithPurgeSubject(wakeSubject(r.Build)+r.key()))
	}
}

// Underway implements [Runs].
func (q *Queue) Underway() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for _, cancel := range q.own {
		if cancel != nil {
			n++
		}
	}
	return n
}

// Backlog implements [Runs]. A run whose daemon has died, and that begins again, counts as one that was taken.
func (q *Queue) Backlog(ctx context.Context) (b Backlog, err error) {
	begin, err := q.queued.Info(ctx)
	if err != nil {
		return b, away("count the runs that wait", err)
	}
	all, err := q.work.Info(ctx)
	if err != nil {
		return b, away("count the runs that wait", err)
	}
	q.mu.Lock()
	woken := q.woken
	q.mu.Unlock()
	b.Queued = int(begin.NumPending)
	b.Asleep = max(0, int(all.State.Msgs)-b.Queued-begin.NumAckPending-woken)
	if b.Queued == 0 {
		return b, nil
	}
	oldest, err := q.work.GetMsg(ctx, begin.Delivered.Stream+1, jetstream.WithGetMsgSubject(beginSubject+">"))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound): // It was taken meanwhile.
	case err != nil:
		return b, away("count the runs that wait", err)
	default:
		b.Age = max(0, time.Since(oldest.Time))
	}
	return b, nil
}

// Stop implements [Runs].
func (q *Queue) Stop() { q.stop() }

// Drain implements [Runs]. Runs that nobody has begun stay in the queue, and so do those that may be begun a second time.
func (q *Queue) Drain(ctx context.Context) {
	q.stop()
	q.takers.Wait()
	q.drain()
	if !ended(ctx, &q.working) {
		q.mu.Lock()
		for _, cancel := range q.own {
			if cancel != nil {
				cancel(errDrained)
			}
		}
		q.mu.Unlock()
		farewell, cancel := context.WithTimeout(context.Background(), farewellWait)
		defer cancel()
		ended(farewell, &q.working) // To write down how they have ended.
	}
	q.close()
	q.working.Wait()
}

// farewellWait bounds how long a daemon that ends waits for the store.
const farewellWait = 5 * time.Second
