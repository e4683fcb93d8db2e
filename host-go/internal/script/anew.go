package script

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/timers"
)

// patience is how long a script may compute in the interpreter, before it begins anew in compiled code. The interpreter
// is tens of times slower.
const patience = time.Second

// A beginning is what an instance begins anew from.
type beginning struct {
	random   []byte        // the state of the random bytes
	used     bool          // the instance has begun anew
	patience time.Duration // of this instance
	rest     time.Duration // what the entry that runs may compute beyond its patience; 0 when it cannot begin anew
}

// mayBeginAnew reports whether an instance can do again what it has done so far, so that nobody notices. Where it
// cannot, the instance waits for compiled code.
func (c *Config) mayBeginAnew() bool {
	_, ok := c.Random.(*rand.ChaCha8)
	return ok && c.Record == nil && c.Play == nil
}

// awaitCompiled waits for compiled code, where the instance would have to compute in the interpreter to its end.
func (c *Config) awaitCompiled(ctx context.Context) *Failure {
	if c.mayBeginAnew() {
		return nil
	}
	if err := c.Engine.Compiled(ctx); err != nil {
		return &Failure{Kind: ContextEnded, Message: err.Error(), Err: err}
	}
	return nil
}

// keepBeginning keeps what begins anew needs.
func (in *Instance) keepBeginning() error {
	random, ok := in.config.Random.(*rand.ChaCha8)
	if !ok {
		return nil
	}
	var err error
	in.beginning.random, err = random.MarshalBinary()
	return err
}

// impatient reports whether the entry that comes may be given up: the script has had no effect yet, and there is no
// compiled code.
func (in *Instance) impatient() bool {
	return in.guest.Interim() && in.operation == firstOperation && in.made == 0 && !in.beginning.used && in.config.mayBeginAnew()
}

// cannotBeginAnew has the entry that runs go on beyond its patience: the script has called a tool.
func (in *Instance) cannotBeginAnew() {
	if in.beginning.rest > 0 {
		in.guest.AddComputing(in.beginning.rest)
		in.beginning.rest = 0
	}
}

// beginAnew waits for compiled code, and puts a new guest in the place of the one that the interpreter was too slow for.
// The wait is not the script's time.
func (in *Instance) beginAnew(ctx context.Context) *Failure {
	in.beginning.used = true
	in.Close()
	in.clock.stop()
	err := in.config.Engine.Compiled(ctx)
	in.clock.resume()
	random := &rand.ChaCha8{} // A new one: the old one may have bytes left.
	if err == nil {
		err = random.UnmarshalBinary(in.beginning.random)
	}
	if err != nil {
		return in.failed(ctx, err)
	}
	in.config.Random = random
	in.timers, in.report, in.written, in.origin = timers.Timers{}, Report{}, 0, time.Now()
	failure := in.instantiate(ctx, func(ctx context.Context, l *component.Linker) (*engine.Guest, error) {
		return in.config.Engine.Instantiate(ctx, l, in.config.Limits.instance(), in.config.Limits.Computing)
	})
	if failure == nil {
		in.computed = in.guest.Made()
	}
	return failure
}
