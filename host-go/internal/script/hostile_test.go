package script

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/isolate"
	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/isolation"
)

// hostileEngine has the component of internal/engine/testdata/hostile, which does to the host what its source
// says.
var hostileEngine = sync.OnceValues(func() (*engine.Engine, error) { return newHostileEngine(nil) })

// isolatedHostileEngine runs it in workers.
var isolatedHostileEngine = sync.OnceValues(func() (*engine.Engine, error) {
	workers, err := isolation.New("", 64, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	e, err := newHostileEngine(workers)
	if err == nil {
		end = e.Close
	}
	return e, err
})

// end ends the workers, where there are any.
var end = func() {}

// TestMain lets this program be a worker, and ends those that are left.
func TestMain(m *testing.M) {
	isolate.Main()
	code := m.Run()
	end()
	os.Exit(code)
}

func newHostileEngine(workers *isolation.Workers) (*engine.Engine, error) {
	wasm, err := os.ReadFile("../../../build/hostile.wasm")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there is no build/hostile.wasm: node scripts/build-hostile.mjs makes it, and make test does")
	}
	if err != nil {
		return nil, err
	}
	prepared, err := component.Prepare(wasm, nil)
	if err != nil {
		return nil, err
	}
	return engine.New(context.Background(), engine.Config{Core: func() (*component.Prepared, error) { return prepared, nil }, CompileFirst: true, Logger: slog.New(slog.DiscardHandler), Isolated: workers})
}

func testConfig(e *engine.Engine) Config {
	return Config{
		Engine: e,
		Limits: Limits{
			Computing: time.Second, Time: 2 * time.Second, MemoryBytes: 64 << 20, SourceBytes: 1 << 20, OutputBytes: 100_000,
			LogLines: 100, ResultDepth: 20, ToolCalls: 50, ParallelCalls: 8, ArgumentBytes: 1000,
			AnswerBytes: 1000, Timers: 100, LogLineBytes: 1000, FailureBytes: 1000,
		},
		Tools:  "[]",
		Random: rand.Reader,
		Call: func(context.Context, string, string, json.RawMessage) (json.RawMessage, *ToolFailure) {
			return json.RawMessage(`{"content":[]}`), nil
		},
	}
}

// The words of the hostile component, and its imports.
const (
	loop, again, call, trap, forever, grow, part = 1, 2, 3, 4, 5, 6, 8

	egressStart, setTimer, hostLog, beginTurn, callTool, log, settle = 0, 7, 17, 18, 23, 24, 25
)

// texts is where the texts of a source are in the component's memory.
const texts = 0x80000

func hostileSource(text string, words ...any) string {
	source := text + "\n"
	for _, w := range words {
		source += fmt.Sprint(w, " ")
	}
	return source
}

// slowAttacks take as long as they may. In workers one of them is enough.
var slowAttacks = map[string]bool{"one timer, often": true, "no end when told": true, "a timer when told": true}

// TestHostileInstance has an instance that is taken over, in this process and in a worker: whatever it does, it ends in
// time, alone, and by an error that says what it did.
func TestHostileInstance(t *testing.T) {
	e, err := hostileEngine()
	if err != nil {
		t.Fatal(err)
	}
	isolated, err := isolatedHostileEngine()
	if err != nil {
		t.Fatal(err)
	}
	large := []any{4 << 20, 10 << 20}
	for _, test := range []struct {
		name, source string
		kind         Kind
		message      string
	}{
		{"nothing", hostileSource(""), NeverSettled, "never happens"},
		{"a trap", hostileSource("", trap), Trap, "unreachable"},
		{"no end", hostileSource("", forever), Limit, "Computing"},
		{"memory", hostileSource("", grow, 2000), NeverSettled, ""},
		{"an import of sessions", hostileSource("", call, hostLog, 1, 0, texts, 0), Trap, "not for this instance"},
		{"a request", hostileSource("x", call, egressStart, 1, 1, texts, 1, texts, 1, 0, 0, 0, 0, 0), Trap, ""},
		{"an authorization", hostileSource("x", call, beginTurn, 1, 401, 0, 0, 0, 0, 0, 0), Trap, "not for this instance"},
		{"timers", hostileSource("", loop, 1000, call, setTimer, "i", 1_000_000, again), Limit, "Timers"},
		{"one timer, often", hostileSource("", loop, 100_000, call, setTimer, 1, 1_000_000, again), Limit, "ScriptLimits."}, // whichever of its two times is over first
		{"lines", hostileSource("x", loop, 1000, call, log, 0, texts, 1, again), Limit, "LogLines"},
		{"a level that is none", hostileSource("x", call, log, 9, texts, 1), Trap, ""},
		{"a large line", hostileSource("", append([]any{grow, 200, call, log, 0}, large...)...), NeverSettled, ""},
		{"calls", hostileSource("ab{}", loop, 1000, call, callTool, "i", texts, 1, texts+1, 1, texts+2, 2, again), Limit, "ToolCalls"},
		{"a call twice", hostileSource("ab{}", call, callTool, 1, texts, 1, texts+1, 1, texts+2, 2, call, callTool, 1, texts, 1, texts+1, 1, texts+2, 2), Trap, "no answer yet"},
		{"no arguments", hostileSource("ab", call, callTool, 1, texts, 1, texts+1, 1, texts, 0), Trap, "no JSON object"},
		{"arguments that are no JSON", hostileSource("ab{x", call, callTool, 1, texts, 1, texts+1, 1, texts+2, 2), Trap, "no JSON object"},
		{"arguments that are a list", hostileSource("ab[]", call, callTool, 1, texts, 1, texts+1, 1, texts+2, 2), Trap, "no JSON object"},
		{"large arguments", hostileSource("ab", append([]any{grow, 200, call, callTool, 1, texts, 1, texts + 1, 1}, large...)...), Limit, "ArgumentBytes"},
		{"large names", hostileSource("{}", append(append([]any{grow, 200, call, callTool, 1}, large...), texts, 1, texts, 2)...), Limit, ""},
		{"a value that is no JSON", hostileSource("x", call, settle, "c", 0, texts, 1, 0, 0, 0, 0, 0, 0, 0), InvalidArguments, "not JSON"},
		{"a large value", hostileSource("", append(append([]any{grow, 200, call, settle, "c", 0}, large...), 0, 0, 0, 0, 0, 0, 0)...), Limit, "OutputBytes"},
		{"another's value", hostileSource("1", call, settle, 77, 0, texts, 1, 0, 0, 0, 0, 0, 0, 0), NeverSettled, ""},
		{"a value out of memory", hostileSource("1", call, settle, "c", 0, 2_000_000_000, 1, 0, 0, 0, 0, 0, 0, 0), Trap, ""},
		{"a large failure", hostileSource("", append(append(append([]any{grow, 200, call, settle, "c", 1, 1}, large...), 1, 7, 1, 9), texts, 0)...), Runtime, ""},
		{"a kind that is none", hostileSource("", call, settle, "c", 1, 77, texts, 0, 0, 0, 0, 0, texts, 0), Trap, ""},
		{"a trap when told", hostileSource("ab{}", call, callTool, 1, texts, 1, texts+1, 1, texts+2, 2, part, 1, trap), Trap, "unreachable"},
		{"no end when told", hostileSource("ab{}", call, callTool, 1, texts, 1, texts+1, 1, texts+2, 2, part, 1, forever), Limit, "Computing"},
		{"a timer when told", hostileSource("", call, setTimer, 1, 0, part, 1, call, setTimer, 1, 0), Limit, ""},
	} {
		attack := func(t *testing.T, e *engine.Engine) {
			t.Parallel()
			config := testConfig(e)
			if test.message == "Computing" { // On a busy machine more of the other time is over first.
				config.Limits.Time = 2 * time.Minute
			}
			in, failure := New(t.Context(), config)
			if failure != nil {
				t.Fatal(failure)
			}
			defer in.Close()
			begun := time.Now()
			_, report, failure := in.Run(t.Context(), Source{"hostile", test.source}, json.RawMessage("null"), nil)
			if failure == nil || failure.Kind != test.kind || !strings.Contains(failure.Message, test.message) {
				t.Errorf("it ends with %+v, want kind %d with %q", failure, test.kind, test.message)
			}
			if took := time.Since(begun); took > 2*time.Minute {
				t.Errorf("it took %v", took)
			}
			size := len(failure.Message) + len(failure.Stack)
			for _, line := range report.Logs {
				size += len(line.Text)
			}
			for _, c := range report.Calls {
				size += len(c.Server) + len(c.Tool)
			}
			if size > 200_000 {
				t.Errorf("the host keeps %d bytes of it", size)
			}
		}
		t.Run(test.name, func(t *testing.T) { attack(t, e) })
		if !slowAttacks[test.name] {
			t.Run(test.name+" in a worker", func(t *testing.T) { attack(t, isolated) })
		}
	}
}

// TestSettledTwice has an instance settle twice: the first outcome counts.
func TestSettledTwice(t *testing.T) {
	e, err := hostileEngine()
	if err != nil {
		t.Fatal(err)
	}
	in, failure := New(t.Context(), testConfig(e))
	if failure != nil {
		t.Fatal(failure)
	}
	defer in.Close()
	source := hostileSource("12", call, settle, "c", 0, texts, 1, 0, 0, 0, 0, 0, 0, 0, call, settle, "c", 0, texts+1, 1, 0, 0, 0, 0, 0, 0, 0)
	value, _, failure := in.Run(t.Context(), Source{"hostile", source}, json.RawMessage("null"), nil)
	if failure != nil || string(value) != "1" {
		t.Errorf("it gives %s, %v", value, failure)
	}
}

func TestDepth(t *testing.T) {
	for text, want := range map[string]int{`1`: 0, `[]`: 1, `[[],{"a":[1]}]`: 3, `"[[["`: 0, `["\"[[",[2]]`: 2, `{"\\":[]}`: 2} {
		if got := depth(text); got != want {
			t.Errorf("%s has a depth of %d, want %d", text, got, want)
		}
	}
}
