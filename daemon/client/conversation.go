package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"google.golang.org/grpc"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
)

// A conversation is the stream of one session, both ways.
type conversation struct {
	session *Session
	stream  grpc.ClientStream
	ctx     context.Context // of the stream
	cancel  context.CancelFunc
	answers *answers

	sending sync.Mutex

	mu    sync.Mutex
	last  int
	calls map[string]*pending
	asked map[string]context.CancelFunc
	done  chan struct{} // closed when the stream has ended
	err   error         // why; nil after Close
	over  bool
}

// A pending call waits for its reply.
type pending struct {
	options *caisson.CallOptions // nil for none
	timers  *timers
	told    *queue                       // of progress, for the goroutine of the call: its handler may make calls of its own
	reply   chan *caissonv1.SessionReply // with room for one
}

// progress takes a sign of progress.
func (p *pending) progress(params []byte) {
	p.timers.progress()
	read := &mcp.ProgressNotificationParams{}
	if p.options != nil && p.options.OnProgress != nil && json.Unmarshal(params, read) == nil {
		p.told.push(len(params), func() { p.options.OnProgress(read) })
	}
}

// converse opens a session with a stream of its own.
func (c *Client) converse(ctx context.Context, server string, open *caissonv1.ConnectRequest, handlers caisson.Handlers) (*Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := &Session{client: c, server: server}
	v := &conversation{session: s, calls: map[string]*pending{}, asked: map[string]context.CancelFunc{}, done: make(chan struct{})}
	v.ctx, v.cancel = context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, v.cancel) // Until it is open.
	with, sent := withSent(v.ctx)
	var err error
	first := &caissonv1.SessionResponse{}
	v.stream, err = c.conn.NewStream(with, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, caissonv1connect.McpServiceSessionProcedure)
	if err == nil {
		err = v.stream.SendMsg(&caissonv1.SessionRequest{Of: &caissonv1.SessionRequest_Open{Open: &caissonv1.SessionOpen{Of: &caissonv1.SessionOpen_Connect{Connect: open}}}})
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = v.stream.RecvMsg(first)
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		v.cancel()
		return nil, failure(ctx, err, server, "connect", sent)
	}
	s.info, s.stream = first.GetOpened(), v
	s.target = &caissonv1.Target{Of: &caissonv1.Target_Session{Session: s.info.GetId()}}
	v.answers = newAnswers(handlers)
	go v.receive(sent)
	return s, nil
}

// receive hears what comes, until the stream ends.
func (v *conversation) receive(sent *sent) {
	var err error
	for err == nil {
		message := &caissonv1.SessionResponse{}
		if err = v.stream.RecvMsg(message); err == nil {
			v.hear(message)
		}
	}
	v.mu.Lock()
	switch {
	case v.over: // by Close
	case errors.Is(err, io.EOF):
		v.err = &caisson.Error{Code: caisson.CodeClosed, Server: v.session.server, Step: "session", Message: "the daemon has ended the session"}
	default:
		v.err = failure(v.ctx, err, v.session.server, "session", sent)
	}
	for _, cancel := range v.asked {
		cancel()
	}
	v.mu.Unlock()
	close(v.done)
	v.cancel()
	v.answers.close()
}

func (v *conversation) hear(message *caissonv1.SessionResponse) {
	switch of := message.GetOf().(type) {
	case *caissonv1.SessionResponse_Question:
		v.question(of.Question)
	case *caissonv1.SessionResponse_Retracted:
		v.mu.Lock()
		if cancel := v.asked[of.Retracted]; cancel != nil {
			cancel()
		}
		v.mu.Unlock()
	case *caissonv1.SessionResponse_Notification:
		v.answers.tell(v.ctx, of.Notification.GetMethod(), of.Notification.GetParams())
	case *caissonv1.SessionResponse_Progress:
		v.mu.Lock()
		call := v.calls[of.Progress.GetId()]
		v.mu.Unlock()
		if call != nil {
			call.progress(of.Progress.GetParams())
		}
	case *caissonv1.SessionResponse_Reply:
		v.mu.Lock()
		call := v.calls[of.Reply.GetId()]
		delete(v.calls, of.Reply.GetId())
		v.mu.Unlock()
		if call != nil {
			call.reply <- of.Reply
		}
	}
}

// question has a handler answer, in a goroutine of its own.
func (v *conversation) question(q *caissonv1.SessionQuestion) {
	ctx, cancel := context.WithCancel(v.ctx)
	v.mu.Lock()
	v.asked[q.GetId()] = cancel
	v.mu.Unlock()
	go func() {
		defer cancel()
		answer := v.answers.ask(ctx, q.GetMethod(), q.GetParams())
		answer.Id = q.GetId()
		v.mu.Lock()
		delete(v.asked, q.GetId())
		v.mu.Unlock()
		if ctx.Err() == nil {
			_ = v.send(&caissonv1.SessionRequest{Of: &caissonv1.SessionRequest_Answer{Answer: answer}}) // Its end says why.
		}
	}()
}

func (v *conversation) send(message *caissonv1.SessionRequest) error {
	v.sending.Lock()
	defer v.sending.Unlock()
	return v.stream.SendMsg(message)
}

// call makes a request over the stream.
func (v *conversation) call(ctx context.Context, s *Session, method string, params []byte) (json.RawMessage, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, timers := s.timed(ctx)
	defer timers.stop()
	call := &pending{options: s.callOptions(ctx), timers: timers, told: newQueue(), reply: make(chan *caissonv1.SessionReply, 1)}
	v.mu.Lock()
	if v.over {
		v.mu.Unlock()
		return nil, v.ended(method)
	}
	v.last++
	id := strconv.Itoa(v.last)
	v.calls[id] = call
	v.mu.Unlock()
	drop := func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.calls, id)
	}
	err := v.send(&caissonv1.SessionRequest{Of: &caissonv1.SessionRequest_Call{Call: &caissonv1.SessionCall{Id: id, Method: method, Params: params}}})
	if err != nil && !errors.Is(err, io.EOF) {
		drop()
		return nil, failure(ctx, err, s.server, method, &sent{})
	}
	for {
		select {
		case <-call.told.wake:
			call.told.run()
		case reply := <-call.reply:
			call.told.run() // All progress came before.
			if e := reply.GetError(); e != nil {
				return nil, fromDetail(e, s.server, method)
			}
			return reply.GetResult(), nil
		case <-ctx.Done():
			drop()
			_ = v.send(&caissonv1.SessionRequest{Of: &caissonv1.SessionRequest_Cancel{Cancel: id}}) // The stream may have ended.
			return nil, failure(ctx, ctx.Err(), s.server, method, &sent{})
		case <-v.done:
			drop()
			return nil, v.ended(method)
		}
	}
}

// ended is what a call fails with whose stream has ended.
func (v *conversation) ended(step string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	var e *caisson.Error
	if !errors.As(v.err, &e) {
		return &caisson.Error{Code: caisson.CodeClosed, Server: v.session.server, Step: step, Message: "the session is closed"}
	}
	of := *e
	of.Step = step
	return &of
}

// Notify sends a notification to the server: it needs a session of [Client.Connect].
func (s *Session) Notify(ctx context.Context, method string, params any) error {
	if s.stream == nil {
		return &caisson.Error{Code: caisson.CodeInvalidArgument, Server: s.server, Step: method, Message: "other callers share this session: notify the server in one of Client.Connect"}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	text, err := s.object(method, params)
	if err != nil {
		return err
	}
	s.stream.mu.Lock()
	over := s.stream.over
	s.stream.mu.Unlock()
	if over {
		return s.stream.ended(method)
	}
	err = s.stream.send(&caissonv1.SessionRequest{Of: &caissonv1.SessionRequest_Notify{Notify: &caissonv1.SessionNotify{Method: method, Params: text}}})
	if errors.Is(err, io.EOF) {
		<-s.stream.done
		return s.stream.ended(method)
	}
	return failure(ctx, err, s.server, method, &sent{})
}

// NotifyRootsListChanged tells the server that the roots have changed.
func (s *Session) NotifyRootsListChanged(ctx context.Context) error {
	return s.Notify(ctx, "notifications/roots/list_changed", nil)
}

// Wait blocks until the session has ended, and says why: nil after [Session.Close]. A session of [Client.Session] has
// no end, and Wait returns at once.
func (s *Session) Wait() error {
	if s.stream == nil {
		return nil
	}
	<-s.stream.done
	s.stream.mu.Lock()
	defer s.stream.mu.Unlock()
	return s.stream.err
}

// Close ends a session of [Client.Connect], and waits until the daemon has closed it; calls in flight fail with
// [caisson.CodeClosed]. One of [Client.Session] goes on, for others.
func (s *Session) Close() error {
	v := s.stream
	if v == nil {
		return nil
	}
	v.mu.Lock()
	first := !v.over
	v.over = true
	calls := v.calls
	v.calls = map[string]*pending{}
	v.mu.Unlock()
	if first {
		for id := range calls {
			_ = v.send(&caissonv1.SessionRequest{Of: &caissonv1.SessionRequest_Cancel{Cancel: id}}) // It ends in any case.
		}
		v.sending.Lock()
		_ = v.stream.CloseSend() // It never fails.
		v.sending.Unlock()
	}
	<-v.done
	return nil
}
