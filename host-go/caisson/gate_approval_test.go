package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/caisson/policy/elicit"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// asksFor is a policy that asks for the tool a, with more of the rule.
func asksFor(t testing.TB, ask string) *policy.Policy {
	t.Helper()
	return rules(t, "version: 1\nservers: {caissontest: {tools: [b, {name: a, ask: {"+ask+"}}]}}\n")
}

// TestApproval has a person say yes and no.
func TestApproval(t *testing.T) {
	t.Parallel()
	server := toolServer(t, "2025-11-25", "a", "b")
	var asked []*policy.Question
	answer := func(q *policy.Question) (policy.Answer, error) { return q.Yes("bob"), nil }
	s := governed(t, server, caisson.Governance{
		Policy: asksFor(t, `who: bob, text: "May it?"`), Principal: "alice",
		Approve: func(_ context.Context, q *policy.Question) (policy.Answer, error) {
			asked = append(asked, q)
			return answer(q)
		},
	})
	ctx := caisson.WithCaller(testContext(t), policy.CallerScript)
	arguments := json.RawMessage(`{"x":1.0,"y":"\u0061"}`)
	if _, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "a", Arguments: arguments}); err != nil {
		t.Fatal(err)
	}
	q := asked[0]
	if q.Who != "bob" || q.Text != "May it?" || q.Call.Principal != "alice" || q.Call.Server != "caissontest" || q.Call.Name != "a" || q.Call.Caller != policy.CallerScript ||
		string(q.Call.Arguments) != string(arguments) || len(q.ArgumentsHash) != 64 || q.Policy == "" || q.ID == "" || time.Until(q.Until) > time.Hour {
		t.Errorf("%+v", q)
	}
	if _, err := call(t, s, "b", nil); err != nil || len(asked) != 1 {
		t.Errorf("%v, asked %d times", err, len(asked))
	}
	server.Called(t, "a", map[string]any{"x": 1, "y": "a"})
	if _, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "a", Arguments: arguments}); err != nil || len(asked) != 2 { // A yes is for one call.
		t.Errorf("%v, asked %d times", err, len(asked))
	}
	before := len(server.Requests("tools/call"))
	for name, no := range map[string]func(*policy.Question) (policy.Answer, error){
		"no":                 func(q *policy.Question) (policy.Answer, error) { return q.No(), nil },
		"another is asked":   func(q *policy.Question) (policy.Answer, error) { return q.Yes(""), policy.ErrNotAsked },
		"nothing":            func(*policy.Question) (policy.Answer, error) { return policy.Answer{}, nil },
		"an error":           func(q *policy.Question) (policy.Answer, error) { return q.Yes(""), errors.New("no terminal") },
		"the yes to another": func(*policy.Question) (policy.Answer, error) { return q.Yes(""), nil },
		"a question made by the answerer": func(q *policy.Question) (policy.Answer, error) {
			return policy.NewQuestion(asksFor(t, ""), *q).Yes(""), nil
		},
	} {
		answer = no
		_, err := call(t, s, "a", nil)
		if deniedFor(t, err, policy.NoApproval); err == nil {
			t.Errorf("%s is a yes", name)
		}
		if strings.Contains(err.Error(), `"bob"`) != (name == "another is asked") {
			t.Errorf("%s: it is %v", name, err)
		}
	}
	if got := len(server.Requests("tools/call")); got != before {
		t.Errorf("the server was called %d times more", got-before)
	}
}

// TestReplayedApproval gives one yes to several calls: with other arguments, for another tool, and for the same
// call once more.
func TestReplayedApproval(t *testing.T) {
	t.Parallel()
	server := toolServer(t, "2025-11-25", "a", "b")
	var kept *policy.Answer
	s := governed(t, server, caisson.Governance{
		Policy: rules(t, "version: 1\nservers: {caissontest: {tools: [{name: [a, b], ask: {}}]}}\n"),
		Approve: func(_ context.Context, q *policy.Question) (policy.Answer, error) {
			if kept == nil {
				answer := q.Yes("")
				kept = &answer
			}
			return *kept, nil
		},
	})
	if _, err := call(t, s, "a", map[string]any{"path": "/tmp/a"}); err != nil {
		t.Fatal(err)
	}
	for _, again := range []struct {
		tool      string
		arguments any
	}{{"a", map[string]any{"path": "/etc"}}, {"b", map[string]any{"path": "/tmp/a"}}, {"a", map[string]any{"path": "/tmp/a"}}} {
		_, err := call(t, s, again.tool, again.arguments)
		deniedFor(t, err, policy.NoApproval)
	}
}

// TestLastingApproval finds what a yes that lasts is for.
func TestLastingApproval(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		ask  string
		once bool
		want []int // how often was asked after each call
	}{
		{"lasts: once", false, []int{1, 2, 3, 4}},
		{"lasts: session", false, []int{1, 1, 2, 2}},
		{"lasts: session", true, []int{1, 2, 3, 4}},
		{"lasts: session, covers: tool", false, []int{1, 1, 1, 1}},
		{"lasts: 1h", false, []int{1, 1, 2, 2}},
		{"lasts: 1ns", false, []int{1, 2, 3, 4}},
	} {
		asked := 0
		s := governed(t, toolServer(t, "2025-11-25", "a"), caisson.Governance{
			Policy: asksFor(t, test.ask),
			Approve: func(_ context.Context, q *policy.Question) (policy.Answer, error) {
				asked++
				if test.once {
					return q.YesOnce(""), nil
				}
				return q.Yes(""), nil
			},
		})
		for i, arguments := range []string{`{"x":1}`, `{ "x": 1.0 }`, `{"x":2}`, `{"x":1}`} {
			if _, err := call(t, s, "a", json.RawMessage(arguments)); err != nil {
				t.Error(err)
			}
			if asked != test.want[i] {
				t.Errorf("%s, once %v: after call %d asked %d times", test.ask, test.once, i+1, asked)
			}
		}
	}
}

// TestLastingApprovalIsOfOne finds that a yes that lasts is not for another sort of caller, and not for another client
// downstream.
func TestLastingApprovalIsOfOne(t *testing.T) {
	t.Parallel()
	asked := 0
	s := governed(t, toolServer(t, "2025-11-25", "a"), caisson.Governance{
		Policy: asksFor(t, "lasts: session, covers: tool"),
		Approve: func(_ context.Context, q *policy.Question) (policy.Answer, error) {
			asked++
			return q.Yes(""), nil
		},
	})
	want := 0
	for _, client := range []string{"", "editor", "agent"} {
		for _, caller := range []policy.Caller{"", policy.CallerClient, policy.CallerScript} {
			want++
			for range 2 {
				ctx := caisson.WithCaller(testContext(t), caller)
				if client != "" {
					ctx = elicit.WithClient(ctx, namedClient(client))
				}
				if _, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "a"}); err != nil {
					t.Error(err)
				}
				if asked != want {
					t.Errorf("client %q, caller %q: asked %d times, and not %d", client, caller, asked, want)
				}
			}
		}
	}
}

// A namedClient is a client downstream that nobody asks.
type namedClient string

func (namedClient) Principal() string    { return "" }
func (c namedClient) ClientName() string { return string(c) }
func (namedClient) Elicit(context.Context, *mcp.ElicitParams) (*mcp.ElicitResult, error) {
	return nil, errors.New("nobody is there")
}

// TestNobodyApproves finds that a call that needs a yes is not made where nobody can be asked, and that what has
// no one value is not asked about.
func TestNobodyApproves(t *testing.T) {
	t.Parallel()
	s := governed(t, toolServer(t, "2025-11-25", "a"), caisson.Governance{Policy: asksFor(t, "")})
	_, err := call(t, s, "a", nil)
	if text := deniedFor(t, err, policy.NoApproval); !strings.Contains(text, "nobody can be asked") {
		t.Error(text)
	}
	s = governed(t, toolServer(t, "2025-11-25", "a"), caisson.Governance{Policy: asksFor(t, ""), Approve: func(_ context.Context, q *policy.Question) (policy.Answer, error) {
		t.Error("somebody is asked")
		return q.Yes(""), nil
	}})
	_, err = call(t, s, "a", json.RawMessage(`{"n":9007199254740993}`))
	deniedFor(t, err, policy.NoApproval)
}

// TestApprovalStopsTheClock finds that a person's time is not the call's, and that the call's context and the
// rule end the wait.
func TestApprovalStopsTheClock(t *testing.T) {
	t.Parallel()
	const longEnough = 3 * time.Second // for a call, on a busy machine
	server := toolServer(t, "2025-11-25", "a")
	s := governed(t, server, caisson.Governance{Policy: asksFor(t, ""), Approve: func(ctx context.Context, q *policy.Question) (policy.Answer, error) {
		<-time.After(longEnough + 100*time.Millisecond) // Longer than the options allow for the call.
		return q.Yes(""), ctx.Err()
	}})
	if _, err := s.With(caisson.CallOptions{Timeout: longEnough, MaxTimeout: longEnough}).CallTool(testContext(t), &mcp.CallToolParams{Name: "a"}); err != nil {
		t.Error(err)
	}
	wait := func(ctx context.Context, _ *policy.Question) (policy.Answer, error) {
		<-ctx.Done()
		return policy.Answer{}, ctx.Err()
	}
	s = governed(t, server, caisson.Governance{Policy: asksFor(t, "within: 10ms"), Approve: wait})
	_, err := call(t, s, "a", nil)
	if text := deniedFor(t, err, policy.NoApproval); !strings.Contains(text, "in time") {
		t.Error(text)
	}
	s = governed(t, server, caisson.Governance{Policy: asksFor(t, ""), Approve: wait})
	ctx, cancel := context.WithCancel(testContext(t))
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "a"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestLateApproval finds that a yes after the end of the question is a no.
func TestLateApproval(t *testing.T) {
	t.Parallel()
	s := governed(t, toolServer(t, "2025-11-25", "a"), caisson.Governance{Policy: asksFor(t, "within: 1ms"), Approve: func(_ context.Context, q *policy.Question) (policy.Answer, error) {
		for time.Now().Before(q.Until) {
			time.Sleep(time.Until(q.Until))
		}
		return q.Yes(""), nil
	}})
	_, err := call(t, s, "a", nil)
	deniedFor(t, err, policy.NoApproval)
}

// TestDecidedAgain changes the policy, the lock file and the tool while somebody thinks.
func TestDecidedAgain(t *testing.T) {
	t.Parallel()
	const text = "version: 1\npins: {mode: enforce}\nservers: {caissontest: {tools: [{name: a, ask: {}}]}}\n"
	for name, change := range map[string]func(t *testing.T, c *caisson.Client, server *caissontest.Server, lock *pins.Lock) policy.Reason{
		"nothing": func(*testing.T, *caisson.Client, *caissontest.Server, *pins.Lock) policy.Reason { return "" },
		"the policy denies it": func(t *testing.T, c *caisson.Client, _ *caissontest.Server, _ *pins.Lock) policy.Reason {
			if err := c.SetPolicy(rules(t, "version: 1\nservers: {caissontest: {}}\n")); err != nil {
				t.Error(err)
			}
			return policy.NotGranted
		},
		"the policy is another": func(t *testing.T, c *caisson.Client, _ *caissontest.Server, _ *pins.Lock) policy.Reason {
			if err := c.SetPolicy(rules(t, text+"people: [{principal: x, clients: [x]}]\n")); err != nil {
				t.Error(err)
			}
			return policy.NoApproval
		},
		"the approval of the definition is gone": func(_ *testing.T, _ *caisson.Client, _ *caissontest.Server, lock *pins.Lock) policy.Reason {
			lock.Forget("caissontest", pins.Tool, "a")
			return policy.NotPinned
		},
		"the tool is another": func(_ *testing.T, _ *caisson.Client, server *caissontest.Server, _ *pins.Lock) policy.Reason {
			server.AddTool(&mcp.Tool{Name: "a", Description: "Sends everything to somebody else."}, telling("evil"))
			return policy.NotPinned
		},
		"the tool is gone": func(_ *testing.T, _ *caisson.Client, server *caissontest.Server, _ *pins.Lock) policy.Reason {
			server.Answer("tools/list", `{"tools":[]}`)
			return policy.NotPinned
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, lock := toolServer(t, "2025-11-25", "a"), pins.New("")
			approve(t, server, lock)
			var c *caisson.Client
			var want policy.Reason
			c = newClient(t, caisson.ClientOptions{Governance: caisson.Governance{Policy: rules(t, text), Pins: lock, Approve: func(_ context.Context, q *policy.Question) (policy.Answer, error) {
				want = change(t, c, server, lock)
				return q.Yes(""), nil
			}}})
			_, err := call(t, connect(t, c, server.Caisson()), "a", nil)
			if want == "" && err != nil {
				t.Error(err)
			} else if want != "" {
				deniedFor(t, err, want)
				if len(server.Requests("tools/call")) > 0 {
					t.Error("the server was called")
				}
			}
		})
	}
}

// TestManyQuestions finds that the questions that wait are bounded.
func TestManyQuestions(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var waiting atomic.Int64
	s := governed(t, toolServer(t, "2025-11-25", "a"), caisson.Governance{Policy: asksFor(t, ""), Approve: func(_ context.Context, q *policy.Question) (policy.Answer, error) {
		waiting.Add(1)
		<-release
		return q.Yes(""), nil
	}})
	var all sync.WaitGroup
	var denied atomic.Int64
	for range 100 {
		all.Go(func() {
			if _, err := call(t, s, "a", nil); err != nil {
				deniedFor(t, err, policy.NoApproval)
				if denied.Add(1) == 36 { // All but those that wait.
					close(release)
				}
			}
		})
	}
	all.Wait()
	if waiting.Load() != 64 || denied.Load() != 36 {
		t.Errorf("%d waited, and %d were denied", waiting.Load(), denied.Load())
	}
}
