package runs

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
)

// A Work runs a job, to its end, until it sleeps, or until the context ends.
type Work func(ctx context.Context, job *Job) Result

// A Result is what a job has come to. With Asleep it sleeps, and has come to nothing yet.
type Result struct {
	// Outcome is what the script did; nil where nothing was begun.
	Outcome *caissonv1.Outcome
	// Failure is why it could not be begun, or not go on to its end.
	Failure *caissonv1.Error
	// Asleep is the run as bytes; it wakes at Due, or when somebody answers. The zero Due is never.
	Asleep []byte
	Due    time.Time
	// Stays says that a run that was to wake did not: it sleeps on.
	Stays error
}

// A Job is a run that this daemon has underway.
type Job struct {
	Principal string
	Script    *caissonv1.Script
	// Asleep is the run that is to wake; nil where it begins.
	Asleep []byte

	patience time.Duration // how long a question is open before the run sleeps; 0 where it does not sleep
	wants    chan struct{} // gets something when the run is to sleep
	draining <-chan struct{}
	room     func() bool // whether the store takes a run that sleeps

	mu      sync.Mutex
	frozen  bool
	thawed  chan struct{} // closed when it is not frozen any more
	open    []*asked
	answers []*answer   // that were given while the run slept
	before  []*question // those that were open when it fell asleep
}

// asked is a question that is open while the run is underway.
type asked struct {
	question *policy.Question
	until    time.Time
	withdraw context.CancelFunc // nil while nobody is asked
	returned chan struct{}      // closed when the asking has ended
	answered bool
	dropped  bool // nobody waits for the answer any more
}

type jobKey struct{}

// Context is that of the job's script.
func (j *Job) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, jobKey{}, j)
}

// Approver asks by next, and for the scripts of jobs looks before whether somebody has answered while the run slept.
func Approver(next policy.Approver) policy.Approver {
	return func(ctx context.Context, q *policy.Question) (policy.Answer, error) {
		if j, ok := ctx.Value(jobKey{}).(*Job); ok {
			return j.approve(ctx, q, next)
		}
		return next(ctx, q)
	}
}

// errLate ends a question that was open before the run slept, and is not any more.
var errLate = errors.New("nobody has answered in time")

func (j *Job) approve(ctx context.Context, q *policy.Question, next policy.Approver) (policy.Answer, error) {
	a, done := j.ask(q)
	if done != nil {
		return done.answer(q), nil
	}
	defer j.drop(a)
	// What was open before the run slept ends when it would have ended.
	if a.until.Before(q.Until) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, a.until, errLate)
		defer cancel()
	}
	for {
		asking, thawed := j.begin(ctx, a)
		if asking == nil {
			select {
			case <-thawed:
				continue
			case <-ctx.Done():
				return no(ctx, q)
			}
		}
		answer, err := next(asking, q)
		j.ended(a, err == nil)
		if err == nil {
			return answer, nil
		}
		if ctx.Err() != nil {
			return no(ctx, q)
		}
		if asking.Err() == nil {
			return answer, err
		}
	}
}

// no is the answer to a question whose time is over.
func no(ctx context.Context, q *policy.Question) (policy.Answer, error) {
	if errors.Is(context.Cause(ctx), errLate) {
		return q.No(), nil
	}
	return q.No(), ctx.Err()
}

// ask opens a question, or finds its answer.
func (j *Job) ask(q *policy.Question) (*asked, *answer) {
	j.mu.Lock()
	defer j.mu.Unlock()
	bound := binding(q)
	if at := slices.IndexFunc(j.answers, func(a *answer) bool { return a.Binding == bound }); at >= 0 {
		given := j.answers[at]
		j.answers = slices.Delete(j.answers, at, at+1)
		return nil, given
	}
	a := &asked{question: q, until: q.Until}
	if at := slices.IndexFunc(j.before, func(b *question) bool { return b.Binding == bound }); at >= 0 {
		a.until = j.before[at].Until
		j.before = slices.Delete(j.before, at, at+1)
	}
	j.open = append(j.open, a)
	if j.patience > 0 {
		time.AfterFunc(j.patience, j.nudge)
	}
	return a, nil
}

func (j *Job) drop(a *asked) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if a.dropped = true; !j.frozen { // What falls asleep drops its questions too, and they stay open.
		j.sweep()
	}
}

// sweep forgets questions that nobody waits for. With j.mu held.
func (j *Job) sweep() {
	j.open = slices.DeleteFunc(j.open, func(a *asked) bool { return a.dropped })
}

// begin asks somebody; with nil nobody is to be asked before the channel is closed, since the run falls asleep.
func (j *Job) begin(ctx context.Context, a *asked) (context.Context, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.frozen {
		return nil, j.thawed
	}
	ctx, a.withdraw = context.WithCancel(ctx)
	a.returned = make(chan struct{})
	return ctx, nil
}

func (j *Job) ended(a *asked, answered bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	a.withdraw()
	a.withdraw, a.answered = nil, answered
	close(a.returned)
}

// nudge has the run look whether it is to sleep.
func (j *Job) nudge() {
	select {
	case j.wants <- struct{}{}:
	default:
	}
}

// freeze takes the open questions back, so that nobody answers one while the run falls asleep. It reports whether there is
// one, and none was answered just now.
func (j *Job) freeze() bool {
	j.mu.Lock()
	j.frozen, j.thawed = true, make(chan struct{})
	open := slices.Clone(j.open)
	var returned []chan struct{}
	for _, a := range open {
		if a.withdraw != nil {
			a.withdraw()
			returned = append(returned, a.returned)
		}
	}
	j.mu.Unlock()
	for _, r := range returned {
		<-r
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(open) > 0 && !slices.ContainsFunc(open, func(a *asked) bool { return a.answered })
}

// thaw has the open questions be asked again.
func (j *Job) thaw() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.frozen = false
	close(j.thawed)
	j.sweep()
}

// A Sleeper is a script that runs: a [caisson.Run].
type Sleeper interface {
	Done() <-chan struct{}
	Sleep(ctx context.Context) ([]byte, error)
	Due() time.Time
}

// sleepWait bounds how long a run is waited for that is to sleep while its daemon goes on.
const sleepWait = time.Second

// Follow waits until a script has ended, or sleeps: when a question is open for a while, and when the daemon drains. The
// bytes are nil when it has ended.
func (j *Job) Follow(ctx context.Context, run Sleeper) (asleep []byte, due time.Time) {
	draining := j.draining
	for {
		drains := false
		select {
		case <-run.Done():
			return nil, time.Time{}
		case <-j.wants:
		case <-draining:
			drains, draining = true, nil
		}
		if j.patience == 0 || !j.room() {
			continue
		}
		waiting := j.freeze()
		if !waiting && !drains {
			j.thaw()
			continue
		}
		// A daemon that drains waits until nothing is underway, or until it waits no longer for the run.
		within, cancel := ctx, context.CancelFunc(func() {})
		if !drains {
			within, cancel = context.WithTimeout(ctx, sleepWait)
		}
		asleep, err := run.Sleep(within)
		cancel()
		if err == nil {
			return asleep, j.due(run.Due())
		}
		j.thaw()
		var no *caisson.SleepError
		if errors.As(err, &no) && no.Code == caisson.SleepUnderway && !drains {
			time.AfterFunc(j.patience, j.nudge)
		}
	}
}

// due is when a run has to wake: at its timers, and when a question ends.
func (j *Job) due(timers time.Time) time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	due := timers
	for _, a := range j.open {
		if due.IsZero() || a.until.Before(due) {
			due = a.until
		}
	}
	return due
}

// questions are those that are open when the run falls asleep.
func (j *Job) questions() []*question {
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []*question
	for _, a := range j.open {
		all = append(all, newQuestion(a.question, a.until))
	}
	return all
}
