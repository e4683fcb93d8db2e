package main

import "slices"

// ServeResults are what the section for gateways has measured.
type ServeResults struct {
	Peers          []PeerResult
	Servers, Tools int
	Starts         []ServeStart
	Calls          []CallResult
	Memory         []ServeMemory
}

// A ServeStart is the time from the start of a gateway to the first list with the tools of all servers.
type ServeStart struct {
	Transport, Revision, Peer string
	Totals                    []float64 // of the rounds, in microseconds
	Error                     string    `json:",omitempty"`
}

// A ServeMemory is the memory of a gateway's own processes (without its servers') by clients with sessions.
type ServeMemory struct {
	Revision string
	MemoryResult
}

// The two calls that one through a gateway is made of: the client's to a server over its own transport, and one over
// stdio to the server behind, by the same client and by ours.
const (
	toGateway    = "client to gateway"
	toServer     = "gateway to server"
	toServerByUs = "gateway to server, by our client"
)

// serveParts are what calls through gateways are made of.
var serveParts = []string{toGateway, toServer, toServerByUs}

// newest and older are the revisions of the two eras that gateways are asked in.
const (
	newest = "2026-07-28"
	older  = "2025-11-25"
)

// above is by how much a quantile of a gateway's calls is above the same of two calls, of which the second is one of
// serveParts: the median of the rounds.
func (r *ServeResults) above(c Cell, peer, part string, figure func(Round) float64) (us float64, ok bool) {
	through, first, second := find(r.Calls, c, peer), find(r.Calls, c, toGateway), find(r.Calls, c, part)
	if through == nil || first == nil || second == nil {
		return 0, false
	}
	var all []float64
	for i := range min(len(through.Rounds), len(first.Rounds), len(second.Rounds)) {
		all = append(all, figure(through.Rounds[i])-figure(first.Rounds[i])-figure(second.Rounds[i]))
	}
	return median(all), len(all) > 0
}

func (r *ServeResults) start(transport, revision, peer string) *ServeStart {
	for i := range r.Starts {
		if s := &r.Starts[i]; s.Transport == transport && s.Revision == revision && s.Peer == peer {
			return s
		}
	}
	r.Starts = append(r.Starts, ServeStart{Transport: transport, Revision: revision, Peer: peer})
	return &r.Starts[len(r.Starts)-1]
}

// cells are those that have results, in their order.
func (r *ServeResults) cells() (cells []Cell) {
	for _, c := range r.Calls {
		if !slices.Contains(cells, c.Cell) {
			cells = append(cells, c.Cell)
		}
	}
	return cells
}

func (r Round) p99() float64 { return r.P99 }
