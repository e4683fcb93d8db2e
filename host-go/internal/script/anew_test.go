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

// A script that computes for long in the interpreter begins anew in compiled code, and nobody notices: its random
// numbers and its log are those of a run that began there. What has called a tool, or waited for a timer, is not done
// again.
func TestBeginAnew(t *testing.T) {
	if without.Interpreter {
		t.Skip("nothing begins in the interpreter")
	}
	const computes = `; let n = 0; for (let i = 0; i < 3e6; i++) n += i % 7; `
	var calls atomic.Int32
	begin := func() *engine.Engine {
		e, err := engine.New(context.Background(), engine.Config{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		return e
	}
	run := func(e *engine.Engine, text string) (string, []Line, bool) {
		t.Helper()
		config := testConfig(e)
		config.Random = rand.NewChaCha8([32]byte{1})
		config.Now = time.Unix(1, 0)
		config.Limits.Computing, config.Limits.Time = 5*time.Minute, 5*time.Minute
		config.Tools = `[{"server":"s","name":"t","description":"","inputSchema":{"type":"object"}}]`
		config.Call = func(context.Context, string, string, json.RawMessage) (json.RawMessage, *ToolFailure) {
			calls.Add(1)
			return json.RawMessage(`{"content":[]}`), nil
		}
		in, failure := New(t.Context(), config)
		if failure != nil {
			t.Fatal(failure)
		}
		defer in.Close()
		value, report, failure := in.Run(t.Context(), Source{Name: "s", Text: text}, json.RawMessage("null"), nil)
		if failure != nil {
			t.Fatal(failure)
		}
		return string(value), report.Logs, in.beginning.used
	}
	const alone = `console.log('once'); const r = Math.random()` + computes + `return [r, Math.random(), n]`
	e := begin()
	value, logs, anew := run(e, alone)
	want, _, compiled := run(e, alone)
	if value != want || !anew || compiled || len(logs) != 1 {
		t.Errorf("the value is %s and not %s, the log %v; begun anew: %t, and %t in compiled code", value, want, logs, anew, compiled)
	}
	const behind = `console.log('once'); await sleep(1); let n = 0; for (let i = 0; i < 3e5; i++) n += i % 7; return n`
	if value, logs, anew := run(begin(), behind); value != "899997" || anew || len(logs) != 1 {
		t.Errorf("behind a timer the value is %s, the log %v; begun anew: %t", value, logs, anew)
	}
	run(begin(), `await tools.s.t({}); let n = 0; for (let i = 0; i < 2e5; i++) n += i; return n`)
	if calls.Load() != 1 {
		t.Errorf("the tool was called %d times", calls.Load())
	}
}
