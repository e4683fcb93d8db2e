package gateway

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
)

// questions are what an exchange's client is asked in rounds.
type questions struct {
	mu    sync.Mutex
	last  int
	open  map[string]*question
	asked chan struct{} // has a value when there is a question that no round has
}

// A question is one of a server's.
type question struct {
	method string
	params json.RawMessage
	answer chan json.RawMessage // with room for one
}

// maxQuestions bounds the questions of one exchange at a time.
const maxQuestions = 64

func newQuestions() *questions {
	return &questions{open: map[string]*question{}, asked: make(chan struct{}, 1)}
}

// ask puts a question, and waits for the answer.
func (q *questions) ask(ctx context.Context, method string, params json.RawMessage) (json.RawMessage, error) {
	one := &question{method: method, params: params, answer: make(chan json.RawMessage, 1)}
	q.mu.Lock()
	if len(q.open) >= maxQuestions {
		q.mu.Unlock()
		return nil, invalidParams("the client is asked too much at once")
	}
	q.last++
	id := strconv.Itoa(q.last)
	q.open[id] = one
	q.mu.Unlock()
	select {
	case q.asked <- struct{}{}:
	default:
	}
	select {
	case answer := <-one.answer:
		return answer, nil
	case <-ctx.Done():
		q.mu.Lock()
		delete(q.open, id)
		q.mu.Unlock()
		return nil, ctx.Err()
	}
}

// requests are the questions without an answer, as inputRequests has them; nil when there are none.
func (q *questions) requests() map[string]any {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.open) == 0 {
		return nil
	}
	all := map[string]any{}
	for id, one := range q.open {
		all[id] = map[string]any{"method": one.method, "params": one.params}
	}
	return all
}

// answer takes the inputResponses of a round. What is not answered is asked again.
func (q *questions) answer(responses map[string]json.RawMessage) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for id, response := range responses {
		if one := q.open[id]; one != nil {
			delete(q.open, id)
			one.answer <- response
		}
	}
	if len(q.open) > 0 {
		select {
		case q.asked <- struct{}{}:
		default:
		}
	}
}
