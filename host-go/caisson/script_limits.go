package caisson

import (
	"fmt"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/script"
)

// ScriptLimits bound one run of a script, or one call of a module's function. The zero value of each is its
// default; there is no way to leave one out. A script that reaches one ends with [ScriptLimit], and cannot catch
// that.
type ScriptLimits struct {
	// Computing bounds how long the sandbox computes, searches of its tools included. It is the time that the
	// sandbox has of a processor, and not that of the wall: waiting for tools and timers is not computing, and
	// neither is waiting for a processor on a busy machine. Time bounds what passes on the wall. Default: 10 s.
	Computing time.Duration
	// Time bounds the whole run by the wall clock, waiting included. It does not run while somebody is asked on
	// account of a call of a tool: while [Governance].Approve is asked about it, and while a handler answers a
	// sampling or an elicitation of the server, for this call or for another one of the session, since servers do
	// not say which. The deadline of a context bounds that too. Default: 60 s.
	Time time.Duration
	// MemoryBytes bounds the sandbox, rounded up to pages of 64 KiB. About 40 MB of it are there from the start.
	// Default: 128 MiB.
	MemoryBytes int64
	// Fuel bounds what is computed without waiting between: about so many instructions of WebAssembly. Unlike
	// Computing it is the same on each machine. Default: as much as Computing allows.
	Fuel uint64
	// SourceBytes bounds the source. Default: 128 kB.
	SourceBytes int
	// OutputBytes bounds the lines of the log and the value as JSON, taken together. Default: 100 kB.
	OutputBytes int
	// LogLines bounds the lines of the log. Default: 1000.
	LogLines int
	// ResultDepth bounds how deeply the value is nested. Default: 200.
	ResultDepth int
	// ToolCalls bounds the calls of tools. Default: 50.
	ToolCalls int
	// ParallelCalls bounds the calls of tools that are underway at once. Further ones wait. Default: 8.
	ParallelCalls int
	// ArgumentBytes bounds the arguments of one call of a tool as JSON, and its names. Default: 1 MiB.
	ArgumentBytes int
	// AnswerBytes bounds the answer to one call of a tool as JSON. A larger one is not given to the script: the
	// call fails, which the script may catch. Default: 8 MiB.
	AnswerBytes int
	// Timers bounds the timers that are set at once in JavaScript. In Python a timer is memory, and MemoryBytes bounds
	// it. Default: 1000.
	Timers int
}

// What a script may have where [ScriptLimits] says nothing.
const (
	defaultScriptComputing     = 10 * time.Second
	defaultScriptTime          = 60 * time.Second
	defaultScriptMemoryBytes   = 128 << 20
	defaultScriptSourceBytes   = 128_000
	defaultScriptOutputBytes   = 100_000
	defaultScriptLogLines      = 1000
	defaultScriptResultDepth   = 200
	defaultScriptToolCalls     = 50
	defaultScriptParallelCalls = 8
	defaultScriptArgumentBytes = 1 << 20
	defaultScriptAnswerBytes   = 8 << 20
	defaultScriptTimers        = 1000

	// A line of the log that is longer is cut, and so is the message and the stack of an error.
	maxScriptLine    = 16 << 10
	maxScriptMessage = 16 << 10
)

// Lowered returns the limits, each as low as the one of to where that is set and lower. What l leaves out counts as
// its default.
func (l ScriptLimits) Lowered(to ScriptLimits) ScriptLimits {
	l, _ = l.withDefaults() // A negative one stays, and fails the run.
	lower(&l.Computing, to.Computing)
	lower(&l.Time, to.Time)
	lower(&l.MemoryBytes, to.MemoryBytes)
	if l.Fuel == 0 {
		l.Fuel = to.Fuel // There is no bound by default.
	}
	lower(&l.Fuel, to.Fuel)
	lower(&l.SourceBytes, to.SourceBytes)
	lower(&l.OutputBytes, to.OutputBytes)
	lower(&l.LogLines, to.LogLines)
	lower(&l.ResultDepth, to.ResultDepth)
	lower(&l.ToolCalls, to.ToolCalls)
	lower(&l.ParallelCalls, to.ParallelCalls)
	lower(&l.ArgumentBytes, to.ArgumentBytes)
	lower(&l.AnswerBytes, to.AnswerBytes)
	lower(&l.Timers, to.Timers)
	return l
}

func lower[T int | int64 | uint64 | time.Duration](limit *T, to T) {
	if to != 0 {
		*limit = min(*limit, to)
	}
}

// withDefaults fills in the defaults, and finds an invalid limit.
func (l ScriptLimits) withDefaults() (ScriptLimits, error) {
	l.Computing = orDefault(l.Computing, defaultScriptComputing)
	l.Time = orDefault(l.Time, defaultScriptTime)
	l.MemoryBytes = orDefault(l.MemoryBytes, defaultScriptMemoryBytes)
	l.SourceBytes = orDefault(l.SourceBytes, defaultScriptSourceBytes)
	l.OutputBytes = orDefault(l.OutputBytes, defaultScriptOutputBytes)
	l.LogLines = orDefault(l.LogLines, defaultScriptLogLines)
	l.ResultDepth = orDefault(l.ResultDepth, defaultScriptResultDepth)
	l.ToolCalls = orDefault(l.ToolCalls, defaultScriptToolCalls)
	l.ParallelCalls = orDefault(l.ParallelCalls, defaultScriptParallelCalls)
	l.ArgumentBytes = orDefault(l.ArgumentBytes, defaultScriptArgumentBytes)
	l.AnswerBytes = orDefault(l.AnswerBytes, defaultScriptAnswerBytes)
	l.Timers = orDefault(l.Timers, defaultScriptTimers)
	for _, limit := range []struct {
		name  string
		value int64
	}{
		{"Computing", int64(l.Computing)},
		{"Time", int64(l.Time)},
		{"MemoryBytes", l.MemoryBytes},
		{"SourceBytes", int64(l.SourceBytes)},
		{"OutputBytes", int64(l.OutputBytes)},
		{"LogLines", int64(l.LogLines)},
		{"ResultDepth", int64(l.ResultDepth)},
		{"ToolCalls", int64(l.ToolCalls)},
		{"ParallelCalls", int64(l.ParallelCalls)},
		{"ArgumentBytes", int64(l.ArgumentBytes)},
		{"AnswerBytes", int64(l.AnswerBytes)},
		{"Timers", int64(l.Timers)},
	} {
		if limit.value < 0 {
			return l, errOption(fmt.Sprintf("ScriptLimits.%s is negative", limit.name))
		}
	}
	return l, nil
}

func (l *ScriptLimits) internal() script.Limits {
	return script.Limits{
		Computing: l.Computing, Time: l.Time, MemoryBytes: l.MemoryBytes, Fuel: l.Fuel,
		SourceBytes: l.SourceBytes, OutputBytes: l.OutputBytes, LogLines: l.LogLines, ResultDepth: l.ResultDepth,
		ToolCalls: l.ToolCalls, ParallelCalls: l.ParallelCalls, ArgumentBytes: l.ArgumentBytes,
		AnswerBytes: l.AnswerBytes, Timers: l.Timers, LogLineBytes: maxScriptLine, FailureBytes: maxScriptMessage,
	}
}
