package plugin

import (
	"cmp"
	"errors"
	"time"
)

// Limits bound what a plugin may use. The zero value of each is its default.
type Limits struct {
	// Fuel bounds how much one call may compute, the start of its instance included: a unit is about one
	// instruction, so that the same calls use the same fuel on every machine. Waiting costs none. Past it the call
	// fails with [caisson.CodeLimit]. Default: 40 billion, some ten seconds of compiled code.
	Fuel uint64
	// WallTime bounds one call in all, with what it waits for. Past it the call fails with [caisson.CodeTimeout].
	// Default: 60 s.
	WallTime time.Duration
	// MemoryBytes bounds the memory of one instance. A plugin that is refused memory may go on or trap; a trap after
	// it is an error with [caisson.CodeLimit]. Default: 128 MiB.
	MemoryBytes uint64
	// MessageBytes bounds the arguments of one call, its result, and the list of tools, each as JSON. Beyond it the
	// call fails with [caisson.CodeLimit]. Default: 8 MiB.
	MessageBytes int
	// Calls bounds the calls that run at once, each in its own instance. Further calls wait, and the time for that is
	// not a part of WallTime. Default: 8.
	Calls int
	// LoadTime bounds the loading of a plugin: compiling it, and asking it for its tools. Default: 2 min.
	LoadTime time.Duration
}

const (
	defaultFuel         = 40_000_000_000
	defaultWallTime     = 60 * time.Second
	defaultMemoryBytes  = 128 << 20
	defaultMessageBytes = 8 << 20
	defaultCalls        = 8
	defaultLoadTime     = 2 * time.Minute

	maxTools    = 1000
	maxFile     = 256 << 20
	maxLogs     = 1000
	maxLogBytes = 64 << 10
)

// withDefaults fills in the defaults.
func (l Limits) withDefaults() Limits {
	l.Fuel = cmp.Or(l.Fuel, defaultFuel)
	l.WallTime = cmp.Or(l.WallTime, defaultWallTime)
	l.MemoryBytes = cmp.Or(l.MemoryBytes, defaultMemoryBytes)
	l.MessageBytes = cmp.Or(l.MessageBytes, defaultMessageBytes)
	l.Calls = cmp.Or(l.Calls, defaultCalls)
	l.LoadTime = cmp.Or(l.LoadTime, defaultLoadTime)
	return l
}

func (l *Limits) check() error {
	for _, limit := range []struct {
		name  string
		value int64
	}{
		{"WallTime", int64(l.WallTime)}, {"MessageBytes", int64(l.MessageBytes)}, {"Calls", int64(l.Calls)}, {"LoadTime", int64(l.LoadTime)},
	} {
		if limit.value < 0 {
			return errors.New("Limits." + limit.name + " is negative")
		}
	}
	return nil
}
