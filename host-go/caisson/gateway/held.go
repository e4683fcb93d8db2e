package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// A held call is a call that goes on, upstream, while its client has been asked something (2026-07-28), or has it as a
// task; so the gate has decided about it once.
type heldCall struct {
	exchange *exchange
	about    [sha256.Size]byte // its method and params: another call must not go on with it
	cancel   context.CancelFunc
	// cancelled says that the client of a task has cancelled it.
	cancelled atomic.Bool
	done      chan struct{}
	text      json.RawMessage // the result, when done is closed
	err       error
}

// holds are the calls that wait for a round, by the requestState that their client has.
type holds struct {
	most, mostOfOne int
	timeout         time.Duration

	mu     sync.Mutex
	calls  map[string]*hold
	closed bool
}

type hold struct {
	call      *heldCall
	principal string
	expire    *time.Timer
}

func newHolds(most, mostOfOne int, timeout time.Duration) *holds {
	return &holds{most: most, mostOfOne: mostOfOne, timeout: timeout, calls: map[string]*hold{}}
}

// put keeps a call, and returns its state: 128 random bits, which one round uses up.
func (h *holds) put(call *heldCall, principal string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	own := 0
	for _, other := range h.calls {
		if other.principal == principal {
			own++
		}
	}
	if h.closed || len(h.calls) >= h.most || own >= h.mostOfOne {
		return "", &caisson.Error{Code: caisson.CodeLimit, Step: "serve", Message: "too many calls wait for their clients: gateway.Options.MaxHeldCalls and MaxHeldCallsOfPrincipal bound them"}
	}
	state := rand.Text()
	one := &hold{call: call, principal: principal}
	one.expire = time.AfterFunc(h.timeout, func() {
		if h.remove(state, one) {
			call.cancel()
		}
	})
	h.calls[state] = one
	return state, nil
}

func (h *holds) remove(state string, one *hold) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.calls[state] != one {
		return false
	}
	delete(h.calls, state)
	return true
}

// take returns a call of the principal's, once. What is not there, was used, has expired, belongs to another or to
// another call gets the same error.
func (h *holds) take(state, principal string, about [sha256.Size]byte) (*heldCall, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.calls[state]
	if one == nil || one.principal != principal || one.call.about != about {
		return nil, invalidParams("the requestState is not one of this call's: it was used, or it has expired; make the call anew")
	}
	one.expire.Stop()
	delete(h.calls, state)
	return one.call, nil
}

func (h *holds) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, one := range h.calls {
		one.expire.Stop()
		one.call.cancel()
	}
	clear(h.calls)
}

// hold runs a call in a goroutine of its own.
func (x *exchange) hold(ctx context.Context, about [sha256.Size]byte, release func(), work func(context.Context) (json.RawMessage, error)) *heldCall {
	call := &heldCall{exchange: x, about: about, done: make(chan struct{})}
	ctx, call.cancel = context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(x.client.ctx, call.cancel)
	ended := x.client.holding()
	go func() {
		defer release()
		defer ended()
		defer stop()
		defer call.cancel()
		defer close(call.done)
		call.text, call.err = work(ctx)
	}()
	return call
}

// wait waits for the end of a call, or until it is a task, or for something that its client has to be asked first.
func (call *heldCall) wait(ctx context.Context) (json.RawMessage, error) {
	x := call.exchange
	begun := x.begun
	for {
		select {
		case <-call.done:
			if x.wantsTask() && call.err == nil {
				return call.toTask()
			}
			x.end()
			return call.text, call.err
		default:
		}
		select {
		case <-call.done:
		case <-begun:
			text, err := call.toTask()
			if err == nil || x.wantsTask() {
				return text, err
			}
			begun = nil // There is no room: the call is awaited.
		case <-x.questions.asked:
			if x.wantsTask() {
				x.questions.ring() // They wait for the task's requests.
				return call.toTask()
			}
			requests := x.questions.requests()
			if requests == nil {
				continue // They were taken back.
			}
			state, err := x.client.gateway.held.put(call, x.client.principal)
			if err != nil {
				call.cancel()
				return nil, err
			}
			return marshal(map[string]any{"resultType": "input_required", "inputRequests": requests, "requestState": state}), nil
		case <-ctx.Done():
			call.cancel()
			<-call.done
			return nil, ctx.Err()
		}
	}
}
