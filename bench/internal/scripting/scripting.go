// Package scripting is the loop of the peers that run scripts, and the functions that the scripts call.
package scripting

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/bench/internal/peer"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// An Engine runs scripts, each with none of what an earlier one has left. It is ready when it has been made.
type Engine interface {
	// Run runs a script, and gives its value as JSON, and how long the engine computed.
	Run(ctx context.Context, source wire.Source) (value []byte, computing time.Duration, err error)
	// Helpers are the processes that it has started for itself, and that run.
	Helpers() []int
	Close() error
}

// Main answers requests from standard input until it ends.
func Main(open func(context.Context, *Tools) (Engine, error)) {
	ctx, tools := context.Background(), &Tools{}
	engine, err := open(ctx, tools)
	if err != nil {
		peer.Fail(err)
	}
	l := &loop{engine, tools}
	err = peer.Serve(wire.Reply{Ready: true, Helpers: engine.Helpers()}, func(r wire.Request) wire.Reply {
		if r.Op != wire.Run || r.Work == nil || r.Work.Do != wire.Script && r.Work.Do != wire.Sleep || r.Work.Source == nil {
			return wire.Reply{Error: fmt.Sprintf("no operation %q of scripts", r.Op)}
		}
		do := l.run
		if r.Work.Do == wire.Sleep {
			do = l.sleep
		}
		reply, err := do(ctx, *r.Work)
		if err != nil {
			reply.Error = err.Error()
		}
		return reply
	})
	if closing := engine.Close(); err == nil {
		err = closing
	}
	if err != nil {
		peer.Fail(err)
	}
}

type loop struct {
	engine Engine
	tools  *Tools
}

func (l *loop) run(ctx context.Context, work wire.Work) (reply wire.Reply, err error) {
	l.tools.expect(work.InFlight, l.engine.Helpers)
	var mu sync.Mutex
	values := map[string]struct{}{}
	once := func(ctx context.Context) error {
		text, computing, err := l.engine.Run(ctx, *work.Source)
		if err != nil {
			return err
		}
		value, err := plain(text)
		if err != nil {
			return fmt.Errorf("the value %.100q: %w", text, err)
		}
		mu.Lock()
		defer mu.Unlock()
		values[value] = struct{}{}
		reply.Computing = append(reply.Computing, float64(computing.Nanoseconds())/1e3)
		return nil
	}
	reply.Samples, reply.Elapsed, err = peer.Repeat(ctx, work, slices.Repeat([]func(context.Context) error{once}, work.InFlight))
	reply.Values = slices.Sorted(maps.Keys(values))
	reply.Met = l.tools.memory()
	return reply, err
}

// plain is JSON in the form that Go writes, so that the values of engines compare.
func plain(text []byte) (string, error) {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return "", err
	}
	text, err := json.Marshal(value)
	return string(text), err
}
