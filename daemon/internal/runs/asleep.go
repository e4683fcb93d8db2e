package runs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
)

const (
	// asleepName names the bytes of a run that sleeps.
	asleepName = "asleep"
	// roomAsleep is what the store has to have free when a run falls asleep: the most bytes of one, and some more.
	roomAsleep = 40 << 20
	// lookAgain bounds how long the message of a run that sleeps is put off in one go, and stayPause how long that of one
	// is that did not wake.
	lookAgain = 10 * time.Minute
	stayPause = time.Minute
)

// job is what a run is for whoever works on it.
func (q *Queue) job(r *record) *Job {
	j := &Job{Principal: r.Principal, wants: make(chan struct{}, 1), draining: q.drains}
	if q.options.Sleeps {
		j.patience = q.options.Patience
		j.room = func() bool { return q.roomAsleep(r.Principal) && !j.large() }
	}
	return j
}

// large reports whether the store does not take one of the open questions.
func (j *Job) large() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.ContainsFunc(j.open, func(a *asked) bool { return len(a.question.Call.Arguments) > maxQuestionBytes })
}

// roomAsleep reports whether the store takes one more run of a principal that sleeps.
func (q *Queue) roomAsleep(principal string) bool {
	ctx, cancel := context.WithTimeout(q.open, submitWait)
	defer cancel()
	info, err := q.kept.stream.Info(ctx)
	if err != nil || info.State.Bytes+roomAsleep > maxKeptBytes {
		return false
	}
	own, err := q.kept.records(ctx, owner(principal))
	if err != nil {
		return false
	}
	bytes := int64(roomAsleep)
	for _, r := range own {
		bytes += r.bytes()
	}
	return bytes <= maxPrincipalBytes
}

// has reports whether a run is still this daemon's, as it was claimed.
func (q *Queue) has(now, claimed *record) bool {
	return now.State == Running && now.Node == q.options.Node && now.Claims == claimed.Claims
}

// sleeps keeps a run that sleeps. Its message comes when it has to wake.
func (q *Queue) sleeps(m jetstream.Msg, r *record, job *Job, done *Result) {
	questions := job.questions()
	q.insist("a run falls asleep", func(ctx context.Context) error {
		if err := q.kept.write(ctx, r.key(), asleepName, done.Asleep, maxAge); err != nil {
			return err
		}
		_ = q.kept.forget(ctx, r.key(), "answer") // Those that the run has had.
		return q.lay(ctx, m, r, questions, func(now *record) {
			now.Asleep, now.Build, now.Due, now.Until = len(done.Asleep), q.options.Build, done.Due, time.Now().UTC().Add(maxAsleep)
		})
	})
}

// stays has a run sleep on that did not wake.
func (q *Queue) stays(m jetstream.Msg, r *record, job *Job, why error) {
	q.log.Warn("a run sleeps on, as it cannot wake here", "run", r.ID, "principal", r.Principal, "error", why)
	q.insist("a run sleeps on", func(ctx context.Context) error {
		return q.lay(ctx, m, r, job.before, func(now *record) {
			// This daemon waits then; another one may be luckier.
			now.Shy, now.Due = q.options.Node, time.Now().UTC().Add(stayPause)
		})
	})
}

// lay writes down that a run sleeps, with its questions. Whatever fails before the record is written, the run counts as one
// that was underway.
func (q *Queue) lay(ctx context.Context, m jetstream.Msg, r *record, questions []*question, change func(*record)) error {
	for _, of := range questions {
		of.Run, of.Build = r.key(), q.options.Build
		text, err := json.Marshal(of)
		if err == nil {
			_, err = q.kept.js.Publish(ctx, keptSubject+r.key()+".question."+of.ID, text, jetstream.WithMsgTTL(wholeSeconds(time.Until(of.Until))))
		}
		if err != nil {
			return err
		}
	}
	if _, err := q.kept.js.Publish(ctx, wakeSubject(q.options.Build)+r.key(), nil); err != nil {
		return err
	}
	for {
		now, err := q.kept.get(ctx, r.key())
		if err != nil && !errors.Is(err, errNone) {
			return err
		}
		if err == nil && now.State == Asleep && now.Claims == r.Claims {
			_ = m.Ack() // It was written, and the answer was lost.
			return nil
		}
		if err != nil || !q.has(now, r) {
			q.log.Warn("a run that sleeps is not kept: another daemon has decided about it", "run", r.ID, "principal", r.Principal)
			return nil
		}
		if change(now); now.Cancel {
			now.end(Cancelled, stopped(errCancelled))
		} else {
			now.State, now.Node = Asleep, ""
		}
		err = q.put(ctx, now, nil)
		if errors.Is(err, errChanged) {
			continue
		}
		if err != nil {
			return err
		}
		if now.State.Final() {
			q.clear(ctx, now)
		}
		_ = m.Ack() // Of the message that it had before; the new one is in the queue.
		return nil
	}
}

// wakes decides whether a run that sleeps is to wake here and now, and writes that down.
func (q *Queue) wakes(ctx context.Context, m jetstream.Msg, r *record) (bool, error) {
	if !strings.HasPrefix(m.Subject(), wakeSubject(r.Build)) {
		_ = m.Ack() // It is that of an earlier time.
		return false, nil
	}
	if !time.Now().Before(r.Until) {
		r.end(Ended, failure(caissonv1.Code_CODE_TIMEOUT, "the run has slept for as long as it may, and nobody has answered what it waits for"))
		if err := q.put(ctx, r, nil); err != nil {
			return false, err
		}
		_ = m.Ack()
		q.clear(ctx, r)
		return false, nil
	}
	if wait := time.Until(cmp.Or(r.Due, r.Until)); wait > 0 {
		if r.Shy == q.options.Node {
			_ = m.NakWithDelay(min(wait, q.options.Lease))
			return false, nil
		}
		answers, err := q.kept.list(ctx, r.key()+".answer.*")
		if err != nil {
			return false, err
		}
		if len(answers) == 0 {
			_ = m.NakWithDelay(min(wait, lookAgain))
			return false, nil
		}
	}
	r.State, r.Node, r.Shy = Running, q.options.Node, ""
	r.Claims++
	return true, q.kept.put(ctx, r)
}

// readAsleep reads a run that is to wake, with what was asked before it slept, and what was answered.
func (q *Queue) readAsleep(ctx context.Context, r *record, job *Job) error {
	text, err := q.kept.read(ctx, r.key(), asleepName, r.Asleep)
	if err != nil {
		return err
	}
	before, err := readAll[question](ctx, q.kept, r.key()+".question.*")
	if err != nil {
		return err
	}
	// From now on nobody can answer what the run has asked, and then it is known what was answered.
	if err := q.kept.forget(ctx, r.key(), "question"); err != nil {
		return err
	}
	answers, err := readAll[answer](ctx, q.kept, r.key()+".answer.*")
	if err != nil {
		return err
	}
	job.Asleep, job.before, job.answers = text, append(job.before, before...), answers
	return nil
}

// readAll reads values that are kept under a subject.
func readAll[T any](ctx context.Context, s *Shelf, subject string) ([]*T, error) {
	all, err := s.list(ctx, subject)
	if err != nil {
		return nil, err
	}
	var values []*T
	for _, k := range all {
		value := new(T)
		if err := json.Unmarshal(k.text, value); err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, nil
}

// Sleeping implements [Questions]. It looks at no more runs than there can be in the queue.
func (q *Queue) Sleeping(ctx context.Context) (own, others int, err error) {
	info, err := q.work.Info(ctx, jetstream.WithSubjectFilter(workSubject+"wake.>"))
	if err != nil {
		return 0, 0, away("count the runs that sleep", err)
	}
	for subject := range info.State.Subjects {
		build, key, _ := strings.Cut(strings.TrimPrefix(subject, workSubject+"wake."), ".")
		r, err := q.kept.get(ctx, key)
		switch {
		case errors.Is(err, errNone):
		case err != nil:
			return 0, 0, away("count the runs that sleep", err)
		case r.State != Asleep:
		case build == q.options.Build:
			own++
		default:
			others++
		}
	}
	return own, others, nil
}

// tellOthers logs that runs sleep which this build does not wake.
func (q *Queue) tellOthers(ctx context.Context) {
	if _, others, err := q.Sleeping(ctx); err == nil && others > 0 {
		q.log.Warn("runs sleep that another build has put to sleep, and this one does not wake them: keep a daemon of that build until they have ended, or cancel them", "runs", others)
	}
}
