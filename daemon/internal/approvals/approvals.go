// Package approvals has the calls that wait for somebody to say yes.
package approvals

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// Approvals are the questions that are open. The gate bounds how many there are. It is safe for concurrent use.
type Approvals struct {
	mu   sync.Mutex
	open []*question // the oldest first
}

type question struct {
	*policy.Question
	answer chan policy.Answer
}

// Approve asks, and waits for an answer: it is a [policy.Approver].
func (a *Approvals) Approve(ctx context.Context, q *policy.Question) (policy.Answer, error) {
	asked := &question{q, make(chan policy.Answer, 1)}
	a.mu.Lock()
	a.open = append(a.open, asked)
	a.mu.Unlock()
	select {
	case answer := <-asked.answer:
		return answer, nil
	case <-ctx.Done():
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open = slices.DeleteFunc(a.open, func(other *question) bool { return other == asked })
	select {
	case answer := <-asked.answer: // Whoever has answered was told that it counts.
		return answer, nil
	default:
		return q.No(), ctx.Err()
	}
}

// List returns the open questions, the oldest first.
func (a *Approvals) List() []*policy.Question {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]*policy.Question, len(a.open))
	for i, q := range a.open {
		all[i] = q.Question
	}
	return all
}

// These are why an answer does not count.
var (
	ErrNoQuestion = errors.New("there is no such question: it was answered, it has ended, or its call has")
	ErrOwn        = errors.New("the call is made on your own behalf: somebody else has to say yes")
	ErrNotAsked   = errors.New("the policy asks another principal for this yes: see who of the approval")
)

// Answer answers a question. Nobody says yes to a call on their own behalf: an approval never comes through the
// channel that it governs; and only whom the rule asks says yes, where it names somebody. Anybody may say no. It fails
// with [ErrNoQuestion], [ErrOwn] and [ErrNotAsked].
func (a *Approvals) Answer(who, id string, yes, once bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := slices.IndexFunc(a.open, func(q *question) bool { return q.ID == id })
	if at < 0 {
		return ErrNoQuestion
	}
	q := a.open[at]
	if yes && q.Call.Principal == who {
		return ErrOwn
	}
	if yes && !q.Accepts(who) {
		return ErrNotAsked
	}
	a.open = slices.Delete(a.open, at, at+1)
	switch {
	case !yes:
		q.answer <- q.No()
	case once:
		q.answer <- q.YesOnce(who)
	default:
		q.answer <- q.Yes(who)
	}
	return nil
}
