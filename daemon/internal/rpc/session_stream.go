package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"connectrpc.com/connect"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/access"
	"github.com/caisson-dev/caisson/daemon/internal/budget"
	"github.com/caisson-dev/caisson/daemon/internal/pool"
)

// maxStreamCalls bounds the calls of one stream that are underway.
const maxStreamCalls = 64

// Session implements the service.
func (m *MCP) Session(ctx context.Context, stream *connect.BidiStream[caissonv1.SessionRequest, caissonv1.SessionResponse]) error {
	first, err := receiveFirst(stream)
	if err != nil {
		return err
	}
	return m.converse(ctx, first, stream)
}

func receiveFirst(stream *connect.BidiStream[caissonv1.SessionRequest, caissonv1.SessionResponse]) (*caissonv1.SessionRequest, error) {
	first, err := stream.Receive()
	if errors.Is(err, io.EOF) {
		return nil, invalid("session", "the first message is missing: open a session")
	}
	return first, err
}

// converse is Session after the first message.
func (m *MCP) converse(ctx context.Context, first *caissonv1.SessionRequest, stream *connect.BidiStream[caissonv1.SessionRequest, caissonv1.SessionResponse]) error {
	s, done, err := m.open(ctx, first.GetOpen())
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithCancel(byRPC(ctx))
	c := &conversation{session: s, stream: stream, ctx: ctx, cancel: cancel, calls: map[string]context.CancelFunc{}, questions: map[string]chan *caissonv1.SessionAnswer{}}
	defer c.end()
	defer c.wait()
	defer cancel()
	listener := s.Hub().Listen(func(n pool.Notification) bool { return n.Method != progressMethod })
	defer listener.Close()
	stop, err := s.Hub().Answer(c.ask)
	if err != nil {
		return Status(err)
	}
	defer stop()
	if err := c.send(&caissonv1.SessionResponse{Of: &caissonv1.SessionResponse_Opened{Opened: m.info(s)}}); err != nil {
		return err
	}
	return c.talk(listener, m.Draining)
}

// open finds the session that a stream is about, or makes it.
func (m *MCP) open(ctx context.Context, r *caissonv1.SessionOpen) (*pool.Session, func(), error) {
	p, err := caller(ctx, access.MCP)
	if err != nil {
		return nil, nil, err
	}
	switch of := r.GetOf().(type) {
	case *caissonv1.SessionOpen_Session:
		s, release, err := m.Pool.Use(ctx, p.Name, pool.Target{ID: of.Session})
		if err == nil && s.Shared {
			release()
			return nil, nil, invalid("session", "this session is shared by all calls of its server: connect one")
		}
		return s, release, Status(err)
	case *caissonv1.SessionOpen_Connect:
		s, release, err := m.connect(ctx, of.Connect)
		if err != nil {
			return nil, nil, err
		}
		return s, func() {
			release()
			_ = m.disconnect(context.WithoutCancel(ctx), p.Name, s.ID) // It may have ended by itself.
		}, nil
	}
	return nil, nil, invalid("session", "the first message does not open a session")
}

// A sessionStream is the stream of a caller.
type sessionStream interface {
	Send(*caissonv1.SessionResponse) error
	Receive() (*caissonv1.SessionRequest, error)
}

// A conversation is what goes both ways over one stream.
type conversation struct {
	session *pool.Session
	stream  sessionStream
	ctx     context.Context
	cancel  context.CancelFunc
	working sync.WaitGroup // of calls

	sending sync.Mutex
	over    bool // nothing more is sent; with sending held

	mu        sync.Mutex
	waiting   bool // no call begins any more
	calls     map[string]context.CancelFunc
	questions map[string]chan *caissonv1.SessionAnswer
	asked     int
}

// errOver is why something is not sent.
var errOver = errors.New("the stream has ended")

// send sends a message. Several goroutines do, and some of them live longer than the stream: the one that receives, and
// those of questions and of progress.
func (c *conversation) send(message *caissonv1.SessionResponse) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	if c.over {
		return errOver
	}
	return c.stream.Send(message)
}

// end has nothing more be sent: who writes to an HTTP stream whose handler has returned ends the process.
func (c *conversation) end() {
	c.sending.Lock()
	defer c.sending.Unlock()
	c.over = true
}

// wait has no call begin any more, and waits for those that are underway.
func (c *conversation) wait() {
	c.mu.Lock()
	c.waiting = true
	c.mu.Unlock()
	c.working.Wait()
}

// talk passes on what comes, both ways, until one of them ends. Calls that are underway when the caller has no more to say,
// or when the daemon or the server drains, are waited for.
func (c *conversation) talk(listener *pool.Listener, draining <-chan struct{}) error {
	over := make(chan error, 1)
	go func() { over <- c.receive() }() // It ends with the stream, when the handler returns.
	received := over                    // nil once the caller has no more to say
	leaving := c.session.Leaving()
	var end error
	var ended chan struct{} // closed when no call is underway any more; nil before it is waited for
	finish := func(with error) {
		received, draining, leaving, end, ended = nil, nil, nil, with, make(chan struct{})
		go func() {
			c.wait()
			close(ended)
		}()
	}
	for {
		select {
		case err := <-received:
			if !errors.Is(err, io.EOF) {
				return err
			}
			finish(nil)
		case <-draining:
			finish(errDraining)
		case <-leaving:
			finish(Status(c.session.LeavingError()))
		case <-ended:
			return end
		case <-c.ctx.Done():
			return Status(c.ctx.Err())
		case n, ok := <-listener.C:
			if !ok {
				return Status(listener.Err())
			}
			listener.Took(n)
			if err := c.tell(n); err != nil {
				return err
			}
		}
	}
}

func (c *conversation) tell(n pool.Notification) error {
	return c.send(&caissonv1.SessionResponse{Of: &caissonv1.SessionResponse_Notification{Notification: &caissonv1.SessionNotification{Method: n.Method, Params: n.Params}}})
}

// receive takes what the caller sends, until it ends.
func (c *conversation) receive() error {
	for {
		message, err := c.stream.Receive()
		if err != nil {
			return err
		}
		switch of := message.GetOf().(type) {
		case *caissonv1.SessionRequest_Answer:
			err = c.answered(of.Answer)
		case *caissonv1.SessionRequest_Call:
			err = c.begin(of.Call)
		case *caissonv1.SessionRequest_Cancel:
			c.mu.Lock()
			if cancel := c.calls[of.Cancel]; cancel != nil {
				cancel()
			}
			c.mu.Unlock()
		case *caissonv1.SessionRequest_Notify:
			err = c.notify(of.Notify)
		default:
			err = invalid("session", "the stream has its session already: send an answer, a call, a cancel or a notification")
		}
		if err != nil {
			return err
		}
	}
}

func (c *conversation) notify(n *caissonv1.SessionNotify) error {
	p, err := rawParams(n.GetParams())
	if err != nil {
		return invalid(n.GetMethod(), err.Error())
	}
	return Status(c.session.Caisson().Notify(c.ctx, n.GetMethod(), p))
}

// begin begins a call. What is wrong with it ends the stream where it could not be told apart by its id.
func (c *conversation) begin(call *caissonv1.SessionCall) error {
	p, err := rawParams(call.GetParams())
	if err != nil {
		return c.reply(call.GetId(), nil, &caisson.Error{Code: caisson.CodeInvalidArgument, Step: call.GetMethod(), Message: err.Error()})
	}
	ctx, cancel := context.WithCancel(c.ctx)
	c.mu.Lock()
	twice, many, late := c.calls[call.GetId()] != nil, len(c.calls) >= maxStreamCalls, c.waiting
	if !twice && !many && !late {
		c.calls[call.GetId()] = cancel
		c.working.Add(1) // Nobody waits before waiting is set.
	}
	c.mu.Unlock()
	switch {
	case late:
		cancel()
		return c.reply(call.GetId(), nil, &caisson.Error{Code: caisson.CodeConnect, Step: call.GetMethod(), Message: "the stream ends, and begins no more calls: nothing was sent"})
	case twice:
		cancel()
		return invalid("session", fmt.Sprintf("a call of the id %q is underway", call.GetId()))
	case many:
		cancel()
		return c.reply(call.GetId(), nil, &caisson.Error{Code: caisson.CodeLimit, Step: call.GetMethod(), Message: fmt.Sprintf("%d calls of this stream are underway, which is the most", maxStreamCalls)})
	}
	read := budget.Keep(c.ctx)
	go func() {
		defer c.working.Done()
		defer read()
		defer cancel()
		session := c.session.Caisson().With(caisson.CallOptions{OnProgress: func(n *mcp.ProgressNotificationParams) {
			if text, err := json.Marshal(n); err == nil { // It came as JSON.
				_ = c.send(&caissonv1.SessionResponse{Of: &caissonv1.SessionResponse_Progress{Progress: &caissonv1.SessionProgress{Id: call.GetId(), Params: text}}})
			}
		}})
		result, err := session.Request(ctx, call.GetMethod(), p)
		c.mu.Lock()
		delete(c.calls, call.GetId())
		c.mu.Unlock()
		_ = c.reply(call.GetId(), result, err) // The stream may have ended.
	}()
	return nil
}

func (c *conversation) reply(id string, result []byte, err error) error {
	reply := &caissonv1.SessionReply{Id: id, Of: &caissonv1.SessionReply_Result{Result: result}}
	if err != nil {
		reply.Of = &caissonv1.SessionReply_Error{Error: Detail(err)}
	}
	return c.send(&caissonv1.SessionResponse{Of: &caissonv1.SessionResponse_Reply{Reply: reply}})
}

// ask asks the caller what the server asks.
func (c *conversation) ask(ctx context.Context, method string, params json.RawMessage) (json.RawMessage, error) {
	answer := make(chan *caissonv1.SessionAnswer, 1)
	c.mu.Lock()
	c.asked++
	id := strconv.Itoa(c.asked)
	c.questions[id] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.questions, id)
	}()
	err := c.send(&caissonv1.SessionResponse{Of: &caissonv1.SessionResponse_Question{Question: &caissonv1.SessionQuestion{Id: id, Method: method, Params: params}}})
	if err != nil {
		return nil, err
	}
	select {
	case a := <-answer:
		return read(a)
	case <-c.ctx.Done():
		return nil, errOver
	case <-ctx.Done():
		_ = c.send(&caissonv1.SessionResponse{Of: &caissonv1.SessionResponse_Retracted{Retracted: id}}) // The stream may have ended.
		return nil, ctx.Err()
	}
}

func read(a *caissonv1.SessionAnswer) (json.RawMessage, error) {
	switch of := a.GetOf().(type) {
	case *caissonv1.SessionAnswer_Result:
		return of.Result, nil
	case *caissonv1.SessionAnswer_Error:
		failure := &jsonrpc.Error{}
		if err := json.Unmarshal(of.Error, failure); err != nil {
			return nil, err
		}
		return nil, failure
	}
	return nil, errors.New("the answer has neither a result nor an error")
}

// answered takes an answer. One to a question that nobody has any more is too late, and no fault.
func (c *conversation) answered(a *caissonv1.SessionAnswer) error {
	if result := a.GetResult(); a.GetError() == nil {
		if err := isObject(result); err != nil {
			return invalid("session", "the result of the answer: "+err.Error())
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if answer := c.questions[a.GetId()]; answer != nil {
		answer <- a
		delete(c.questions, a.GetId())
	}
	return nil
}
