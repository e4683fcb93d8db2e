package peer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// longest is the longest time that a call is given, and a step between two such times: ends fall into
// every part of what keeps the client busy.
const (
	longest = 30 * time.Millisecond
	step    = 7 * time.Millisecond
)

// expire has one call after the other keep the client busy, with a message of work's size out and back,
// and says of others how long after the end of their context they return. One that is answered before
// is no sample.
func expire(ctx context.Context, s Session, work wire.Work) (samples []float64, err error) {
	ctx, stop := context.WithCancel(ctx)
	busy := make(chan error, 1)
	go func() {
		message := Message(work.Size)
		for {
			if _, err := s.Echo(ctx, message, 1); err != nil {
				busy <- err
				return
			}
		}
	}()
	enough := time.Now().Add(time.Duration(work.Seconds * float64(time.Second)))
	for n := 1; err == nil && (len(samples) < work.Least || time.Now().Before(enough)); n++ {
		var late time.Duration
		var answered bool
		if late, answered, err = overrun(ctx, s, 1+time.Duration(n)*step%longest); !answered {
			samples = append(samples, microseconds(late))
		}
		if n > 1000*(work.Least+1) {
			err = errors.New("no call is kept until its context ends")
		}
	}
	stop()
	if failed := <-busy; err == nil && !errors.Is(failed, context.Canceled) {
		err = failed
	}
	return samples, err
}

// overrun makes a call whose context ends after so long, and says how long after that it returns.
func overrun(ctx context.Context, s Session, after time.Duration) (late time.Duration, answered bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, after)
	defer cancel()
	end, _ := ctx.Deadline()
	_, err = s.Echo(ctx, "x", 1)
	late = time.Since(end)
	switch {
	case err == nil:
		return 0, true, nil
	case errors.Is(err, context.DeadlineExceeded):
		return max(0, late), false, nil
	}
	return 0, false, fmt.Errorf("a call whose context ends: %w", err)
}
