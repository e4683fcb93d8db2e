// Package record is the format of recorded sessions and of recorded runs of scripts: JSON lines, one for each crossing of
// the boundary between the host and one instance of a component, in order. docs/recording.md describes the format.
//
// The first line is a [Header]. Every other line is an [Entry]: a call of an export, what the core called and
// read during the export, and finally the end with a checksum.
package record

import (
	"encoding/json"
	"time"
)

// Version is the version of the format.
const Version = 1

// ScriptVersion is the version of the format of the runs of scripts.
const ScriptVersion = 1

// A Header begins a recording.
type Header struct {
	Version int `json:"caisson-recording,omitempty"`
	// ScriptVersion is the version of the recording of a run; a session has none.
	ScriptVersion int `json:"caisson-script-recording,omitempty"`
	// Core is the SHA-256 of the recorded core, in the form of the embedded file; of a run, the build of the component.
	Core string `json:"core"`
	// Server is the server's name.
	Server string `json:"server,omitempty"`
	// Script describes a run; nil for a session.
	Script *Script `json:"script,omitempty"`
	// Began is the time at which the recording began.
	Began time.Time `json:"began"`
	// MemoryBytes is the bound on the instance's memory. The core may reach the bound.
	MemoryBytes int64 `json:"memoryBytes"`
}

// A Script describes the recorded run of a script.
type Script struct {
	Name      string          `json:"name"`
	Language  string          `json:"language"`
	Component string          `json:"component,omitempty"` // its name; "" for the core
	Limits    json.RawMessage `json:"limits"`              // of the run, as package script has them
}

// These are the kinds of entries.
const (
	Call      = "call"      // the host called an export: Name, Values
	Import    = "import"    // the core called an import: Name, Values, Results or Error
	Now       = "now"       // the core read the wall clock: Numbers, nanoseconds since 1970
	Monotonic = "monotonic" // the core read the monotonic clock: Numbers, nanoseconds
	Random    = "random"    // the core drew random bytes: Bytes
	Trap      = "trap"      // the export, or the instantiation, ended in a trap: Error
	Source    = "source"    // of a script, as it was given, before everything else: Values, a text
	Result    = "result"    // of a script: Name, a kind of failure or "value"; Error; Values: see Outcome
	End       = "end"       // the last entry: Reason, SHA256
)

var kinds = []string{Call, Import, Now, Monotonic, Random, Trap, Source, Result, End}

// These are the reasons of an end.
const (
	Closed = "closed" // the session was closed, or ended by itself
	Limit  = "limit"  // the recording had reached its bound on size, or its writer was too slow
)

// An Entry is one crossing. Values and results are in the encoding of [Encode].
type Entry struct {
	Kind    string            `json:"kind"`
	Name    string            `json:"name,omitempty"`
	Values  []json.RawMessage `json:"values,omitempty"`
	Results []json.RawMessage `json:"results,omitempty"`
	Error   string            `json:"error,omitempty"`
	Numbers []int64           `json:"numbers,omitempty"` // of consecutive readings
	Bytes   []byte            `json:"bytes,omitempty"`
	Reason  string            `json:"reason,omitempty"`
	// Hidden is how many texts of the recording had secrets that were replaced, in a result.
	Hidden int `json:"hidden,omitempty"`
	// SHA256 is the hash, in hexadecimal, of all bytes before the end's line, and the reason.
	SHA256 string `json:"sha256,omitempty"`
}
