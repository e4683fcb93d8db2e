//lint:file-ignore SA1019 The newest revision deprecates roots; servers go on using them.

package caisson_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/audit"
	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/caisson/policyfile"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// rules makes a policy of a file's text.
func rules(t testing.TB, text string) *policy.Policy {
	t.Helper()
	p, err := policyfile.Parse("caisson.policy.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// governed connects a client with a policy to a server.
func governed(t testing.TB, server *caissontest.Server, g caisson.Governance) *caisson.Session {
	t.Helper()
	return connect(t, newClient(t, caisson.ClientOptions{Governance: g}), server.Caisson())
}

func telling(text string) caissontest.Handler {
	return func(*caissontest.Call) (any, error) { return caissontest.Text(text), nil }
}

// toolServer has tools of these names, each of which says its name.
func toolServer(t testing.TB, revision string, names ...string) *caissontest.Server {
	t.Helper()
	s := caissontest.NewServer(t, revision)
	for _, name := range names {
		s.AddTool(&mcp.Tool{Name: name, Description: "the tool " + name}, telling(name))
	}
	return s
}

func call(t testing.TB, s *caisson.Session, tool string, arguments any) (string, error) {
	t.Helper()
	result, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		return "", err
	}
	return result.Content[0].(*mcp.TextContent).Text, nil
}

// deniedFor checks that a call was denied, for a reason, and returns the error's text.
func deniedFor(t testing.TB, err error, reason policy.Reason) string {
	t.Helper()
	var no *policy.DeniedError
	if !errors.Is(err, caisson.CodeDenied) || !errors.As(err, &no) || no.Reason != reason {
		t.Errorf("it is not denied for its %s: %v", reason, err)
		return ""
	}
	return err.Error()
}

func shownTools(t testing.TB, s *caisson.Session) string {
	t.Helper()
	var names []string
	for tool, err := range s.Tools(testContext(t), nil) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, tool.Name)
	}
	return strings.Join(names, " ")
}

// bothEras has a revision of each era.
var bothEras = []string{"2025-11-25", "2026-07-28"}

// TestPolicy has every sort of call of a session pass the policy, in both bothEras.
func TestPolicy(t *testing.T) {
	t.Parallel()
	for _, era := range bothEras {
		t.Run(era, func(t *testing.T) {
			t.Parallel()
			server := toolServer(t, era, "read", "write", "secret")
			server.Answer("resources/list", `{"resources":[{"uri":"a:1","name":"1"},{"uri":"b:2","name":"2"}],"extra":{"kept":1.50}}`)
			server.Answer("resources/templates/list", `{"resourceTemplates":[{"uriTemplate":"a:{x}","name":"1"},{"uriTemplate":"b:{x}","name":"2"}]}`)
			server.Answer("resources/read", `{"contents":[]}`)
			server.Answer("prompts/list", `{"prompts":[{"name":"p"},{"name":"q"}]}`)
			server.Answer("prompts/get", `{"messages":[]}`)
			server.Answer("completion/complete", `{"completion":{"values":["x"]}}`)
			server.Answer("com.example/granted", `{}`)
			server.Answer("com.example/other", `{}`)
			s := governed(t, server, caisson.Governance{Policy: rules(t, `
version: 1
servers:
  caissontest:
    tools: [read, {name: write, arguments: {properties: {n: {maximum: 5}}, required: [n]}}]
    resources: ["a:*"]
    prompts: [{name: p, arguments: {required: [x]}}]
    methods: ["com.example/granted"]
`)})
			ctx := testContext(t)
			if got := shownTools(t, s); got != "read write" {
				t.Errorf("it lists %s", got)
			}
			if got, err := call(t, s, "read", nil); got != "read" {
				t.Error(err)
			}
			if got, err := call(t, s, "write", map[string]any{"n": 5}); got != "write" {
				t.Error(err)
			}
			_, err := call(t, s, "write", map[string]any{"n": 6})
			deniedFor(t, err, policy.BadArguments)
			raw, err := s.Request(ctx, "resources/list", nil)
			if want := `"resources":[{"uri":"a:1","name":"1"}]`; err != nil || !strings.Contains(string(raw), want) || !strings.Contains(string(raw), `"extra":{"kept":1.50}`) {
				t.Errorf("it lists %s (%v)", raw, err)
			}
			templates, err := s.ListResourceTemplates(ctx, nil)
			if err != nil || len(templates.ResourceTemplates) != 1 {
				t.Errorf("it lists %v (%v)", templates, err)
			}
			prompts, err := s.ListPrompts(ctx, nil)
			if err != nil || len(prompts.Prompts) != 1 || prompts.Prompts[0].Name != "p" {
				t.Errorf("it lists %v (%v)", prompts, err)
			}
			complete := func(ref *mcp.CompleteReference) error {
				_, err := s.Complete(ctx, &mcp.CompleteParams{Ref: ref, Argument: mcp.CompleteParamsArgument{Name: "x", Value: "y"}})
				return err
			}
			startTask := func(tool string) error {
				_, err := s.StartTask(ctx, &mcp.CallToolParams{Name: tool})
				if errors.Is(err, caisson.CodeInvalidArgument) { // The server runs none.
					return nil
				}
				return err
			}
			for what, f := range map[string]func(granted bool) error{
				"CallTool": func(g bool) error { _, err := call(t, s, pick(g, "read", "secret"), nil); return err },
				"Request": func(g bool) error {
					_, err := s.Request(ctx, "tools/call", map[string]any{"name": pick(g, "read", "secret"), "arguments": map[string]any{}})
					return err
				},
				"StartTask": func(g bool) error { return startTask(pick(g, "read", "secret")) },
				"CallToolAs": func(g bool) error {
					_, _, err := caisson.CallToolAs[any](ctx, s, &mcp.CallToolParams{Name: pick(g, "read", "secret")})
					return notStructured(err)
				},
				"ReadResource": func(g bool) error {
					_, err := s.ReadResource(ctx, &mcp.ReadResourceParams{URI: pick(g, "a:1", "b:2")})
					return err
				},
				"GetPrompt": func(g bool) error {
					_, err := s.GetPrompt(ctx, &mcp.GetPromptParams{Name: pick(g, "p", "q"), Arguments: map[string]string{"x": "1"}})
					return err
				},
				"Complete a prompt": func(g bool) error {
					return complete(&mcp.CompleteReference{Type: "ref/prompt", Name: pick(g, "p", "q")})
				},
				"Complete a template": func(g bool) error {
					return complete(&mcp.CompleteReference{Type: "ref/resource", URI: pick(g, "a:{x}", "b:{x}")})
				},
				"an extension": func(g bool) error {
					_, err := s.Request(ctx, pick(g, "com.example/granted", "com.example/other"), nil)
					return err
				},
			} {
				if err := f(true); err != nil {
					t.Errorf("%s: %v", what, err)
				}
				deniedFor(t, f(false), policy.NotGranted)
			}
			_, err = s.GetPrompt(ctx, &mcp.GetPromptParams{Name: "p"})
			deniedFor(t, err, policy.BadArguments)
			if _, err := s.Task("of an earlier session").Get(ctx); err != nil {
				deniedFor(t, err, policy.NotGranted)
			} else {
				t.Error("a strange task is shown")
			}
			if _, err := s.ListTasks(ctx, nil); !errors.Is(err, caisson.CodeDenied) {
				t.Errorf("tasks are listed: %v", err)
			}
			if err := s.Notify(ctx, "com.example/note", nil); !errors.Is(err, caisson.CodeDenied) {
				t.Errorf("a notification is sent: %v", err)
			}
			if era == "2026-07-28" {
				_, err := s.Listen(ctx, &mcp.SubscriptionsListenParams{Notifications: &mcp.NotificationSubscriptions{ResourceSubscriptions: []string{"a:1", "b:2"}}})
				deniedFor(t, err, policy.NotGranted)
				_, err = s.Request(ctx, "subscriptions/listen", json.RawMessage(`{"notifications":{"taskIds":["of an earlier session"]}}`))
				deniedFor(t, err, policy.NotGranted)
			} else {
				deniedFor(t, s.Subscribe(ctx, &mcp.SubscribeParams{URI: "b:2"}), policy.NotGranted)
			}
			// Nothing of what was denied has reached the server.
			for _, r := range server.Requests() {
				for _, bad := range []string{"secret", "b:", `"q"`, "other", "earlier"} {
					if strings.Contains(string(r.Params), bad) || strings.Contains(r.Method, "other") || strings.Contains(r.Method, "note") {
						t.Errorf("the server has got %s %s", r.Method, r.Params)
					}
				}
			}
		})
	}
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// notStructured takes the error away that a result without structured content has.
func notStructured(err error) error {
	if errors.Is(err, caisson.CodeProtocol) {
		return nil
	}
	return err
}

// TestGroupPolicy finds that a group lists and calls what is granted, by the server's own names: another
// server's tool of the same name is not granted with it.
func TestGroupPolicy(t *testing.T) {
	t.Parallel()
	good, evil := toolServer(t, "2025-11-25", "read", "write"), toolServer(t, "2025-11-25", "read", "good__read")
	p := rules(t, "version: 1\nservers:\n  good: {tools: [read]}\n  evil: {tools: [other]}\n")
	for name, rule := range map[string]func(server, name string) string{
		"with prefixes": nil, "with names that shadow each other": func(_, name string) string { return name },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, caisson.ClientOptions{Governance: caisson.Governance{Policy: p}})
			g, err := c.ConnectGroup(testContext(t), serverMap{"good": good.Caisson(), "evil": evil.Caisson(), "none": good.Caisson()}, &caisson.GroupOptions{Name: rule})
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			deniedFor(t, g.Servers()[2].Err, policy.NotGranted)
			var names []string
			for tool, err := range g.Tools(testContext(t)) {
				if err == nil {
					names = append(names, tool.Server+":"+tool.Item.Name)
				}
			}
			want := pick(rule == nil, "good:good__read", "good:read")
			if got := strings.Join(names, " "); got != want {
				t.Errorf("it lists %s", got)
			}
			result, err := g.CallTool(testContext(t), &mcp.CallToolParams{Name: strings.TrimPrefix(want, "good:")})
			if err != nil || result.IsError {
				t.Error(err)
			}
			if _, err := g.CallTool(testContext(t), &mcp.CallToolParams{Name: "evil__read"}); err == nil {
				t.Error("the other server's tool is called")
			}
			if len(evil.Requests("tools/call")) > 0 {
				t.Error("the other server was called")
			}
		})
	}
}

type serverMap map[string]caisson.Server

func (m serverMap) Names() []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
func (m serverMap) Disabled(string) bool { return false }
func (m serverMap) Server(name string) (caisson.Server, error) {
	s := m[name]
	s.Name = name
	return s, nil
}

// TestDenialHidesExistence finds that the errors for what is there and for what is not are the same, whatever
// rule denies it, and that the server hears of neither.
func TestDenialHidesExistence(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"version: 1\nservers: {caissontest: {tools: [other]}}\n",
		"version: 1\nservers: {caissontest: {tools: [{name: hidden, deny: true}, other]}}\n",
		"version: 1\nservers: {caissontest: {readOnly: true, tools: ['*']}}\n",
		"version: 1\nservers: {caissontest: {tools: [{name: '*', readOnly: true}]}}\n",
		"version: 1\nservers: {caissontest: {tools: [{name: '*', principals: [root]}]}}\n",
	} {
		server := toolServer(t, "2025-11-25", "hidden")
		s := governed(t, server, caisson.Governance{Policy: rules(t, text)})
		_, there := call(t, s, "hidden", map[string]any{"a": 1})
		_, not := call(t, s, "absent", map[string]any{"a": 1})
		a, b := deniedFor(t, there, policy.NotGranted), deniedFor(t, not, policy.NotGranted)
		if strings.Replace(a, "hidden", "absent", 1) != b {
			t.Errorf("with %s\n%s\n%s", text, a, b)
		}
		if got := shownTools(t, s); got != "" {
			t.Errorf("with %s it lists %s", text, got)
		}
		if len(server.Requests("tools/call")) > 0 {
			t.Error("the server was called")
		}
	}
}

// TestReadOnlyTools finds that readOnly goes by the server's annotation.
func TestReadOnlyTools(t *testing.T) {
	t.Parallel()
	server := toolServer(t, "2025-11-25", "plain")
	server.AddTool(&mcp.Tool{Name: "reader", Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}}, telling("reader"))
	s := governed(t, server, caisson.Governance{Policy: rules(t, "version: 1\nservers: {caissontest: {readOnly: true, tools: ['*']}}\n")})
	if got, err := call(t, s, "reader", nil); got != "reader" { // Without having been listed.
		t.Error(err)
	}
	_, err := call(t, s, "plain", nil)
	deniedFor(t, err, policy.NotGranted)
	if got := shownTools(t, s); got != "reader" {
		t.Errorf("it lists %s", got)
	}
}

// TestConnectIsGoverned finds that nothing is started, and nobody connected with, that the policy does not
// grant.
func TestConnectIsGoverned(t *testing.T) {
	t.Parallel()
	marker := filepath.Join(t.TempDir(), "started")
	touch := caisson.Server{Name: "s", Command: "touch", Args: []string{marker}, Env: map[string]string{"TOKEN": "x"}}
	web := caisson.Server{Name: "s", URL: "http://127.0.0.1:1/mcp"}
	for _, test := range []struct {
		rules  string
		server caisson.Server
		want   string
	}{
		{"t: {}", touch, "does not grant the server"},
		{"s: {principals: [root]}", touch, "does not grant the server"},
		{"s: {commands: [other]}", touch, `servers.s.commands does not have "touch"`},
		{"s: {environment: []}", touch, `servers.s.environment does not have "TOKEN"`},
		{"s: {environment: [TOKEN]}", caisson.Server{Name: "s", Command: "touch", Args: []string{marker}, InheritEnv: true}, "whole environment"},
		{"s: {origins: ['https://a']}", touch, "nothing here confines a command to origins"},
		{"s: {folders: [{path: /a, access: read}]}", touch, "main does not call confine.Main"},
		{"s: {folders: []}", touch, "main does not call confine.Main"},
		{"s: {ports: [443]}", touch, "main does not call confine.Main"},
		{"s: {ports: []}", web, "this one is none"},
		{"s: {folders: [{path: /a, access: read}]}", web, "this one is none"},
		{"s: {origins: ['https://a', 'http://127.0.0.1']}", web, "servers.s.origins does not have http://127.0.0.1:1"},
		{"s: {commands: [touch]}", web, "the server is not a command"},
	} {
		c := newClient(t, caisson.ClientOptions{Governance: caisson.Governance{Policy: rules(t, "version: 1\nservers: {"+test.rules+"}\n")}})
		_, err := c.Connect(testContext(t), test.server)
		if text := deniedFor(t, err, policy.NotGranted); !strings.Contains(text, test.want) {
			t.Errorf("%s: %s", test.rules, text)
		}
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("the command was started")
	}
}

// TestPolicyOptions finds that a policy's demands are not left out by accident.
func TestPolicyOptions(t *testing.T) {
	t.Parallel()
	for _, g := range []caisson.Governance{
		{Principal: "alice"},
		{Pins: pins.New("")},
		{Policy: rules(t, "version: 1\npins: {mode: enforce}\n")},
		{Policy: rules(t, "version: 1\naudit: {file: a}\n")},
	} {
		if _, err := sharedRuntime(t).NewClient(&caisson.ClientOptions{Governance: g}); !errors.Is(err, caisson.CodeInvalidArgument) {
			t.Errorf("%+v: %v", g, err)
		}
	}
	c := newClient(t, caisson.ClientOptions{})
	if err := c.SetPolicy(rules(t, "version: 1\n")); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Error(err)
	}
}

// TestSetPolicy replaces the policy of an open session.
func TestSetPolicy(t *testing.T) {
	t.Parallel()
	c := newClient(t, caisson.ClientOptions{Governance: caisson.Governance{Policy: rules(t, "version: 1\nservers: {caissontest: {tools: [a]}}\n")}})
	s := connect(t, c, toolServer(t, "2025-11-25", "a", "b").Caisson())
	if got := shownTools(t, s); got != "a" {
		t.Errorf("it lists %s", got)
	}
	if err := c.SetPolicy(rules(t, "version: 1\nservers: {caissontest: {tools: [b]}}\n")); err != nil {
		t.Fatal(err)
	}
	if got := shownTools(t, s); got != "b" {
		t.Errorf("it lists %s", got)
	}
	_, err := call(t, s, "a", nil)
	deniedFor(t, err, policy.NotGranted)
	if err := c.SetPolicy(rules(t, "version: 1\npins: {mode: enforce}\n")); err == nil {
		t.Error("it has pins, and no lock")
	}
}

// TestCallers finds that a rule can be for scripts alone, also in a group that keeps its lists.
func TestCallers(t *testing.T) {
	t.Parallel()
	c := newClient(t, caisson.ClientOptions{Governance: caisson.Governance{Policy: rules(t, "version: 1\nservers: {s: {tools: [a, {name: b, callers: [script]}]}}\n")}})
	g, err := c.ConnectGroup(testContext(t), serverMap{"s": toolServer(t, "2025-11-25", "a", "b").Caisson()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	list := func(ctx context.Context) string {
		result, err := g.ListTools(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, tool := range result.Tools {
			names = append(names, tool.Name)
		}
		return strings.Join(names, " ")
	}
	script := caisson.WithCaller(testContext(t), policy.CallerScript)
	for range 2 {
		if got := list(testContext(t)); got != "s__a" {
			t.Errorf("the program sees %s", got)
		}
		if got := list(script); got != "s__a s__b" {
			t.Errorf("a script sees %s", got)
		}
	}
	if _, err := g.CallTool(script, &mcp.CallToolParams{Name: "s__b"}); err != nil {
		t.Error(err)
	}
	_, err = g.CallTool(testContext(t), &mcp.CallToolParams{Name: "s__b"})
	deniedFor(t, err, policy.NotGranted)
}

// TestQuestionsAreGoverned finds that a server asks what the policy lets it, and that nothing else is declared
// to it. Each decision is in the log.
func TestQuestionsAreGoverned(t *testing.T) {
	t.Parallel()
	questions := map[string]struct {
		method string
		params any
	}{
		"elicitation": {"elicitation/create", map[string]any{"message": "?", "mode": "form", "requestedSchema": map[string]any{"type": "object", "properties": map[string]any{}}}},
		"sampling":    {"sampling/createMessage", map[string]any{"messages": []any{}, "maxTokens": 1}},
		"roots":       {"roots/list", map[string]any{}},
	}
	for _, era := range bothEras {
		for _, asks := range []string{"elicitation", "sampling", "roots", ""} {
			t.Run(era+" "+asks, func(t *testing.T) {
				t.Parallel()
				server := caissontest.NewServer(t, era)
				for name, q := range questions {
					server.AddTool(&mcp.Tool{Name: name}, func(call *caissontest.Call) (any, error) {
						answer, err := call.Ask(q.method, q.params)
						if err != nil {
							return nil, err
						}
						return caissontest.Text(string(answer)), nil
					})
				}
				path := filepath.Join(t.TempDir(), "audit.jsonl")
				log, err := audit.Open(path, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer log.Close()
				asked := map[string]bool{}
				c := newClient(t, caisson.ClientOptions{
					Handlers: caisson.Handlers{
						ElicitationHandler: func(context.Context, *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
							asked["elicitation"] = true
							return &mcp.ElicitResult{Action: "accept", Content: map[string]any{}}, nil
						},
						CreateMessageHandler: func(context.Context, *caisson.Request[*mcp.CreateMessageParams]) (*mcp.CreateMessageResult, error) {
							asked["sampling"] = true
							return &mcp.CreateMessageResult{Role: "assistant", Model: "m", Content: &mcp.TextContent{Text: "x"}}, nil
						},
						ListRootsHandler: func(context.Context, *caisson.Request[*mcp.ListRootsParams]) (*mcp.ListRootsResult, error) {
							asked["roots"] = true
							return &mcp.ListRootsResult{Roots: []*mcp.Root{}}, nil
						},
					},
					Governance: caisson.Governance{Audit: log, Policy: rules(t, "version: 1\naudit: {file: '"+path+"'}\nservers: {caissontest: {tools: ['*'], asks: ["+asks+"]}}\n")},
				})
				s := connect(t, c, server.Caisson())
				for name := range questions {
					_, err := call(t, s, name, nil)
					if may := name == asks; asked[name] != may || (err == nil) != may {
						t.Errorf("%s: asked: %v, and the call: %v", name, asked[name], err)
					}
				}
				for _, r := range server.Requests("initialize", "server/discover") {
					for name := range questions {
						if strings.Contains(string(r.Params), `"`+name+`"`) != (name == asks) {
							t.Errorf("it is declared: %s", r.Params)
						}
					}
				}
				effects := map[string]string{}
				for r, err := range audit.Records(path) {
					if err != nil {
						t.Fatal(err)
					}
					if r.Event == audit.Decision && r.Kind == string(policy.Asked) {
						effects[r.Name] += r.Effect
					}
				}
				for name, effect := range effects {
					if want := pick(name == asks, "allow", "deny"); effect != want {
						t.Errorf("%s: the log has %q, want %q", name, effect, want)
					}
				}
				if asks != "" && effects[asks] == "" {
					t.Errorf("the log has %v", effects)
				}
			})
		}
	}
}

// TestUpdatesAreGoverned finds that a program hears of no resource that the policy does not grant it.
func TestUpdatesAreGoverned(t *testing.T) {
	t.Parallel()
	server := toolServer(t, "2025-11-25", "a")
	heard := make(chan string, 10)
	c := newClient(t, caisson.ClientOptions{
		Governance: caisson.Governance{Policy: rules(t, "version: 1\nservers: {caissontest: {tools: [a], resources: ['a:*', {name: 'script:*', callers: [script]}]}}\n")},
		Handlers: caisson.Handlers{ResourceUpdatedHandler: func(_ context.Context, r *caisson.Request[*mcp.ResourceUpdatedNotificationParams]) {
			heard <- r.Params.URI
		}},
	})
	connect(t, c, server.Caisson())
	for _, params := range []string{`{"uri":"b:2"}`, `{"uri":"script:1"}`, `{"URI":"b:2","uri":"a:0"}`, `{"uri":"b:2","uri":"a:0"}`, `{}`, `{"uri":"a:1"}`} {
		server.Notify("notifications/resources/updated", json.RawMessage(params))
	}
	select {
	case uri := <-heard:
		if uri != "a:1" {
			t.Errorf("it hears of %s first", uri)
		}
	case <-testContext(t).Done():
		t.Error("it hears of nothing")
	}
}

// TestBoundsOfCalls finds the rates, the calls at once, and the sizes that a policy allows.
func TestBoundsOfCalls(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := toolServer(t, "2025-11-25", "few", "large")
	started := make(chan struct{}, 10)
	server.AddTool(&mcp.Tool{Name: "slow"}, func(call *caissontest.Call) (any, error) {
		started <- struct{}{}
		return caissontest.Text("done"), call.Wait(release)
	})
	s := governed(t, server, caisson.Governance{Policy: rules(t, `
version: 1
servers:
  caissontest:
    tools:
      - {name: few, rate: {maxTokens: 2, refillPeriod: 1h}}
      - {name: slow, concurrency: 1}
      - {name: large, maxArgumentBytes: 20, maxResultBytes: 10}
`)})
	for range 2 {
		if _, err := call(t, s, "few", nil); err != nil {
			t.Error(err)
		}
	}
	_, err := call(t, s, "few", nil)
	deniedFor(t, err, policy.TooOften)
	var no *policy.DeniedError
	if errors.As(err, &no); no == nil || no.RetryAfter < time.Minute {
		t.Errorf("%+v", no)
	}
	first := make(chan error)
	go func() { _, err := call(t, s, "slow", nil); first <- err }()
	<-started
	_, err = call(t, s, "slow", nil)
	deniedFor(t, err, policy.TooMany)
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if _, err := call(t, s, "slow", nil); err != nil {
		t.Error(err)
	}
	_, err = call(t, s, "large", nil)
	deniedFor(t, err, policy.TooLarge)
	_, err = call(t, s, "large", map[string]string{"x": strings.Repeat("x", 20)})
	deniedFor(t, err, policy.TooLarge)
}

// TestOddParams finds that a call is decided by the value that is sent: what two readers could read in two ways
// is not sent at all.
func TestOddParams(t *testing.T) {
	t.Parallel()
	server := toolServer(t, "2025-11-25", "safe", "evil")
	s := governed(t, server, caisson.Governance{Policy: rules(t, "version: 1\nservers: {caissontest: {tools: [{name: safe, arguments: {properties: {p: {const: good}}}}]}}\n")})
	for _, params := range []string{
		`{"name":"safe","name":"evil"}`, `{"name":"evil","name":"safe"}`, `{"name":"safe","Name":"evil"}`, `{"name":"safe","NAME":"evil","arguments":{}}`,
		`{"name":"safe","\u006eame":"evil"}`, `{"name":"safe","arguments":{"p":"good","p":"bad"}}`, `{"name":"safe","arguments":{"p":"good"},"arguments":{"p":"bad"}}`,
		`{"name":"safe","arguments":{"P":"bad"}}`, `{"name":"safe","Arguments":{"p":"bad"}}`, `{"name":["safe"]}`, `{"name":{"toString":"safe"}}`, `{"Name":"safe"}`, `{}`,
		`{"name":"safe","arguments":{"p":"\ud800"}}`, `{"name":"safe\ud800"}`, `{"name":"safe","_meta":{"a":1,"a":2}}`, `{"name":"safe","arguments":{"x":1e999}}`,
		`{"name":"SAFE"}`, `{"name":"safe "}`, `{"name":"safe\u200b"}`, `{"name":"sa\u0000fe"}`,
	} {
		if _, err := s.Request(testContext(t), "tools/call", json.RawMessage(params)); !errors.Is(err, caisson.CodeDenied) {
			t.Errorf("%s: %v", params, err)
		}
	}
	if requests := server.Requests("tools/call"); len(requests) > 0 {
		t.Errorf("the server has got %s", requests[0].Params)
	}
	for _, method := range []string{"Tools/call", "tools/call ", "tools/call\u200b", "TOOLS/CALL", "tools//call"} {
		if _, err := s.Request(testContext(t), method, map[string]any{"name": "safe"}); !errors.Is(err, caisson.CodeDenied) {
			t.Errorf("%q: %v", method, err)
		}
	}
	if _, err := s.Request(testContext(t), "tools/call", json.RawMessage(`{ "arguments" : {"p":"\u0067ood"}, "name": "s\u0061fe" }`)); err != nil {
		t.Error(err)
	}
}

// TestMiddlewareIsGoverned finds that what a middleware makes of a call is decided about, too.
func TestMiddlewareIsGoverned(t *testing.T) {
	t.Parallel()
	server := toolServer(t, "2025-11-25", "safe", "evil")
	c := newClient(t, caisson.ClientOptions{
		Governance: caisson.Governance{Policy: rules(t, "version: 1\nservers: {caissontest: {tools: [safe]}}\n")},
		SendingMiddleware: inFront(func(next caisson.MethodHandler, ctx context.Context, s *caisson.Session, method string, _ json.RawMessage) (json.RawMessage, error) {
			return next(ctx, s, method, json.RawMessage(`{"name":"evil"}`))
		}),
	})
	_, err := connect(t, c, server.Caisson()).CallTool(testContext(t), &mcp.CallToolParams{Name: "safe"})
	deniedFor(t, err, policy.NotGranted)
}

// TestServerErrorsAreNotDenials finds that a server cannot pose as the policy.
func TestServerErrorsAreNotDenials(t *testing.T) {
	t.Parallel()
	server := caissontest.NewServer(t, "2025-11-25")
	server.Fail("tools/call", &jsonrpc.Error{Code: -32000, Message: "the policy does not grant the tool"})
	s := governed(t, server, caisson.Governance{Policy: rules(t, "version: 1\nservers: {caissontest: {tools: [a]}}\n")})
	if _, err := call(t, s, "a", nil); !errors.Is(err, caisson.CodeRPC) || errors.Is(err, caisson.CodeDenied) {
		t.Error(err)
	}
}

// TestAudit finds a line for each decision, before the call, and one for each outcome.
func TestAudit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	log, err := audit.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	before := make(chan int, 10)
	server := toolServer(t, "2025-11-25", "hidden")
	server.AddTool(&mcp.Tool{Name: "a"}, func(*caissontest.Call) (any, error) {
		n := 0
		for range audit.Records(path) {
			n++
		}
		before <- n
		return caissontest.Failure("no"), nil
	})
	p := rules(t, `
version: 1
audit: {file: "`+path+`", content: all, redact: [password]}
servers:
  caissontest:
    tools: [{name: a, redact: {arguments: [/user/key], result: [/content/*/text]}, maxArgumentBytes: 200}]
`)
	s := governed(t, server, caisson.Governance{Policy: p, Audit: log, Principal: "alice"})
	ctx := caisson.WithCaller(testContext(t), policy.CallerScript)
	if _, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "a", Arguments: json.RawMessage(`{"user":{"key":"s3cret","Password":"s3cret"},"n":1.50}`)}); err != nil {
		t.Fatal(err)
	}
	if n := <-before; n != 2 && n != 3 {
		t.Errorf("the decision was written after the call: %d", n)
	}
	_, err = call(t, s, "hidden", map[string]any{"password": "s3cret"})
	deniedFor(t, err, policy.NotGranted)
	var records []audit.Record
	for r, err := range audit.Records(path) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind == "tool" {
			records = append(records, *r)
		}
	}
	if len(records) != 3 {
		t.Fatalf("%+v", records)
	}
	d, o, no := records[0], records[1], records[2]
	if d.Event != audit.Decision || d.Effect != "allow" || d.Rule != "servers.caissontest.tools[0]" || d.Principal != "alice" || d.Caller != "script" || d.Policy != p.Version() || d.ArgumentsHash == "" ||
		string(d.Arguments) != `{"n":1.50,"user":{"Password":"[redacted]","key":"[redacted]"}}` {
		t.Errorf("%+v %s", d, d.Arguments)
	}
	if o.Event != audit.Outcome || o.Call != d.Call || !o.IsError || o.ResultBytes == 0 || strings.Contains(string(o.Result), `"no"`) || !strings.Contains(string(o.Result), "[redacted]") {
		t.Errorf("%+v %s", o, o.Result)
	}
	if no.Effect != "deny" || no.Reason != string(policy.NotGranted) || no.Rule != "servers.caissontest" || no.Caller != "program" {
		t.Errorf("%+v", no)
	}
	text, _ := os.ReadFile(path)
	if strings.Contains(string(text), "s3cret") {
		t.Errorf("the log has the secret: %s", text)
	}
}

// TestAuditOfScripts finds that the log says which script made a call, and of which source, and that declarations have
// what the policy grants a script.
func TestAuditOfScripts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	log, err := audit.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p := rules(t, "version: 1\naudit: {file: '"+path+"'}\nplugins: {own: {tools: [add]}}\n")
	client := newClient(t, caisson.ClientOptions{Governance: caisson.Governance{Policy: p, Audit: log}})
	own := &caisson.Functions{}
	for _, name := range []string{"add", "remove"} {
		if err := caisson.AddFunction(own, name, "", func(context.Context, struct{}) (int, error) { return 1, nil }); err != nil {
			t.Fatal(err)
		}
	}
	tools, err := caisson.NewToolSet(map[string]caisson.Caller{"own": own})
	if err != nil {
		t.Fatal(err)
	}
	declared, err := client.Declarations(testContext(t), tools, caisson.TypeScriptDeclarations)
	if err != nil || !strings.Contains(declared, "add(") || strings.Contains(declared, "remove(") {
		t.Errorf("the policy grants add alone: %v\n%s", err, declared)
	}
	const source = "await tools.own.add({})"
	if _, err := client.RunScript(testContext(t), caisson.Script{Name: "report.js", Source: source, Tools: tools}); err != nil {
		t.Fatal(err)
	}
	sum, found := sha256.Sum256([]byte(source)), 0
	for r, err := range audit.Records(path) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind != "tool" || r.Event != audit.Decision {
			continue
		}
		found++
		if r.Caller != "script" || r.Script != "report.js" || r.ScriptHash != hex.EncodeToString(sum[:]) {
			t.Errorf("%+v", r)
		}
	}
	if found != 1 {
		t.Errorf("the log has %d decisions", found)
	}
}

// TestAuditFails finds that no call is made whose decision cannot be written, unless the policy says otherwise.
func TestAuditFails(t *testing.T) {
	t.Parallel()
	for _, optional := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		log, err := audit.Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		server := toolServer(t, "2025-11-25", "a")
		s := governed(t, server, caisson.Governance{Audit: log, Policy: rules(t, fmt.Sprintf("version: 1\naudit: {file: %q, optional: %v}\nservers: {caissontest: {tools: [a]}}\n", path, optional))})
		_ = log.Close()
		_, err = call(t, s, "a", nil)
		if optional && err != nil {
			t.Error(err)
		} else if !optional {
			deniedFor(t, err, policy.NoAudit)
		}
		if got := len(server.Requests("tools/call")); (got == 1) != optional {
			t.Errorf("the server was called %d times", got)
		}
	}
}

// TestManyGoverned has many calls at once under a policy with all of its checks.
func TestManyGoverned(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	log, err := audit.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s := governed(t, toolServer(t, "2025-11-25", "a"), caisson.Governance{
		Audit:   log,
		Approve: func(_ context.Context, q *policy.Question) (policy.Answer, error) { return q.Yes(""), nil },
		Policy:  rules(t, fmt.Sprintf("version: 1\naudit: {file: %q}\nservers: {caissontest: {tools: [{name: a, ask: {}, rate: {maxTokens: 1000, refillPeriod: 1h}, concurrency: 100}]}}\n", path)),
	})
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			if _, err := call(t, s, "a", map[string]int{"i": i}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	report, err := audit.Verify(path, "")
	if err != nil || report.Records != 102 {
		t.Errorf("%+v %v", report, err)
	}
}

// TestGuardWithoutClient finds that a policy stands in front of a Caller without any client, as a client puts it
// there, and that wrong options are an error.
func TestGuardWithoutClient(t *testing.T) {
	t.Parallel()
	options := &caisson.ClientOptions{Governance: caisson.Governance{Policy: rules(t, "version: 1\nplugins: {p: {tools: [other]}}\n")}}
	guarded, err := caisson.Guard(options, policy.Plugin, "p", fixedCaller{})
	if err != nil {
		t.Fatal(err)
	}
	page, err := guarded.ListTools(testContext(t), nil)
	if err != nil || len(page.Tools) > 0 {
		t.Errorf("%v, %v", page, err)
	}
	_, err = guarded.CallTool(testContext(t), &mcp.CallToolParams{Name: "fixed"})
	deniedFor(t, err, policy.NotGranted)
	if free, err := caisson.Guard(nil, policy.Plugin, "p", fixedCaller{}); err != nil || free != caisson.Caller(fixedCaller{}) {
		t.Errorf("%v, %v", free, err)
	}
	options.Policy = rules(t, enforcing)
	if _, err := caisson.Guard(options, policy.Plugin, "p", fixedCaller{}); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Errorf("it has pins, and no lock file: %v", err)
	}
}
