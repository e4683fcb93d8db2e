package scripting

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/caisson-dev/caisson/host-go/bench/internal/usage"
)

// Tools are the program's own functions, for scripts.
type Tools struct {
	mu      sync.Mutex
	missing int // runs that have not met yet
	all     chan struct{}
	helpers func() []int
	met     int64 // the memory when all had met
}

// A Sum is what Add adds.
type Sum struct {
	A int `json:"a"`
	B int `json:"b"`
}

// Add adds.
func (t *Tools) Add(_ context.Context, in Sum) (int, error) { return in.A + in.B, nil }

// Meet answers when as many runs have come as are in flight, and so are all there at once.
func (t *Tools) Meet(ctx context.Context, _ struct{}) (bool, error) {
	t.mu.Lock()
	all := t.all
	if t.missing--; t.missing == 0 {
		t.met = usage.Proportional(append(t.helpers(), os.Getpid()))
		close(all)
	}
	t.mu.Unlock()
	select {
	case <-all:
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// expect has so many runs meet.
func (t *Tools) expect(runs int, helpers func() []int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.missing, t.all, t.helpers, t.met = runs, make(chan struct{}), helpers, 0
}

// memory is what it was when all had met; 0 when none have.
func (t *Tools) memory() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.met
}

// Call calls a function by its name, with arguments and a result as JSON: for engines that share no memory
// with the program.
func (t *Tools) Call(ctx context.Context, name string, arguments []byte) ([]byte, error) {
	switch name {
	case "add":
		return typed(ctx, t.Add, arguments)
	case "meet":
		return typed(ctx, t.Meet, arguments)
	}
	return nil, fmt.Errorf("there is no function %q", name)
}

func typed[In, Out any](ctx context.Context, f func(context.Context, In) (Out, error), arguments []byte) ([]byte, error) {
	var in In
	if err := json.Unmarshal(arguments, &in); err != nil {
		return nil, err
	}
	out, err := f(ctx, in)
	if err != nil {
		return nil, err
	}
	return json.Marshal(out)
}
