package runs

import (
	"context"
	"strings"
	"sync"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
)

// jobs do in tests what scripts do: one whose source begins with "wait" waits until it is released or stopped; all
// others end at once. They count how often each was begun, on all
// daemons.
type jobs struct {
	mu       sync.Mutex
	counts   map[string]int
	begins   map[string]chan struct{} // get something for each begin
	releases map[string]chan struct{}
}

func newJobs() *jobs {
	return &jobs{counts: map[string]int{}, begins: map[string]chan struct{}{}, releases: map[string]chan struct{}{}}
}

func (j *jobs) of(source string) (begins, release chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.begins[source] == nil {
		j.begins[source], j.releases[source] = make(chan struct{}, 100), make(chan struct{})
	}
	return j.begins[source], j.releases[source]
}

// beginsOf is where each begin of a source is heard.
func (j *jobs) beginsOf(source string) <-chan struct{} {
	begins, _ := j.of(source)
	return begins
}

// release lets those end that wait.
func (j *jobs) release(sources ...string) {
	for _, source := range sources {
		_, release := j.of(source)
		close(release)
	}
}

// begun is how often a source was begun.
func (j *jobs) begun(source string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.counts[source]
}

// work is a Work. The value is the source.
func (j *jobs) work(ctx context.Context, of *Job) Result {
	source := of.Script.GetSource()
	begins, release := j.of(source)
	j.mu.Lock()
	j.counts[source]++
	j.mu.Unlock()
	begins <- struct{}{}
	done := &caissonv1.Outcome{Logs: []*caissonv1.ScriptLog{{Text: "log of " + source}}}
	if strings.HasPrefix(source, "wait") {
		select {
		case <-release:
		case <-ctx.Done():
			return Result{Outcome: done, Failure: failure(caissonv1.Code_CODE_CANCELLED, ctx.Err().Error())}
		}
	}
	done.Value = []byte(source)
	return Result{Outcome: done}
}
