package caisson_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// A recorded is where a script is recorded.
type recorded struct {
	bytes.Buffer
	closed bool
}

func (r *recorded) Close() error {
	r.closed = true
	return nil
}

// record runs a script, and returns its recording.
func record(t testing.TB, c *caisson.Client, s caisson.Script) (*caisson.ScriptResult, []byte, error) {
	t.Helper()
	to := &recorded{}
	s.Record = to
	result, err := c.RunScript(testContext(t), s)
	if !to.closed {
		t.Fatal("the recording is not closed")
	}
	return result, to.Bytes(), err
}

func replay(t testing.TB, c *caisson.Client, recording []byte, options *caisson.ReplayOptions) *caisson.Replay {
	t.Helper()
	again, err := c.Replay(testContext(t), bytes.NewReader(recording), options)
	if err != nil {
		t.Fatalf("%v\nof\n%.5000s", err, recording)
	}
	return again
}

// repeats records a script, and checks that the replay is the same, bit for bit, also when it is repeated.
func repeats(t *testing.T, c *caisson.Client, s caisson.Script, options *caisson.ReplayOptions) []byte {
	t.Helper()
	was, recording, wasErr := record(t, c, s)
	if was == nil {
		t.Fatal(wasErr)
	}
	for range 2 {
		again := replay(t, c, recording, options)
		if again.End != caisson.ReplayClosed || again.Script == nil {
			t.Fatalf("the replay is %+v", again)
		}
		is, err := again.Script.Result, again.Script.Err
		if wasErr != nil && strings.Contains(wasErr.Error(), "ScriptLimits.Time") {
			is.Usage = was.Usage // It was stopped somewhere.
		}
		if string(was.Value) != string(is.Value) || was.Usage.Fuel != is.Usage.Fuel || was.Usage.MemoryBytes != is.Usage.MemoryBytes {
			t.Errorf("the value is %s with %+v, and was %s with %+v", is.Value, is.Usage, was.Value, was.Usage)
		}
		if diff := cmp.Diff(was.Logs, is.Logs); diff != "" {
			t.Errorf("the log (-was +is):\n%s", diff)
		}
		if diff := cmp.Diff(outcomes(was), outcomes(is)); diff != "" {
			t.Errorf("the calls (-was +is):\n%s", diff)
		}
		if fmt.Sprint(wasErr) != fmt.Sprint(err) {
			t.Errorf("the error is %v, and was %v", err, wasErr)
		}
		var before, after *caisson.ScriptError
		if errors.As(wasErr, &before) && (!errors.As(err, &after) || before.Stack != after.Stack) {
			t.Errorf("the error is %#v, and was %#v", after, before)
		}
	}
	return recording
}

func outcomes(r *caisson.ScriptResult) []string {
	var all []string
	for _, c := range r.Calls {
		all = append(all, fmt.Sprint(c.Server, c.Tool, c.ArgumentBytes, c.Outcome, c.Code))
	}
	return all
}

// oddTools answer in an order that no two runs share.
func oddTools(t testing.TB) *caisson.ToolSet {
	t.Helper()
	type in struct {
		N int `json:"n"`
	}
	fs := &caisson.Functions{}
	err := errors.Join(
		caisson.AddFunction(fs, "later", "Answers at some time.", func(_ context.Context, in in) (int, error) {
			time.Sleep(time.Duration(rand.IntN(8)) * time.Millisecond)
			return in.N, nil
		}),
		caisson.AddFunction(fs, "fail", "Fails.", func(context.Context, struct{}) (any, error) { return nil, errors.New("on purpose") }),
		caisson.AddFunction(fs, "never", "Answers when nobody waits.", func(ctx context.Context, _ struct{}) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	return toolSet(t, map[string]caisson.Caller{"odd": fs})
}

// TestScriptReplay has what makes one run differ from the next: the order of answers and timers, the clocks, random
// numbers, failures and limits. The replay has no tools, and gives the same each time.
func TestScriptReplay(t *testing.T) {
	t.Parallel()
	c := newClient(t, caisson.ClientOptions{})
	for name, s := range map[string]caisson.Script{
		"value":    {Source: `return [input, args, 1 + 1]`, Input: map[string]any{"a": "ü<&>\x00"}, Args: []string{"x", "y"}},
		"order":    {Source: `const order = []; await Promise.all([...Array(24).keys()].map(async n => { await tools.odd.later({ n }); order.push(n); console.log(n, Date.now(), performance.now()) })); return order`},
		"timers":   {Source: `const order = []; setInterval(() => order.push('i'), 1); await Promise.all([5, 3, 1, 3].map(async n => { await sleep(n); order.push(n); await tools.odd.later({ n }); order.push([n]) })); return order`},
		"cleared":  {Source: `const t = setTimeout(() => console.log('no'), 1); clearTimeout(t); await sleep(3); return 1`},
		"random":   {Source: `return [Math.random(), crypto.randomUUID(), [...crypto.getRandomValues(new Uint8Array(9))], new Date().toISOString()]`},
		"seed":     {Source: `return [Math.random(), crypto.randomUUID(), Date.now()]`, Seed: 7, Now: time.Unix(1_700_000_000, 0)},
		"caught":   {Source: `try { await tools.odd.fail({}) } catch (e) { console.error(e.message) } try { await tools.odd.none({}) } catch (e) { return e.code }`},
		"tool":     {Source: `await sleep(1); return await tools.odd.fail({})`},
		"throws":   {Source: "function f() { throw new RangeError('so ' + Math.random()) }\nawait sleep(1); f()"},
		"syntax":   {Source: `return (`},
		"never":    {Source: `await sleep(1); await new Promise(() => {})`},
		"left":     {Source: `tools.odd.never({}); return 1`},
		"fuel":     {Source: `await sleep(1); for (;;) {}`, Limits: caisson.ScriptLimits{Fuel: 50_000_000}},
		"memory":   {Source: `const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1))`},
		"lines":    {Source: `for (;;) console.log('x')`, Limits: caisson.ScriptLimits{LogLines: 3}},
		"calls":    {Source: `for (;;) await tools.odd.later({ n: 1 })`, Limits: caisson.ScriptLimits{ToolCalls: 5}},
		"parallel": {Source: `return Promise.all([1, 2, 3, 4, 5].map(n => tools.odd.later({ n })))`, Limits: caisson.ScriptLimits{ParallelCalls: 2}},
		"output":   {Source: `return 'x'.repeat(1000)`, Limits: caisson.ScriptLimits{OutputBytes: 100}},
		"timeout":  {Source: `console.log(1); await tools.odd.never({})`, Limits: caisson.ScriptLimits{Time: 50 * time.Millisecond}},
		"wide":     {Source: `'😀'; null.x`},
		"stack":    {Source: `function f() { return f() + 1 } return f()`},
	} {
		t.Run(name, func(t *testing.T) {
			s.Tools = oddTools(t)
			repeats(t, c, s, nil)
		})
	}
}

// TestScriptReplayOrder records runs until two have had different orders: each replay has its own.
func TestScriptReplayOrder(t *testing.T) {
	t.Parallel()
	c := newClient(t, caisson.ClientOptions{})
	s := caisson.Script{Source: `const order = []; await Promise.all([...Array(8).keys()].map(async n => { await tools.odd.later({ n }); order.push(n) })); return order.join()`, Tools: oddTools(t)}
	seen := map[string]bool{}
	for len(seen) < 3 {
		was, recording, err := record(t, c, s)
		if err != nil {
			t.Fatal(err)
		}
		if is := replay(t, c, recording, nil); string(is.Script.Result.Value) != string(was.Value) {
			t.Fatalf("the order is %s, and was %s", is.Script.Result.Value, was.Value)
		}
		seen[string(was.Value)] = true
	}
}

// TestScriptReplayInterrupted replays what a clock or a caller has ended: the replay ends there too, or says the same.
func TestScriptReplayInterrupted(t *testing.T) {
	t.Parallel()
	c := newClient(t, caisson.ClientOptions{})
	begun := make(chan struct{})
	fs := &caisson.Functions{}
	var once sync.Once
	if err := caisson.AddFunction(fs, "never", "Never answers.", func(ctx context.Context, _ struct{}) (any, error) {
		once.Do(func() { close(begun) })
		<-ctx.Done()
		return nil, ctx.Err()
	}); err != nil {
		t.Fatal(err)
	}
	tools := toolSet(t, map[string]caisson.Caller{"odd": fs})
	ctx, cancel := context.WithCancel(testContext(t))
	to := &recorded{}
	run, err := c.StartScript(ctx, caisson.Script{Source: `console.log('x'); await tools.odd.never({})`, Tools: tools, Record: to})
	if err != nil {
		t.Fatal(err)
	}
	until(t, begun)
	cancel()
	if _, err := run.Wait(); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	again := replay(t, c, to.Bytes(), nil)
	if again.End != caisson.ReplayClosed || again.Script.Err == nil || len(again.Script.Result.Logs) != 1 {
		t.Errorf("the replay is %+v, %+v", again, again.Script)
	}
	for name, source := range map[string]string{
		"begins":    `return 1`,
		"computes":  `for (;;) {}`,
		"calls":     `await sleep(1); tools.odd.never({}); for (;;) {}`,
		"reads":     `for (;;) Date.now()`,
		"goes past": `for (;;) { await sleep(0) }`,
		"waits":     `await tools.odd.never({})`,
	} {
		t.Run(name, func(t *testing.T) {
			limits := caisson.ScriptLimits{Computing: 300 * time.Millisecond, Time: time.Second}
			if name == "begins" {
				limits.Computing = time.Nanosecond // It is over while the sandbox is made.
			}
			was, recording, wasErr := record(t, c, caisson.Script{Source: source, Tools: tools, Limits: limits})
			again := replay(t, c, recording, nil)
			if again.End != caisson.ReplayClosed || fmt.Sprint(again.Script.Err) != fmt.Sprint(wasErr) {
				t.Errorf("the end is %s, %v, and was %v", again.End, again.Script.Err, wasErr)
			}
			if is := again.Script.Result.Usage.Fuel; is != was.Usage.Fuel {
				t.Errorf("it has used %d, and %d before", is, was.Usage.Fuel)
			}
			if diff := cmp.Diff(outcomes(was), outcomes(again.Script.Result)); diff != "" {
				t.Errorf("the calls (-was +is):\n%s", diff)
			}
			if again := replay(t, c, changed(t, recording, `"end"`, `"end"`), nil); again.End != caisson.ReplayTruncated {
				t.Errorf("without its end it ends as %s", again.End)
			}
			spoilt := bytes.Replace(recording, []byte(`"sha256":"`), []byte(`"sha256":"0`), 1)
			var e *caisson.ReplayError
			if _, err := c.Replay(testContext(t), bytes.NewReader(spoilt), nil); !errors.As(err, &e) || e.Code != caisson.ReplayFormat || !strings.Contains(e.Error(), "checksum") {
				t.Errorf("with another checksum: %v", err)
			}
		})
	}
}

// TestScriptReplayTranslated has the places of a language that translates, with the language and without.
func TestScriptReplayTranslated(t *testing.T) {
	t.Parallel()
	c := newClient(t, caisson.ClientOptions{})
	lines := 2
	s := caisson.Script{Language: shifted{&lines}, Source: "await sleep(1)\nthrow new Error('here')"}
	recording := repeats(t, c, s, &caisson.ReplayOptions{Languages: []caisson.Language{shifted{&lines}}})
	var e *caisson.ScriptError
	if again := replay(t, c, recording, nil); !errors.As(again.Script.Err, &e) || e.Line != 0 {
		t.Errorf("without the language the error is %+v", again.Script.Err)
	}
}

// TestScriptRecordSecrets has secrets cross the boundary in each way: none of them is in the file, also where it was not
// known as one yet, and the recording replays.
func TestScriptRecordSecrets(t *testing.T) {
	t.Parallel()
	c := newClient(t, caisson.ClientOptions{RecordSecrets: []string{"s3cret-of-program"}})
	fs := &caisson.Functions{}
	if err := caisson.AddFunction(fs, "login", "Logs in.", func(_ context.Context, in struct {
		Password string `json:"password"`
	},
	) (map[string]string, error) {
		return map[string]string{"sessionId": "s3cret-of-session", "said": in.Password, "home": "s3cret-of-program"}, nil
	}); err != nil {
		t.Fatal(err)
	}
	s := caisson.Script{
		Source: `console.log(input.word); const r = await tools.go.login({ password: input.word }); console.log(JSON.stringify(r)); console.log('s3cret-of-source'); await tools.go.login({ password: 's3cret-of-source' }); return r`,
		Input:  map[string]any{"word": "s3cret-of-input"}, Args: []string{"s3cret-of-program"},
		Tools: toolSet(t, map[string]caisson.Caller{"go": fs}),
	}
	was, recording, err := record(t, c, s)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(recording, []byte("s3cret")) {
		t.Errorf("the recording has secrets:\n%s", recording)
	}
	again := replay(t, c, recording, nil)
	if len(again.Script.Result.Value) != len(was.Value) || len(again.Script.Result.Logs) != len(was.Logs) {
		t.Errorf("the replay has %s, and it was %s", again.Script.Result.Value, was.Value)
	}
}

// changed replaces a text of a recording, and leaves out the end, which has the checksum.
func changed(t testing.TB, recording []byte, old, new string) []byte {
	t.Helper()
	if !bytes.Contains(recording, []byte(old)) {
		t.Fatalf("the recording has no %s:\n%s", old, recording)
	}
	body := bytes.Replace(recording, []byte(old), []byte(new), 1)
	return body[:bytes.LastIndexByte(bytes.TrimSpace(body), '\n')+1]
}

// TestScriptReplayDifference shows the first difference: another source, answer, build or result.
func TestScriptReplayDifference(t *testing.T) {
	t.Parallel()
	c := newClient(t, caisson.ClientOptions{})
	s := caisson.Script{Source: `console.log('one'); return 2 + await tools.odd.later({ n: 40 })`, Tools: oddTools(t)}
	recording := repeats(t, c, s, nil)
	for name, test := range map[string]struct {
		old, new string
		code     caisson.ReplayCode
		message  string
	}{
		"source":   {`'one'`, `'two'`, caisson.ReplayDifference, `one`},
		"log":      {`{"enum":"info"},"one"`, `{"enum":"info"},"two"`, caisson.ReplayDifference, `"two"`},
		"answer":   {`"structuredContent\":40`, `"structuredContent\":41`, caisson.ReplayDifference, `settle`},
		"build":    {`"core":"`, `"core":"0`, caisson.ReplayCore, "another build"},
		"kind":     {`"kind":"result","name":"value"`, `"kind":"result","name":"runtime"`, caisson.ReplayDifference, "a failure"},
		"deliver":  {`#deliver`, `#delivers`, caisson.ReplayDifference, "deliver"},
		"limits":   {`"Fuel":0`, `"Fuel":1000000`, caisson.ReplayDifference, "Fuel"},
		"parallel": {`"ParallelCalls":8`, `"ParallelCalls":0`, caisson.ReplayFormat, "limits"},
		"negative": {`"LogLineBytes":16384`, `"LogLineBytes":-1`, caisson.ReplayFormat, "limits"},
		"memory":   {`"MemoryBytes":134217728`, `"MemoryBytes":999999999999`, caisson.ReplayCore, "MaxMemoryBytes"},
		"version":  {`"caisson-script-recording":1`, `"caisson-script-recording":2`, caisson.ReplayFormat, "version"},
		"both":     {`"caisson-script-recording":1`, `"caisson-script-recording":1,"caisson-recording":1`, caisson.ReplayFormat, "not a recording"},
		"neither":  {`"script":{`, `"scripts":{`, caisson.ReplayFormat, "not a recording"},
		"call id":  {`"case":"tool-answer","value":{"record":[`, `"case":"tool-answer","value":{"record":[7`, caisson.ReplayFormat, "not underway"},
		"event":    {`"case":"tool-answer"`, `"case":"http-end"`, caisson.ReplayFormat, "event"},
		"timer":    {`{"case":"tool-answer","value":`, `{"case":"timer","value":5},{"case":"tool-answer","value":`, caisson.ReplayFormat, "timer"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Replay(testContext(t), bytes.NewReader(changed(t, recording, test.old, test.new)), nil)
			var e *caisson.ReplayError
			if !errors.As(err, &e) || e.Code != test.code || !strings.Contains(e.Error(), test.message) {
				t.Errorf("the error is %v", err)
			}
		})
	}
	lines := bytes.SplitAfter(recording, []byte("\n"))
	for n := 1; n < len(lines)-1; n++ {
		again, err := c.Replay(testContext(t), bytes.NewReader(bytes.Join(lines[:n], nil)), nil)
		if err != nil || again.End != caisson.ReplayTruncated {
			t.Errorf("with %d lines of %d the replay is %+v, %v", n, len(lines), again, err)
		}
	}
}

// TestScriptRecordNot has what cannot be recorded, and closes the writer.
func TestScriptRecordNot(t *testing.T) {
	t.Parallel()
	c := sleeper(t)
	to := &recorded{}
	if _, err := c.RunScript(testContext(t), caisson.Script{Record: to}); !isCode(err, caisson.CodeInvalidArgument) || !to.closed {
		t.Errorf("an empty source: %v", err)
	}
	if _, err := c.Load(testContext(t), caisson.Script{Source: "1", Record: &recorded{}}); !isCode(err, caisson.CodeInvalidArgument) {
		t.Errorf("a module: %v", err)
	}
	run := startScript(t, c, caisson.Script{Source: `await sleep(200); return 1`, Record: &recorded{}})
	if _, err := run.Sleep(testContext(t)); sleepCode(err) != caisson.SleepHeld {
		t.Errorf("a run that is recorded sleeps: %v", err)
	}
	if result, err := run.Wait(); err != nil || string(result.Value) != "1" {
		t.Errorf("it ends with %v, %v", result, err)
	}
	small := newClient(t, caisson.ClientOptions{Limits: caisson.Limits{MaxRecordBytes: 2000}})
	_, recording, err := record(t, small, caisson.Script{Source: `console.log('x'.repeat(3000)); return 1`})
	if err != nil || len(recording) > 2000 {
		t.Errorf("the recording has %d bytes, %v", len(recording), err)
	}
	if again := replay(t, small, recording, nil); again.End != caisson.ReplayLimit {
		t.Errorf("a recording that was cut ends %s", again.End)
	}
}

func isCode(err error, code caisson.Code) bool {
	var e *caisson.Error
	return errors.As(err, &e) && e.Code == code
}

// FuzzScriptReplay has recordings of anybody's.
func FuzzScriptReplay(f *testing.F) {
	c := newClient(f, caisson.ClientOptions{})
	limits := caisson.ScriptLimits{Computing: 200 * time.Millisecond}
	for _, source := range []string{`return 1`, `console.log(Date.now()); return tools.odd.later({ n: 1 })`, `await sleep(1); throw Error('x')`} {
		_, recording, _ := record(f, c, caisson.Script{Source: source, Tools: oddTools(f), Limits: limits})
		f.Add(recording[:bytes.LastIndexByte(bytes.TrimSpace(recording), '\n')+1])
	}
	f.Fuzz(func(t *testing.T, recording []byte) {
		var h struct {
			Script struct {
				Limits struct{ Computing time.Duration }
			}
		}
		if line, _, _ := bytes.Cut(recording, []byte("\n")); json.Unmarshal(line, &h) != nil || h.Script.Limits.Computing > time.Second {
			t.Skip()
		}
		again, err := c.Replay(testContext(t), bytes.NewReader(recording), nil)
		var e *caisson.ReplayError
		if (again == nil) == (err == nil) || err != nil && !errors.As(err, &e) {
			t.Errorf("the replay is %+v, %v", again, err)
		}
	})
}
