package caissontest

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// A Request is what a client has sent: a request, or a notification.
type Request struct {
	// ID is the id of a request. That of a notification is not valid ([jsonrpc.ID.IsValid]).
	ID jsonrpc.ID
	// Method is the method, such as "tools/call".
	Method string
	// Params is the JSON text of the params, as the client sent it; nil where it sent none.
	Params json.RawMessage
}

// Meta returns the member `_meta` of the params as JSON texts by their names: the progress token, the trace,
// and in revision 2026-07-28 what the client says of itself. It is empty where there is none.
func (r Request) Meta() map[string]json.RawMessage {
	var params struct {
		Meta map[string]json.RawMessage `json:"_meta"`
	}
	_ = json.Unmarshal(r.Params, &params) // What cannot be read has no meta.
	return params.Meta
}

// Arguments decodes the arguments of a call of a tool, or of a prompt, into what a pointer leads to. A
// call without arguments leaves it as it is.
func (r Request) Arguments(into any) error {
	_, arguments, err := r.toolCall()
	if err != nil || arguments == nil {
		return err
	}
	return json.Unmarshal(arguments, into)
}

// toolCall returns the name of the tool and its arguments.
func (r Request) toolCall() (name string, arguments json.RawMessage, err error) {
	var params struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	}
	if len(r.Params) > 0 {
		err = json.Unmarshal(r.Params, &params)
	}
	return params.Name, params.Arguments, err
}

// A recorder keeps what clients have sent, in order.
type recorder struct {
	requests []Request
	awaited  map[string]int // by method: how many [Server.Await] has given
	changed  chan struct{}  // closed and replaced when a request comes
}

func (s *Server) record(r *jsonrpc.Request) Request {
	request := Request{ID: r.ID, Method: r.Method, Params: bytes.Clone(r.Params)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recorder.requests = append(s.recorder.requests, request)
	close(s.recorder.changed)
	s.recorder.changed = make(chan struct{})
	return request
}

// Requests returns what clients have sent so far, notifications and the handshake included, in the order in
// which it came. With methods it gives only what has one of them.
func (s *Server) Requests(methods ...string) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(methods) == 0 {
		return slices.Clone(s.recorder.requests)
	}
	var requests []Request
	for _, r := range s.recorder.requests {
		if slices.Contains(methods, r.Method) {
			requests = append(requests, r)
		}
	}
	return requests
}

// Await waits until a client sends a method, and gives the request. Each request is given once, the oldest
// first; one that came before Await is given at once. It fails only with the context's error.
func (s *Server) Await(ctx context.Context, method string) (Request, error) {
	for {
		s.mu.Lock()
		seen, changed := 0, s.recorder.changed
		for _, r := range s.recorder.requests {
			if r.Method != method {
				continue
			}
			if seen++; seen > s.recorder.awaited[method] {
				s.recorder.awaited[method] = seen
				s.mu.Unlock()
				return r, nil
			}
		}
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return Request{}, ctx.Err()
		}
	}
}
