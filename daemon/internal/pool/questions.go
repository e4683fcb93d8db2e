//lint:file-ignore SA1019 The newest revision deprecates roots and sampling; servers go on using them.

package pool

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// answererWait is how long a question waits for somebody who answers: between Connect and the stream.
const answererWait = 10 * time.Second

// An Answerer answers what a server asks. The context ends when the server takes the question back.
type Answerer func(ctx context.Context, method string, params json.RawMessage) (json.RawMessage, error)

// questions have who answers what a server asks.
type questions struct {
	mu       sync.Mutex
	answerer *Answerer
	changed  chan struct{} // closed when the answerer changes
}

// ErrAnswered says that another stream answers what the server asks.
var ErrAnswered = errors.New("another stream has this session: end it before")

// Answer has somebody answer what the server asks, until stop is called. It fails with [ErrAnswered].
func (h *Hub) Answer(answerer Answerer) (stop func(), err error) {
	q := &h.questions
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.answerer != nil {
		return nil, ErrAnswered
	}
	q.set(&answerer)
	return sync.OnceFunc(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.set(nil)
	}), nil
}

// set changes who answers. With q.mu held.
func (q *questions) set(answerer *Answerer) {
	q.answerer = answerer
	close(q.changed)
	q.changed = make(chan struct{})
}

// who gives who answers, and waits for one for a while.
func (q *questions) who(ctx context.Context) (Answerer, error) {
	ctx, cancel := context.WithTimeout(ctx, answererWait)
	defer cancel()
	for {
		q.mu.Lock()
		answerer, changed := q.answerer, q.changed
		q.mu.Unlock()
		if answerer != nil {
			return *answerer, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: "nobody is there to answer"}
		}
	}
}

// asked are the methods of questions.
var asked = map[string]bool{"sampling/createMessage": true, "elicitation/create": true, "roots/list": true}

// answering is the middleware that has the answerer of a session answer.
func (h *hubs) answering(next caisson.MethodHandler) caisson.MethodHandler {
	return func(ctx context.Context, session *caisson.Session, method string, params json.RawMessage) (json.RawMessage, error) {
		if !asked[method] {
			return next(ctx, session, method, params)
		}
		answer, err := h.of(session).questions.who(ctx)
		if err != nil {
			return nil, err
		}
		return answer(ctx, method, params)
	}
}

// capabilities are what a caller can be asked.
type capabilities struct{ declared *mcp.ClientCapabilities }

// readCapabilities reads the capabilities of a caller; nil for none.
func readCapabilities(text []byte) (*capabilities, error) {
	if len(text) == 0 {
		return nil, nil
	}
	wrong := func(err error) error {
		return &caisson.Error{Code: caisson.CodeInvalidArgument, Step: "connect", Message: "the capabilities are not a JSON object as the protocol has it: " + err.Error(), Err: err}
	}
	c := &capabilities{declared: &mcp.ClientCapabilities{}}
	if err := json.Unmarshal(text, c.declared); err != nil {
		return nil, wrong(err)
	}
	var own struct {
		Roots *mcp.RootCapabilities `json:"roots"`
	}
	if err := json.Unmarshal(text, &own); err != nil {
		return nil, wrong(err)
	}
	c.declared.RootsV2 = own.Roots // The Go SDK's own reading does not say whether it is there.
	return c, nil
}
