package script

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// A hold is what the context of a call says: somebody may be asked about it before it goes out, and the instance may
// sleep meanwhile.
type hold struct {
	calls *calls
	call  *toolCall // nil when the call has gone out
}

type holdKey struct{}

func withHold(ctx context.Context, cs *calls, c *toolCall) context.Context {
	return context.WithValue(ctx, holdKey{}, &hold{cs, c})
}

// Out returns a context of a script's call that goes out now: the script cannot sleep any more while somebody is asked on
// account of the call. Whoever hands a call to code that is not Caisson's gives it this context.
func Out(ctx context.Context) context.Context {
	if h, ok := ctx.Value(holdKey{}).(*hold); ok && h.call != nil {
		return context.WithValue(ctx, holdKey{}, &hold{})
	}
	return ctx
}

// Hold says that somebody is asked whether the call with this context may go out. The caller calls release with the
// answer, once: when it returns false the script sleeps, the call must not go out, and its context ends. The call is
// made anew when the script wakes.
func Hold(ctx context.Context) (release func() bool) {
	h, ok := ctx.Value(holdKey{}).(*hold)
	if !ok || h.call == nil {
		return func() bool { return true }
	}
	cs := h.calls
	cs.mu.Lock()
	h.call.held = true
	cs.mu.Unlock()
	select {
	case cs.holding <- struct{}{}:
	default:
	}
	return func() bool {
		cs.mu.Lock()
		defer cs.mu.Unlock()
		h.call.held = false
		return !cs.withdrawn
	}
}

// underway returns how many calls have gone out, or may go out at any moment.
func (cs *calls) underway() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.out()
}

func (cs *calls) out() int {
	n := cs.running
	for _, c := range cs.byID {
		if c.held {
			n--
		}
	}
	return n
}

// withdraw keeps all calls from going out, unless one has gone, or it is not wanted any more.
func (cs *calls) withdraw(wanted func() bool) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.withdrawn = cs.out() == 0 && wanted()
	return cs.withdrawn
}

// inOrder returns the calls without an answer, in the order in which the script made them.
func (cs *calls) inOrder() []*toolCall {
	all := slices.Collect(maps.Values(cs.byID))
	slices.SortFunc(all, func(a, b *toolCall) int { return cmp.Compare(a.record, b.record) })
	return all
}
