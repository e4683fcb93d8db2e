// Package script runs scripts: each has an instance of the core, or of another component that exports
// caisson:mcp/scripts. What a script reaches is the tools that it is given, and nothing else.
//
// An operation takes this path: [Instance.Run] enters the instance (instance.go); the script calls tools and
// sets timers while it runs (imports.go, calls.go); the instance is entered again with what has
// happened; in the end it settles the operation. All of that is the caller's goroutine. Only the calls of tools
// that are underway have goroutines of their own.
package script

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/caisson-dev/caisson/host-go/component/wasi"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/record"
)

// A Config describes an instance. Set every field, unless its comment says otherwise.
type Config struct {
	Engine *engine.Engine // has the component
	Limits Limits
	Mounts []wasi.Mount // the folders of the component; nil for none
	// Tools is the JSON array of the tools, as `run` in wit/scripts.wit has it.
	Tools string
	// Call calls a tool. It is called in a goroutine of its own. The context ends when nobody waits any more.
	Call func(ctx context.Context, server, tool string, arguments json.RawMessage) (json.RawMessage, *ToolFailure)
	// Search finds tools among Tools, as `search` in wit/tool-search.wit has it. Only a component that imports
	// tool-search needs it: the core does not. It computes for no longer than within, and says for how long.
	Search func(ctx context.Context, within time.Duration, text string, limit uint32) (found string, computed time.Duration, err error)
	// Random is the source of random bytes. An instance can sleep when it is a *rand.ChaCha8.
	Random io.Reader
	// Now is the clock of the script, which does not go on; the zero time for the true one, in milliseconds.
	Now time.Time
	// Record records what crosses the boundary of the instance; nil for no recording.
	Record *record.Writer
	// Play has the instance do again what was recorded, by [Instance.Replay], and call nobody; nil otherwise.
	Play *record.Player
	// Ordered has the instance told of one thing at a time, so that a run can be repeated.
	Ordered bool
}

// A ToolFailure is why a call of a tool has no result.
type ToolFailure struct {
	Code    string // in words, such as "limit"
	Message string
}

// A Source is what is run.
type Source struct{ Name, Text string }

// A Line is one line of a script's log.
type Line struct {
	Level string    `json:"level"` // a case of `script-log-level` in wit/script-host.wit
	Text  string    `json:"text"`
	Time  time.Time `json:"time"`
}

// An Outcome says how a call of a tool has ended.
type Outcome int

// The outcomes.
const (
	Unanswered Outcome = iota // the run had ended before
	Done
	ToolError // the tool itself has failed
	Failed    // there is no result
)

// A Call is one call of a tool.
type Call struct {
	Server        string        `json:"server"`
	Tool          string        `json:"tool"`
	ArgumentBytes int           `json:"argumentBytes"`
	Begun         time.Time     `json:"begun"`
	Duration      time.Duration `json:"duration"`
	Outcome       Outcome       `json:"outcome"`
	Code          string        `json:"code,omitempty"` // with Failed
}

// Usage is what a script has used.
type Usage struct {
	Fuel        uint64
	MemoryBytes uint64
	Computing   time.Duration
	Waiting     time.Duration
}

// A Report is what a script did in one operation, whatever it ended with.
type Report struct {
	Logs  []Line
	Calls []Call
	Usage Usage
}
