// Package wire is the line protocol between the harness and a peer: JSON, one request or reply a
// line, on the peer's standard input and output. A peer begins with a Reply whose Ready is set,
// answers each request in order, and ends when its input does. Peers in other languages speak it
// too, so it has only numbers, strings and lists.
package wire

// The values of Request.Op.
const (
	Connect = "connect" // open Count more sessions with Server, one after the other
	Run     = "run"     // do Work on the open sessions
	Close   = "close"   // close every session
)

// The values of Work.Do.
const (
	Call = "call" // tools/call of the tool "echo"
	List = "list" // tools/list
	// The end of a call's context while another call keeps the client busy: the samples are how long
	// after the end the call returned.
	Expire = "expire"
	Script = "script" // a run of Work.Source, all of it
	Sleep  = "sleep"  // a run of Work.Source is put to sleep and woken, again and again, until it ends
)

// The values of Source.Language.
const (
	JavaScript = "javascript"
	Python     = "python"
)

// A Request is what the harness asks for.
type Request struct {
	Op     string  `json:"op"`
	Server *Server `json:"server,omitempty"`
	Count  int     `json:"count,omitempty"`
	Work   *Work   `json:"work,omitempty"`
}

// A Server is an MCP server: a command on stdio, or the URL of streamable HTTP.
type Server struct {
	Command string   `json:"command,omitempty"`
	Args    []string `json:"args,omitempty"`
	URL     string   `json:"url,omitempty"`
	// Revision is the one that the client asks for first, where it can choose; the newest when empty.
	Revision string `json:"revision,omitempty"`
}

// A Work is the same thing done again and again: until both Seconds and Least are reached, or Most
// is.
type Work struct {
	Do       string  `json:"do"`
	Size     int     `json:"size"`           // of the message that the tool gets, in bytes
	Times    int     `json:"times"`          // how often the tool's text has the message in it
	Tools    int     `json:"tools"`          // how many tools the server has
	More     bool    `json:"more,omitempty"` // it may have more
	Tool     string  `json:"tool,omitempty"` // to call in place of "echo", where the client can
	Sessions int     `json:"sessions"`       // the first that were opened
	InFlight int     `json:"in_flight"`
	Seconds  float64 `json:"seconds"`
	Least    int     `json:"least"`
	Most     int     `json:"most"` // 0 is no bound
	Profile  bool    `json:"profile,omitempty"`
	Source   *Source `json:"source,omitempty"` // of a script
}

// A Source is a script. It has the program's own tools: `await tools.go.add(…)` adds a and b, and
// `await tools.go.meet(…)` answers when as many runs are in it as are in flight.
type Source struct {
	Language string `json:"language"`
	Text     string `json:"text"`
}

// A Reply is a peer's answer. Times are in microseconds, by the peer's own clock.
type Reply struct {
	Error    string    `json:"error,omitempty"`
	Ready    bool      `json:"ready,omitempty"`
	Helpers  []int     `json:"helpers,omitempty"`  // processes that are part of the peer, with Ready
	Revision string    `json:"revision,omitempty"` // of the protocol, after Connect
	Samples  []float64 `json:"samples,omitempty"`  // one for each connect or call
	Elapsed  float64   `json:"elapsed,omitempty"`
	// Parts is the CPU time of a profiled run by part of the peer, where the peer can tell.
	Parts map[string]float64 `json:"parts,omitempty"`
	// Of scripts: the values that the runs gave, as JSON, each value once; how long the engine has computed in
	// each run, without its start; and the memory of the peer when all runs in flight had met, in bytes.
	Values    []string  `json:"values,omitempty"`
	Computing []float64 `json:"computing,omitempty"`
	Met       int64     `json:"met,omitempty"`
	// Of a run that sleeps: how long each wake took, when the samples are the sleeps, and the most bytes of one.
	Woken  []float64 `json:"woken,omitempty"`
	Asleep int64     `json:"asleep,omitempty"`
}
