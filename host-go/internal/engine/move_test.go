package engine

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// TestMoveFails has an instance move to code that it cannot go on in: it stays in the interpreter.
func TestMoveFails(t *testing.T) {
	interpreted(t)
	e := testEngine(t, Config{Interpreter: true})
	s := open(t, e)
	log := &bytes.Buffer{}
	s.instance.logger = slog.New(slog.NewTextHandler(log, nil))
	other := testEngine(t, Config{Interpreter: true})
	own := e.code
	set := func(c *code) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.code = c
	}
	defer set(own) // The engine closes it.

	// Another core's: an instance cannot go on in that.
	set(&code{runtime: own.runtime, compiled: other.code.compiled})
	s.instance.mailbox.put(item{move: true})
	echo(t, s, "it goes on")
	if !strings.Contains(log.String(), "stays in the interpreter") {
		t.Errorf("the log says %q", log)
	}
}

// TestMoveIsLost has an instance end on the way to other code: every call ends, and so does the session.
func TestMoveIsLost(t *testing.T) {
	interpreted(t)
	e := testEngine(t, Config{Interpreter: true})
	s := openAt(t, e, demoserver.Handler(true, true)) // One that keeps a session would keep it for ever.
	runtime, err := e.newRuntime(testContext(t), true, 0)
	if err != nil {
		t.Fatal(err)
	}
	gone, err := e.newCode(testContext(t), runtime)
	if err != nil {
		t.Fatal(err)
	}
	gone.close()
	own := e.code
	e.mu.Lock()
	e.code = gone
	e.mu.Unlock()
	defer func() { // The engine closes it.
		e.mu.Lock()
		defer e.mu.Unlock()
		e.code = own
	}()
	// The first is large: it waits for compiled code, so that the others come behind it.
	var all sync.WaitGroup
	for _, size := range []int{2 * interpreterBytes, 0, 0, 0} {
		params := `{"name":"echo","arguments":{"message":"` + strings.Repeat("x", size) + `"}}`
		all.Go(func() {
			if _, f := s.Call(testContext(t), Operation{Export: "call-tool", Method: "tools/call", Params: params}); size > 0 && (f == nil || f.Kind != Trap) {
				t.Errorf("the call ends with %v", f)
			}
		})
	}
	all.Wait()
	if f := s.Wait(); f == nil || f.Kind != Trap || !strings.Contains(f.Message, "going on in compiled code") {
		t.Errorf("the session ended with %v", f)
	}
	s.Close()
}
