package script

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// Whatever a script has done, the next one begins with the memory that the first one had, byte for byte.
func TestNothingIsLeft(t *testing.T) {
	e, err := engine.New(context.Background(), engine.Config{CompileFirst: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	config := testConfig(e)
	config.Limits.Computing, config.Limits.Time = time.Minute, time.Minute
	config.Limits.MemoryBytes = 128 << 20
	begin := func() (*Instance, []byte) {
		t.Helper()
		in, failure := New(t.Context(), config)
		if failure != nil {
			t.Fatal(failure)
		}
		return in, in.guest.Memories()[0]
	}
	in, memory := begin()
	first, address := bytes.Clone(memory), &memory[0]
	again := 0
	const none = Kind(-1)
	for _, s := range []struct {
		text string
		kind Kind
	}{
		{`1 + 1`, none},
		{`globalThis.mark = 'the mark of a script'; Object.prototype.mark = mark; JSON.parse = () => mark; 1`, none},
		{`globalThis.all = Array.from({ length: 300000 }, (_, i) => 'the mark of a script ' + i); all.length`, none},
		{`const b = new Uint8Array(40 << 20).fill(77); b.length`, none},
		{`throw new Error('the mark of a script')`, Runtime},
		{`const = `, Syntax},
		{`await new Promise(() => {})`, NeverSettled},
		{`export const f = () => 1`, none},
		{`setTimeout(() => {}, 1e6); tools; return 1`, none},
		{`1 + 1`, none},
	} {
		_, _, failure := in.Run(t.Context(), Source{Name: "s", Text: s.text}, json.RawMessage("null"), nil)
		kind := none
		if failure != nil {
			kind = failure.Kind
		}
		if kind != s.kind {
			t.Errorf("%s: kind %d, and not %d: %v", s.text, kind, s.kind, failure)
		}
		in.Close()
		in, memory = begin()
		if &memory[0] == address {
			again++
		}
		if !bytes.Equal(memory, first) {
			t.Errorf("after %s the memory has %d bytes and not %d, or others", s.text, len(memory), len(first))
		}
		if strings.Contains(string(memory), "the mark of a script") {
			t.Errorf("%s has left its mark", s.text)
		}
	}
	in.Close()
	if runtime.GOOS == "linux" && again == 0 {
		t.Error("no memory was used again: the test shows nothing")
	}
}
