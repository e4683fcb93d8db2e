package caissontest

import (
	"context"
	"encoding/json"
	"io"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// A connection is the client's end of a connection with a [Server]. It is an mcp.Connection. The server
// serves at once what the client writes. What the server sends waits in a queue.
type connection struct {
	server *Server
	ctx    context.Context // ends with the connection
	cancel context.CancelFunc

	mu            sync.Mutex
	queue         []jsonrpc.Message
	more          chan struct{} // has a value when the queue has a new message
	closed        bool          // the client reads nothing more
	modern        bool          // the client speaks a revision of the newer era
	calls         map[jsonrpc.ID]context.CancelFunc
	asked         map[jsonrpc.ID]chan<- *jsonrpc.Response
	subscriptions map[jsonrpc.ID]notifications
}

func newConnection(s *Server) *connection {
	c := &connection{
		server:        s,
		more:          make(chan struct{}, 1),
		calls:         map[jsonrpc.ID]context.CancelFunc{},
		asked:         map[jsonrpc.ID]chan<- *jsonrpc.Response{},
		subscriptions: map[jsonrpc.ID]notifications{},
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Read returns the server's messages in order, and then io.EOF when the connection has ended.
func (c *connection) Read(ctx context.Context) (jsonrpc.Message, error) {
	for {
		if message := c.next(); message != nil {
			return message, nil
		}
		select {
		case <-c.more:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.ctx.Done():
			if message := c.next(); message != nil {
				return message, nil
			}
			return nil, io.EOF
		}
	}
}

func (c *connection) next() jsonrpc.Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 || c.closed {
		return nil
	}
	message := c.queue[0]
	c.queue = c.queue[1:]
	return message
}

// send puts a message into the queue. After the end of the connection it does nothing.
func (c *connection) send(message jsonrpc.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.push(message)
}

// push is send for a caller that holds the lock.
func (c *connection) push(message jsonrpc.Message) {
	if c.ctx.Err() != nil {
		return
	}
	c.queue = append(c.queue, message)
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// Write serves a message of the client.
func (c *connection) Write(ctx context.Context, message jsonrpc.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.ctx.Err() != nil {
		return io.ErrClosedPipe
	}
	switch m := message.(type) {
	case *jsonrpc.Request:
		c.server.receive(c, m)
	case *jsonrpc.Response:
		c.mu.Lock()
		asked := c.asked[m.ID]
		delete(c.asked, m.ID)
		c.mu.Unlock()
		if asked != nil {
			asked <- m
		}
	}
	return nil
}

// Close ends the connection for the client.
func (c *connection) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.end()
	return nil
}

// SessionID returns "": only HTTP has session ids.
func (c *connection) SessionID() string { return "" }

// end ends the connection. The client can still read what is in the queue.
func (c *connection) end() {
	c.cancel()
	c.server.remove(c)
}

// ask sends a request of the server and waits for the answer.
func (c *connection) ask(ctx context.Context, method string, params json.RawMessage) (json.RawMessage, error) {
	id, answer := c.server.newID(), make(chan *jsonrpc.Response, 1)
	c.mu.Lock()
	c.asked[id] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.asked, id)
		c.mu.Unlock()
	}()
	c.send(&jsonrpc.Request{ID: id, Method: method, Params: params})
	select {
	case response := <-answer:
		return response.Result, response.Error
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// begin keeps a call until it is over, so that the client can cancel it.
func (c *connection) begin(call *Call) {
	if !call.ID.IsValid() {
		return
	}
	modern := call.modern()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.modern = modern
	c.calls[call.ID] = call.cancel
}

func (c *connection) done(call *Call) {
	id := call.id()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, id)
}

// subscribe keeps a subscription and sends the acknowledgement. After it, the client can get changes.
func (c *connection) subscribe(id jsonrpc.ID, wanted notifications, acknowledgement json.RawMessage) (remove func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subscriptions[id] = wanted
	c.push(&jsonrpc.Request{Method: "notifications/subscriptions/acknowledged", Params: acknowledgement})
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.subscriptions, id)
	}
}

// rename gives a call the id of its next round.
func (c *connection) rename(from, to jsonrpc.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[to] = c.calls[from]
	delete(c.calls, from)
}

// cancelCall cancels the call that notifications/cancelled names.
func (c *connection) cancelCall(params json.RawMessage) {
	var cancelled struct {
		RequestID any `json:"requestId"`
	}
	if json.Unmarshal(params, &cancelled) != nil {
		return
	}
	id, err := jsonrpc.MakeID(cancelled.RequestID)
	if err != nil {
		return
	}
	c.mu.Lock()
	cancel := c.calls[id]
	c.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// notify sends the client a notification, in the form of the client's era. It returns how many it sent.
func (c *connection) notify(method string, params json.RawMessage) int {
	c.mu.Lock()
	modern := c.modern
	var ids []jsonrpc.ID
	for id, wanted := range c.subscriptions {
		if wanted.want(method, params) {
			ids = append(ids, id)
		}
	}
	c.mu.Unlock()
	if !modern || !isChange(method) {
		c.send(&jsonrpc.Request{Method: method, Params: params})
		return 1
	}
	for _, id := range ids {
		members := map[string]json.RawMessage{}
		_ = json.Unmarshal(params, &members) // Params that are no object have no members.
		meta := map[string]any{}
		_ = json.Unmarshal(members["_meta"], &meta)
		meta[metaSubscription] = id.Raw()
		members["_meta"], _ = json.Marshal(meta)
		text, _ := json.Marshal(members) // JSON that was read always marshals.
		c.send(&jsonrpc.Request{Method: method, Params: text})
	}
	return len(ids)
}
