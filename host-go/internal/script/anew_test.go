package script

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/without"
)

// oneTool is the tool t of the server s.
const oneTool = `[{"server":"s","name":"t","description":"","inputSchema":{"type":"object"}}]`

// interimEngine is an engine whose first instances begin in the interpreter.
func interimEngine(t *testing.T) *engine.Engine {
	t.Helper()
	e, err := engine.New(context.Background(), engine.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// A script that computes for long in the interpreter begins anew in compiled code, and nobody notices: its random
// numbers and its log are those of a run that began there. What has called a tool, or waited for a timer, is not done
// again.
func TestBeginAnew(t *testing.T) {
	if without.Interpreter {
		t.Skip("nothing begins in the interpreter")
	}
	const computes = `; let n = 0; for (let i = 0; i < 1e4; i++) n += i % 7; `
	const impatient, patient = time.Millisecond, 4 * time.Minute
	var calls atomic.Int32
	// run gives a script's first entry so much patience, and the entries behind it none: what they do does not depend
	// on how fast the machine is.
	run := func(e *engine.Engine, first time.Duration, text string) (string, []Line, bool) {
		t.Helper()
		config := testConfig(e)
		config.Random = rand.NewChaCha8([32]byte{1})
		config.Now = time.Unix(1, 0)
		config.Limits.Computing, config.Limits.Time = 5*time.Minute, 5*time.Minute
		config.Tools = oneTool
		config.Call = func(context.Context, string, string, json.RawMessage) (json.RawMessage, *ToolFailure) {
			calls.Add(1)
			return json.RawMessage(`{"content":[]}`), nil
		}
		in, failure := New(t.Context(), config)
		if failure != nil {
			t.Fatal(failure)
		}
		defer in.Close()
		in.operation, in.beginning.patience = firstOperation, first
		source := Source{Name: "s", Text: text}
		value, report, failure := in.follow(t.Context(), config.Limits.Time, func() *Failure {
			failure := in.enter(t.Context(), "run", in.operation, source.encode(), config.Tools, "null", []any{})
			in.beginning.patience = impatient
			return failure
		})
		if failure != nil {
			t.Fatal(failure)
		}
		return string(value), report.Logs, in.beginning.used
	}
	const alone = `console.log('once'); const r = Math.random()` + computes + `return [r, Math.random(), n]`
	e := interimEngine(t)
	value, logs, anew := run(e, impatient, alone)
	want, _, compiled := run(e, impatient, alone)
	if value != want || !anew || compiled || len(logs) != 1 {
		t.Errorf("the value is %s and not %s, the log %v; begun anew: %t, and %t in compiled code", value, want, logs, anew, compiled)
	}
	const behind = `console.log('once'); await sleep(1)` + computes + `return n`
	if value, logs, anew := run(interimEngine(t), patient, behind); value != "29994" || anew || len(logs) != 1 {
		t.Errorf("behind a timer the value is %s, the log %v; begun anew: %t", value, logs, anew)
	}
	run(interimEngine(t), patient, `await tools.s.t({})`+computes+`return n`)
	if calls.Load() != 1 {
		t.Errorf("the tool was called %d times", calls.Load())
	}
}

// An addition notes what a guest may compute more.
type addition struct {
	engine.Sandbox
	more []time.Duration
}

func (a *addition) AddComputing(d time.Duration) { a.more = append(a.more, d) }

// What has called a tool cannot begin anew: from there on the entry has what the script may compute, in the interpreter
// too, and no longer its patience.
func TestCalledInTheInterpreter(t *testing.T) {
	if without.Interpreter {
		t.Skip("nothing begins in the interpreter")
	}
	const most, patient = 5 * time.Minute, 4 * time.Minute
	config := testConfig(interimEngine(t))
	config.Random = rand.NewChaCha8([32]byte{1})
	config.Limits.Computing, config.Limits.Time = most, most
	config.Tools = oneTool
	in, failure := New(t.Context(), config)
	if failure != nil {
		t.Fatal(failure)
	}
	defer in.Close()
	a, made := &addition{Sandbox: in.guest.Sandbox}, in.computed
	in.guest.Sandbox, in.beginning.patience = a, patient
	if _, _, failure := in.Run(t.Context(), Source{Name: "s", Text: `await Promise.all([tools.s.t({}), tools.s.t({})])`}, json.RawMessage("null"), nil); failure != nil {
		t.Fatal(failure)
	}
	if len(a.more) != 1 || a.more[0] != most-made-patient {
		t.Errorf("it may compute for %v more, and not once for %v", a.more, most-made-patient)
	}
}
