package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/caisson-dev/caisson/host-go/bench/internal/scripting"
)

// A message goes to a worker with a script, or with the answer to a call; it comes from one with a call, or
// with the end of the script. A worker begins with one that says that it is ready.
type message struct {
	Ready bool `json:"ready,omitempty"`

	Source string `json:"source,omitempty"`

	Call      int             `json:"call,omitempty"`
	Name      string          `json:"name,omitempty"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
	Answer    int             `json:"answer,omitempty"` // the number of the call

	Value     json.RawMessage `json:"value,omitempty"`
	Computing float64         `json:"computing,omitempty"` // in milliseconds
	Error     string          `json:"error,omitempty"`
}

// A line carries messages to a worker and back.
type line interface {
	send(message) error
	receive() (message, error)
}

// converse runs a script on a worker, and answers its calls.
func converse(ctx context.Context, l line, source string, tools *scripting.Tools) ([]byte, time.Duration, error) {
	if err := l.send(message{Source: source}); err != nil {
		return nil, 0, err
	}
	for {
		m, err := l.receive()
		switch {
		case err != nil:
			return nil, 0, err
		case m.Call != 0:
			answer := message{Answer: m.Call}
			if answer.Value, err = tools.Call(ctx, m.Name, m.Arguments); err != nil {
				answer.Error = err.Error()
			}
			if err := l.send(answer); err != nil {
				return nil, 0, err
			}
		case m.Error != "":
			return nil, 0, errors.New(m.Error)
		default:
			return m.Value, time.Duration(m.Computing * float64(time.Millisecond)), nil
		}
	}
}
