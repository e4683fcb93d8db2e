package scripting

import (
	"context"
	"errors"
	"time"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// A Sleeper is an Engine whose runs sleep as bytes.
type Sleeper interface {
	Start(ctx context.Context, source wire.Source) (Asleep, error)
}

// Asleep is a run that can sleep. Each sleep is followed by a wake.
type Asleep interface {
	Sleep(ctx context.Context) (bytes int, err error)
	Wake(ctx context.Context) error
	// Wait waits for the end of the run, and gives its value as JSON.
	Wait() (value []byte, err error)
}

// sleep puts one run to sleep and wakes it, until both the seconds and the least number are reached, and then waits
// for its value.
func (l *loop) sleep(ctx context.Context, work wire.Work) (reply wire.Reply, err error) {
	sleeper, ok := l.engine.(Sleeper)
	if !ok {
		return reply, errors.New("the runs of this peer do not sleep")
	}
	run, err := sleeper.Start(ctx, *work.Source)
	if err != nil {
		return reply, err
	}
	began := time.Now()
	enough := time.Duration(work.Seconds * float64(time.Second))
	for len(reply.Samples) < work.Least || time.Since(began) < enough {
		begun := time.Now()
		bytes, err := run.Sleep(ctx)
		if err != nil {
			return reply, err
		}
		slept := time.Now()
		if err := run.Wake(ctx); err != nil {
			return reply, err
		}
		reply.Samples = append(reply.Samples, microseconds(slept.Sub(begun)))
		reply.Woken = append(reply.Woken, microseconds(time.Since(slept)))
		reply.Asleep = max(reply.Asleep, int64(bytes))
	}
	text, err := run.Wait()
	if err != nil {
		return reply, err
	}
	value, err := plain(text)
	reply.Values = []string{value}
	return reply, err
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
