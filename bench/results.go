package main

import (
	"cmp"
	"slices"
)

// Results are everything that a run has measured; results.json is this. Times are in microseconds,
// memory in bytes.
type Results struct {
	Machine   Machine
	Component int64 // the embedded core, compressed
	Peers     []PeerResult
	Calls     []CallResult
	Connects  []ConnectResult
	Revisions []CallResult
	Expires   []ExpireResult
	Starts    []StartResult
	Memory    []MemoryResult
	Cores     []CallResult
	Meter     []MeterResult
	Tokens    []TokenResult
	Parts     []PartsResult
	Soak      []SoakResult `json:",omitempty"`
	Scripts   ScriptResults
	Serve     ServeResults
	Daemon    DaemonResults
}

// A PeerResult is a peer, and why it was left out if it was.
type PeerResult struct{ Name, About, Skipped string }

// A CallResult is what a peer did in a cell.
type CallResult struct {
	Cell
	Peer   string
	Rounds []Round
	Error  string `json:",omitempty"`
	// Quantiles of the calls of all rounds, from 0 to 100 percent.
	Quantiles []float64
	P50, P99  float64
	PerSecond float64 // the median of the rounds, as are those that follow
	CPU       float64 // per call
	Computing float64 `json:",omitempty"` // of a script
	Ratio     float64 // of P50 to the Go SDK's in the same round; of a script to Caisson's
	Speed     float64 // of PerSecond, likewise

	samples []float64
}

// A Round is one turn of a peer in a cell.
type Round struct {
	Calls                    int
	P50, P99, PerSecond, CPU float64
	Computing                float64 `json:",omitempty"` // p50 of what the engine of a script has computed
}

// A ConnectResult is how long a further session of a running process takes, its server's command
// included.
type ConnectResult struct {
	Transport, Peer, Revision string
	P50, P99, Ratio           float64
	Own                       float64 // what of P50 is above the time by hand

	rounds  [][]float64
	samples []float64
}

// A StartResult is the start of a whole process, up to the first result of a call.
type StartResult struct {
	Transport, Peer string
	First           bool // with empty caches
	Runs            []Stages
	Median          Stages // the run whose total is the median
}

// least is the shortest total of all runs, and most the longest.
func (s StartResult) least() float64 {
	return slices.MinFunc(s.Runs, compareTotals).Total()
}

func (s StartResult) most() float64 {
	return slices.MaxFunc(s.Runs, compareTotals).Total()
}

func compareTotals(a, b Stages) int { return cmp.Compare(a.Total(), b.Total()) }

// choose finds the run of the median total.
func (s *StartResult) choose() {
	runs := slices.SortedFunc(slices.Values(s.Runs), compareTotals)
	s.Median = runs[len(runs)/2]
}

// Stages are the parts of a start.
type Stages struct{ Load, Connect, Call float64 }

// Total is the time from the start of the process to the first result.
func (s Stages) Total() float64 { return s.Load + s.Connect + s.Call }

// A MeterResult is a computation in metered and in unmetered code: the least times
// of many turns, and their ratio.
type MeterResult struct {
	Work                      string
	Metered, Unmetered, Ratio float64
}

// A MemoryResult is the memory of a peer, its helpers included, with so many open sessions.
type MemoryResult struct {
	Peer     string
	Sessions []int
	Resident []int64
	Error    string `json:",omitempty"`
}

// Each is what a further session takes, on average.
func (m MemoryResult) Each() float64 {
	last := len(m.Sessions) - 1
	if last < 1 {
		return 0
	}
	return float64(m.Resident[last]-m.Resident[0]) / float64(m.Sessions[last]-m.Sessions[0])
}

// A PartsResult is where the CPU time of Caisson's own process goes, per call.
type PartsResult struct {
	Cell
	Calls int
	P50   float64
	CPU   float64
	Parts map[string]float64
}

// A SoakResult is the memory of a peer over many calls and connects.
type SoakResult struct {
	Peer                      string
	Calls, Connects           int
	AtCalls, AtConnects       []int
	DuringCalls, DuringOpened []int64
	Error                     string `json:",omitempty"`
}

// quantile is of sorted values; 0 of none.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func median(values []float64) float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func (c *CallResult) add(samples, computing []float64, elapsed, cpu float64) {
	sorted := slices.Sorted(slices.Values(samples))
	n := float64(len(sorted))
	if n == 0 {
		return
	}
	c.Rounds = append(c.Rounds, Round{
		Calls: len(sorted), P50: quantile(sorted, .5), P99: quantile(sorted, .99), PerSecond: n / elapsed * 1e6, CPU: cpu / n,
		Computing: median(computing),
	})
	c.samples = append(c.samples, sorted...)
}

// medianOf is the median of one figure over the rounds.
func medianOf(rounds []Round, figure func(Round) float64) float64 {
	var values []float64
	for _, r := range rounds {
		values = append(values, figure(r))
	}
	return median(values)
}

// ratio is the median, over the rounds, of a figure to the same of another peer.
func ratio(rounds, others []Round, figure func(Round) float64) float64 {
	var values []float64
	for i := range min(len(rounds), len(others)) {
		if other := figure(others[i]); other > 0 {
			values = append(values, figure(rounds[i])/other)
		}
	}
	return median(values)
}

// summarize fills in what is computed from the rounds.
func summarize(all []*CallResult, base string) (results []CallResult) {
	bases := map[Cell]*CallResult{}
	for _, c := range all {
		if c.Peer == base {
			bases[c.Cell] = c
		}
	}
	for _, c := range all {
		slices.Sort(c.samples)
		for i := range 101 {
			c.Quantiles = append(c.Quantiles, quantile(c.samples, float64(i)/100))
		}
		c.P50, c.P99 = quantile(c.samples, .5), quantile(c.samples, .99)
		c.PerSecond = medianOf(c.Rounds, Round.perSecond)
		c.CPU = medianOf(c.Rounds, Round.cpu)
		c.Computing = medianOf(c.Rounds, Round.computing)
		if b := bases[c.Cell]; b != nil {
			c.Ratio = ratio(c.Rounds, b.Rounds, Round.p50)
			c.Speed = ratio(c.Rounds, b.Rounds, Round.perSecond)
		}
		results = append(results, *c)
	}
	return results
}

func (r Round) p50() float64       { return r.P50 }
func (r Round) perSecond() float64 { return r.PerSecond }
func (r Round) cpu() float64       { return r.CPU }
func (r Round) computing() float64 { return r.Computing }
