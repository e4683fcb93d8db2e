package runs

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/approvals"
	"github.com/caisson-dev/caisson/daemon/internal/store"
	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

// A script in these tests asks about a call once, and ends with what was said. It is one of a world of daemons, of which
// each has questions of its own.
type asking struct {
	policy *policy.Policy
	open   approvals.Approvals
	woken  chan struct{} // gets something each time it has woken
	hold   chan struct{} // where not nil, what has woken waits for its end
	who    string        // whom the policy asks; "" for anybody
}

func newAsking(t *testing.T) *asking {
	t.Helper()
	p, err := policy.New(policy.Rules{Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	return &asking{policy: p, woken: make(chan struct{}, 10)}
}

func (a *asking) question(name string, within time.Duration) *policy.Question {
	return policy.NewQuestion(a.policy, policy.Question{
		Call: policy.Call{Principal: "alice", Caller: policy.CallerScript, Server: "up", Kind: policy.Tool, Name: name, Arguments: []byte("{}")},
		Who:  a.who, ArgumentsHash: "hash", Until: time.Now().Add(within),
	})
}

// script is a run that sleeps when it is told to, as a [caisson.Run] does.
type script struct {
	done   chan struct{}
	cancel context.CancelFunc
	err    error
	due    time.Time
	slept  bool
}

func (s *script) Done() <-chan struct{} { return s.done }

func (s *script) Due() time.Time { return s.due }

func (s *script) Sleep(context.Context) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	s.slept = true
	s.cancel()
	return []byte("asleep"), nil
}

// work is a [Work]: it asks about a call that has the source's name, for as long as the policy would.
func (a *asking) work(ctx context.Context, j *Job) Result {
	if j.Asleep != nil {
		if string(j.Asleep) != "asleep" {
			return Result{Failure: failure(caissonv1.Code_CODE_INTERNAL, "other bytes")}
		}
		a.woken <- struct{}{}
		if a.hold != nil {
			select {
			case <-a.hold:
			case <-ctx.Done():
			}
		}
	}
	calling, cancel := context.WithCancel(j.Context(ctx))
	defer cancel()
	s := &script{done: make(chan struct{}), cancel: cancel}
	said := "no"
	var failed error
	go func() {
		defer close(s.done)
		q := a.question(j.Script.GetSource(), time.Hour)
		answer, err := Approver(a.open.Approve)(calling, q)
		if err != nil {
			failed = err
		} else if yes, who, _, _ := q.Take(answer, time.Now()); yes {
			said = "yes of " + who
		}
	}()
	asleep, due := j.Follow(ctx, s)
	<-s.done
	switch {
	case s.slept:
		return Result{Asleep: asleep, Due: due}
	case failed != nil:
		return Result{Outcome: &caissonv1.Outcome{}, Failure: failure(caissonv1.Code_CODE_CANCELLED, failed.Error())}
	}
	return Result{Outcome: &caissonv1.Outcome{Value: []byte(said)}}
}

// sleeping has a daemon of a build whose runs sleep at once when they ask.
func (a *asking) sleeping(build string) func(*QueueOptions) {
	return func(o *QueueOptions) {
		o.Work, o.Build, o.Sleeps, o.Patience = a.work, build, true, time.Millisecond
	}
}

func awaitRun(t *testing.T, n *node, id string, state State) *Run {
	t.Helper()
	var run *Run
	storetest.Until(t, func() bool {
		var err error
		if run, err = n.Get(t.Context(), "alice", id); err != nil {
			t.Fatal(err)
		}
		return run.State == state
	})
	return run
}

// open is the one question that is open.
func open(t *testing.T, n *node) *Question {
	t.Helper()
	all, err := n.Questions(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	return all[0]
}

// TestAsleep has a run sleep, and answers it at another daemon, at many at once: one answer counts, and the run wakes once.
func TestAsleep(t *testing.T) {
	w, _ := shared(t)
	a := newAsking(t)
	one, two := w.start("a", a.sleeping("one")), w.start("b", a.sleeping("one"))
	run := submit(t, one, job("call"))
	awaitRun(t, two, run.ID, Asleep)
	q := open(t, two)
	if q.Principal != "alice" || q.Server != "up" || q.Name != "call" || q.Caller != "script" || string(q.Arguments) != "{}" {
		t.Errorf("the question is %+v", q)
	}
	if err := two.Answer(t.Context(), "alice", q.ID, true, false); !errors.Is(err, approvals.ErrOwn) {
		t.Errorf("a yes of her own: %v", err)
	}
	for _, id := range []string{"", "*", strings.Repeat("0", 64)} {
		if err := two.Answer(t.Context(), "owner", id, true, false); !errors.Is(err, approvals.ErrNoQuestion) {
			t.Errorf("the question %q: %v", id, err)
		}
	}
	var answering sync.WaitGroup
	counted := make(chan string, 10)
	for i := range cap(counted) {
		who := string(rune('k' + i))
		answering.Go(func() {
			switch err := []*node{one, two}[i%2].Answer(t.Context(), who, q.ID, true, false); {
			case err == nil:
				counted <- who
			case !errors.Is(err, approvals.ErrNoQuestion):
				t.Error(err)
			}
		})
	}
	answering.Wait()
	if len(counted) != 1 {
		t.Fatalf("%d answers count", len(counted))
	}
	if done := watch(t, one, "alice", run.ID); string(done.Outcome.GetValue()) != "yes of "+<-counted {
		t.Errorf("it is %v", done)
	}
	if n := len(a.woken); n != 1 {
		t.Errorf("it has woken %d times", n)
	}
	if own, others, err := one.Sleeping(t.Context()); own != 0 || others != 0 || err != nil {
		t.Errorf("%d and %d sleep, %v", own, others, err)
	}
}

// TestAsleepDeath kills the daemon of a run that sleeps, which loses nothing, and then the one that has woken it: what has
// woken may have had an effect.
func TestAsleepDeath(t *testing.T) {
	w := newWorld(t, store.Options{Folder: t.TempDir()})
	a := newAsking(t)
	first := w.start("a", a.sleeping("one"))
	run := submit(t, first, job("call"))
	awaitRun(t, first, run.ID, Asleep)
	first.die()
	a.hold = make(chan struct{})
	second := w.start("b", a.sleeping("one"))
	if now := awaitRun(t, second, run.ID, Asleep); now.Failure != nil {
		t.Errorf("it is %v", now)
	}
	if err := second.Answer(t.Context(), "owner", open(t, second).ID, true, false); err != nil {
		t.Fatal(err)
	}
	<-a.woken
	second.die()
	third := w.start("c", a.sleeping("one"))
	if done := watch(t, third, "alice", run.ID); done.Failure.GetCode() != caissonv1.Code_CODE_NOT_REPEATED {
		t.Errorf("it is %v", done)
	}
	if n := len(a.woken); n != 0 {
		t.Errorf("it has woken %d times more", n)
	}
}

// TestAsleepBuild has a run of one build and daemons of another.
func TestAsleepBuild(t *testing.T) {
	w, _ := shared(t)
	a := newAsking(t)
	a.who = "owner"
	old := w.start("a", a.sleeping("one"))
	run := submit(t, old, job("call"))
	awaitRun(t, old, run.ID, Asleep)
	old.drain(time.Minute)
	next := w.start("b", a.sleeping("two"))
	if err := next.Answer(t.Context(), "bob", open(t, next).ID, true, false); !errors.Is(err, approvals.ErrNotAsked) {
		t.Errorf("a yes of bob, whom the policy does not ask: %v", err)
	}
	if err := next.Answer(t.Context(), "owner", open(t, next).ID, true, false); err != nil {
		t.Fatal(err)
	}
	if own, others, err := next.Sleeping(t.Context()); own != 0 || others != 1 || err != nil {
		t.Errorf("%d and %d sleep, %v", own, others, err)
	}
	other := submit(t, next, job("other")) // It takes runs, but not that one.
	awaitRun(t, next, other.ID, Asleep)
	if now := awaitRun(t, next, run.ID, Asleep); now.Failure != nil || len(a.woken) != 0 {
		t.Errorf("it is %v", now)
	}
	again := w.start("c", a.sleeping("one"))
	if done := watch(t, again, "alice", run.ID); string(done.Outcome.GetValue()) != "yes of owner" {
		t.Errorf("it is %v", done)
	}
}

// TestAsleepStays has a daemon that cannot wake a run leave it as it is.
func TestAsleepStays(t *testing.T) {
	w, _ := shared(t)
	a := newAsking(t)
	one := w.start("a", func(o *QueueOptions) {
		a.sleeping("one")(o)
		o.Work = func(ctx context.Context, j *Job) Result {
			if j.Asleep != nil {
				a.woken <- struct{}{}
				return Result{Stays: errors.New("another key")}
			}
			return a.work(ctx, j)
		}
	})
	run := submit(t, one, job("call"))
	awaitRun(t, one, run.ID, Asleep)
	if err := one.Answer(t.Context(), "owner", open(t, one).ID, false, false); err != nil {
		t.Fatal(err)
	}
	<-a.woken
	awaitRun(t, one, run.ID, Asleep)
	one.drain(time.Minute)
	if n := len(a.woken); n != 0 {
		t.Errorf("it has tried %d times more", n)
	}
	two := w.start("b", a.sleeping("one"))
	if done := watch(t, two, "alice", run.ID); string(done.Outcome.GetValue()) != "no" { // The answer has stayed too.
		t.Errorf("it is %v", done)
	}
}

// TestAsleepCancel cancels a run that sleeps: its question goes with it.
func TestAsleepCancel(t *testing.T) {
	w, _ := shared(t)
	a := newAsking(t)
	one := w.start("a", a.sleeping("one"))
	run := submit(t, one, job("call"))
	awaitRun(t, one, run.ID, Asleep)
	if done, err := one.Cancel(t.Context(), "alice", run.ID); err != nil || done.State != Cancelled {
		t.Errorf("%v, %v", done, err)
	}
	if all, err := one.Questions(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
}

// TestAsleepDrain has a daemon that drains put to sleep what waits, at once.
func TestAsleepDrain(t *testing.T) {
	w, _ := shared(t)
	a := newAsking(t)
	one := w.start("a", func(o *QueueOptions) {
		a.sleeping("one")(o)
		o.Patience = time.Hour
	})
	run := submit(t, one, job("call"))
	storetest.Until(t, func() bool { return len(a.open.List()) == 1 })
	one.drain(time.Minute)
	two := w.start("b", a.sleeping("one"))
	if now, err := two.Get(t.Context(), "alice", run.ID); err != nil || now.State != Asleep {
		t.Errorf("it is %v, %v", now, err)
	}
	open(t, two)
}

// TestFreeze shows that no answer is lost while a run falls asleep, and that what does not sleep asks again.
func TestFreeze(t *testing.T) {
	a := newAsking(t)
	j := &Job{patience: time.Hour, wants: make(chan struct{}, 1), room: func() bool { return true }}
	q := a.question("call", time.Hour)
	said := make(chan bool, 1)
	go func() {
		answer, err := Approver(a.open.Approve)(j.Context(t.Context()), q)
		yes, _, _, _ := q.Take(answer, time.Now())
		said <- err == nil && yes
	}()
	storetest.Until(t, func() bool { return len(a.open.List()) == 1 })
	if !j.freeze() {
		t.Error("a question that is open is none")
	}
	if n := len(a.open.List()); n != 0 {
		t.Errorf("%d questions can be answered while the run falls asleep", n)
	}
	if all := j.questions(); len(all) != 1 || all[0].ID != q.ID {
		t.Errorf("%v falls asleep", all)
	}
	j.thaw()
	storetest.Until(t, func() bool { return len(a.open.List()) == 1 })
	if err := a.open.Answer("owner", q.ID, true, false); err != nil {
		t.Fatal(err)
	}
	if j.freeze() {
		t.Error("an answer just now lets the run sleep")
	}
	j.thaw()
	if !<-said {
		t.Error("the answer is lost")
	}
}

// TestLate shows that a question does not begin anew when its run wakes.
func TestLate(t *testing.T) {
	a := newAsking(t)
	q := a.question("call", time.Hour)
	j := &Job{before: []*question{newQuestion(q, time.Now().Add(-time.Second))}}
	given := []*answer{{Binding: binding(q), Who: "owner", Yes: true}}
	again := a.question("call", time.Hour)
	answer, err := Approver(a.open.Approve)(j.Context(t.Context()), again)
	if yes, _, _, _ := again.Take(answer, time.Now()); err != nil || yes {
		t.Errorf("%v, %v", yes, err)
	}
	other := a.question("other", time.Hour)
	j.answers = given
	go func() { _, _ = Approver(a.open.Approve)(j.Context(t.Context()), other) }()
	storetest.Until(t, func() bool { return len(a.open.List()) == 1 }) // The answer is not for this one.
	answer, err = Approver(a.open.Approve)(j.Context(t.Context()), again)
	if yes, who, _, _ := again.Take(answer, time.Now()); err != nil || !yes || who != "owner" {
		t.Errorf("%v of %q, %v", yes, who, err)
	}
}

// TestClaims shows that of two daemons one claims a sleep.
func TestClaims(t *testing.T) {
	w, _ := shared(t)
	var claims caisson.SleepClaims = w.start("a", nil).kept
	var others caisson.SleepClaims = w.start("b", nil).kept
	id := strings.Repeat("a", 32)
	until := time.Now().Add(time.Hour)
	if first, err := claims.Claim(t.Context(), id, until); !first || err != nil {
		t.Errorf("%v, %v", first, err)
	}
	for _, c := range []caisson.SleepClaims{claims, others} {
		if first, err := c.Claim(t.Context(), id, until); first || err != nil {
			t.Errorf("a second time: %v, %v", first, err)
		}
	}
	if _, err := claims.Claim(t.Context(), "*", until); err == nil {
		t.Error("what is no id is claimed")
	}
}

// TestBacklog counts a run that sleeps, one that has woken, and one that waits for a place.
func TestBacklog(t *testing.T) {
	w, _ := shared(t)
	a := newAsking(t)
	a.hold = make(chan struct{})
	n := w.start("a", func(o *QueueOptions) {
		a.sleeping("one")(o)
		o.Places = 1
	})
	is := func(want Backlog) {
		t.Helper()
		storetest.Until(t, func() bool {
			got, err := n.Backlog(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			waits := got.Age > 0
			got.Age = 0
			return got == want && waits == (want.Queued > 0)
		})
	}
	is(Backlog{})
	run := submit(t, n, job("call"))
	awaitRun(t, n, run.ID, Asleep)
	is(Backlog{Asleep: 1})
	if err := n.Answer(t.Context(), "owner", open(t, n).ID, true, false); err != nil {
		t.Fatal(err)
	}
	<-a.woken
	is(Backlog{})
	close(a.hold)
	watch(t, n, "alice", run.ID)
	is(Backlog{})
	n.Stop()
	m := w.start("b", func(o *QueueOptions) { o.Places = 1 })
	first := submit(t, m, job("wait"))
	<-w.jobs.beginsOf("wait")
	second := submit(t, m, job("short"))
	is(Backlog{Queued: 1})
	w.jobs.release("wait")
	watch(t, m, "alice", first.ID)
	watch(t, m, "alice", second.ID)
	is(Backlog{})
}
