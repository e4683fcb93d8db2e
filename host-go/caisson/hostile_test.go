//lint:file-ignore SA1019 The newest revision deprecates logging; servers go on using it.

package caisson_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// hostileMessage is the bound on one message in these tests.
const hostileMessage = 8 << 20

// hasty is when the context of a call ends that does not wait, and prompt until when the call returns
// then, on a busy machine.
const (
	hasty  = 200 * time.Millisecond
	prompt = 15 * time.Second
)

// A raid is an attack, over each transport that it is for, and what is to come of it.
type raid struct {
	attack string
	over   []string
	cost   cost
	// fails are the codes that the call fails with; none for one that succeeds. It may succeed all the
	// same when it passes.
	fails  []caisson.Code
	passes bool
	// never says that only the call's context ends it.
	never bool
	// dies says that the session may end by it, and busy that the server has no time for another call.
	dies, busy bool
	// guest is ClientOptions.MaxGuestTime, where the attack is to be ended by it.
	guest time.Duration
	// does is what the program does in place of calling a tool.
	does func(ctx context.Context, s *caisson.Session) error
	// connects are the codes with which connecting may fail.
	connects []caisson.Code
}

var (
	pushed = []string{overStdio, overEvents, overSSE}
	http11 = []string{overJSON, overEvents}
	all    = []string{overStdio, overJSON, overEvents, overSSE}
)

func listTools(ctx context.Context, s *caisson.Session) error {
	for _, err := range s.Tools(ctx, nil) {
		if err != nil {
			return err
		}
	}
	return nil
}

// listAndCall has the core know the tool's schema.
func listAndCall(ctx context.Context, s *caisson.Session) error {
	if err := listTools(ctx, s); err != nil {
		return err
	}
	return callAny(ctx, s)
}

func callAny(ctx context.Context, s *caisson.Session) error {
	ctx = caisson.WithCallOptions(ctx, caisson.CallOptions{OnProgress: func(*mcp.ProgressNotificationParams) {}})
	_, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "any"})
	return err
}

type codes = []caisson.Code

const (
	limit     = caisson.CodeLimit
	broken    = caisson.CodeTransport
	protocol  = caisson.CodeProtocol
	deep      = caisson.CodeInternal // JSON nested too deep
	schemaBad = caisson.CodeOutputSchema
)

var raids = []raid{
	// What it sends of its own accord. What nobody has time for ends the session, or is refused.
	{attack: "pings", over: pushed, fails: codes{limit}, passes: true, dies: true, cost: cost{requests: int64(floodSmall) + 10}},
	{attack: "notifications", over: pushed, fails: codes{limit}, dies: true},
	{attack: "large notifications", over: pushed, fails: codes{limit}, passes: true, dies: true},
	{attack: "asks", over: pushed, fails: codes{limit}, passes: true, dies: true, cost: cost{requests: 510}},
	{attack: "progress", over: pushed, fails: codes{limit}, passes: true},
	{attack: "much progress", over: []string{overStdio}, fails: codes{limit}, passes: true},
	{attack: "answers to nobody", over: pushed, fails: codes{protocol}, passes: true, busy: true},
	{attack: "logs", over: []string{overStdio}},
	{attack: "before initialize", over: pushed, connects: codes{limit, caisson.CodeTimeout}, fails: codes{limit}, passes: true, dies: true, cost: cost{requests: 1_010}},
	{attack: "after close", over: all},

	// What a message may be.
	{attack: "huge ids", over: pushed, fails: codes{protocol}, passes: true},
	{attack: "nesting", over: pushed, fails: codes{protocol, deep}, passes: true},
	{attack: "nested result", over: all, fails: codes{protocol, deep}},
	{attack: "invalid UTF-8", over: pushed, fails: codes{protocol}, passes: true},
	{attack: "BOMs", over: pushed, fails: codes{protocol}, passes: true},
	{attack: "batch", over: pushed, fails: codes{protocol, limit}, passes: true, dies: true, cost: cost{requests: int64(floodWhole)}},
	{attack: "batch of nothing", over: pushed, fails: codes{protocol}, passes: true},

	// What does not end.
	{attack: "endless", over: all, fails: codes{limit, protocol}, dies: true}, // Over SSE another answer may end the line.
	{attack: "endless result", over: all, fails: codes{limit, protocol}, dies: true},
	{attack: "nothing", over: pushed, never: true, busy: true},
	{attack: "nothing", over: []string{overJSON}, fails: codes{limit}},
	{attack: "drip", over: all, never: true, busy: true, cost: cost{cpu: 0.8}},
	{attack: "silence", over: all, never: true, cost: cost{cpu: 0.8}},

	// What stands below messages.
	{attack: "headers", over: http11, fails: codes{limit, broken}},
	{attack: "a header", over: http11, fails: codes{limit, broken}},
	{attack: "interim responses", over: http11, fails: codes{limit, broken}},
	{attack: "chunks", over: http11, fails: codes{limit}},
	{attack: "trailers", over: http11, fails: codes{limit, broken}},
	{attack: "bomb", over: http11, fails: codes{limit}},
	{attack: "redirects", over: http11, fails: codes{caisson.CodeHTTP, caisson.CodeRefused, broken}, cost: cost{requests: 30}},
	{attack: "busy", over: http11, fails: codes{caisson.CodeHTTP}, cost: cost{requests: 50}},

	// What it offers.
	{attack: "cursors", over: []string{overStdio, overJSON}, does: listTools, fails: codes{limit, protocol}, cost: cost{requests: 220}},
	{attack: "one cursor", over: []string{overStdio, overJSON}, does: listTools, fails: codes{limit, protocol}, cost: cost{requests: 220}},
	{attack: "many tools", over: all, does: listTools},
	{attack: "a pattern", over: []string{overStdio, overJSON}, does: listAndCall, fails: codes{schemaBad, caisson.CodeTrap}, dies: true, guest: 2 * time.Second},
	{attack: "a large schema", over: []string{overStdio, overJSON}, does: listAndCall},
	{attack: "a schema of itself", over: []string{overStdio, overJSON}, does: listAndCall, fails: codes{schemaBad}, passes: true},
	{attack: "schemas that multiply", over: []string{overStdio, overJSON}, does: listAndCall, fails: codes{schemaBad, caisson.CodeTrap}, passes: true, dies: true, guest: 2 * time.Second},
}

// TestHostileServers has servers attack, one after the other: each costs a bounded amount, the call
// settles as it should or when its context ends, and a session with another server goes on all the
// while.
func TestHostileServers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	logged := &atomic.Int64{}
	r := hostileClient(t, logged, patience)
	if err := sharedRuntime(t).Compile(testContext(t), nil); err != nil {
		t.Fatal(err)
	}
	bystander := newBystander(t, r)
	for _, raid := range raids {
		for _, over := range raid.over {
			t.Run(raid.attack+" over "+over, func(t *testing.T) {
				r := r
				if raid.guest > 0 {
					r = hostileClient(t, logged, raid.guest)
				}
				before := bystander.calls.Load()
				logged.Store(0)
				spent := raid.run(t, r, over)
				spent.log = logged.Load()
				for _, over := range spent.exceeds(raid.cost.orUsual()) {
					t.Error(over)
				}
				t.Logf("%+v", spent)
				if !eventually(func() bool { return bystander.calls.Load() > before }) {
					t.Error("the other session made no call")
				}
			})
		}
	}
}

// hostileTransport is what a client makes for itself.
var hostileTransport = egress.NewTransport(false)

// hostileClient makes a client whose handlers take their time.
func hostileClient(t *testing.T, logged *atomic.Int64, guest time.Duration) *caisson.Client {
	t.Helper()
	slow := func(ctx context.Context) {
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	return newClient(t, caisson.ClientOptions{
		Logger:        slog.New(slog.NewTextHandler(counter{logged}, nil)),
		HTTPTransport: hostileTransport,
		Limits: caisson.Limits{
			MaxMessageBytes: hostileMessage, MaxQueuedBytes: hostileMessage,
			MaxGuestTime: guest, RetryBudget: time.Second, ConnectTimeout: 5 * time.Second, MaxListPages: 200,
		},
		Handlers: caisson.Handlers{
			ElicitationHandler: func(ctx context.Context, _ *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
				slow(ctx)
				return &mcp.ElicitResult{Action: "decline"}, nil
			},
			LoggingMessageHandler: func(ctx context.Context, _ *caisson.Request[*mcp.LoggingMessageParams]) { slow(ctx) },
		},
	})
}

// run has one attack, and gives what it cost.
func (raid *raid) run(t *testing.T, r *caisson.Client, over string) cost {
	server, stats := hostileServer(t, raid.attack, over)
	meter := newMeter(t)
	s, err := r.Connect(testContext(t), server)
	if err != nil {
		if t.Logf("connect: %.300v", err); !hasCode(err, raid.connects) {
			t.Errorf("it does not connect: %v", err)
		}
		return meter.end()
	}
	defer func() { _ = s.Close() }()

	does := raid.does
	if does == nil {
		does = callAny
	}
	ctx := testContext(t)
	if raid.never {
		short, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		ctx = short
	}
	settled := make(chan error, 1)
	go func() { settled <- does(ctx, s) }()
	hurry, cancel := context.WithTimeout(context.Background(), hasty)
	defer cancel()
	since := time.Now()
	_, err = s.CallTool(hurry, &mcp.CallToolParams{Name: "hasty"})
	if took := time.Since(since); took > hasty+prompt {
		t.Errorf("a call whose context ended after %v returned after %v: %v", hasty, took, err)
	}
	raid.judge(t, ctx, <-settled)

	cpu, since := processorTime(), time.Now()
	if !raid.busy {
		err = s.Ping(testContext(t), nil)
	}
	switch {
	case err == nil, raid.busy:
	case !raid.dies:
		t.Errorf("the session does not go on: %v", err)
	case !hasCode(err, append(raid.fails, caisson.CodeClosed, caisson.CodeTransport)):
		t.Errorf("the session has ended with %v", err)
	}
	if rest := time.Second/2 - time.Since(since); raid.never && rest > 0 {
		time.Sleep(rest) // Nobody asks for anything, and it costs next to nothing.
	}
	cpu = processorTime() - cpu
	wall := time.Since(since)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = s.Close()
	}()
	select {
	case <-closed:
	case <-time.After(patience):
		t.Fatal("Close does not return")
	}
	meter.nothingLeft(t)
	spent := meter.end()
	spent.cpu = cpu.Seconds() / wall.Seconds()
	seen := stats()
	spent.connections, spent.requests = seen.Most, seen.Requests
	return spent
}

// judge looks at how the call has settled.
func (raid *raid) judge(t *testing.T, ctx context.Context, err error) {
	t.Helper()
	t.Logf("the call: %.300v", err)
	switch {
	case raid.never:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the call gives %v, want the end of its context", err)
		} else if deadline, _ := ctx.Deadline(); time.Since(deadline) > prompt {
			t.Errorf("the call returned %v after its context ended", time.Since(deadline))
		}
	case err == nil && (len(raid.fails) == 0 || raid.passes):
	case !hasCode(err, raid.fails):
		t.Errorf("the call gives %v, want one of %v", err, raid.fails)
	}
}

func hasCode(err error, codes []caisson.Code) bool {
	var e *caisson.Error
	return errors.As(err, &e) && slices.Contains(codes, e.Code)
}

// eventually waits for a condition.
func eventually(condition func() bool) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if condition() {
			return true
		}
	}
	return false
}

// A bystander is a session with an honest server, which makes calls until the test ends.
type bystander struct{ calls atomic.Int64 }

func newBystander(t *testing.T, r *caisson.Client) *bystander {
	t.Helper()
	s := connect(t, r, childServer(t, "echo"))
	b, stop, stopped := &bystander{}, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			result, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "any", Arguments: map[string]any{"i": i}})
			cancel()
			if err != nil || fmt.Sprint(result.StructuredContent) != fmt.Sprintf("map[i:%d]", i) {
				t.Errorf("call %d of another session: %v, %v", i, result, err)
				return
			}
			b.calls.Add(1)
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-stopped
	})
	return b
}

// counter counts what is written.
type counter struct{ bytes *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.bytes.Add(int64(len(p)))
	return len(p), nil
}

func childCommand(path string, env map[string]string) *exec.Cmd {
	cmd := exec.Command(path)
	cmd.Env = os.Environ()
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}
