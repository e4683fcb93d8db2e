package script

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"testing"
	"time"
)

// TestApprovedWhileSaved has somebody approve a call just when the instance is saved: the call goes out, and the instance
// sleeps behind it, once it waits again.
func TestApprovedWhileSaved(t *testing.T) {
	e, err := hostileEngine()
	if err != nil {
		t.Fatal(err)
	}
	asked, approved, out := make(chan struct{}), make(chan struct{}), make(chan bool)
	config := testConfig(e)
	config.Limits.Computing, config.Limits.Time = time.Minute, time.Minute
	config.Random = rand.NewChaCha8([32]byte{})
	config.Call = func(ctx context.Context, _, _ string, _ json.RawMessage) (json.RawMessage, *ToolFailure) {
		release := Hold(ctx)
		close(asked)
		<-approved
		out <- release()
		return json.RawMessage(`{"content":[]}`), nil
	}
	in, failure := New(t.Context(), config)
	if failure != nil {
		t.Fatal(failure)
	}
	defer in.Close()
	over := make(chan struct{})
	go func() {
		defer close(over)
		source := hostileSource("ab{}", call, callTool, 1, texts, 1, texts+1, 1, texts+2, 2, part, 1, call, setTimer, 1, 1_000_000)
		if _, _, failure := in.Run(t.Context(), Source{"hostile", source}, json.RawMessage("null"), nil); failure == nil || failure.Kind != Asleep {
			t.Errorf("it ends with %v", failure)
		}
	}()
	<-asked
	var calls []int
	asleep, err := in.Sleep(t.Context(), over, func(state *State, _ func(io.Writer) error) ([]byte, error) {
		if calls = append(calls, len(state.Calls)); len(calls) == 1 {
			close(approved)
			if !<-out {
				t.Error("the call does not go out")
			}
		}
		return []byte("saved"), nil
	})
	if err != nil || string(asleep) != "saved" || len(calls) != 2 || calls[0] != 1 || calls[1] != 0 {
		t.Errorf("it gives %q, %v, with %v calls", asleep, err, calls)
	}
	<-over
}
