package component

import (
	"context"
	"errors"
	"testing"
)

// The stack of a recursion is charged while the recursion waits for another component. The part of it that is
// kept is bounded.
func TestStacks(t *testing.T) {
	for _, x := range []struct {
		interpreter    bool
		depth, deepest uint32
		atLeast, limit uint64
	}{
		{false, 20_000, 200_000, 1 << 20, 1 << 20},
		{true, 1900, 1900, 8 << 10, 8 << 10},
	} {
		c, err := testRuntime(t, &Config{Interpreter: x.interpreter}).Compile(context.Background(), testFile(t, "deep.wasm"))
		if err != nil {
			t.Fatal(err)
		}
		in := instantiate(t, c, nil)
		var seen uint64
		for _, depth := range []uint32{1, x.depth, 1, x.deepest, 1, x.depth} {
			if got := call(t, in, "deep", depth); got != depth {
				t.Fatal(got)
			}
			l := in.lifts[len(in.lifts)-1]
			seen = max(seen, l.fn.stack())
			if in.kept > keptBytes || l.fn.stack() > keptBytes {
				t.Errorf("%d bytes are kept, %d of them for the function", in.kept, l.fn.stack())
			}
		}
		if in.stacks != 0 || in.running != nil || in.budget.limit-in.budget.left > 64<<10 {
			t.Errorf("after the calls %d bytes of stacks are charged, and %d in all", in.stacks, in.budget.limit-in.budget.left)
		}
		if seen < x.atLeast {
			t.Errorf("interpreter %v: a stack of %d bytes is seen, at most", x.interpreter, seen)
		}
		if in, err = c.InstantiateWith(context.Background(), nil, Limits{Memory: 1 << 20}); err != nil {
			t.Fatal(err)
		}
		in.budget.left = x.limit
		_, err = in.ExportedFunction("deep").Call(context.Background(), x.depth)
		if limit := (*LimitError)(nil); !errors.As(err, &limit) || limit.Resource != "stack" || limit.Limit == 0 {
			t.Errorf("interpreter %v: %v", x.interpreter, err)
		}
	}
}
