package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"sync"
)

// questions are what an exchange's client is asked in rounds. A round of a server's reaches the client as one round: its
// questions wait for each other.
type questions struct {
	mu        sync.Mutex
	last      int                        // counts the keys that are the gateway's own
	open      map[string]*question       // those without an answer, by the keys that the client sees
	shown     map[string]*question       // those of the round that the client has; it can answer no others
	gathering map[roundOf]*round         // rounds of which questions are missing yet
	given     map[string]json.RawMessage // answers that came with the call, by the keys of the server
	asked     chan struct{}              // has a value when there may be a question that no round has
}

// A question is one of a server's, or the gateway's own for an approval.
type question struct {
	method string
	params json.RawMessage
	key    string
	round  *round               // nil when it stands alone
	asking bool                 // a request of the client's carries it; see carry
	answer chan json.RawMessage // with room for one; nil is a refusal
	failed error                // why it is refused; read it after the answer
}

// A round is one of a server's.
type round struct {
	of      roundOf
	missing uint32 // how many of its questions have not come yet
	waiting int    // how many of its questions wait
}

// A roundOf says which round of which session with a server.
type roundOf struct {
	link   *link
	number uint32
}

// A place is where a question stands in a server's round.
type place struct {
	of   roundOf
	key  string // the server's own
	size uint32 // of the round
}

// maxQuestions bounds the questions of one exchange at a time.
const maxQuestions = 64

func newQuestions() *questions {
	return &questions{open: map[string]*question{}, gathering: map[roundOf]*round{}, asked: make(chan struct{}, 1)}
}

// ask puts a question, and waits for the answer. A question without a place is put at once, under a key of the gateway's
// own.
func (q *questions) ask(ctx context.Context, method string, params json.RawMessage, at *place) (json.RawMessage, error) {
	one := &question{method: method, params: params, answer: make(chan json.RawMessage, 1)}
	if given, err := q.put(one, at); given != nil || err != nil {
		return given, err
	}
	select {
	case answer := <-one.answer:
		return answer, one.failed
	case <-ctx.Done():
		q.takeBack(one)
		return nil, ctx.Err()
	}
}

// put puts a question, unless its answer came with the call.
func (q *questions) put(one *question, at *place) (given json.RawMessage, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.open) >= maxQuestions {
		return nil, invalidParams("the client is asked too much at once")
	}
	if at != nil {
		one.round = q.gather(at)
		if given = q.given[at.key]; given != nil {
			delete(q.given, at.key)
		} else {
			one.round.waiting++
		}
	}
	if given == nil {
		one.key = q.keyFor(at)
		q.open[one.key] = one
	}
	if one.whole() {
		q.ring()
	}
	return given, nil
}

// gather counts a question in its round.
func (q *questions) gather(at *place) *round {
	r := q.gathering[at.of]
	if r == nil {
		r = &round{of: at.of, missing: at.size}
		q.gathering[at.of] = r
	}
	if r.missing > 0 {
		r.missing--
	}
	if r.missing == 0 {
		delete(q.gathering, at.of)
	}
	return r
}

// keyFor is the server's own key, unless a question of another server's, or an approval, has it.
func (q *questions) keyFor(at *place) string {
	if at != nil && q.open[at.key] == nil {
		return at.key
	}
	for {
		q.last++
		if key := strconv.Itoa(q.last); q.open[key] == nil {
			return key
		}
	}
}

// takeBack ends a question without an answer. The others of its round are taken back too.
func (q *questions) takeBack(one *question) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open[one.key] != one {
		return // It was answered at the same time.
	}
	delete(q.open, one.key)
	if r := one.round; r != nil {
		if r.waiting--; r.waiting == 0 && q.gathering[r.of] == r {
			delete(q.gathering, r.of)
		}
	}
}

// whole reports whether no question is missing that the client must get together with this one.
func (one *question) whole() bool { return one.round == nil || one.round.missing == 0 }

// ring has whoever waits for the call look for questions.
func (q *questions) ring() {
	select {
	case q.asked <- struct{}{}:
	default:
	}
}

// requests begins a round of the client's: the questions without an answer, as inputRequests has them; nil when there are
// none.
func (q *questions) requests() map[string]any {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.shown = map[string]*question{}
	all := map[string]any{}
	for key, one := range q.open {
		if one.whole() {
			q.shown[key] = one
			all[key] = map[string]any{"method": one.method, "params": one.params}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// answer takes the inputResponses of a round. What is not answered, and what is not answered with an object, is asked
// again. Answers to what the round did not ask are ignored.
func (q *questions) answer(responses map[string]json.RawMessage) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for key, one := range q.shown {
		if response := responses[key]; isObject(response) && q.open[key] == one {
			delete(q.open, key)
			delete(q.shown, key)
			one.answer <- response
		}
	}
	if len(q.open) > 0 {
		q.ring()
	}
}

// carry returns the questions that no request of the client's carries yet. The caller asks each, and calls settle or
// uncarry.
func (q *questions) carry() (all []*question) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, one := range q.open {
		if one.whole() && !one.asking {
			one.asking = true
			all = append(all, one)
		}
	}
	return all
}

// settle answers a question, or refuses it.
func (q *questions) settle(one *question, answer json.RawMessage, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open[one.key] != one {
		return // It was taken back.
	}
	delete(q.open, one.key)
	one.failed = err
	one.answer <- answer
}

// uncarry has another request carry a question: the one that did has ended before the client answered.
func (q *questions) uncarry(one *question) {
	q.mu.Lock()
	defer q.mu.Unlock()
	one.asking = false
	q.ring()
}

// waiting reports whether the client has something to answer.
func (q *questions) waiting() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, one := range q.open {
		if one.whole() {
			return true
		}
	}
	return false
}

// give keeps answers that the client gives before it is asked. A server that has no state gets them in this way: see
// inputResponses in the specification. They answer what servers ask under these keys, once, and never an approval.
func (q *questions) give(responses map[string]json.RawMessage) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.given = map[string]json.RawMessage{}
	for key, response := range responses {
		if isObject(response) {
			q.given[key] = response
		}
	}
}

func isObject(text json.RawMessage) bool { return bytes.HasPrefix(text, []byte("{")) }
