package main

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// The transports, in the order in which they are measured.
const (
	stdio    = "stdio"
	httpJSON = "http-json"
	httpSSE  = "http-sse"
	inMemory = "memory" // a server in the client's own process, for what the server would disturb
)

var transports = []string{stdio, httpJSON, httpSSE}

// A Cell is one kind of work over one transport.
type Cell struct {
	Transport string
	Do        string // "call" or "list"
	Size      int    // of the message, in bytes; 0 for a list
	Times     int    // how often the result has it
	Tools     int    // that the server has
	Sessions  int
	InFlight  int    // for each session
	Revision  string `json:",omitempty"` // the one that the server speaks; the newest when empty
	Unlisted  bool   `json:",omitempty"` // the session has never listed the server's tools
	Upstream  string `json:",omitempty"` // the SDK of the server behind a gateway
	Task      string `json:",omitempty"` // of a script, whose language is the transport
}

// String names the cell: `-work` chooses by it.
func (c Cell) String() string {
	name := c.Transport + ": " + c.name()
	if c.Revision != "" {
		name = c.Revision + ", " + name
	}
	return name
}

func (c Cell) name() string {
	name := "tools/list, 1 tool"
	if c.Task != "" {
		name = tasks[c.Task].about
	}
	if c.Tools > 1 {
		name = fmt.Sprintf("tools/list, %d tools", c.Tools)
	}
	if c.Do == wire.Call {
		name = "tools/call, " + bytesText(c.Size)
		if c.Times > 1 {
			name += fmt.Sprintf(" × %d back", c.Times)
		}
	}
	if c.Unlisted {
		name += ", never listed"
	}
	if c.Upstream != "" {
		name += ", a server on " + c.Upstream
	}
	if c.InFlight > 1 {
		name += fmt.Sprintf(", %d in flight", c.InFlight)
	}
	if c.Sessions > 1 {
		name += fmt.Sprintf(" on each of %d sessions", c.Sessions)
	}
	return name
}

func bytesText(n int) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%d MB", n/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%d kB", n/1e3)
	}
	return fmt.Sprintf("%d B", n)
}

func call(transport string, size, sessions, inFlight int) Cell {
	return Cell{Transport: transport, Do: wire.Call, Size: size, Times: 1, Tools: 1, Sessions: sessions, InFlight: inFlight}
}

// largeResult asks for a megabyte with little.
func largeResult(transport string) Cell {
	c := call(transport, 1e3, 1, 1)
	c.Times = 1e3
	return c
}

func list(transport string, tools, inFlight int) Cell {
	return Cell{Transport: transport, Do: wire.List, Tools: tools, Sessions: 1, InFlight: inFlight}
}

var inFlight = []int{1, 16, 64}

// cells are the calls of a run: in a quick one, those that the figures to reach need, and one of
// each other kind.
func cells(full bool) (all []Cell) {
	for _, t := range transports {
		for _, n := range inFlight {
			all = append(all, call(t, 100, 1, n))
			if full || n == 1 {
				all = append(all, call(t, 10e3, 1, n), list(t, 1, n), list(t, 100, n))
			}
		}
		if full || t != httpSSE {
			all = append(all, call(t, 1e6, 1, 1), largeResult(t))
		}
	}
	return all
}

// work is the cell as a peer is told of it.
func (c Cell) work(seconds float64) wire.Work {
	if c.Task != "" {
		return c.script(seconds)
	}
	// Enough that the beginning and the end, when fewer are in flight, count for little.
	least := 3 * c.InFlight * c.Sessions
	if c.Size*c.Times >= 1e6 && seconds < 1 {
		least = 1 // A quick run has no time for three seconds at a time.
	}
	return wire.Work{
		Do: c.Do, Size: c.Size, Times: c.Times, Tools: c.Tools, Sessions: c.Sessions, InFlight: c.InFlight,
		Seconds: seconds, Least: least,
	}
}
