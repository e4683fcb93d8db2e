package caissontest

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// A Request is a message that a client has sent: a request or a notification.
type Request struct {
	// ID is the id of a request. The ID of a notification is not valid ([jsonrpc.ID.IsValid]).
	ID jsonrpc.ID
	// Method is the method, such as "tools/call".
	Method string
	// Params is the JSON text of the params, as the client sent it. It is nil when the client sent none.
	Params json.RawMessage
}

// Meta returns the members of `_meta` of the params, as JSON texts by their names: the progress token, the
// trace, and in revision 2026-07-28 the client's description of itself. It is empty when there is no `_meta`.
func (r Request) Meta() map[string]json.RawMessage {
	var params struct {
		Meta map[string]json.RawMessage `json:"_meta"`
	}
	_ = json.Unmarshal(r.Params, &params) // Params that cannot be read have no meta.
	return params.Meta
}

// Arguments decodes the arguments of a call of a tool, or of a prompt, into the value that into points to.
// When the call has no arguments, the value stays unchanged.
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
	awaited  map[string]int // by method: how many requests [Server.Await] has returned
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

// Requests returns what clients have sent so far, in order, including notifications and the handshake. With
// methods, it returns only messages of these methods.
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

// Await waits until a client sends a method, and returns the request. It returns each request once, the
// oldest first. It returns at once when such a request came before. Its only error is the context's.
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
