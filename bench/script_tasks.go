package main

import (
	"embed"
	"fmt"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// A task is what scripts of each language do, and the value that they come to, as JSON.
type task struct{ about, value string }

// The tasks whose figures are compared by name.
const (
	taskValue     = "value"
	taskCall      = "call"
	taskCalls     = "calls"
	taskCrossings = "crossings"
	taskMeet      = "meet"
	taskSleep     = "sleep"
	taskSort      = "sort"
	taskJSON      = "json"
	taskLoop      = "loop"
	taskFib       = "fib"
)

var tasks = map[string]task{
	taskValue:     {"a run without a call", "45"},
	taskCall:      {"a run that calls one function", "4"},
	taskCalls:     {"a run with 50 calls in parallel", "1275"},
	taskCrossings: {"a run with 1,000 calls, one after the other", "499500"},
	taskMeet:      {"a run that waits for the others", "true"},
	taskSleep:     {"a run that waits and can sleep", "4"},
	taskSort:      {"sorting 100,000 numbers", "847534"},
	taskJSON:      {"JSON of 10,000 objects, out and back", "62602640"},
	taskLoop:      {"a loop of a million", "499999500000"},
	taskFib:       {"fib(25)", "75025"},
}

// crossings is how many calls the task of that name makes.
const crossings = 1000

//go:embed tasks
var sources embed.FS

var suffixes = map[string]string{wire.JavaScript: ".js", wire.Python: ".py"}

func source(task, language string) (*wire.Source, error) {
	text, err := sources.ReadFile("tasks/" + task + suffixes[language])
	return &wire.Source{Language: language, Text: string(text)}, err
}

// scriptCell is a task in a language, with so many runs at once.
func scriptCell(task, language string, inFlight int) Cell {
	return Cell{Transport: language, Do: wire.Script, Task: task, Sessions: 1, InFlight: inFlight}
}

// atOnce is how many runs there are at once, where it is said how many runs a process bears.
const atOnce = 100

// scriptCells are the runs of a section, in their order.
func scriptCells() (all []Cell) {
	for _, language := range scriptLanguages {
		for _, task := range []string{taskValue, taskCall, taskCalls, taskCrossings} {
			all = append(all, scriptCell(task, language, 1))
		}
		all = append(all, scriptCell(taskCall, language, atOnce))
	}
	for _, task := range []string{taskSort, taskJSON, taskLoop, taskFib} {
		all = append(all, scriptCell(task, wire.JavaScript, 1))
	}
	for _, task := range []string{taskLoop, taskFib} {
		all = append(all, scriptCell(task, wire.Python, 1))
	}
	return all
}

// script is a cell of scripts as a peer is told of it.
func (c Cell) script(seconds float64) wire.Work {
	least := 3 * c.InFlight
	if c.InFlight > 1 && seconds < 1 {
		least = c.InFlight // A quick run has no time for 300 processes.
	}
	s, err := source(c.Task, c.Transport)
	if err != nil {
		panic(err) // A cell without a source.
	}
	return wire.Work{Do: c.Do, Source: s, Sessions: 1, InFlight: c.InFlight, Seconds: seconds, Least: least}
}

// check says what is wrong with the values of scripts.
func (c Cell) check(reply wire.Reply) error {
	if want := tasks[c.Task].value; c.Task != "" && (len(reply.Values) != 1 || reply.Values[0] != want) {
		return fmt.Errorf("the runs have come to %q, and not to %s", reply.Values, want)
	}
	return nil
}
