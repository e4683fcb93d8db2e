package runs

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/store"
	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

// A world is daemons that share a store, each with a queue.
type world struct {
	t     *testing.T
	store store.Options
	jobs  *jobs

	mu   sync.Mutex
	gone map[string]bool
}

func newWorld(t *testing.T, o store.Options) *world {
	return &world{t: t, store: o, jobs: newJobs(), gone: map[string]bool{}}
}

// shared is a world with a NATS server of its own.
func shared(t *testing.T) (*world, *storetest.NATS) {
	nats := storetest.Start(t, nil)
	return newWorld(t, store.Options{NATS: &store.NATS{URL: nats.URL()}}), nats
}

// A node is one of its daemons.
type node struct {
	*Queue
	world *world
	store *store.Store
	name  string
}

// quickLease lets a test wait for its end.
const quickLease = 300 * time.Millisecond

func (w *world) start(name string, change func(*QueueOptions)) *node {
	w.t.Helper()
	s, err := store.Open(w.t.Context(), w.store)
	if err != nil {
		w.t.Fatal(err)
	}
	o := QueueOptions{
		Options: Options{Work: w.jobs.work, MaxUnderway: 100, Keep: time.Hour},
		Store:   s, Node: name, Lease: quickLease, Build: "one",
		Alive: func(_ context.Context, node string) (bool, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return !w.gone[node], nil
		},
	}
	if change != nil {
		change(&o)
	}
	if o.Shelf, err = OpenShelf(w.t.Context(), s, o.Keep); err != nil {
		w.t.Fatal(err)
	}
	q, err := OpenQueue(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	n := &node{q, w, s, name}
	w.t.Cleanup(func() { n.drain(0) })
	return n
}

// drain ends a daemon in good order.
func (n *node) drain(patience time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	n.Drain(ctx)
	n.store.Close()
}

// die has a daemon vanish as a process does that is killed: it says nothing any more, and its lease ends.
func (n *node) die() {
	n.store.Close()
	n.world.mu.Lock()
	defer n.world.mu.Unlock()
	n.world.gone[n.name] = true
}

func places(n int) func(*QueueOptions) { return func(o *QueueOptions) { o.Places = n } }

// TestQueue asks two daemons about the same runs.
func TestQueue(t *testing.T) {
	w, _ := shared(t)
	a, b := w.start("a", nil), w.start("b", nil)
	run := submit(t, a, job("short"))
	for _, n := range []*node{a, b} {
		done := watch(t, n, "alice", run.ID)
		if done.State != Ended || string(done.Outcome.GetValue()) != "short" || len(done.Outcome.GetLogs()) != 1 || done.Failure != nil || done.Ended.IsZero() {
			t.Errorf("at %s it is %v", n.name, done)
		}
		got, err := n.Get(t.Context(), "alice", run.ID)
		if err != nil || got.State != Ended || string(got.Outcome.GetValue()) != "short" {
			t.Errorf("at %s: %v, %v", n.name, got, err)
		}
		if _, err := n.Get(t.Context(), "bob", run.ID); !isMissing(err) {
			t.Errorf("somebody else finds it at %s: %v", n.name, err)
		}
		if _, err := n.Cancel(t.Context(), "bob", run.ID); !isMissing(err) {
			t.Errorf("somebody else stops it at %s: %v", n.name, err)
		}
	}
	second := submit(t, b, job("wait"))
	<-w.jobs.beginsOf("wait")
	if n := a.Underway() + b.Underway(); n != 1 {
		t.Errorf("%d are underway", n)
	}
	for _, n := range []*node{a, b} {
		all, err := n.List(t.Context(), "alice")
		if err != nil || len(all) != 2 || all[0].ID != second.ID || all[0].State != Running || all[1].State != Ended || all[1].Outcome != nil {
			t.Errorf("the list at %s: %v, %v", n.name, all, err)
		}
		if all, err := n.List(t.Context(), "bob"); err != nil || len(all) != 0 {
			t.Errorf("bob's list at %s: %v, %v", n.name, all, err)
		}
	}
	w.jobs.release("wait")
	watch(t, a, "alice", second.ID)
	if n := w.jobs.begun("short"); n != 1 {
		t.Errorf("it was begun %d times", n)
	}
}

// TestQueueCancel stops a run from each daemon: one that is underway, and one that waits for a place.
func TestQueueCancel(t *testing.T) {
	w, _ := shared(t)
	b := w.start("b", nil)
	b.Stop() // It begins none.
	b.takers.Wait()
	a := w.start("a", places(1))
	underway := submit(t, a, job("wait"))
	<-w.jobs.beginsOf("wait")
	waiting := submit(t, a, job("later"))
	for _, run := range []*Run{waiting, underway} {
		done, err := b.Cancel(t.Context(), "alice", run.ID)
		if err != nil || done.State != Cancelled || done.Failure.GetCode() != caissonv1.Code_CODE_CANCELLED {
			t.Errorf("%v, %v", done, err)
		}
		if again, err := a.Cancel(t.Context(), "alice", run.ID); err != nil || again.State != Cancelled {
			t.Errorf("once more: %v, %v", again, err)
		}
	}
	done, err := b.Get(t.Context(), "alice", underway.ID)
	if err != nil || len(done.Outcome.GetLogs()) != 1 {
		t.Errorf("what it did before: %v, %v", done, err)
	}
}

// TestQueueRestart ends a daemon as by SIGKILL, with a store of its own, and starts it again.
func TestQueueRestart(t *testing.T) {
	w := newWorld(t, store.Options{Folder: t.TempDir()})
	a := w.start("a", places(2))
	ended := submit(t, a, job("ended"))
	watch(t, a, "alice", ended.ID)
	once, twice := submit(t, a, job("wait once")), submit(t, a, repeatable(job("wait twice")))
	<-w.jobs.beginsOf("wait once")
	<-w.jobs.beginsOf("wait twice")
	waiting := submit(t, a, job("later"))
	a.die()
	w.jobs.release("wait twice")
	b := w.start("b", nil)
	if done := watch(t, b, "alice", ended.ID); done.State != Ended || string(done.Outcome.GetValue()) != "ended" {
		t.Errorf("what had ended is %v", done)
	}
	if done := watch(t, b, "alice", waiting.ID); done.State != Ended || w.jobs.begun("later") != 1 {
		t.Errorf("what had not begun is %v", done)
	}
	if done := watch(t, b, "alice", once.ID); done.State != Ended || done.Failure.GetCode() != caissonv1.Code_CODE_NOT_REPEATED || w.jobs.begun("wait once") != 1 {
		t.Errorf("what was underway is %v", done)
	}
	if done := watch(t, b, "alice", twice.ID); done.State != Ended || done.Failure != nil || w.jobs.begun("wait twice") != 2 {
		t.Errorf("what may be begun again is %v", done)
	}
}

// TestQueueDeath kills one of two daemons.
func TestQueueDeath(t *testing.T) {
	w, _ := shared(t)
	a := w.start("a", places(3))
	once, cancelled := submit(t, a, job("wait once")), submit(t, a, repeatable(job("wait cancelled")))
	often := submit(t, a, repeatable(job("wait often")))
	for _, source := range []string{"wait once", "wait cancelled", "wait often"} {
		<-w.jobs.beginsOf(source)
	}
	waiting := submit(t, a, job("later")) // There is no place for it.
	a.die()
	b := w.start("b", nil)
	if done, err := b.Cancel(t.Context(), "alice", cancelled.ID); err != nil || done.State == Ended {
		t.Errorf("what is cancelled when its daemon has died: %v, %v", done, err)
	}
	done := watch(t, b, "alice", once.ID)
	if done.State != Ended || done.Failure.GetCode() != caissonv1.Code_CODE_NOT_REPEATED || !strings.Contains(done.Failure.GetMessage(), "repeatable") || done.Outcome != nil {
		t.Errorf("what was underway is %v", done)
	}
	if done := watch(t, b, "alice", waiting.ID); done.State != Ended || done.Failure != nil || w.jobs.begun("later") != 1 {
		t.Errorf("what had not begun is %v", done)
	}
	// What may be begun again is, three times in all.
	nodes := []*node{b}
	for _, name := range []string{"c", "d"} {
		<-w.jobs.beginsOf("wait often")
		nodes[len(nodes)-1].die()
		nodes = append(nodes, w.start(name, nil))
	}
	done = watch(t, nodes[len(nodes)-1], "alice", often.ID)
	if done.Failure.GetCode() != caissonv1.Code_CODE_NOT_REPEATED || w.jobs.begun("wait often") != maxAttempts {
		t.Errorf("after %d attempts it is %v", w.jobs.begun("wait often"), done)
	}
	if n := w.jobs.begun("wait once"); n != 1 {
		t.Errorf("what may not be begun again was begun %d times", n)
	}
}

// TestQueueSlow has the messages of a daemon that is there, but not heard for a while, go to another one: it decides
// nothing.
func TestQueueSlow(t *testing.T) {
	w, nats := shared(t)
	a, b := w.start("a", nil), w.start("b", nil)
	run := submit(t, a, job("wait"))
	<-w.jobs.beginsOf("wait")
	nats.Stop()
	time.Sleep(2 * quickLease) // So long that the message counts as nobody's.
	nats.Restart()
	var now *Run
	storetest.Until(t, func() bool {
		var err error
		now, err = b.Get(t.Context(), "alice", run.ID)
		return err == nil
	})
	if now.State != Running {
		t.Errorf("it is %v", now)
	}
	w.jobs.release("wait")
	if done := watch(t, b, "alice", run.ID); done.State != Ended || done.Failure != nil || w.jobs.begun("wait") != 1 {
		t.Errorf("it ends as %v, begun %d times", done, w.jobs.begun("wait"))
	}
	_ = a
}

// TestQueueKeys submits the same key at two daemons at once.
func TestQueueKeys(t *testing.T) {
	w, _ := shared(t)
	nodes := []*node{w.start("a", nil), w.start("b", nil)}
	ids := make(chan string, 20)
	var submitting sync.WaitGroup
	for i := range cap(ids) {
		submitting.Go(func() {
			run, err := nodes[i%2].Submit(t.Context(), keyed("k", job("keyed")))
			if err != nil {
				t.Error(err)
				ids <- ""
				return
			}
			ids <- run.ID
		})
	}
	submitting.Wait()
	id := <-ids
	for range cap(ids) - 1 {
		if other := <-ids; other != id {
			t.Errorf("the same key is %s and %s", id, other)
		}
	}
	watch(t, nodes[0], "alice", id)
	if again := submit(t, nodes[1], keyed("k", job("keyed"))); again.ID != id || again.State != Ended || string(again.Outcome.GetValue()) != "keyed" {
		t.Errorf("when it has ended it is %v", again)
	}
	if n := w.jobs.begun("keyed"); n != 1 {
		t.Errorf("it was begun %d times", n)
	}
	var used *KeyError
	for name, s := range map[string]Submission{"script": job("other"), "repeatable": repeatable(job("keyed"))} {
		if _, err := nodes[1].Submit(t.Context(), keyed("k", s)); !errors.As(err, &used) || used.ID != id {
			t.Errorf("the same key with another %s: %v", name, err)
		}
	}
	if other := submit(t, nodes[1], keyed("k", by("bob", job("keyed")))); other.ID == id {
		t.Error("two principals share a key")
	}
}

// TestQueueBounds shows what is refused, and what makes room.
func TestQueueBounds(t *testing.T) {
	w := newWorld(t, store.Options{Folder: t.TempDir()})
	a := w.start("a", func(o *QueueOptions) { o.MaxUnderway, o.MaxKept = 2, 3 })
	first := submit(t, a, job("first"))
	watch(t, a, "alice", first.ID)
	submit(t, a, job("wait 1"))
	second := submit(t, a, job("wait 2"))
	if _, err := a.Submit(t.Context(), job("third")); caisson.CodeOf(err) != caisson.CodeLimit || !strings.Contains(err.Error(), "scripts.maxRuns") {
		t.Errorf("a third run underway: %v", err)
	}
	submit(t, a, by("bob", job("bob")))
	<-w.jobs.beginsOf("wait 2")
	w.jobs.release("wait 2")
	watch(t, a, "alice", second.ID)
	submit(t, a, job("fourth"))
	if _, err := a.Get(t.Context(), "alice", first.ID); !isMissing(err) {
		t.Errorf("the oldest has not made room: %v", err)
	}
	if _, err := a.Get(t.Context(), "alice", second.ID); err != nil {
		t.Errorf("a later one has: %v", err)
	}
	large := job(strings.Repeat("x", maxPrincipalBytes+1))
	if _, err := a.Submit(t.Context(), by("carol", large)); caisson.CodeOf(err) != caisson.CodeLimit {
		t.Errorf("more bytes than a principal has: %v", err)
	}
	if left, err := a.List(t.Context(), "carol"); err != nil || len(left) != 0 {
		t.Errorf("what was refused: %v, %v", left, err)
	}
	several := strings.Repeat("y", 3*chunkBytes+1)
	if done := watch(t, a, "bob", submit(t, a, by("bob", job(several))).ID); string(done.Outcome.GetValue()) != several {
		t.Errorf("a run of several messages has a value of %d bytes", len(done.Outcome.GetValue()))
	}
}

// TestQueuePlaces shows that a daemon begins no more runs than it has places for, and that another one begins them.
func TestQueuePlaces(t *testing.T) {
	w, _ := shared(t)
	a := w.start("a", places(1))
	submit(t, a, job("wait 1"))
	<-w.jobs.beginsOf("wait 1")
	second := submit(t, a, job("wait 2"))
	if now, err := a.Get(t.Context(), "alice", second.ID); err != nil || now.State != Queued {
		t.Errorf("without a place it is %v, %v", now, err)
	}
	b := w.start("b", nil)
	<-w.jobs.beginsOf("wait 2")
	if a.Underway() != 1 || b.Underway() != 1 {
		t.Errorf("%d and %d are underway", a.Underway(), b.Underway())
	}
}

// TestQueueExpiry shows that the store forgets what has ended.
func TestQueueExpiry(t *testing.T) {
	w := newWorld(t, store.Options{Folder: t.TempDir()})
	a := w.start("a", func(o *QueueOptions) { o.Keep = time.Second })
	run := submit(t, a, keyed("k", job("short")))
	watch(t, a, "alice", run.ID)
	storetest.Until(t, func() bool {
		_, err := a.Get(t.Context(), "alice", run.ID)
		return isMissing(err)
	})
	if again := submit(t, a, keyed("k", job("other"))); again.ID != run.ID {
		t.Errorf("the key is free, and gives %v", again)
	}
}

// TestQueueDrain ends a daemon whose runs do not end.
func TestQueueDrain(t *testing.T) {
	w, _ := shared(t)
	a := w.start("a", nil)
	once, again := submit(t, a, job("wait once")), submit(t, a, repeatable(job("wait again")))
	<-w.jobs.beginsOf("wait once")
	<-w.jobs.beginsOf("wait again")
	a.drain(0)
	if _, err := a.Submit(t.Context(), job("new")); caisson.CodeOf(err) != caisson.CodeClosed {
		t.Errorf("a new run: %v", err)
	}
	b := w.start("b", nil)
	done, err := b.Get(t.Context(), "alice", once.ID)
	if err != nil || done.State != Cancelled || done.Failure.GetCode() != caissonv1.Code_CODE_CLOSED {
		t.Errorf("what was underway is %v, %v", done, err)
	}
	<-w.jobs.beginsOf("wait again")
	w.jobs.release("wait again")
	if done := watch(t, b, "alice", again.ID); done.State != Ended || done.Failure != nil {
		t.Errorf("what may be begun again is %v", done)
	}
	if n := w.jobs.begun("wait once"); n != 1 {
		t.Errorf("what may not be begun again was begun %d times", n)
	}
}

// TestQueueNotBegun shows that a run that a daemon that ends did not begin is begun elsewhere.
func TestQueueNotBegun(t *testing.T) {
	w, _ := shared(t)
	var a *node
	a = w.start("a", func(o *QueueOptions) {
		o.Work = func(context.Context, *Job) Result {
			a.Stop()
			return Result{Failure: failure(caissonv1.Code_CODE_CLOSED, "the daemon ends")}
		}
	})
	run := submit(t, a, job("moved"))
	<-a.taking.Done()
	b := w.start("b", nil)
	if done := watch(t, b, "alice", run.ID); done.State != Ended || done.Failure != nil || w.jobs.begun("moved") != 1 {
		t.Errorf("it is %v", done)
	}
}
