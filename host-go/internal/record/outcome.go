package record

import (
	"errors"
	"fmt"
)

// An Outcome is what the run of a script has ended with.
type Outcome struct {
	Failure      string // its kind; "" for a value, which the script has settled with
	Message      string // of the failure, and so the others
	Stack        string
	Line, Column int
	Fuel         uint64
	MemoryBytes  uint64
	// Interrupted says that a clock of the host, or whoever had begun the run, has ended it: where it was then is
	// different each time.
	Interrupted bool
}

// done is the name of the result that is no failure.
const done = "value"

// Outcome records what the run has ended with. Only the end may follow.
func (w *Writer) Outcome(o *Outcome) {
	if w == nil {
		return
	}
	name := o.Failure
	if name == "" {
		name = done
	}
	w.put(item{kind: Result, name: name, err: o.Message, values: []any{
		o.Stack, uint32(max(0, o.Line)), uint32(max(0, o.Column)), o.Fuel, o.MemoryBytes, o.Interrupted,
	}})
}

// Source records the source of a script, as it was given.
func (w *Writer) Source(text string) {
	if w != nil {
		w.put(item{kind: Source, values: []any{text}})
	}
}

// Outcome reads an entry of the kind Result.
func (e *Entry) Outcome() (*Outcome, error) {
	wrong := errors.New("it is no result")
	values, err := DecodeAll(e.Values)
	if err != nil || e.Kind != Result || len(values) != 6 {
		return nil, wrong
	}
	o := &Outcome{Failure: e.Name, Message: e.Error}
	if o.Failure == done {
		o.Failure = ""
	}
	stack, a := values[0].(string)
	line, b := values[1].(uint32)
	column, c := values[2].(uint32)
	fuel, d := values[3].(uint64)
	memory, f := values[4].(uint64)
	interrupted, g := values[5].(bool)
	if !a || !b || !c || !d || !f || !g {
		return nil, wrong
	}
	o.Stack, o.Line, o.Column, o.Fuel, o.MemoryBytes, o.Interrupted = stack, int(line), int(column), fuel, memory, interrupted
	return o, nil
}

func (e *Entry) outcome() string {
	o, err := e.Outcome()
	if err != nil {
		return "a result that cannot be read"
	}
	return o.String()
}

// String shows what a run has ended with.
func (o *Outcome) String() string {
	used := fmt.Sprintf(" (fuel %d, memory %d)", o.Fuel, o.MemoryBytes)
	if o.Failure == "" {
		return "a value" + used
	}
	return fmt.Sprintf("a failure: %s: %s, at %d:%d%s\n%s", o.Failure, o.Message, o.Line, o.Column, used, o.Stack)
}

// ScriptSource takes the source of a script, as it was given: "" where it was run as it is.
func (p *Player) ScriptSource() (string, error) {
	e, err := p.Peek()
	if err != nil || e == nil || e.Kind != Source {
		return "", err
	}
	values, err := DecodeAll(e.Values)
	if err != nil || len(values) != 1 {
		return "", p.Wrong("it is no source")
	}
	text, ok := values[0].(string)
	if !ok {
		return "", p.Wrong("it is no source")
	}
	p.Take()
	return text, nil
}
