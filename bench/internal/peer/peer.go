// Package peer is the loop of the peers that are written in Go.
package peer

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// A Client is the thing that is compared. It is ready to connect when it has been made.
type Client interface {
	Connect(ctx context.Context, server wire.Server) (Session, error)
	// Helpers are the processes that it has started for itself.
	Helpers() []int
	Close() error
}

// A Session is a connection with a server. Its methods may be called concurrently.
type Session interface {
	// Echo calls the tool "echo" and gives the text of its result.
	Echo(ctx context.Context, message string, times int) (string, error)
	// List lists the tools and gives their number.
	List(ctx context.Context) (int, error)
	Revision() string
	Close() error
}

// A Chooser is a Session that calls a tool of another name in the place of "echo".
type Chooser interface {
	EchoBy(ctx context.Context, tool, message string, times int) (string, error)
}

// A Profiler is a Client that can tell where its CPU time goes while run runs.
type Profiler interface {
	Profile(run func() error) (map[string]float64, error)
}

// Main answers requests from standard input until it ends.
func Main(open func(context.Context) (Client, error)) {
	ctx := context.Background()
	client, err := open(ctx)
	if err != nil {
		Fail(err)
	}
	l := &loop{client: client}
	err = Serve(wire.Reply{Ready: true, Helpers: client.Helpers()}, func(r wire.Request) wire.Reply { return l.answer(ctx, r) })
	l.closeSessions()
	if err := errors.Join(err, client.Close()); err != nil {
		Fail(err)
	}
}

// Fail says why the peer ends, and ends it.
func Fail(err error) {
	_ = json.NewEncoder(os.Stdout).Encode(wire.Reply{Error: err.Error()})
	os.Exit(1)
}

// Serve says that the peer is ready, and answers requests from standard input until it ends.
func Serve(ready wire.Reply, answer func(wire.Request) wire.Reply) error {
	replies := json.NewEncoder(os.Stdout)
	if err := replies.Encode(ready); err != nil {
		return err
	}
	for lines := bufio.NewReader(os.Stdin); ; {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var request wire.Request
		if err := json.Unmarshal(line, &request); err != nil {
			return err
		}
		if err := replies.Encode(answer(request)); err != nil {
			return err
		}
	}
}

type loop struct {
	client   Client
	sessions []Session
}

func (l *loop) answer(ctx context.Context, request wire.Request) (reply wire.Reply) {
	var err error
	switch request.Op {
	case wire.Connect:
		reply, err = l.connect(ctx, request)
	case wire.Run:
		reply, err = l.run(ctx, *request.Work)
	case wire.Close:
		l.closeSessions()
	default:
		err = fmt.Errorf("no operation %q", request.Op)
	}
	if err != nil {
		reply.Error = err.Error()
	}
	return reply
}

func (l *loop) connect(ctx context.Context, request wire.Request) (reply wire.Reply, err error) {
	for range request.Count {
		began := time.Now()
		s, err := l.client.Connect(ctx, *request.Server)
		if err != nil {
			return reply, fmt.Errorf("connect: %w", err)
		}
		reply.Samples = append(reply.Samples, microseconds(time.Since(began)))
		l.sessions = append(l.sessions, s)
		reply.Revision = s.Revision()
	}
	return reply, nil
}

func (l *loop) closeSessions() {
	for _, s := range l.sessions {
		_ = s.Close() // The server may be gone already; what counts was measured before.
	}
	l.sessions = nil
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
