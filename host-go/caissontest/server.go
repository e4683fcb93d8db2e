package caissontest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// A Server is an MCP server in memory. A test writes down its answers. It answers by itself the handshake,
// pings, subscriptions, the list of its tools and their calls. The test may answer these too, and must answer
// everything else. Any number of clients may connect with it. It is safe for concurrent use. It ends with the
// test.
//
// It is an mcp.Transport, which the Go SDK's client can use. [Server.Caisson] returns the form for Caisson's
// client.
type Server struct {
	t         testing.TB
	revisions []string
	running   sync.WaitGroup // handlers
	patience  time.Duration  // bounds the wait for them at the end of the test

	mu          sync.Mutex
	ended       bool
	handlers    map[string]Handler
	tools       []tool
	connections map[*connection]struct{}
	rounds      map[string]*Call // calls that wait for their next round, by the state that leads to the round
	last        int              // the number of the last id or state
	busy        map[*Call]struct{}
	recorder    recorder
}

type tool struct {
	tool    *mcp.Tool
	handler Handler
}

var _ mcp.Transport = (*Server)(nil)

// NewServer makes a server for a test. revisions are those of the protocol that the server speaks, such as
// "2025-11-25". Without any it speaks all, and the client chooses. The server ends with the test. The test
// fails when a handler does not return within 30 s after that: a handler that waits must use [Call.Wait] or
// [Call.Context].
func NewServer(t testing.TB, revisions ...string) *Server {
	t.Helper()
	if len(revisions) == 0 {
		revisions = []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"}
	}
	s := &Server{
		t:           t,
		revisions:   slices.Clone(revisions),
		patience:    30 * time.Second,
		handlers:    map[string]Handler{},
		connections: map[*connection]struct{}{},
		rounds:      map[string]*Call{},
		busy:        map[*Call]struct{}{},
		recorder:    recorder{awaited: map[string]int{}, changed: make(chan struct{})},
	}
	t.Cleanup(s.close)
	return s
}

// close ends everything at the end of the test.
func (s *Server) close() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.End()
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		s.running.Wait()
	}()
	late := time.NewTimer(s.patience)
	defer late.Stop()
	select {
	case <-returned:
	case <-late.C:
		s.mu.Lock()
		defer s.mu.Unlock()
		for call := range s.busy {
			s.t.Errorf("caissontest: the handler of %s does not return at the end of the test: have it wait by Call.Wait, or look at Call.Context", call.Method)
		}
	}
}

// Caisson returns the server in the form in which Caisson connects with it, under the name "caissontest". Its
// fields may be changed: for example, ProtocolVersions chooses the revision.
func (s *Server) Caisson() caisson.Server {
	return caisson.Server{Name: "caissontest", Transport: s}
}

// Connect connects a client. It is the method of mcp.Transport, and tests do not call it. It fails after the
// test has ended.
func (s *Server) Connect(context.Context) (mcp.Connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil, errors.New("caissontest: the test of this server has ended")
	}
	c := newConnection(s)
	s.connections[c] = struct{}{}
	return c, nil
}

func (s *Server) remove(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.connections, c)
}

// all returns the open connections.
func (s *Server) all() []*connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.connections))
}

// AddTool gives the server a tool, in place of an earlier one of the same name. Without an InputSchema the
// tool accepts any object. What the handler returns is the result of the call: see [Text], [Structured] and
// [Failure]. To tell clients, call [Server.Notify] with "notifications/tools/list_changed".
func (s *Server) AddTool(t *mcp.Tool, handler Handler) {
	own := *t
	if own.InputSchema == nil {
		own.InputSchema = json.RawMessage(`{"type":"object"}`)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.tools, func(t tool) bool { return t.tool.Name == own.Name })
	if i < 0 {
		s.tools = append(s.tools, tool{&own, handler})
	} else {
		s.tools[i] = tool{&own, handler}
	}
}

// Handle sets the handler of a method, in place of any other and of the server's own answer. In a handshake
// the server declares what its handlers at that time imply, also the extension of skills. A handler of
// "initialize" or "server/discover" can declare anything. A nil handler removes the handler of the method.
func (s *Server) Handle(method string, handler Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if handler == nil {
		delete(s.handlers, method)
		return
	}
	s.handlers[method] = handler
}

// Answer answers every request of a method with a result. The result is a JSON text, which is sent unchanged,
// even when the protocol does not allow it. Answer panics when the text is not JSON, which no message can
// hold.
func (s *Server) Answer(method, result string) {
	if !json.Valid([]byte(result)) {
		panic(fmt.Sprintf("caissontest: the answer to %s is not JSON: %s", method, result))
	}
	s.Handle(method, func(*Call) (any, error) { return json.RawMessage(result), nil })
}

// Fail answers every request of a method with an error.
func (s *Server) Fail(method string, err *jsonrpc.Error) {
	s.Handle(method, func(*Call) (any, error) { return nil, err })
}

// Notify sends every client a notification, and returns how many it sent. The params are anything that
// marshals to a JSON object. nil means no params. In revision 2026-07-28 a change of a list or of a resource
// goes only to the subscriptions that have asked for it ([caisson.Session.Listen]). Each of them counts.
func (s *Server) Notify(method string, params any) int {
	text, err := marshal(params)
	if err != nil {
		s.t.Errorf("caissontest: the params of %s cannot be made JSON: %v", method, err)
		return 0
	}
	notified := 0
	for _, c := range s.all() {
		notified += c.notify(method, text)
	}
	return notified
}

// Send sends any message to every client: an answer that nobody waits for, or a request of the server. A
// client's answer to such a request is ignored.
func (s *Server) Send(message jsonrpc.Message) {
	for _, c := range s.all() {
		c.send(message)
	}
}

// End ends the connections of all clients, as a crash of a server does. Clients still get what was sent
// before. They may connect again.
func (s *Server) End() {
	for _, c := range s.all() {
		c.end()
	}
}

// receive serves a message of a client.
func (s *Server) receive(c *connection, r *jsonrpc.Request) {
	request := s.record(r)
	if request.Method == "notifications/cancelled" {
		c.cancelCall(request.Params)
	}
	if s.nextRound(request) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	handler := s.handlers[request.Method]
	switch {
	case s.ended || handler == nil && !request.ID.IsValid():
		return
	case handler == nil:
		handler = s.builtIn(request.Method)
	}
	call := &Call{Request: request, latest: request, server: s, connection: c, next: make(chan Request, 1)}
	call.ctx, call.cancel = context.WithCancel(c.ctx)
	c.begin(call)
	s.busy[call] = struct{}{}
	s.running.Go(func() {
		defer func() {
			c.done(call)
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.busy, call)
		}()
		call.run(handler)
	})
}

// newRound returns a new state that leads the client's next request to the call that asks.
func (s *Server) newRound(call *Call) (state string, forget func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	state = "caissontest-" + strconv.Itoa(s.last)
	s.rounds[state] = call
	return state, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.rounds, state)
	}
}

// nextRound passes a request to the call that waits for it. It returns false when there is none.
func (s *Server) nextRound(r Request) bool {
	var params struct {
		RequestState string `json:"requestState"`
	}
	if !r.ID.IsValid() || json.Unmarshal(r.Params, &params) != nil || params.RequestState == "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	call := s.rounds[params.RequestState]
	if call == nil {
		return false
	}
	delete(s.rounds, params.RequestState)
	call.goOn(r)
	return true
}

// newID returns a new id for a request of the server.
func (s *Server) newID() jsonrpc.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	id, _ := jsonrpc.MakeID("caissontest-" + strconv.Itoa(s.last)) // MakeID never fails for a text.
	return id
}
