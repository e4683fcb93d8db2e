package caisson_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

var sleepKey = bytes.Repeat([]byte("key!"), 8)

// sleeper is a client whose runs can sleep.
func sleeper(t testing.TB, change ...func(*caisson.ClientOptions)) *caisson.Client {
	t.Helper()
	o := caisson.ClientOptions{Sleeping: caisson.Sleeping{SleepKey: sleepKey, SleepClaims: caisson.NewMemoryClaims()}}
	for _, f := range change {
		f(&o)
	}
	return newClient(t, o)
}

func startScript(t testing.TB, c *caisson.Client, s caisson.Script) *caisson.Run {
	t.Helper()
	run, err := c.StartScript(testContext(t), s)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func putToSleep(t testing.TB, run *caisson.Run) []byte {
	t.Helper()
	b, err := run.Sleep(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// asleepOf starts a script, and has it sleep where it says sleep(PAUSE): for so long that there is time for it.
func asleepOf(t testing.TB, c *caisson.Client, s caisson.Script) []byte {
	t.Helper()
	source := s.Source
	for pause := 100; ; pause *= 4 {
		s.Source = strings.ReplaceAll(source, "PAUSE", strconv.Itoa(pause))
		asleep, err := startScript(t, c, s).Sleep(testContext(t))
		if err == nil {
			return asleep
		}
		if sleepCode(err) != caisson.SleepEnded || pause > 30_000 || s.Source == source {
			t.Fatal(err)
		}
	}
}

func wakeUp(t testing.TB, c *caisson.Client, asleep []byte, tools *caisson.ToolSet) *caisson.Run {
	t.Helper()
	run, err := c.Wake(testContext(t), asleep, caisson.Waking{Tools: tools})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// until waits for something.
func until(t testing.TB, happens <-chan struct{}) {
	t.Helper()
	select {
	case <-happens:
	case <-testContext(t).Done():
		t.Fatal("it does not happen")
	}
}

func sleepCode(err error) caisson.SleepCode {
	var e *caisson.SleepError
	if !errors.As(err, &e) {
		return ""
	}
	return e.Code
}

// TestSleepDue shows when a run that sleeps should wake.
func TestSleepDue(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	run := startScript(t, sleeper(t), aScript(t, "await Promise.race([sleep(90_000), sleep(60_000)])"))
	if due := run.Due(); !due.IsZero() {
		t.Errorf("before it sleeps, it is %v", due)
	}
	if _, err := run.Sleep(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if due := run.Due(); due.Before(begun.Add(time.Minute)) || due.After(time.Now().Add(time.Minute)) {
		t.Errorf("after %v it is due in %v", time.Since(begun), time.Until(due))
	}
}

// TestSleepGoesOn has a run sleep and wake: its value, its log, its calls and what it has used are those of the whole run.
func TestSleepGoesOn(t *testing.T) {
	t.Parallel()
	c := sleeper(t)
	s := aScript(t, `
console.log('before');
const kept = new Map([['a', await tools.go.add({ a: 1, b: 2 })]]);
class Counter { #n = 40; next() { return ++this.#n; } }
const counter = new Counter(); counter.next();
await sleep(PAUSE);
console.log('after');
return [kept.get('a'), counter.next(), await tools.go.add({ a: 3, b: 4 }), input, args]`)
	s.Source = strings.Replace(s.Source, "PAUSE", "3000", 1)
	run := startScript(t, c, s)
	asleep := putToSleep(t, run)
	before, err := run.Wait()
	if !errors.Is(err, caisson.ErrAsleep) || before.Value != nil || len(before.Logs) > 1 {
		t.Errorf("the run that sleeps has ended with %+v, %v", before, err)
	}
	if _, err := run.Sleep(testContext(t)); sleepCode(err) != caisson.SleepEnded {
		t.Errorf("a second sleep: %v", err)
	}
	result, err := wakeUp(t, c, asleep, s.Tools).Wait()
	if err != nil {
		t.Fatal(err)
	}
	if got := string(result.Value); got != `[3,42,7,{"n":2},["one","two"]]` {
		t.Errorf("it gives %s", got)
	}
	if len(result.Logs) != 2 || result.Logs[0].Text != "before" || result.Logs[1].Text != "after" || len(result.Calls) != 2 || result.Calls[0].Outcome != caisson.ScriptCallDone {
		t.Errorf("it has logged %+v, and called %+v", result.Logs, result.Calls)
	}
	if u := result.Usage; u.Fuel < before.Usage.Fuel || u.Computing < before.Usage.Computing || u.Waiting == 0 {
		t.Errorf("it has used %+v, and before the sleep %+v", u, before.Usage)
	}
	if _, err := c.Wake(testContext(t), asleep, caisson.Waking{Tools: s.Tools}); sleepCode(err) != caisson.SleepClaimed {
		t.Errorf("woken once more: %v", err)
	}
}

// TestSleepRepeated has a run with a seed and a frozen clock sleep wherever it waits: everything is as in a run that does
// not sleep, bit for bit.
func TestSleepRepeated(t *testing.T) {
	t.Parallel()
	c := sleeper(t)
	s := aScript(t, `
const a = [];
for (let i = 0; i < 12; i++) {
  a.push(Math.random(), crypto.getRandomValues(new Uint32Array(1))[0], Date.now(), performance.now());
  a.push(await tools.go.add({ a: i, b: Math.random() }));
  console.log(i, crypto.randomUUID());
  await sleep(5);
}
return a.concat(JSON.stringify(Array.from({ length: 2000 }, (_, id) => ({ id, r: Math.random() }))).length)`)
	s.Seed, s.Now = 7, time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	s.Limits.ParallelCalls = 1
	form := func(result *caisson.ScriptResult, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal([]any{result.Value, result.Logs, result.Usage.Fuel, result.Usage.MemoryBytes, len(result.Calls)})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	want := form(startScript(t, c, s).Wait())
	slept := 0
	run := startScript(t, c, s)
	for {
		asleep, err := run.Sleep(testContext(t))
		if sleepCode(err) == caisson.SleepEnded {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		slept++
		run = wakeUp(t, c, asleep, s.Tools)
	}
	if diff := cmp.Diff(want, form(run.Wait())); diff != "" {
		t.Errorf("it slept %d times, and gives another result:\n%s", slept, diff)
	}
	if slept == 0 {
		t.Errorf("it has not slept")
	}
}

// TestSleepTime has runs sleep longer than they may take, and than their timers: the time asleep does not count, and
// timers that came meanwhile come at once, in their order.
func TestSleepTime(t *testing.T) {
	t.Parallel()
	c := sleeper(t)
	s := aScript(t, `
const order = []; const at = Date.now();
const one = (name, ms) => new Promise(done => setTimeout(() => { order.push(name); done(); }, ms));
const { unit } = input;
const all = [one('c', 9 * unit), one('a', 3 * unit), one('b', 6 * unit)];
await all[1]; await sleep(unit); order.push('after a');
await Promise.all(all);
return [order, Date.now() - at]`)
	var asleep []byte
	unit := 100 * time.Millisecond
	for tries := 0; asleep == nil; tries++ {
		unit += unit * time.Duration(tries%5) / 20 // A machine that is busy takes longer to put it to sleep.
		s.Input, s.Limits.Time = map[string]any{"unit": unit.Milliseconds()}, 15*unit
		begun := time.Now()
		run := startScript(t, c, s)
		b, err := run.Sleep(testContext(t))
		if err == nil && time.Since(begun) < 3*unit { // before the first timer
			asleep = b
		} else if tries > 30 {
			t.Fatal(err)
		}
	}
	time.Sleep(16 * unit)
	begun := time.Now()
	result, err := wakeUp(t, c, asleep, s.Tools).Wait()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		order []string
		took  float64
	}
	if err := json.Unmarshal(result.Value, &[]any{&got.order, &got.took}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "after a"}, got.order); diff != "" || got.took < float64(16*unit.Milliseconds()) {
		t.Errorf("%v after %v ms: %s", got.order, got.took, diff)
	}
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("it took %v after it woke", took)
	}
}

// TestSleepLimits has runs sleep between the parts of what they may use in all.
func TestSleepLimits(t *testing.T) {
	t.Parallel()
	c := sleeper(t)
	for name, test := range map[string]struct {
		source string
		limits caisson.ScriptLimits
		bound  string
	}{
		"calls":  {`await tools.go.add({ a: 1, b: 2 }); await sleep(PAUSE); await tools.go.add({ a: 1, b: 2 });`, caisson.ScriptLimits{ToolCalls: 1}, "ToolCalls"},
		"output": {`console.log('x'.repeat(600)); await sleep(PAUSE); console.log('x'.repeat(600))`, caisson.ScriptLimits{OutputBytes: 1000}, "OutputBytes"},
		"lines":  {`console.log(1); await sleep(PAUSE); console.log(2)`, caisson.ScriptLimits{LogLines: 1}, "LogLines"},
		"memory": {`await sleep(PAUSE); const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1))`, caisson.ScriptLimits{MemoryBytes: 64 << 20}, "MemoryBytes"},
		"time":   {`await sleep(PAUSE); await sleep(1e6)`, caisson.ScriptLimits{Time: 5 * time.Second}, "Time"},
		"fuel":   {`await sleep(PAUSE); for (;;);`, caisson.ScriptLimits{Fuel: 100_000_000}, "Fuel"},
		"timers": {`setTimeout(() => {}, 1e6); await sleep(PAUSE); setTimeout(() => {}, 1e6); setTimeout(() => {}, 1e6)`, caisson.ScriptLimits{Timers: 2}, "Timers"},
	} {
		s := aScript(t, test.source)
		s.Limits = test.limits
		_, err := wakeUp(t, c, asleepOf(t, c, s), s.Tools).Wait()
		var e *caisson.ScriptError
		if !errors.As(err, &e) || e.Kind != caisson.ScriptLimit || !strings.Contains(e.Message, "ScriptLimits."+test.bound) {
			t.Errorf("%s: it ends with %v", name, err)
		}
	}
}

// TestSleepNotNow has runs that cannot sleep yet, or at all. They go on.
func TestSleepNotNow(t *testing.T) {
	t.Parallel()
	c := sleeper(t)
	answer := make(chan struct{})
	fs := programTools(t)
	if err := caisson.AddFunction(fs, "answer", "", func(context.Context, struct{}) (string, error) { <-answer; return "answered", nil }); err != nil {
		t.Fatal(err)
	}
	s := aScript(t, `const a = await tools.go.answer(); await sleep(3000); return a`)
	s.Tools = toolSet(t, map[string]caisson.Caller{"go": fs})
	run := startScript(t, c, s)
	short, cancel := context.WithTimeout(testContext(t), 200*time.Millisecond)
	defer cancel()
	if _, err := run.Sleep(short); sleepCode(err) != caisson.SleepUnderway || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a call underway: %v", err)
	}
	// A sleep waits for the answer.
	time.AfterFunc(100*time.Millisecond, func() { close(answer) })
	if result, err := wakeUp(t, c, putToSleep(t, run), s.Tools).Wait(); err != nil || string(result.Value) != `"answered"` {
		t.Errorf("%s, %v", result.Value, err)
	}

	computes := startScript(t, c, caisson.Script{Source: `const end = Date.now() + 300; while (Date.now() < end); 'done'`})
	short, cancel = context.WithTimeout(testContext(t), 50*time.Millisecond)
	defer cancel()
	if _, err := computes.Sleep(short); sleepCode(err) != caisson.SleepUnderway {
		t.Errorf("while it computes: %v", err)
	}
	if _, err := computes.Sleep(testContext(t)); sleepCode(err) != caisson.SleepEnded {
		t.Errorf("a run that never waits: %v", err)
	}
	if result, err := computes.Wait(); err != nil || string(result.Value) != `"done"` {
		t.Errorf("it gives %s, %v", result.Value, err)
	}

	small := sleeper(t, func(o *caisson.ClientOptions) { o.MaxSleepBytes = 10_000 })
	large := startScript(t, small, caisson.Script{Source: `await sleep(3000); 1`})
	if _, err := large.Sleep(testContext(t)); sleepCode(err) != caisson.SleepTooLarge || !strings.Contains(err.Error(), "MaxSleepBytes") {
		t.Errorf("more bytes than there may be: %v", err)
	}
	if result, err := large.Wait(); err != nil || string(result.Value) != "1" {
		t.Errorf("it gives %s, %v", result.Value, err)
	}

	none := newClient(t, caisson.ClientOptions{})
	without := startScript(t, none, caisson.Script{Source: `await sleep(10); 1`})
	if _, err := without.Sleep(testContext(t)); caisson.CodeOf(err) != caisson.CodeInvalidArgument || !strings.Contains(err.Error(), "SleepKey") {
		t.Errorf("without a key: %v", err)
	}
	if _, err := none.Wake(testContext(t), nil, caisson.Waking{}); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
		t.Errorf("without a key: %v", err)
	}
	if _, err := without.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := (&caisson.Run{}).Sleep(testContext(t)); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
		t.Errorf("the zero Run: %v", err)
	}
	if _, err := sharedRuntime(t).NewClient(&caisson.ClientOptions{Sleeping: caisson.Sleeping{SleepKey: []byte("short")}}); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
		t.Errorf("a short key: %v", err)
	}
}

// TestSleepApproval has runs sleep while somebody is asked about a call of theirs. The call does not go out, whatever the
// answer, until the run wakes and somebody says yes again.
func TestSleepApproval(t *testing.T) {
	t.Parallel()
	server := toolServer(t, "2025-11-25", "a", "b")
	source := `const all = await Promise.all([tools.s.a(), tools.s.a(), tools.s.a()]); return all.length`
	for name, late := range map[string]bool{"no answer": false, "a yes that comes too late": true} {
		before := len(server.Requests("tools/call"))
		var asked atomic.Int32
		client := func(approve policy.Approver) (*caisson.Client, *caisson.ToolSet) {
			c := sleeper(t, func(o *caisson.ClientOptions) {
				o.Governance = caisson.Governance{Policy: asksFor(t, ""), Approve: approve}
			})
			return c, toolSet(t, map[string]caisson.Caller{"s": connect(t, c, server.Caisson())})
		}
		all := make(chan struct{})
		first, tools := client(func(ctx context.Context, q *policy.Question) (policy.Answer, error) {
			if asked.Add(1) == 3 {
				close(all)
			}
			<-ctx.Done()
			if late {
				return q.Yes("ada"), nil
			}
			return policy.Answer{}, ctx.Err()
		})
		run := startScript(t, first, caisson.Script{Source: source, Tools: tools, Limits: caisson.ScriptLimits{Time: time.Second}})
		until(t, all)
		time.Sleep(1100 * time.Millisecond) // longer than it may take: its clock stands
		asleep := putToSleep(t, run)
		if _, err := run.Wait(); !errors.Is(err, caisson.ErrAsleep) {
			t.Errorf("%s: it ends with %v", name, err)
		}
		if got := len(server.Requests("tools/call")) - before; got != 0 {
			t.Errorf("%s: %d calls have gone out", name, got)
		}
		second, tools := client(func(_ context.Context, q *policy.Question) (policy.Answer, error) {
			asked.Add(1)
			return q.Yes("ada"), nil
		})
		result, err := wakeUp(t, second, asleep, tools).Wait()
		if err != nil || string(result.Value) != "3" || asked.Load() != 6 || len(result.Calls) != 3 {
			t.Errorf("%s: %+v, %v, asked %d times", name, result, err, asked.Load())
		}
		if got := len(server.Requests("tools/call")) - before; got != 3 {
			t.Errorf("%s: %d calls have gone out", name, got)
		}
	}
}

// TestSleepApprovalOfFunction has a function of the program's call a tool that somebody is asked about: the function is
// underway, and the run that calls it does not sleep.
func TestSleepApprovalOfFunction(t *testing.T) {
	t.Parallel()
	server := toolServer(t, "2025-11-25", "a", "b")
	asked, yes := make(chan struct{}), make(chan struct{})
	c := sleeper(t, func(o *caisson.ClientOptions) {
		o.Governance = caisson.Governance{
			Policy: rules(t, "version: 1\nservers: {caissontest: {tools: [{name: a, ask: {}}]}}\nplugins: {go: {tools: [through]}}\n"),
			Approve: func(_ context.Context, q *policy.Question) (policy.Answer, error) {
				close(asked)
				<-yes
				return q.Yes("ada"), nil
			},
		}
	})
	session := connect(t, c, server.Caisson())
	fs := &caisson.Functions{}
	if err := caisson.AddFunction(fs, "through", "", func(ctx context.Context, _ struct{}) (string, error) {
		_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "a"})
		return "done", err
	}); err != nil {
		t.Fatal(err)
	}
	run := startScript(t, c, caisson.Script{Source: `await tools.go.through()`, Tools: toolSet(t, map[string]caisson.Caller{"go": fs})})
	until(t, asked)
	short, cancel := context.WithTimeout(testContext(t), 200*time.Millisecond)
	defer cancel()
	if _, err := run.Sleep(short); sleepCode(err) != caisson.SleepUnderway {
		t.Errorf("it sleeps while a function of the program's is underway: %v", err)
	}
	close(yes)
	if result, err := run.Wait(); err != nil || string(result.Value) != `"done"` {
		t.Errorf("%+v, %v", result, err)
	}
}

// TestSleepTools wakes a run with other tools than it had.
func TestSleepTools(t *testing.T) {
	t.Parallel()
	c := sleeper(t)
	s := aScript(t, `await sleep(PAUSE); try { return await tools.go.add({ a: 1, b: 2 }); } catch (e) { return [e instanceof ToolError, e.code]; }`)
	for name, test := range map[string]struct {
		tools *caisson.ToolSet
		want  string
	}{
		"none":           {nil, `[true,"not found"]`},
		"another server": {toolSet(t, map[string]caisson.Caller{"other": programTools(t)}), `[true,"not found"]`},
		"without it":     {s.Tools.Only("go.fail"), `[true,"not found"]`},
		"the same":       {s.Tools, `3`},
	} {
		result, err := wakeUp(t, c, asleepOf(t, c, s), test.tools).Wait()
		if err != nil || string(result.Value) != test.want {
			t.Errorf("%s: %s, %v", name, result.Value, err)
		}
	}
}

// TestSleepErrors finds the places of errors after a sleep.
func TestSleepErrors(t *testing.T) {
	t.Parallel()
	c := sleeper(t)
	s := aScript(t, "await sleep(PAUSE);\nfunction thrower() {\n  throw new TypeError('after');\n}\nthrower()")
	_, err := wakeUp(t, c, asleepOf(t, c, s), nil).Wait()
	var e *caisson.ScriptError
	if !errors.As(err, &e) || e.Script != "test.js" || e.Line != 3 || !strings.Contains(e.Stack, "thrower (test.js:3:") {
		t.Errorf("%+v", err)
	}
}

// shifted is JavaScript below some empty lines.
type shifted struct{ lines *int }

func (shifted) Name() string                          { return "shifted" }
func (shifted) Component() *caisson.LanguageComponent { return nil }
func (s shifted) Translate(_ context.Context, source caisson.ScriptSource) (caisson.Translation, error) {
	lines := *s.lines
	return caisson.Translation{Text: strings.Repeat("\n", lines) + source.Text, Positions: func(line, column int) (string, int, int, bool) {
		return source.Name, line - lines, column, line > lines
	}}, nil
}

// TestSleepTranslated finds the places in a source that was translated, and none where it is translated otherwise by now.
func TestSleepTranslated(t *testing.T) {
	t.Parallel()
	c := sleeper(t)
	for _, test := range []struct{ later, line int }{{2, 2}, {5, 0}} {
		lines := 2
		asleep := asleepOf(t, c, caisson.Script{Name: "a", Language: shifted{&lines}, Source: "await sleep(PAUSE);\nthrow new Error('no')"})
		lines = test.later
		woken, err := c.Wake(testContext(t), asleep, caisson.Waking{Languages: []caisson.Language{shifted{&lines}}})
		if err != nil {
			t.Fatal(err)
		}
		var e *caisson.ScriptError
		if _, err := woken.Wait(); !errors.As(err, &e) || e.Line != test.line {
			t.Errorf("with %d lines in place of 2: %+v", test.later, err)
		}
	}
}

// TestSleepCancelled ends runs that were woken.
func TestSleepCancelled(t *testing.T) {
	t.Parallel()
	c := sleeper(t)
	asleep := asleepOf(t, c, caisson.Script{Source: `await sleep(1e6)`})
	ctx, cancel := context.WithCancel(testContext(t))
	run, err := c.Wake(ctx, asleep, caisson.Waking{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := run.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	other := startScript(t, c, caisson.Script{Source: `await sleep(1e6)`})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Wait(); caisson.CodeOf(err) != caisson.CodeClosed {
		t.Errorf("a run of a closed client ends with %v", err)
	}
}

// These are what a child process wakes, and what it does with it.
const (
	sleepFile   = "CAISSON_TEST_SLEEP_FILE"
	sleepClaims = "CAISSON_TEST_SLEEP_CLAIMS"
)

// sleepProcess is a process that puts a run to sleep, where there is no file yet, or wakes the one in the file.
func sleepProcess() {
	err := func() error {
		claims, err := caisson.NewFileClaims(os.Getenv(sleepClaims))
		if err != nil {
			return err
		}
		r, err := caisson.New(context.Background(), nil)
		if err != nil {
			return err
		}
		defer r.Close()
		c, err := r.NewClient(&caisson.ClientOptions{Sleeping: caisson.Sleeping{SleepKey: sleepKey, SleepClaims: claims}})
		if err != nil {
			return err
		}
		path := os.Getenv(sleepFile)
		b, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			run, err := c.StartScript(context.Background(), caisson.Script{Source: acrossProcesses, Seed: 3})
			if err != nil {
				return err
			}
			if b, err = run.Sleep(context.Background()); err != nil {
				return err
			}
			return os.WriteFile(path, b, 0o600)
		}
		if err != nil {
			return err
		}
		run, err := c.Wake(context.Background(), b, caisson.Waking{})
		if err != nil {
			return err
		}
		result, err := run.Wait()
		if err != nil {
			return err
		}
		_, err = os.Stdout.WriteString("VALUE " + string(result.Value) + "\n")
		return err
	}()
	if err != nil {
		_, _ = os.Stdout.WriteString("ERROR " + string(sleepCode(err)) + " " + err.Error() + "\n")
	}
}

// acrossProcesses keeps things of many sorts over its sleep.
const acrossProcesses = `
const kept = { map: new Map([[1n, /a(?<x>b)/u]]), set: new Set(['é', '😀']), typed: new Float64Array([0.1, NaN]), date: new Date(0), symbol: Symbol.for('s') };
function* count() { let n = 0; for (;;) yield n++; }
const counter = count(); counter.next();
const random = Math.random();
await sleep(5000);
const m = kept.map.get(1n).exec('ab');
return [m.groups.x, [...kept.set].join(), kept.typed[0], Number.isNaN(kept.typed[1]), kept.date.toISOString(), Symbol.keyFor(kept.symbol), counter.next().value, random !== Math.random()]`

// TestSleepProcesses has one process put a run to sleep, and others wake it at the same moment: one of them goes on
// with it.
func TestSleepProcesses(t *testing.T) {
	t.Parallel()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "asleep")
	process := func() string {
		cmd := exec.CommandContext(testContext(t), path)
		cmd.Env = append(os.Environ(), childMode+"=sleep", sleepFile+"="+file, sleepClaims+"="+filepath.Join(folder, "claims"))
		cmd.Stderr = testWriter{t}
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("a process ends with %v", err)
		}
		return strings.TrimSpace(string(out))
	}
	if out := process(); out != "" {
		t.Fatal(out)
	}
	said := make([]string, 3)
	var all sync.WaitGroup
	for i := range said {
		all.Go(func() { said[i] = process() })
	}
	all.Wait()
	values, claimed := 0, 0
	for _, out := range said {
		switch {
		case out == `VALUE ["b","é,😀",0.1,true,"1970-01-01T00:00:00.000Z","s",1,true]`:
			values++
		case strings.HasPrefix(out, "ERROR "+string(caisson.SleepClaimed)):
			claimed++
		}
	}
	if values != 1 || claimed != 2 {
		t.Errorf("the processes say %q", said)
	}
	// This process is another one too.
	if out := process(); !strings.HasPrefix(out, "ERROR "+string(caisson.SleepClaimed)) {
		t.Errorf("later: %s", out)
	}
}
