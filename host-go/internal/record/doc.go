// Package record is the format of recorded sessions: JSON lines, one for each crossing of the boundary
// between the host and one instance of the core, in order. docs/recording.md describes the format.
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

// A Header begins a recording.
type Header struct {
	Version int `json:"caisson-recording"`
	// Core is the SHA-256 of the recorded core, in the form of the embedded file.
	Core string `json:"core"`
	// Server is the server's name.
	Server string `json:"server"`
	// Began is the time at which the recording began.
	Began time.Time `json:"began"`
	// MemoryBytes is the bound on the instance's memory. The core may reach the bound.
	MemoryBytes int64 `json:"memoryBytes"`
}

// These are the kinds of entries.
const (
	Call      = "call"      // the host called an export: Name, Values
	Import    = "import"    // the core called an import: Name, Values, Results or Error
	Now       = "now"       // the core read the wall clock: Numbers, nanoseconds since 1970
	Monotonic = "monotonic" // the core read the monotonic clock: Numbers, nanoseconds
	Random    = "random"    // the core drew random bytes: Bytes
	Trap      = "trap"      // the export, or the instantiation, ended in a trap: Error
	End       = "end"       // the last entry: Reason, SHA256
)

var kinds = []string{Call, Import, Now, Monotonic, Random, Trap, End}

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
	// SHA256 is the hash, in hexadecimal, of all bytes before the end's line, and the reason.
	SHA256 string `json:"sha256,omitempty"`
}
