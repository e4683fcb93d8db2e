package peer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// line is repeated to make messages: text like what tools give, with something to
// escape in it, and so little that FastMCP takes a megabyte of it in one event.
const line = "The tool was done after 0.25 s, and wrote /srv/data/report.txt\n"

// Message makes a message of so many bytes.
func Message(size int) string {
	return strings.Repeat(line, size/len(line)+1)[:size]
}

func (l *loop) run(ctx context.Context, work wire.Work) (reply wire.Reply, err error) {
	if work.Sessions > len(l.sessions) {
		return reply, fmt.Errorf("%d sessions are open, not %d", len(l.sessions), work.Sessions)
	}
	if work.Do == wire.Expire {
		reply.Samples, err = expire(ctx, l.sessions[0], work)
		return reply, err
	}
	if !work.Profile {
		reply.Samples, reply.Elapsed, err = run(ctx, l.sessions[:work.Sessions], work)
		return reply, err
	}
	profiler, ok := l.client.(Profiler)
	if !ok {
		return reply, errors.New("this peer has no profile of its parts")
	}
	reply.Parts, err = profiler.Profile(func() (err error) {
		reply.Samples, reply.Elapsed, err = run(ctx, l.sessions[:work.Sessions], work)
		return err
	})
	return reply, err
}

// run does the work with InFlight workers for each session, and gives the time of each call.
func run(ctx context.Context, sessions []Session, work wire.Work) (samples []float64, elapsed float64, err error) {
	var workers []func(context.Context) error
	do := task(work)
	for _, s := range sessions {
		for range work.InFlight {
			workers = append(workers, func(ctx context.Context) error { return do(ctx, s) })
		}
	}
	return Repeat(ctx, work, workers)
}

// Repeat has workers do the same again and again, beside each other, as often as the work says, and gives
// the time of each turn, in microseconds.
func Repeat(ctx context.Context, work wire.Work, workers []func(context.Context) error) (samples []float64, elapsed float64, err error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	enough := time.Duration(work.Seconds * float64(time.Second))
	var (
		count atomic.Int64
		mu    sync.Mutex
		all   sync.WaitGroup
	)
	began := time.Now()
	more := func() bool {
		n := int(count.Add(1))
		return ctx.Err() == nil && (work.Most == 0 || n <= work.Most) && (n <= work.Least || time.Since(began) < enough)
	}
	for _, do := range workers {
		all.Go(func() {
			var own []float64
			for more() {
				t := time.Now()
				if err := do(ctx); err != nil {
					fail(err)
					return
				}
				own = append(own, microseconds(time.Since(t)))
			}
			mu.Lock()
			samples = append(samples, own...)
			mu.Unlock()
		})
	}
	all.Wait()
	elapsed = microseconds(time.Since(began))
	return samples, elapsed, context.Cause(ctx)
}

// task is one call, whose outcome is checked.
func task(work wire.Work) func(context.Context, Session) error {
	if work.Do == wire.List {
		return func(ctx context.Context, s Session) error {
			n, err := s.List(ctx)
			if err == nil && n != work.Tools && !(work.More && n > work.Tools) {
				err = fmt.Errorf("%d tools were listed, not %d", n, work.Tools)
			}
			return err
		}
	}
	message := Message(work.Size)
	return func(ctx context.Context, s Session) error {
		text, err := echo(ctx, s, work.Tool, message, work.Times)
		if err == nil && (len(text) != work.Size*work.Times || text[:work.Size] != message) {
			err = fmt.Errorf("the echo has %d bytes, and is not the message %d times", len(text), work.Times)
		}
		return err
	}
}

// echo calls the tool that a work is about.
func echo(ctx context.Context, s Session, tool, message string, times int) (string, error) {
	if tool == "" {
		return s.Echo(ctx, message, times)
	}
	chooser, ok := s.(Chooser)
	if !ok {
		return "", errors.New("this peer calls no tool but echo")
	}
	return chooser.EchoBy(ctx, tool, message, times)
}
