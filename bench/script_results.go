package main

// ScriptResults are what the section for scripts has measured.
type ScriptResults struct {
	Peers     []PeerResult
	Runs      []CallResult  // whose transport is the language
	Starts    []StartResult // likewise
	Met       []MetResult
	Compiling []CompilingResult
	Sizes     []SizeResult
	Sleep     SleepResult
}

// A MetResult is the memory of a peer, its processes included, with so many runs (in place of sessions) at once.
type MetResult struct {
	Language string
	MemoryResult
}

// A CompilingResult is the most memory of a process that compiles Python.
type CompilingResult struct {
	How  string
	Peak int64
}

// A SleepResult is a small run of Caisson's that sleeps and wakes: the medians of the rounds, the longest of all turns,
// and the most bytes of a sleep.
type SleepResult struct {
	Slept, Woken, Both []float64 // in microseconds
	Worst              float64
	Turns              int
	Bytes              int64
}

// A SizeResult is the size of a program.
type SizeResult struct {
	Name, About string
	Bytes       int64
}

func (r *ScriptResults) run(task, language string, inFlight int, peer string) *CallResult {
	return find(r.Runs, scriptCell(task, language, inFlight), peer)
}

func (r *ScriptResults) met(language, peer string) *MetResult {
	for i := range r.Met {
		if m := &r.Met[i]; m.Language == language && m.Peer == peer && m.Error == "" && len(m.Resident) == 2 {
			return m
		}
	}
	return nil
}

// size is how large a program is; 0 when it was not built.
func (r *ScriptResults) size(name string) int64 {
	for _, s := range r.Sizes {
		if s.Name == name {
			return s.Bytes
		}
	}
	return 0
}
