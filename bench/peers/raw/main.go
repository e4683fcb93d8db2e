// JSON-RPC by hand, in the revision 2026-07-28 and with no more of it than the server asks for: what
// the pipe or the socket, the kernel and the server cost by themselves.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"github.com/caisson-dev/caisson/host-go/bench/internal/peer"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

const revision = "2026-07-28"

func main() {
	peer.Main(func(context.Context) (peer.Client, error) { return client{}, nil })
}

type client struct{}

func (client) Connect(ctx context.Context, server wire.Server) (peer.Session, error) {
	var c transport = newPoster(server.URL)
	if server.Command != "" {
		var err error
		if c, err = startPipe(server.Command, server.Args); err != nil {
			return nil, err
		}
	}
	s := &session{transport: c}
	if err := s.call(ctx, "server/discover", params{}, &struct{}{}); err != nil {
		_ = c.Close()
		return nil, err
	}
	return s, nil
}

func (client) Helpers() []int { return nil }
func (client) Close() error   { return nil }

// A transport carries one request and its answer.
type transport interface {
	exchange(ctx context.Context, r request) (response, error)
	Close() error
}

type request struct {
	JSONRPC string `json:"jsonrpc"`
	ID      int64  `json:"id"`
	Method  string `json:"method"`
	Params  params `json:"params"`
}

type params struct {
	Name      string         `json:"name,omitempty"`
	Arguments map[string]any `json:"arguments,omitempty"`
	Meta      meta           `json:"_meta"`
}

type meta struct {
	Revision string `json:"io.modelcontextprotocol/protocolVersion"`
	Client   struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"io.modelcontextprotocol/clientInfo"`
	Capabilities struct{} `json:"io.modelcontextprotocol/clientCapabilities"`
}

type response struct {
	ID     *int64          `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  json.RawMessage `json:"error"`
}

type session struct {
	transport
	last atomic.Int64
}

func (s *session) call(ctx context.Context, method string, p params, result any) error {
	p.Meta.Revision = revision
	p.Meta.Client.Name, p.Meta.Client.Version = "bench", "1"
	r, err := s.exchange(ctx, request{JSONRPC: "2.0", ID: s.last.Add(1), Method: method, Params: p})
	if err != nil {
		return err
	}
	if r.Error != nil {
		return fmt.Errorf("%s: %s", method, r.Error)
	}
	return json.Unmarshal(r.Result, result)
}

func (s *session) Echo(ctx context.Context, message string, times int) (string, error) {
	var result struct{ Content []struct{ Text string } }
	err := s.call(ctx, "tools/call", params{Name: "echo", Arguments: map[string]any{"message": message, "times": times}}, &result)
	if err == nil && len(result.Content) != 1 {
		err = fmt.Errorf("%d contents came back", len(result.Content))
	}
	if err != nil {
		return "", err
	}
	return result.Content[0].Text, nil
}

func (s *session) List(ctx context.Context) (int, error) {
	var result struct {
		Tools []struct {
			Name, Description string
			InputSchema       json.RawMessage
		}
	}
	err := s.call(ctx, "tools/list", params{}, &result)
	return len(result.Tools), err
}

func (s *session) Revision() string { return revision }
