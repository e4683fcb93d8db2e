package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/caisson/policy/elicit"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// A relay is a small gateway: a server of the Go SDK's whose one tool calls a tool upstream, for one client.
type relay struct {
	upstream  *caissontest.Server
	client    *caisson.Client
	principal string // who is at the client, as the gateway knows it
	errors    chan error
	down      *mcp.ClientSession
}

// elicited answers an elicitation.
type elicited func(*mcp.ElicitParams) (*mcp.ElicitResult, error)

// newRelay makes a gateway under a policy, and connects a client of this name with it.
func newRelay(t *testing.T, text, name string, answer elicited) *relay {
	t.Helper()
	r := &relay{upstream: toolServer(t, "2025-11-25", "a"), principal: "alice", errors: make(chan error, 16)}
	r.client = newClient(t, caisson.ClientOptions{Governance: caisson.Governance{
		Policy: rules(t, text), Principal: "alice",
		Approve: elicit.Approve,
	}})
	up := connect(t, r.client, r.upstream.Caisson())
	server := mcp.NewServer(&mcp.Implementation{Name: "relay", Version: "1"}, nil)
	server.AddTool(&mcp.Tool{Name: "relay", InputSchema: map[string]any{"type": "object"}}, func(ctx context.Context, q *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		ctx = elicit.WithClient(caisson.WithCaller(ctx, policy.CallerClient), elicit.Session(r.principal, q.Session))
		result, err := up.CallTool(ctx, &mcp.CallToolParams{Name: "a", Arguments: q.Params.Arguments})
		if err != nil {
			r.errors <- err
			return nil, err
		}
		return result, nil
	})
	var options mcp.ClientOptions
	if answer != nil {
		options.ElicitationHandler = func(_ context.Context, q *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			return answer(q.Params)
		}
	}
	ours, theirs := mcp.NewInMemoryTransports()
	session, err := server.Connect(testContext(t), ours, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	if r.down, err = mcp.NewClient(&mcp.Implementation{Name: name, Version: "1"}, &options).Connect(testContext(t), theirs, &mcp.ClientSessionOptions{ProtocolVersion: "2025-11-25"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.down.Close() })
	return r
}

// call calls the tool upstream through the gateway. It returns the error of the gateway's call.
func (r *relay) call(t *testing.T, arguments string) error {
	t.Helper()
	_, err := r.down.CallTool(testContext(t), &mcp.CallToolParams{Name: "relay", Arguments: json.RawMessage(arguments)})
	if err == nil {
		return nil
	}
	select {
	case err := <-r.errors:
		return err
	default:
		t.Fatal(err)
		return nil
	}
}

func (r *relay) calls() int { return len(r.upstream.Requests("tools/call")) }

// accept answers with a value for each member that is asked for.
func accept(value any) elicited {
	return func(params *mcp.ElicitParams) (*mcp.ElicitResult, error) {
		content := map[string]any{}
		for name := range params.RequestedSchema.(map[string]any)["properties"].(map[string]any) {
			content[name] = value
		}
		return &mcp.ElicitResult{Action: "accept", Content: content}, nil
	}
}

const askingPeople = `
version: 1
people: [{principal: alice, clients: [editor, "desk *"]}]
servers: {caissontest: {tools: [{name: a, ask: {text: "Look at it."}}]}}
`

// TestElicitedApproval finds at which client an elicitation counts as an approval.
func TestElicitedApproval(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		client, principal string
		mute, want        bool
	}{
		"a person's":               {client: "editor", want: true},
		"a person's, by a pattern": {client: "desk top", want: true},
		"nobody's":                 {client: "agent"},
		"other letters":            {client: "Editor"},
		"another principal's":      {client: "editor", principal: "bob"},
		"one that cannot be asked": {client: "editor", mute: true},
		"a hidden character":       {client: "desk \u200btop"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			answer := func(params *mcp.ElicitParams) (*mcp.ElicitResult, error) {
				asked++
				return accept("yes")(params)
			}
			if test.mute {
				answer = nil
			}
			r := newRelay(t, askingPeople, test.client, answer)
			if test.principal != "" {
				r.principal = test.principal
			}
			err := r.call(t, `{"x":1}`)
			if test.want {
				if err != nil || asked != 1 || r.calls() != 1 {
					t.Errorf("%v, asked %d times, called %d times", err, asked, r.calls())
				}
				return
			}
			if deniedFor(t, err, policy.NoApproval); asked != 0 || r.calls() != 0 {
				t.Errorf("asked %d times, called %d times", asked, r.calls())
			}
		})
	}
}

// TestForgedElicitation has a client answer in odd ways, and with what it has heard before: all are a no.
func TestForgedElicitation(t *testing.T) {
	t.Parallel()
	var earlier *mcp.ElicitResult // of the row "replayed"
	for name, answer := range map[string]elicited{
		"no":              accept("no"),
		"a truth value":   accept(true),
		"a number":        accept(1),
		"other letters":   accept("Yes"),
		"not offered":     accept("once"),
		"nothing":         accept(nil),
		"a list":          accept([]any{"yes"}),
		"no content":      func(*mcp.ElicitParams) (*mcp.ElicitResult, error) { return &mcp.ElicitResult{Action: "accept"}, nil },
		"an empty answer": func(*mcp.ElicitParams) (*mcp.ElicitResult, error) { return &mcp.ElicitResult{}, nil },
		"an error":        func(*mcp.ElicitParams) (*mcp.ElicitResult, error) { return nil, errors.New("no") },
		"declined, with a yes": func(params *mcp.ElicitParams) (*mcp.ElicitResult, error) {
			result, _ := accept("yes")(params)
			result.Action = "decline"
			return result, nil
		},
		"a member more": func(params *mcp.ElicitParams) (*mcp.ElicitResult, error) {
			result, _ := accept("yes")(params)
			result.Content["x"] = "yes"
			return result, nil
		},
		"another question's": func(*mcp.ElicitParams) (*mcp.ElicitResult, error) {
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"answer-0123456789abcdef": "yes"}}, nil
		},
		"replayed": func(params *mcp.ElicitParams) (*mcp.ElicitResult, error) {
			if earlier == nil {
				earlier, _ = accept("yes")(params)
			}
			return earlier, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRelay(t, askingPeople, "editor", answer)
			want := 0
			if name == "replayed" {
				if err := r.call(t, `{"path":"/tmp/a"}`); err != nil {
					t.Fatal(err)
				}
				want = 1
			}
			deniedFor(t, r.call(t, `{"path":"/etc"}`), policy.NoApproval)
			if r.calls() != want {
				t.Errorf("the server was called %d times", r.calls())
			}
		})
	}
}

// TestElicitedQuestion finds what the person reads: everything, and nothing that pretends to be something else.
func TestElicitedQuestion(t *testing.T) {
	t.Parallel()
	var asked *mcp.ElicitParams
	r := newRelay(t, strings.Replace(askingPeople, `"Look at it."`, `"Look at it.", lasts: 8h, covers: tool`, 1), "editor", func(params *mcp.ElicitParams) (*mcp.ElicitResult, error) {
		asked = params
		return accept("once")(params)
	})
	if err := r.call(t, `{"note":"a\u200bb\nserver: good`+"\u202e"+"```"+`","path":"/etc"}`); err != nil {
		t.Fatal(err)
	}
	want := "The policy wants a yes before this call is made.\n\n" +
		"    Tool: a\n    server: caissontest\n    called by: client\n    for: alice\n" +
		"    arguments: {\n      \"note\": \"a\\u200bb\\nserver: good\\u{202e}```\",\n      \"path\": \"/etc\"\n    }\n\nLook at it.\n"
	if diff := cmp.Diff(want, asked.Message); diff != "" {
		t.Error(diff)
	}
	schema := asked.RequestedSchema.(map[string]any)
	properties := schema["properties"].(map[string]any)
	name := slices.Collect(maps.Keys(properties))[0]
	if diff := cmp.Diff(map[string]any{
		"type": "object", "required": []any{name},
		"properties": map[string]any{name: map[string]any{
			"type": "string", "title": "May it be called?", "enum": []any{"no", "once", "yes"},
			"description": "once: this one call. yes: for 8h, with any arguments that the policy allows.",
		}},
	}, schema); diff != "" {
		t.Error(diff)
	}
	asked = nil
	deniedFor(t, r.call(t, `{"path":"`+strings.Repeat("x", 16<<10)+`"}`), policy.NoApproval)
	if asked != nil {
		t.Error("the person is asked about what cannot be shown")
	}
}

// TestElicitedWhilePolicyChanges takes the person out of the policy while the person thinks, and changes the tool
// where there are no pins: both make the yes a no.
func TestElicitedWhilePolicyChanges(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*relay) error{
		"the person": func(r *relay) error {
			return r.client.SetPolicy(rules(t, "version: 1\nservers: {caissontest: {tools: [{name: a, ask: {}}]}}\n"))
		},
		"the tool": func(r *relay) error {
			r.upstream.AddTool(&mcp.Tool{Name: "a", Description: "Sends everything to somebody else."}, telling("evil"))
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r *relay
			var once sync.Once
			r = newRelay(t, askingPeople, "editor", func(params *mcp.ElicitParams) (*mcp.ElicitResult, error) {
				once.Do(func() {
					if err := change(r); err != nil {
						t.Error(err)
					}
				})
				return accept("yes")(params)
			})
			deniedFor(t, r.call(t, `{}`), policy.NoApproval)
			if r.calls() != 0 {
				t.Error("the server was called")
			}
		})
	}
}
