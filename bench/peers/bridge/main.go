// Go programs that use FastMCP's client in Python: over a pipe, HTTP or gRPC to a process of its
// own, or in this process through cgo.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"

	"github.com/caisson-dev/caisson/host-go/bench/internal/peer"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// An invoker takes a call to Python and brings the result back, both as JSON.
type invoker interface {
	call(ctx context.Context, method string, params []byte) ([]byte, error)
	// helpers are the processes it has started.
	helpers() []int
	Close() error
}

func main() {
	over := flag.String("over", "pipe", "pipe, http, grpc or cgo")
	python := flag.String("python", "", "the interpreter")
	folder := flag.String("folder", "", "where the Python files are")
	flag.Parse()
	open := map[string]func(python, folder string) (invoker, error){
		"pipe": openPipe, "http": openHTTP, "grpc": openGRPC, "cgo": openEmbedded,
	}[*over]
	peer.Main(func(context.Context) (peer.Client, error) {
		if open == nil {
			return nil, fmt.Errorf("there is no bridge over %q", *over)
		}
		c, err := open(*python, *folder)
		if err != nil {
			return nil, err
		}
		return client{c}, nil
	})
}

type client struct{ invoker }

func (c client) Helpers() []int { return c.helpers() }

func (c client) Connect(ctx context.Context, server wire.Server) (peer.Session, error) {
	s := &session{invoker: c.invoker}
	var opened struct {
		Session  int
		Revision string
	}
	if err := s.do(ctx, "connect", map[string]any{"server": server}, &opened); err != nil {
		return nil, err
	}
	s.id, s.revision = opened.Session, opened.Revision
	return s, nil
}

type session struct {
	invoker
	id       int
	revision string
}

func (s *session) do(ctx context.Context, method string, params map[string]any, result any) error {
	params["session"] = s.id
	text, err := json.Marshal(params)
	if err != nil {
		return err
	}
	text, err = s.call(ctx, method, text)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, result)
}

func (s *session) Echo(ctx context.Context, message string, times int) (string, error) {
	var result struct{ Text string }
	err := s.do(ctx, "call", map[string]any{"name": "echo", "arguments": map[string]any{"message": message, "times": times}}, &result)
	return result.Text, err
}

func (s *session) List(ctx context.Context) (int, error) {
	var tools []struct {
		Name, Description string
		InputSchema       map[string]any
	}
	err := s.do(ctx, "list", map[string]any{}, &tools)
	return len(tools), err
}

func (s *session) Revision() string { return s.revision }

func (s *session) Close() error {
	return s.do(context.Background(), "close", map[string]any{}, new(any))
}
