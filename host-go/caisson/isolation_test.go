package caisson_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// isolatedRuntime is one for the tests of workers that need no other: they do not run beside each other.
var isolatedRuntime = sync.OnceValues(func() (*caisson.Runtime, error) {
	return caisson.New(context.Background(), &caisson.RuntimeOptions{Isolation: caisson.IsolationProcess})
})

func isolated(t testing.TB) *caisson.Runtime {
	t.Helper()
	r, err := isolatedRuntime()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// killWorkers ends all workers of a runtime, those that are ready too, as the system does that has no memory left.
func killWorkers(t testing.TB, r *caisson.Runtime) {
	t.Helper()
	for _, pid := range caisson.WorkerPIDs(r) {
		p, err := os.FindProcess(pid)
		if err == nil {
			err = p.Kill()
		}
		if err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
	}
}

// TestIsolatedScript has a script that calls a tool, waits, logs and fails, each time in a worker: its worker is gone
// when it is over.
func TestIsolatedScript(t *testing.T) {
	r := isolated(t)
	script := aScript(t, `console.log("hello"); await sleep(1); await tools.go.add({ a: 1, b: 2 })`)
	result, err := r.RunScript(testContext(t), script)
	if err != nil || string(result.Value) != "3" || len(result.Logs) != 1 || result.Logs[0].Text != "hello" || len(result.Calls) != 1 || result.Usage.Fuel == 0 || result.Usage.MemoryBytes == 0 {
		t.Fatalf("%+v, %v", result, err)
	}
	if n := len(caisson.WorkerPIDs(r)); n > 1 {
		t.Errorf("%d workers are left, and only one may be ready", n)
	}
	var failed *caisson.ScriptError
	if _, err := r.RunScript(testContext(t), caisson.Script{Source: "\nthrow new Error('no')"}); !errors.As(err, &failed) || failed.Kind != caisson.ScriptRuntime || failed.Line != 2 {
		t.Errorf("%v", err)
	}
}

// TestIsolatedAttacks runs a few of the attacks of TestScriptLimits in workers: they end in the same way.
func TestIsolatedAttacks(t *testing.T) {
	r := isolated(t)
	release := make(chan struct{})
	defer close(release)
	tools := attackTools(t, release)
	for _, name := range []string{"endless loop", "a tool that never answers", "memory in buffers"} {
		all := scriptAttacks()
		a := all[slices.IndexFunc(all, func(a scriptAttack) bool { return a.name == name })]
		result, err := r.RunScript(testContext(t), caisson.Script{Source: a.source, Tools: tools, Limits: a.limits})
		checkAttack(t, &a, result, err)
	}
}

// TestWorkerKilled ends the worker in the middle of a script and of a session's call: both fail as by a trap, and what
// comes after them works.
func TestWorkerKilled(t *testing.T) {
	r := isolated(t)
	fs := programTools(t)
	called := make(chan struct{})
	if err := caisson.AddFunction(fs, "kill", "", func(ctx context.Context, _ struct{}) (any, error) {
		killWorkers(t, r)
		<-ctx.Done()
		close(called)
		return nil, ctx.Err()
	}); err != nil {
		t.Fatal(err)
	}
	tools := toolSet(t, map[string]caisson.Caller{"go": fs})
	var failed *caisson.ScriptError
	// The script computes, since a script that waits would find out only when it goes on.
	_, err := r.RunScript(testContext(t), caisson.Script{Source: `void tools.go.kill(); await sleep(1); for (;;);`, Tools: tools})
	if !errors.As(err, &failed) || failed.Kind != caisson.ScriptTrap || !strings.Contains(err.Error(), "the process of the instance is lost") {
		t.Errorf("the script: %v", err)
	}
	<-called // The call of the tool was told to stop.
	if result, err := r.RunScript(testContext(t), caisson.Script{Source: "1+1"}); err != nil || string(result.Value) != "2" {
		t.Errorf("the next script: %v, %v", result, err)
	}

	server := httptest.NewServer(demoserver.Handler(false, false))
	defer server.Close()
	for range 2 { // The second one has a worker of its own, since that of the first is gone.
		session, err := r.Connect(testContext(t), caisson.Server{URL: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		echo := func() error {
			_, err := session.CallTool(testContext(t), &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"message": "hi"}})
			return err
		}
		if err := echo(); err != nil {
			t.Errorf("a call: %v", err)
		}
		killWorkers(t, r)
		if err := echo(); caisson.CodeOf(err) != caisson.CodeTrap {
			t.Errorf("a call of a session whose worker has ended: %v", err)
		}
		_ = session.Close()
	}
}

// TestWorkerBound has as many workers as there may be, and then one more.
func TestWorkerBound(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := newRuntime(t, caisson.RuntimeOptions{Isolation: caisson.IsolationProcess, WorkerProgram: self, MaxWorkers: 1})
	server := httptest.NewServer(demoserver.Handler(false, false))
	defer server.Close()
	for range 2 {
		session, err := r.Connect(testContext(t), caisson.Server{URL: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Connect(testContext(t), caisson.Server{URL: server.URL}); caisson.CodeOf(err) != caisson.CodeLimit || !strings.Contains(err.Error(), "MaxWorkers of 1") {
			t.Errorf("a second session: %v", err)
		}
		var failed *caisson.ScriptError
		if _, err := r.RunScript(testContext(t), caisson.Script{Source: "1"}); !errors.As(err, &failed) || failed.Kind != caisson.ScriptLimit {
			t.Errorf("a script beside it: %v", err)
		}
		if err := session.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil || len(caisson.WorkerPIDs(r)) != 0 {
		t.Errorf("%v; workers are left: %v", err, caisson.WorkerPIDs(r))
	}
}

// TestIsolatedSleep has a script sleep in one worker and wake in another.
func TestIsolatedSleep(t *testing.T) {
	ctx := testContext(t)
	c, err := isolated(t).NewClient(&caisson.ClientOptions{Sleeping: caisson.Sleeping{SleepKey: sleepKey, SleepClaims: caisson.NewMemoryClaims()}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	run, err := c.StartScript(ctx, caisson.Script{Source: `const n = 41; await sleep(50); n + 1`})
	if err != nil {
		t.Fatal(err)
	}
	state, err := run.Sleep(ctx)
	if err != nil {
		t.Fatal(err)
	}
	woken, err := c.Wake(ctx, state, caisson.Waking{})
	if err != nil {
		t.Fatal(err)
	}
	if result, err := woken.Wait(); err != nil || string(result.Value) != "42" {
		t.Errorf("%v, %v", result, err)
	}
}

// TestIsolationOptions has options that do not fit.
func TestIsolationOptions(t *testing.T) {
	for _, o := range []caisson.RuntimeOptions{
		{Isolation: "container"},
		{Isolation: caisson.IsolationProcess, MaxWorkers: -1},
	} {
		if _, err := caisson.New(t.Context(), &o); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
			t.Errorf("%+v: %v", o, err)
		}
	}
	// A program that is no worker, and one that is not there.
	for _, program := range []string{os.Args[0] + " is not there"} {
		r := newRuntime(t, caisson.RuntimeOptions{Isolation: caisson.IsolationProcess, WorkerProgram: program})
		if _, err := r.RunScript(testContext(t), caisson.Script{Source: "1"}); err == nil || !strings.Contains(err.Error(), "cannot be started") {
			t.Errorf("%v", err)
		}
	}
}

// isolatedParent is a process with a script in a worker, which prints the worker's number.
func isolatedParent() {
	r, err := caisson.New(context.Background(), &caisson.RuntimeOptions{Isolation: caisson.IsolationProcess})
	if err != nil {
		panic(err)
	}
	go func() {
		_, err := r.RunScript(context.Background(), caisson.Script{Source: `for (;;);`, Limits: caisson.ScriptLimits{Computing: time.Hour, Time: time.Hour}})
		panic(err)
	}()
	for len(caisson.WorkerPIDs(r)) < 2 { // one more is ready
		time.Sleep(time.Millisecond)
	}
	fmt.Println(caisson.WorkerPIDs(r))
	select {}
}
