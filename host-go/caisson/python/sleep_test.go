package python_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/python"
)

func sleeper(t testing.TB) *caisson.Client {
	t.Helper()
	c, err := shared(t).NewClient(&caisson.ClientOptions{Sleeping: caisson.Sleeping{
		SleepKey: bytes.Repeat([]byte("k"), 32), SleepClaims: caisson.NewMemoryClaims(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func sleepCode(err error) caisson.SleepCode {
	var e *caisson.SleepError
	if !errors.As(err, &e) {
		return ""
	}
	return e.Code
}

// TestSleep has runs sleep that wait by await, and wake: with a seed and a frozen clock everything is as without a sleep.
func TestSleep(t *testing.T) {
	c := sleeper(t)
	packages := fstest.MapFS{"greeting.py": {Data: []byte("def of(name): return 'Hello, ' + name\n")}}
	for name, language := range map[string]caisson.Language{"plain": python.Language, "packages": python.WithPackages(packages)} {
		s := caisson.Script{Language: language, Tools: tools(t), Seed: 5, Now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), Source: `
import asyncio, random, itertools
counter = itertools.count(3)
out = []
for i in range(6):
    out.append([random.random(), next(counter), (await tools.go.add(a=i, b=1))])
    print('line', i)
    await asyncio.sleep(0.01)
try:
    import greeting
    out.append(greeting.of('Ann'))
except ImportError:
    out.append('no package')
out`}
		s.Limits.ParallelCalls = 1
		form := func(result *caisson.ScriptResult, err error) string {
			if err != nil {
				t.Fatal(err)
			}
			text, _ := json.Marshal([]any{result.Value, result.Logs, result.Usage.Fuel, result.Usage.MemoryBytes})
			return string(text)
		}
		run, err := c.StartScript(testContext(t), s)
		if err != nil {
			t.Fatal(err)
		}
		want := form(run.Wait())
		slept, size := 0, 0
		run, err = c.StartScript(testContext(t), s)
		for err == nil {
			var asleep []byte
			if asleep, err = run.Sleep(testContext(t)); err == nil {
				slept, size = slept+1, len(asleep)
				run, err = c.Wake(testContext(t), asleep, caisson.Waking{Tools: s.Tools, Languages: []caisson.Language{language}})
			}
		}
		if sleepCode(err) != caisson.SleepEnded || slept < 2 {
			t.Fatalf("%s: it slept %d times: %v", name, slept, err)
		}
		if diff := cmp.Diff(want, form(run.Wait())); diff != "" {
			t.Errorf("%s: it slept %d times, and gives another result:\n%s", name, slept, diff)
		}
		t.Logf("%s: it slept %d times, and had %d bytes", name, slept, size)
	}
}

// TestSleepNotNow has runs that cannot sleep: they say so, and go on.
func TestSleepNotNow(t *testing.T) {
	c := sleeper(t)
	packages := fstest.MapFS{"data.txt": {Data: []byte("text")}}
	for name, test := range map[string]struct {
		source string
		code   caisson.SleepCode
	}{
		"time.sleep": {"import time\ntime.sleep(3)\n1", caisson.SleepSynchronous},
		"a file":     {"import asyncio\nf = open('/packages/data.txt')\nawait asyncio.sleep(3)\n1 if f.read() == 'text' else 0", caisson.SleepHeld},
		"computing":  {"1", caisson.SleepEnded},
	} {
		run, err := c.StartScript(testContext(t), caisson.Script{Language: python.WithPackages(packages), Source: test.source})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run.Sleep(testContext(t)); sleepCode(err) != test.code {
			t.Errorf("%s: %v", name, err)
		}
		if result, err := run.Wait(); err != nil || string(result.Value) != "1" {
			t.Errorf("%s: it gives %s, %v", name, result.Value, err)
		}
	}
	// Another language, and other folders.
	run, err := c.StartScript(testContext(t), caisson.Script{Language: python.WithPackages(packages), Source: "import asyncio, os\nos.listdir('/packages')\nawait asyncio.sleep(60)"})
	if err != nil {
		t.Fatal(err)
	}
	asleep, err := run.Sleep(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range []caisson.Language{nil, python.Language} {
		if _, err := c.Wake(testContext(t), asleep, caisson.Waking{Languages: []caisson.Language{language}}); sleepCode(err) != caisson.SleepLanguage {
			t.Errorf("woken as %v: %v", language, err)
		}
	}
}
