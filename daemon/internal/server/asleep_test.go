package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

// A place is where daemons find each other's runs: a server whose tools count, a policy that asks about one, and a store.
type place struct {
	first, second atomic.Int32 // calls of the tools; somebody has to say yes to the second
	text          string       // the configuration
	options       Options
}

// newPlace is a place with a NATS server, or with a folder.
func newPlace(t *testing.T, shared bool) *place {
	t.Helper()
	p := &place{options: Options{ClusterTimes: quick}}
	up := newUpstream(t)
	for name, count := range map[string]*atomic.Int32{"first": &p.first, "second": &p.second} {
		mcp.AddTool(up.server, &mcp.Tool{Name: name}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
			count.Add(1)
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: name}}}, nil, nil
		})
	}
	folder := t.TempDir()
	policy, key := filepath.Join(folder, "policy.yaml"), filepath.Join(folder, "logins.key")
	for path, text := range map[string]string{
		policy: "version: 1\nservers:\n  up: {tools: [first, {name: second, ask: {text: Look.}}]}\n",
		key:    base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.text = "policy: " + policy + "\n" + servers("up", up.url) + "drainTimeout: 1m\n"
	if shared {
		p.text += "nats: {url: '" + storetest.Start(t, nil).URL() + "', credentialsKey: " + key + "}\n"
	} else {
		p.text += "store: " + filepath.Join(folder, "store") + "\n"
	}
	return p
}

// start starts a daemon there.
func (p *place) start(t *testing.T, change func(*Options)) *daemon {
	t.Helper()
	o := p.options
	if change != nil {
		change(&o)
	}
	return startWith(t, p.text, o)
}

// impatient has runs sleep that wait for an answer for a moment.
func impatient(o *Options) { o.RunPatience = 10 * time.Millisecond }

const twoCalls = "const a = await tools.up.first({}); const kept = new Map([['b', await tools.up.second({})]]); return a + ' ' + kept.get('b')"

func submitTwo(t *testing.T, d *daemon, source string) *caissonv1.Run {
	t.Helper()
	return submitRun(t, d.scripts(d.token("alice")), &caissonv1.SubmitRunRequest{Script: &caissonv1.Script{Source: source, Servers: []string{"up"}}})
}

// question waits for the one question that is open.
func question(t *testing.T, d *daemon) *caissonv1.Approval {
	t.Helper()
	var asked *caissonv1.Approval
	storetest.Until(t, func() bool {
		listed, err := d.admin(d.token("owner")).ListApprovals(t.Context(), connect.NewRequest(&caissonv1.ListApprovalsRequest{}))
		if err != nil {
			t.Fatal(err)
		}
		if all := listed.Msg.GetApprovals(); len(all) == 1 {
			asked = all[0]
		}
		return asked != nil
	})
	return asked
}

func answerAs(t *testing.T, d *daemon, who, id string, yes bool) error {
	t.Helper()
	_, err := d.admin(d.token(who)).AnswerApproval(t.Context(), connect.NewRequest(&caissonv1.AnswerApprovalRequest{Id: id, Approve: yes}))
	return err
}

// awaitState waits until a run is in a state.
func awaitState(t *testing.T, d *daemon, id string, state caissonv1.RunState) {
	t.Helper()
	storetest.Until(t, func() bool {
		r, err := d.scripts(d.token("alice")).GetRun(t.Context(), connect.NewRequest(&caissonv1.GetRunRequest{Id: id}))
		if err != nil {
			t.Fatal(err)
		}
		if now := r.Msg.GetRun(); now.GetState() == caissonv1.RunState_RUN_STATE_ENDED && state != now.GetState() {
			t.Fatalf("the run has ended: %v", now)
		}
		return r.Msg.GetRun().GetState() == state
	})
}

// TestUpgrade ends a daemon while a run waits for a yes, and starts another one, which is told the yes.
func TestUpgrade(t *testing.T) {
	for name, shared := range map[string]bool{"in a folder": false, "in NATS": true} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, shared)
			log := &lines{}
			a := p.start(t, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(log, nil)) })
			run := submitTwo(t, a, twoCalls)
			question(t, a)
			drained, err := a.admin(a.token("owner")).Drain(t.Context(), connect.NewRequest(&caissonv1.DrainRequest{}))
			if err != nil || drained.Msg.GetRuns()+drained.Msg.GetAsleep() != 1 {
				t.Errorf("the drain has %v, %v", drained, err)
			}
			if err := a.stop(); err != nil {
				t.Fatal(err)
			}
			if said := log.text(); !strings.Contains(said, "runs sleep in the store") || !strings.Contains(said, "runs=1") {
				t.Errorf("the log of the drain is %s", said)
			}

			b := p.start(t, nil)
			awaitState(t, b, run.GetId(), caissonv1.RunState_RUN_STATE_ASLEEP)
			asked := question(t, b)
			if asked.GetPrincipal() != "alice" || asked.GetServer() != "up" || asked.GetName() != "second" || asked.GetText() != "Look." || asked.GetCaller() != "script" {
				t.Errorf("the question is %v", asked)
			}
			if n := p.second.Load(); n != 0 {
				t.Errorf("without a yes it was called %d times", n)
			}
			if err := answerAs(t, b, "owner", asked.GetId(), true); err != nil {
				t.Fatal(err)
			}
			if err := answerAs(t, b, "owner", asked.GetId(), true); connect.CodeOf(err) != connect.CodeNotFound {
				t.Errorf("a second answer: %v", err)
			}
			done := watchRun(t, b.scripts(b.token("alice")), run.GetId())
			if done.GetState() != caissonv1.RunState_RUN_STATE_ENDED || done.GetErrorDetail() != nil || string(done.GetOutcome().GetValue()) != `"first second"` || len(done.GetOutcome().GetCalls()) != 2 {
				t.Errorf("the run is %v", done)
			}
			if first, second := p.first.Load(), p.second.Load(); first != 1 || second != 1 {
				t.Errorf("the tools were called %d and %d times", first, second)
			}
		})
	}
}

// lines are what a log has.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(text)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// TestAsleep has runs sleep while somebody is asked, on two daemons, and be woken through the one or the other.
func TestAsleep(t *testing.T) {
	p := newPlace(t, true)
	p.text = "access: {tokens: tokens.json, scopes: {alice: [caisson:scripts, caisson:admin]}}\n" + p.text
	a, b := p.start(t, impatient), p.start(t, impatient)
	alice := b.scripts(b.token("alice"))

	run := submitTwo(t, a, twoCalls)
	awaitState(t, b, run.GetId(), caissonv1.RunState_RUN_STATE_ASLEEP)
	if n := a.runs.Underway() + b.runs.Underway(); n != 0 {
		t.Errorf("%d runs are underway", n)
	}
	asked := question(t, b)
	if err := answerAs(t, b, "alice", asked.GetId(), true); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("alice says yes to her own call: %v", err)
	}
	if err := answerAs(t, b, "owner", asked.GetId(), false); err != nil {
		t.Fatal(err)
	}
	done := watchRun(t, alice, run.GetId())
	if !strings.Contains(done.GetOutcome().GetFailure().GetMessage(), "approve") || p.second.Load() != 0 {
		t.Errorf("after a no it is %v, with %d calls", done, p.second.Load())
	}

	// It wakes by itself when its timer is due, sleeps again, and is cancelled.
	run = submitTwo(t, a, "const call = tools.up.second({}); await sleep(1500); await tools.up.first({}); return await call")
	awaitState(t, b, run.GetId(), caissonv1.RunState_RUN_STATE_ASLEEP)
	storetest.Until(t, func() bool { return p.first.Load() == 2 })
	awaitState(t, b, run.GetId(), caissonv1.RunState_RUN_STATE_ASLEEP)
	question(t, a)
	cancelled, err := alice.CancelRun(t.Context(), connect.NewRequest(&caissonv1.CancelRunRequest{Id: run.GetId()}))
	if err != nil || cancelled.Msg.GetRun().GetState() != caissonv1.RunState_RUN_STATE_CANCELLED {
		t.Errorf("%v, %v", cancelled, err)
	}
	listed, err := a.admin(a.token("owner")).ListApprovals(t.Context(), connect.NewRequest(&caissonv1.ListApprovalsRequest{}))
	if err != nil || len(listed.Msg.GetApprovals()) != 0 {
		t.Errorf("the questions of what was cancelled: %v, %v", listed, err)
	}
}

// TestAsleepBuild shows that a run that sleeps is its build's: another one says so, and wakes it not.
func TestAsleepBuild(t *testing.T) {
	p := newPlace(t, true)
	old := p.start(t, impatient)
	run := submitTwo(t, old, twoCalls)
	awaitState(t, old, run.GetId(), caissonv1.RunState_RUN_STATE_ASLEEP)
	if err := old.stop(); err != nil {
		t.Fatal(err)
	}
	log := &lines{}
	next := p.start(t, func(o *Options) {
		o.Build, o.Logger = "next", slog.New(slog.NewTextHandler(log, nil))
	})
	if said := log.text(); !strings.Contains(said, "another build has put to sleep") {
		t.Errorf("the log of the next build is %s", said)
	}
	if err := answerAs(t, next, "owner", question(t, next).GetId(), true); err != nil {
		t.Fatal(err)
	}
	awaitState(t, next, run.GetId(), caissonv1.RunState_RUN_STATE_ASLEEP)
	drained, err := next.admin(next.token("owner")).Drain(t.Context(), connect.NewRequest(&caissonv1.DrainRequest{}))
	if err != nil || drained.Msg.GetAsleep() != 0 {
		t.Errorf("the next build counts %v, %v", drained, err)
	}
	again := p.start(t, nil) // The old build.
	if done := watchRun(t, again.scripts(again.token("alice")), run.GetId()); string(done.GetOutcome().GetValue()) != `"first second"` || p.second.Load() != 1 {
		t.Errorf("the run is %v", done)
	}
}
