package python_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/python"
)

type recording struct{ bytes.Buffer }

func (*recording) Close() error { return nil }

var _ io.WriteCloser = &recording{}

// TestRecord records runs in Python, and replays them without tools: the same, bit for bit.
func TestRecord(t *testing.T) {
	t.Parallel()
	r := shared(t)
	options := &caisson.ReplayOptions{Languages: []caisson.Language{python.Language}}
	for name, source := range map[string]string{
		"parallel":    "import asyncio, random, time\nprint(random.random())\nx = await asyncio.gather(*[tools.go.add(a=n, b=1) for n in range(9)])\nawait asyncio.sleep(0.002)\nprint(time.time())\nx",
		"synchronous": "import time\ntime.sleep(0.002)\n[call_tool('go', 'add', {'a': 1, 'b': 2}), str(search_tools('numbers', 3))]",
		"raises":      "await tools.go.fail()",
	} {
		t.Run(name, func(t *testing.T) {
			to := &recording{}
			was, wasErr := r.RunScript(t.Context(), caisson.Script{Language: python.Language, Source: source, Tools: tools(t), Record: to})
			if was == nil {
				t.Fatal(wasErr)
			}
			again, err := r.Replay(t.Context(), bytes.NewReader(to.Bytes()), options)
			if err != nil {
				t.Fatal(err)
			}
			is := again.Script.Result
			if string(is.Value) != string(was.Value) || is.Usage.Fuel != was.Usage.Fuel || again.End != caisson.ReplayClosed {
				t.Errorf("the replay has %s, fuel %d, and it was %s, %d", is.Value, is.Usage.Fuel, was.Value, was.Usage.Fuel)
			}
			if diff := cmp.Diff(was.Logs, is.Logs); diff != "" {
				t.Errorf("the log (-was +is):\n%s", diff)
			}
			var before, after *caisson.ScriptError
			if (wasErr == nil) != (again.Script.Err == nil) || errors.As(wasErr, &before) && (!errors.As(again.Script.Err, &after) || before.Error() != after.Error()) {
				t.Errorf("the error is %v, and was %v", again.Script.Err, wasErr)
			}
			var e *caisson.ReplayError
			if _, err := r.Replay(t.Context(), bytes.NewReader(to.Bytes()), nil); !errors.As(err, &e) || e.Code != caisson.ReplayCore {
				t.Errorf("without the language: %v", err)
			}
		})
	}
}
