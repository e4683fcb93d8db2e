package runs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
)

const (
	// maxAttempts bounds how often a run is begun that may be begun again: one that ends its daemon ends no fourth one.
	maxAttempts = 3
	// pullWait is how long one question for a run lasts.
	pullWait      = 20 * time.Second
	shortestPause = 10 * time.Millisecond
	longestPause  = time.Second
)

// take takes runs whose messages begin with a subject, as long as there are places.
func (q *Queue) take(from jetstream.Consumer, subject string) {
	places := make(chan struct{}, q.options.Places)
	for q.taking.Err() == nil {
		select {
		case places <- struct{}{}:
		case <-q.taking.Done():
			return
		}
		m, err := q.next(from)
		if err != nil {
			<-places
			if q.taking.Err() == nil && !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, context.DeadlineExceeded) {
				q.log.Warn("no runs can be taken", "error", err)
				pause(q.taking, longestPause)
			}
			continue
		}
		q.working.Go(func() {
			defer func() { <-places }()
			q.handle(m, strings.TrimPrefix(m.Subject(), subject))
		})
	}
}

func (q *Queue) next(from jetstream.Consumer) (jetstream.Msg, error) {
	ctx, cancel := context.WithTimeout(q.taking, pullWait)
	defer cancel()
	return from.Next(jetstream.FetchContext(ctx))
}

// pause waits; false when the context ends before.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// handle does what a message of the queue asks for. The message is this daemon's while it does.
func (q *Queue) handle(m jetstream.Msg, key string) {
	if !q.reserve(key) { // This daemon has the run; the message came twice.
		_ = m.NakWithDelay(q.options.Lease)
		return
	}
	defer q.release(key)
	defer q.hold(m)()
	if r := q.claim(m, key); r != nil {
		q.run(m, r)
	}
}

// hold says again and again that a message is being handled.
func (q *Queue) hold(m jetstream.Msg) func() {
	done := make(chan struct{})
	var holding sync.WaitGroup
	holding.Go(func() {
		tick := time.NewTicker(q.options.Lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				_ = m.InProgress() // NATS may be away: it is said again.
			}
		}
	})
	return func() {
		close(done)
		holding.Wait()
	}
}

// reserve has a run be handled here; false where it is already.
func (q *Queue) reserve(key string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, there := q.own[key]; there {
		return false
	}
	q.own[key] = nil
	return true
}

func (q *Queue) release(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.own, key)
}

// insist does something with the store until it is known whether it was done; false when the queue is closed before.
func (q *Queue) insist(what string, do func(ctx context.Context) error) bool {
	for wait := shortestPause; ; wait = min(2*wait, longestPause) {
		err := do(q.open)
		if err == nil {
			return true
		}
		if q.open.Err() != nil || errors.Is(err, nats.ErrConnectionClosed) {
			return false
		}
		q.log.Warn(what+": the store does not answer", "error", err)
		if !pause(q.open, wait) {
			return false
		}
	}
}

// claim has a run be this daemon's; nil where it is not to be begun here. Nothing is begun before it is known that it is.
func (q *Queue) claim(m jetstream.Msg, key string) (claimed *record) {
	q.insist("a run is claimed", func(ctx context.Context) error {
		for {
			r, err := q.kept.get(ctx, key)
			if errors.Is(err, errNone) {
				q.orphan(m)
				return nil
			}
			if err != nil {
				return err
			}
			mine, err := q.decide(ctx, m, r)
			if errors.Is(err, errChanged) {
				continue
			}
			if mine && err == nil {
				claimed = r
			}
			return err
		}
	})
	return claimed
}

// orphan is for a message whose record is not there: not yet, or not any more.
func (q *Queue) orphan(m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil || time.Since(meta.Timestamp) > orphanAge {
		_ = m.Ack()
		return
	}
	_ = m.NakWithDelay(min(shortestPause<<min(meta.NumDelivered, 10), longestPause))
}

// decide says whether a run is to be begun here, and writes that down.
func (q *Queue) decide(ctx context.Context, m jetstream.Msg, r *record) (mine bool, err error) {
	switch {
	case r.State.Final():
		_ = m.Ack()
		return false, nil
	case r.State == Running && r.Node == q.options.Node:
		return true, nil // It was claimed, and the answer was lost: nothing has begun.
	case r.State == Running:
		alive, err := q.options.Alive(ctx, r.Node)
		if err != nil {
			return false, err
		}
		if alive {
			_ = m.NakWithDelay(q.options.Lease)
			return false, nil
		}
		if no := orphaned(r); no != nil {
			state := Ended
			if r.Cancel {
				state = Cancelled
			}
			q.log.Warn("a run was underway on a daemon that is gone, and has ended", "run", r.ID, "principal", r.Principal, "node", r.Node)
			r.end(state, no)
			if err := q.put(ctx, r, nil); err != nil {
				return false, err
			}
			_ = m.Ack()
			q.clear(ctx, r)
			return false, nil
		}
		q.log.Warn("a run was underway on a daemon that is gone, and begins again", "run", r.ID, "principal", r.Principal, "node", r.Node)
	case r.State == Asleep:
		return q.wakes(ctx, m, r)
	}
	r.State, r.Node, r.Asleep = Running, q.options.Node, 0
	r.Claims++
	r.Begun++
	return true, q.kept.put(ctx, r)
}

// orphaned is how a run ends whose daemon has died in the middle; nil where it begins again.
func orphaned(r *record) *caissonv1.Error {
	const effect = "the daemon that ran it has died in the middle, and it may have had an effect"
	switch {
	case r.Cancel:
		return failure(caissonv1.Code_CODE_NOT_REPEATED, "the run was cancelled: "+effect)
	case !r.Repeatable:
		return failure(caissonv1.Code_CODE_NOT_REPEATED, effect+": it was not begun a second time, as its submission does not say repeatable")
	case r.Begun >= maxAttempts:
		return failure(caissonv1.Code_CODE_NOT_REPEATED, fmt.Sprintf("%s: it was begun %d times, which is the most", effect, r.Begun))
	}
	return nil
}

// run runs what is claimed, and writes down what it has come to.
func (q *Queue) run(m jetstream.Msg, r *record) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	key := r.key()
	q.mu.Lock()
	q.own[key] = cancel
	q.mu.Unlock()
	job := q.job(r)
	script := &caissonv1.SubmitRunRequest{}
	var unreadable error
	if !q.insist("a run begins", func(ctx context.Context) error {
		text, err := q.kept.read(ctx, key, bodyOf(r), r.Body)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			unreadable = err
			return nil
		}
		if err == nil {
			unreadable = proto.Unmarshal(text, script)
		}
		if err == nil && r.Asleep > 0 {
			err = q.readAsleep(ctx, r, job)
		}
		return err
	}) {
		return // It is not begun, but counts as begun: whoever claims it next decides.
	}
	var done Result
	if unreadable != nil {
		done.Failure = failure(caissonv1.Code_CODE_INTERNAL, "what was submitted is not in the store any more: "+unreadable.Error())
	} else {
		defer q.started(r)()
		watching := q.follow(r, cancel)
		job.Script = script.GetScript()
		done = q.options.Work(ctx, job)
		watching()
	}
	switch {
	case done.Stays != nil && context.Cause(ctx) == nil, done.Stays != nil && errors.Is(context.Cause(ctx), errDrained):
		q.stays(m, r, job, done.Stays)
	case done.Asleep != nil:
		q.sleeps(m, r, job, &done)
	default:
		q.end(m, r, context.Cause(ctx), done.Outcome, done.Failure)
	}
}

// started counts a run that begins, or that has woken, until what it returns is called.
func (q *Queue) started(r *record) (over func()) {
	how := startFirst
	switch {
	case r.Asleep > 0:
		how = startWoken
	case r.Begun > 1:
		how = startAgain
	}
	q.options.Metrics.started(r.Language, how, r.Submitted)
	if how != startWoken {
		return func() {}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.woken++
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.woken--
	}
}

// errLost says that another daemon has decided about a run meanwhile.
var errLost = errors.New("another daemon has the run")

// follow stops a run when somebody wants that, or when it is not this daemon's any more.
func (q *Queue) follow(r *record, cancel context.CancelCauseFunc) func() {
	done := make(chan struct{})
	var following sync.WaitGroup
	principal, id, claims := r.Principal, r.ID, r.Claims
	following.Go(func() {
		changed, stop, err := q.changes(key(principal, id))
		if err == nil {
			defer stop()
		}
		for {
			switch now, err := q.kept.get(q.open, key(principal, id)); {
			case errors.Is(err, errNone), err == nil && (now.State != Running || now.Node != q.options.Node || now.Claims != claims):
				cancel(errLost)
				return
			case err == nil && now.Cancel:
				cancel(errCancelled)
				return
			}
			select {
			case <-changed:
			case <-time.After(lookInterval):
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		following.Wait()
	}
}

// end writes down what a run has come to.
func (q *Queue) end(m jetstream.Msg, r *record, cause error, outcome *caissonv1.Outcome, failed *caissonv1.Error) {
	again := q.taking.Err() != nil && outcome == nil && failed.GetCode() == caissonv1.Code_CODE_CLOSED // It was not begun.
	again = again || errors.Is(cause, errDrained) && r.Repeatable && !complete(outcome, failed)
	text, err := proto.Marshal(outcome)
	if err == nil && len(text) > maxOutcomeBytes {
		err = fmt.Errorf("the outcome has %d bytes, and a run keeps %d", len(text), maxOutcomeBytes)
	}
	if err != nil {
		text, failed = nil, failure(caissonv1.Code_CODE_LIMIT, err.Error())
	}
	q.insist("a run ends", func(ctx context.Context) error {
		for {
			now, err := q.kept.get(ctx, r.key())
			if err != nil && !errors.Is(err, errNone) {
				return err
			}
			if err == nil && now.State.Final() && now.Node == q.options.Node && now.Claims == r.Claims {
				_ = m.Ack() // It was written, and the answer was lost.
				q.options.Metrics.ended(now.Language, now.run(), outcome)
				q.clear(ctx, now)
				return nil
			}
			if err != nil || !q.has(now, r) {
				// The message stays: it is the other daemon's.
				q.log.Warn("what a run has come to is not kept: another daemon has decided about it", "run", r.ID, "principal", r.Principal)
				return nil
			}
			switch {
			case again && !now.Cancel:
				now.State, now.Node = Queued, ""
			case cause != nil && !complete(outcome, failed):
				now.end(Cancelled, stopped(cause))
			default:
				now.end(Ended, failed)
			}
			if now.State.Final() && len(text) > 0 {
				now.Outcome = len(text)
				if err := q.kept.write(ctx, now.key(), outcomeName, text, q.options.Keep+time.Minute); err != nil {
					return err
				}
			}
			err = q.put(ctx, now, outcome)
			if errors.Is(err, errChanged) {
				continue
			}
			if err != nil {
				return err
			}
			if !now.State.Final() {
				_ = m.Nak()
				return nil
			}
			_ = m.Ack()
			q.clear(ctx, now)
			return nil
		}
	})
}
