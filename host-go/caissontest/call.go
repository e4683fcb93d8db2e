package caissontest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A Handler answers a request. Its result is anything that marshals to JSON, and becomes the answer
// unchanged: a [json.RawMessage] is any JSON text, and [Text], [Structured] and [Failure] return the result
// of a tool. No result and no error mean the empty object. An error becomes a JSON-RPC error: a
// [*jsonrpc.Error] unchanged, any other with the code -32603 and its text. [ErrSilence] leaves the request
// without an answer.
//
// Each request has its own goroutine, so a handler may wait: for a channel that the test closes, or for
// [Call.Context]. What a handler of a notification returns is ignored.
type Handler func(call *Call) (any, error)

// ErrSilence is the error of a [Handler] that leaves its request without an answer.
var ErrSilence = errors.New("caissontest: no answer")

// A Call is one request, for its [Handler]. It is safe for concurrent use.
type Call struct {
	Request

	server     *Server
	connection *connection
	ctx        context.Context
	cancel     context.CancelFunc

	asking sync.Mutex   // locked during a round: there is one request to answer at a time
	next   chan Request // gets the next round, after a question

	mu     sync.Mutex
	latest Request // the request of the current round; the first one is Request
}

// Context ends when the client cancels the request, when the connection ends, and with the test.
func (c *Call) Context() context.Context { return c.ctx }

// Wait waits until the test sends on a channel or closes it, and so delays the answer. It fails with the
// context's error when [Call.Context] ends first.
func (c *Call) Wait(release <-chan struct{}) error {
	select {
	case <-release:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// Ask asks the client, and returns the JSON text of its answer. The method is "elicitation/create",
// "sampling/createMessage" or "roots/list". The params are anything that marshals to a JSON object. nil means
// no params. An [*mcp.ElicitParams] without a Mode asks with a form. The question has the form of the
// client's revision: a request of the server, or in 2026-07-28 an `input_required` answer to the call
// (specification, "Multi Round-Trip Requests") and the client's next request for the same call.
//
// Ask fails with a [*jsonrpc.Error] when the client answers with one, and with the context's error when
// [Call.Context] ends. In 2026-07-28 a client that does not answer sends nothing: then Ask waits until the
// connection ends. In that revision only tools/call, prompts/get and resources/read may ask, and Ask fails in
// other calls. To ask several questions in one round, return a result with "resultType": "input_required"
// from the handler.
func (c *Call) Ask(method string, params any) (json.RawMessage, error) {
	if form, ok := params.(*mcp.ElicitParams); ok && form != nil && form.Mode == "" {
		own := *form
		own.Mode = "form" // It would be written as an empty text.
		params = &own
	}
	text, err := marshal(params)
	if err != nil {
		return nil, fmt.Errorf("caissontest: the params of %s: %w", method, err)
	}
	if c.modern() {
		return c.askInRound(method, text)
	}
	return c.connection.ask(c.ctx, method, text)
}

const question = "question" // names the one question of a round

func (c *Call) askInRound(method string, params json.RawMessage) (json.RawMessage, error) {
	switch c.Method {
	case "tools/call", "prompts/get", "resources/read":
	default:
		return nil, fmt.Errorf("caissontest: in revision 2026-07-28 a server asks only within tools/call, prompts/get and resources/read, and not within %s", c.Method)
	}
	c.asking.Lock()
	defer c.asking.Unlock()
	if err := c.ctx.Err(); err != nil {
		return nil, err
	}
	state, forget := c.server.newRound(c)
	defer forget()
	if params == nil {
		params = json.RawMessage("{}") // The Go SDK's client cannot read a question without params.
	}
	c.send(map[string]any{
		"resultType":    "input_required",
		"inputRequests": map[string]any{question: map[string]any{"method": method, "params": params}},
		"requestState":  state,
	}, nil)
	select {
	case round := <-c.next:
		var given struct {
			InputResponses map[string]json.RawMessage `json:"inputResponses"`
		}
		if err := json.Unmarshal(round.Params, &given); err != nil {
			return nil, fmt.Errorf("caissontest: the next round of %s cannot be read: %w", c.Method, err)
		}
		answer, ok := given.InputResponses[question]
		if !ok {
			return nil, fmt.Errorf("caissontest: the next round of %s does not answer %s", c.Method, method)
		}
		return answer, nil
	case <-c.ctx.Done():
		return nil, c.ctx.Err()
	}
}

// goOn continues the call with the request of its next round. The client may cancel that request at once.
func (c *Call) goOn(round Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.connection.rename(c.latest.ID, round.ID)
	c.latest = round
	c.next <- round
}

// Notify sends a notification on the call's connection, unchanged: for example a message for the log
// ("notifications/message"). The params are anything that marshals to a JSON object. nil means no params.
func (c *Call) Notify(method string, params any) error {
	text, err := marshal(params)
	if err != nil {
		return fmt.Errorf("caissontest: the params of %s: %w", method, err)
	}
	c.connection.send(&jsonrpc.Request{Method: method, Params: text})
	return nil
}

// Progress tells the client the call's progress (specification, "Progress"). It leaves out a total of 0 and
// an empty message. It sends nothing and returns false when the client has not asked for progress.
func (c *Call) Progress(progress, total float64, message string) bool {
	c.mu.Lock()
	token, ok := c.latest.Meta()["progressToken"]
	c.mu.Unlock()
	if !ok {
		return false
	}
	params := map[string]any{"progressToken": token, "progress": progress}
	if total != 0 {
		params["total"] = total
	}
	if message != "" {
		params["message"] = message
	}
	return c.Notify("notifications/progress", params) == nil
}

// modern reports whether the request has the form of the newer era, in which each request describes its
// client.
func (c *Call) modern() bool {
	var version string
	_ = json.Unmarshal(c.Meta()[metaVersion], &version)
	return version >= firstModern
}

func (c *Call) id() jsonrpc.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.latest.ID
}

// run lets the handler answer.
func (c *Call) run(handler Handler) {
	defer c.cancel()
	done := false
	defer func() {
		if !done { // The handler ended by runtime.Goexit, as in t.FailNow. The client should not wait.
			c.send(nil, errors.New("the handler ended without an answer"))
		}
	}()
	result, err := handler(c)
	done = true
	if errors.Is(err, ErrSilence) || err != nil && errors.Is(err, c.ctx.Err()) {
		return
	}
	c.send(result, err)
}

// send answers the request of the current round.
func (c *Call) send(result any, err error) {
	id := c.id()
	if !id.IsValid() {
		return
	}
	response := &jsonrpc.Response{ID: id}
	if err == nil {
		if response.Result, err = marshal(result); err != nil {
			c.server.t.Errorf("caissontest: the result of the handler of %s cannot be made JSON: %v", c.Method, err)
		} else if response.Result == nil {
			response.Result = json.RawMessage("{}")
		}
	}
	if err != nil {
		wire := new(jsonrpc.Error)
		if !errors.As(err, &wire) {
			wire = &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: err.Error()}
		}
		response.Error = wire
	}
	c.connection.send(response)
}

// marshal returns a value as JSON. It returns nothing for nil, and leaves a JSON text unchanged.
func marshal(value any) (json.RawMessage, error) {
	text, ok := value.(json.RawMessage)
	switch {
	case value == nil || ok && text == nil:
		return nil, nil
	case !ok:
		return json.Marshal(value)
	case !json.Valid(text):
		return nil, fmt.Errorf("it is not valid JSON: %s", text)
	}
	return text, nil
}
