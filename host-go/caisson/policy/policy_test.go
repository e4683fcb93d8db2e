package policy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

func newPolicy(t testing.TB, servers ...policy.Source) *policy.Policy {
	t.Helper()
	p, err := policy.New(policy.Rules{Version: 1, Servers: servers})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tool(server, name, arguments string) *policy.Call {
	c := &policy.Call{Server: server, Kind: policy.Tool, Name: name}
	if arguments != "" {
		c.Arguments = json.RawMessage(arguments)
	}
	return c
}

// TestDecide has a policy and what it says of calls.
func TestDecide(t *testing.T) {
	p := newPolicy(
		t,
		policy.Source{
			Name: "files", Asks: []policy.Asking{policy.AskRoots},
			Tools: []policy.Rule{
				{Name: []string{"read_secret"}, Deny: true},
				{Name: []string{"read_*"}},
				{Name: []string{"admin"}, Principals: []string{"root"}},
				{Name: []string{"run"}, Callers: []policy.Caller{policy.CallerScript}},
				{Name: []string{"write"}, Ask: &policy.Ask{Text: "?"}, Arguments: json.RawMessage(`{"required":["path"],"properties":{"path":{"pattern":"^/work/"}}}`)},
				{Name: []string{"*"}, ReadOnly: true},
			},
			Resources: []policy.Rule{{Name: []string{"file:///work/**"}}},
			Prompts:   []policy.Rule{{Name: []string{"sum"}}},
			Methods:   []policy.Rule{{Name: []string{"x/*"}}},
			Limits:    policy.Limits{MaxArgumentBytes: 40},
		},
		policy.Source{Name: "safe", ReadOnly: true, Tools: []policy.Rule{{Name: []string{"**"}}}},
		policy.Source{Name: "team-*", Principals: []string{"a*"}, Tools: []policy.Rule{{Name: []string{"**"}}}},
		policy.Source{Name: "team-x"},
	)
	with := func(c *policy.Call, change func(*policy.Call)) *policy.Call { change(c); return c }
	readOnly := func(c *policy.Call) { c.ReadOnly = true }
	for _, test := range []struct {
		call   *policy.Call
		effect policy.Effect
		reason policy.Reason
		rule   string
	}{
		{tool("files", "read_file", ""), policy.Allow, "", "servers.files.tools[1]"},
		{tool("files", "read_secret", ""), policy.Deny, policy.NotGranted, "servers.files.tools[0]"},
		{with(tool("files", "read_secret", ""), readOnly), policy.Deny, policy.NotGranted, "servers.files.tools[0]"},
		{tool("files", "READ_FILE", ""), policy.Deny, policy.NotGranted, "servers.files"},
		{tool("files", "read_a/b", ""), policy.Deny, policy.NotGranted, "servers.files"},
		{tool("files", "admin", ""), policy.Deny, policy.NotGranted, "servers.files"},
		{with(tool("files", "admin", ""), func(c *policy.Call) { c.Principal = "root" }), policy.Allow, "", "servers.files.tools[2]"},
		{tool("files", "run", ""), policy.Deny, policy.NotGranted, "servers.files"},
		{with(tool("files", "run", ""), func(c *policy.Call) { c.Caller = policy.CallerScript }), policy.Allow, "", "servers.files.tools[3]"},
		{tool("files", "write", `{"path":"/work/a"}`), policy.NeedsAnswer, "", "servers.files.tools[4]"},
		{tool("files", "write", `{"path":"/etc/a"}`), policy.Deny, policy.BadArguments, "servers.files.tools[4]"},
		{tool("files", "write", ""), policy.Deny, policy.BadArguments, "servers.files.tools[4]"},
		{tool("files", "read_file", `{"path":"`+strings.Repeat("x", 40)+`"}`), policy.Deny, policy.TooLarge, "servers.files.tools[1]"},
		{tool("files", "other", ""), policy.Deny, policy.NotGranted, "servers.files"},
		{with(tool("files", "other", ""), readOnly), policy.Allow, "", "servers.files.tools[5]"},
		{tool("safe", "x", ""), policy.Deny, policy.NotGranted, "servers.safe.readOnly"},
		{with(tool("safe", "x/y", ""), readOnly), policy.Allow, "", "servers.safe.tools[0]"},
		{tool("none", "read_file", ""), policy.Deny, policy.NotGranted, ""},
		{tool("Files", "read_file", ""), policy.Deny, policy.NotGranted, ""},
		{tool("team-a", "x", ""), policy.Deny, policy.NotGranted, "servers.team-*"},
		{with(tool("team-a", "x", ""), func(c *policy.Call) { c.Principal = "alice" }), policy.Allow, "", "servers.team-*.tools[0]"},
		{with(tool("team-x", "x", ""), func(c *policy.Call) { c.Principal = "alice" }), policy.Deny, policy.NotGranted, "servers.team-x"},
		{&policy.Call{Server: "files", Kind: policy.Resource, Name: "file:///work/a/b"}, policy.Allow, "", "servers.files.resources[0]"},
		{&policy.Call{Server: "files", Kind: policy.Resource, Name: "file:///work/../etc"}, policy.Deny, policy.NotGranted, "servers.files"},
		{&policy.Call{Server: "files", Kind: policy.Prompt, Name: "sum"}, policy.Allow, "", "servers.files.prompts[0]"},
		{&policy.Call{Server: "files", Kind: policy.Prompt, Name: "read_file"}, policy.Deny, policy.NotGranted, "servers.files"},
		{&policy.Call{Server: "files", Kind: policy.Method, Name: "x/y"}, policy.Allow, "", "servers.files.methods[0]"},
		{&policy.Call{Server: "files", Kind: policy.Method, Name: "tasks/list"}, policy.Deny, policy.NotGranted, "servers.files"},
		{&policy.Call{Server: "files", Kind: policy.Asked, Name: "roots"}, policy.Allow, "", "servers.files.asks"},
		{&policy.Call{Server: "files", Kind: policy.Asked, Name: "sampling"}, policy.Deny, policy.NotGranted, "servers.files"},
		{&policy.Call{Server: "files", Kind: policy.Use, Name: "tools/list"}, policy.Allow, "", "servers.files"},
		{&policy.Call{Server: "none", Kind: policy.Use, Name: "tools/list"}, policy.Deny, policy.NotGranted, ""},
		{&policy.Call{Source: policy.Plugin, Server: "files", Kind: policy.Tool, Name: "read_file"}, policy.Deny, policy.NotGranted, ""},
	} {
		d := p.Decide(test.call)
		if d.Effect != test.effect || d.Reason != test.reason || d.Rule != test.rule {
			t.Errorf("%+v: %s, %s, %s (%s)", *test.call, d.Effect, d.Reason, d.Rule, d.Message)
		}
	}
}

// TestPatterns finds that a wildcard stands for no more than it seems to.
func TestPatterns(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"read", "read", true},
		{"read", "Read", false},
		{"read", "read ", false},
		{"read", "rea\u0064\u0301", false},
		{"re\u00e9", "ree\u0301", false}, // The same to the eye: not the same name.
		{"read_*", "read_", true},
		{"read_*", "read_a", true},
		{"read_*", "xread_a", false},
		{"read_*", "read_a/b", false},
		{"read_**", "read_a/b", true},
		{"*", "", true},
		{"*", "a/b", false},
		{"**", "a/b", true},
		{"read_*", "read_\u200ba", false},
		{"read_*", "read_\u202ea", false},
		{"read_*", "read_a\n", false},
		{"read_*", "read_\u00a0", false},
		{"**", "a\U000e0041", false},
		{"**", "a\ufe0f", false},
		{"**", "a\u3164", false},
		{"**", "a\xff", false},
		{"**", "a\ufffd", false},
		{"read_\u200ba", "read_\u200ba", true}, // Written out.
		{"a.c", "abc", false},
		{"a+", "aa", false},
		{"[ab]", "a", false},
		{"[ab]", "[ab]", true},
		{"(?i)read", "READ", false},
		{"a|b", "a", false},
		{`a\*`, "a*", true},
		{`a\*`, "ab", false},
		{`a\b`, `a\b`, true},
		{`\*\*`, "**", true},
		{`\**`, "*x", true},
		{"$", "", false},
		{"K*", "\u212aelvin", false},
	} {
		p := newPolicy(t, policy.Source{Name: "s", Tools: []policy.Rule{{Name: []string{test.pattern}}}})
		if got := p.Decide(tool("s", test.name, "")).Effect == policy.Allow; got != test.want {
			t.Errorf("%q fits %q: %v", test.pattern, test.name, got)
		}
	}
}

// TestURIs finds that a wildcard in a URI does not lead out of its folder, in whatever way it is written.
func TestURIs(t *testing.T) {
	p := newPolicy(t, policy.Source{Name: "s", Resources: []policy.Rule{{Name: []string{"file:///work/**", "mem://*/x", "file:///a/../b"}}}})
	for uri, want := range map[string]bool{
		"file:///work/a": true, "file:///work/a/b.txt": true, "file:///work/..a": true, "file:///work/a?x=1": true, "file:///work/%20": true, "mem://a/x": true,
		"file:///a/../b": true, // Written out.
		"file:///worker": false, "FILE:///work/a": false, "file:///work": false, "mem://a/b/x": false,
		"file:///work/../etc": false, "file:///work/./../etc": false, "file:///work/a/..": false, "file:///work/%2e%2e/etc": false,
		"file:///work/%2E./etc": false, "file:///work/..%2fetc": false, "file:///work/%252e%252e/etc": false, `file:///work/..\etc`: false,
		`file:///work/a%5c..%5cetc`: false, "file:///work/a%00": false, "file:///work/%zz": false, "file:///work/..;/etc": false,
		"file:///work/a#/../etc": false, "file:///work/\u200b": false, "file:///work/..?a": false,
	} {
		if got := p.Decide(&policy.Call{Server: "s", Kind: policy.Resource, Name: uri}).Effect == policy.Allow; got != want {
			t.Errorf("%q: %v", uri, got)
		}
	}
}

// TestDenyMeansMore finds that a rule that denies cannot be gone around by another writing of its name.
func TestDenyMeansMore(t *testing.T) {
	p := newPolicy(t, policy.Source{
		Name:      "s",
		Tools:     []policy.Rule{{Name: []string{"delete_*", "kill"}, Deny: true}, {Name: []string{"**", "KILL\u200b", "DELETE_\u200bx"}}},
		Resources: []policy.Rule{{Name: []string{"file:///secret/**"}, Deny: true}, {Name: []string{"**"}}},
	})
	for name, want := range map[string]bool{
		"read": true, "undelete_x": true, "killer": true, "delete_a": false, "Delete_a": false, "DELETE_A": false, "kill": false, "\u212aill": false, "KiLL": false,
		"KILL\u200b": false, "DELETE_\u200bx": false,
	} {
		if got := p.Decide(tool("s", name, "")).Effect == policy.Allow; got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	for uri, want := range map[string]bool{
		"file:///public/a": true, "file:///public/%20": true, "file:///secret/a": false, "FILE:///Secret/a": false, "file:///%73ecret/a": false, "file:///%2573ecret/a": false,
		"file:///public/../secret/a": false, "file:///public/..%2fsecret/a": false, `file:///public\..\secret\a`: false,
	} {
		if got := p.Decide(&policy.Call{Server: "s", Kind: policy.Resource, Name: uri}).Effect == policy.Allow; got != want {
			t.Errorf("%q: %v", uri, got)
		}
	}
}

// TestOddArguments finds that a rule decides about the value that a server will read.
func TestOddArguments(t *testing.T) {
	p := newPolicy(t, policy.Source{Name: "s", Tools: []policy.Rule{{
		Name:      []string{"t"},
		Arguments: json.RawMessage(`{"properties":{"path":{"pattern":"^/work/"},"n":{"maximum":9007199254740992},"deep":{"properties":{"key":{"const":1}}}}}`),
	}}})
	for arguments, want := range map[string]bool{
		`{}`: true, `{"path":"/work/a"}`: true, `{"path":"\/work\/a"}`: true, `{"n":1.0}`: true, `{"n":1e2}`: true, `{"other":"x"}`: true, `{"n":9007199254740992}`: true,
		`{"path":"/etc"}`:                  false,
		`{"path":"/work/a","path":"/etc"}`: false, `{"path":"/etc","path":"/work/a"}`: false, `{"path":"/work/a","\u0070ath":"/etc"}`: false,
		`{"Path":"/etc"}`: false, `{"PATH":"/etc"}`: false, `{"deep":{"Key":2}}`: false, `{"deep":{"\u212aey":2}}`: false, `{"list":[{"Path":""}]}`: false,
		`{"n":9007199254740993}`: false, `{"n":1e400}`: false, `{"n":-1e400}`: false, `{"n":9007199254740992.00001}`: false,
		`{"path":"/work/\ud800"}`: false, `{"path":"/work/` + "\xff" + `"}`: false, `[1]`: true, `{"a":1} {"b":2}`: false, `{"a":NaN}`: false,
		`{"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`: false,
	} {
		d := p.Decide(tool("s", "t", arguments))
		if got := d.Effect == policy.Allow; got != want {
			t.Errorf("%.60s: %v (%s)", arguments, got, d.Message)
		}
	}
}

func TestRates(t *testing.T) {
	p := newPolicy(t, policy.Source{
		Name: "s*", Limits: policy.Limits{Rate: &policy.Rate{MaxTokens: 3, RefillPeriod: policy.Duration(3 * time.Second)}},
		Tools: []policy.Rule{{Name: []string{"slow*"}, Limits: policy.Limits{Rate: &policy.Rate{MaxTokens: 1, RefillPeriod: policy.Duration(time.Minute)}}}, {Name: []string{"*"}}},
	})
	now := time.Unix(1000, 0)
	take := func(principal, server, name string) *policy.DeniedError {
		call := tool(server, name, "")
		call.Principal = principal
		return p.Take(t.Context(), call, p.Decide(call), now)
	}
	ok := func(denied *policy.DeniedError) {
		t.Helper()
		if denied != nil {
			t.Error(denied)
		}
	}
	not := func(denied *policy.DeniedError, after time.Duration) {
		t.Helper()
		if denied == nil || denied.Reason != policy.TooOften || denied.RetryAfter.Round(time.Millisecond) != after {
			t.Errorf("%+v, and not after %v", denied, after)
		}
	}
	ok(take("a", "s1", "slow1"))
	for range 5 {
		not(take("a", "s1", "slow1"), time.Minute) // It takes nothing from the server's bucket.
	}
	ok(take("a", "s1", "slow2"))
	ok(take("a", "s1", "x"))
	not(take("a", "s1", "x"), time.Second)
	ok(take("b", "s1", "x"))
	ok(take("a", "s2", "x"))
	now = now.Add(time.Second)
	ok(take("a", "s1", "x"))
	not(take("a", "s1", "x"), time.Second)

	for i := range 70_000 { // Principals without end.
		denied := take(fmt.Sprint("p", i), "s1", "x")
		if denied != nil && denied.Reason != policy.TooOften {
			t.Fatal(denied)
		}
	}
	now = now.Add(time.Minute)
	ok(take("new", "s1", "x"))
}

// TestRatesOfMadeUpNames has one principal call more names than are counted. The others' calls are counted as before.
func TestRatesOfMadeUpNames(t *testing.T) {
	p := newPolicy(t, policy.Source{
		Name: "s", Tools: []policy.Rule{{Name: []string{"*"}, Limits: policy.Limits{Rate: &policy.Rate{MaxTokens: 1, RefillPeriod: policy.Duration(time.Minute)}}}},
	})
	now := time.Unix(1000, 0)
	take := func(principal, name string) *policy.DeniedError {
		call := tool("s", name, "")
		call.Principal = principal
		return p.Take(t.Context(), call, p.Decide(call), now)
	}
	denied := 0
	for i := range 70_000 {
		if take("flood", fmt.Sprint("x", i)) != nil {
			denied++
		}
	}
	if denied == 0 {
		t.Error("one principal has as many buckets as it wants")
	}
	if no := take("other", "x"); no != nil {
		t.Errorf("another principal is denied: %v", no)
	}
	if no := take("other", "x"); no == nil {
		t.Error("its calls are not counted")
	}
	now = now.Add(time.Minute)
	if no := take("flood", "y"); no != nil {
		t.Errorf("after its buckets are full: %v", no)
	}
}

func TestConcurrency(t *testing.T) {
	p := newPolicy(t, policy.Source{Name: "s", Limits: policy.Limits{Concurrency: 2}, Tools: []policy.Rule{{Name: []string{"one"}, Limits: policy.Limits{Concurrency: 1}}, {Name: []string{"*"}}}})
	begin := func(name string) (func(), *policy.DeniedError) {
		call := tool("s", name, "")
		return p.Begin(t.Context(), call, p.Decide(call))
	}
	one, denied := begin("one")
	if denied != nil {
		t.Fatal(denied)
	}
	if _, denied := begin("one"); denied == nil || denied.Reason != policy.TooMany {
		t.Errorf("%v", denied)
	}
	two, denied := begin("x")
	if denied != nil {
		t.Fatal(denied)
	}
	if _, denied := begin("x"); denied == nil {
		t.Error("a third call begins")
	}
	one()
	two()
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if done, denied := begin("one"); denied == nil {
				done()
			}
		})
	}
	all.Wait()
	if done, denied := begin("one"); denied != nil {
		t.Error(denied)
	} else {
		done()
	}
}

func TestHide(t *testing.T) {
	text := `{"a":{"b":"s","c":[{"k":"s"},{"k":"t"}]},"Token":"s","x/y":1,"n":12345678901234567890}`
	for _, test := range []struct {
		members []string
		want    string
	}{
		{nil, `{"Token":"s","a":{"b":"s","c":[{"k":"s"},{"k":"t"}]},"n":12345678901234567890,"x/y":1}`},
		{[]string{"/a/b", "/a/c/*/k", "token", "/x~1y", "/none"}, `{"Token":"[redacted]","a":{"b":"[redacted]","c":[{"k":"[redacted]"},{"k":"[redacted]"}]},"n":12345678901234567890,"x/y":"[redacted]"}`},
		{[]string{"k", "/a/c/0"}, `{"Token":"s","a":{"b":"s","c":["[redacted]",{"k":"[redacted]"}]},"n":12345678901234567890,"x/y":1}`},
		{[]string{"a"}, `{"Token":"s","a":"[redacted]","n":12345678901234567890,"x/y":1}`},
		{[]string{"/A/B", "/token", "/a/C/1/K"}, `{"Token":"[redacted]","a":{"b":"[redacted]","c":[{"k":"s"},{"k":"[redacted]"}]},"n":12345678901234567890,"x/y":1}`},
	} {
		if got := string(policy.Hide([]byte(text), test.members...)); got != test.want {
			t.Errorf("%v: %s", test.members, got)
		}
	}
	// A text that is JSON is looked at too, and one that is not, or has nothing to hide, stays as it is.
	for text, want := range map[string]string{
		`["{\"A\": \"s\", \"b\": 12345678901234567890}"]`: `["{\"A\":\"[redacted]\",\"b\":12345678901234567890}"]`,
		`{"t":" [{\"x\":\"{\\\"a\\\":1}\"}]"}`:            `{"t":"[{\"x\":\"{\\\"a\\\":\\\"[redacted]\\\"}\"}]"}`,
		`["{ \"b\": 1 }","{\"a\":1","a","[1] a"]`:         `["{ \"b\": 1 }","{\"a\":1","a","[1] a"]`,
	} {
		if got := string(policy.Hide([]byte(text), "a")); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
	if got := string(policy.Hide([]byte(`{"content":[{"text":"{\"key\":1,\"b\":{\"key\":2}}"}]}`), "/content/*/text/key")); got != `{"content":[{"text":"{\"b\":{\"key\":2},\"key\":\"[redacted]\"}"}]}` {
		t.Errorf("a pointer into a text: %s", got)
	}
	for _, text := range []string{"", "{", "secret", `{"a":1} secret`, `{"a":1}] secret`} {
		if got := string(policy.Hide([]byte(text), "a")); got != `"[redacted]"` {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func TestVersion(t *testing.T) {
	a, b := newPolicy(t, policy.Source{Name: "a"}), newPolicy(t, policy.Source{Name: "a"})
	c := newPolicy(t, policy.Source{Name: "a", Tools: []policy.Rule{{Name: []string{"x"}}}})
	if a.Version() != b.Version() || a.Version() == c.Version() || len(a.Version()) != 64 {
		t.Errorf("%s, %s, %s", a.Version(), b.Version(), c.Version())
	}
}

// TestErrors finds that all errors are told, each with its key.
func TestErrors(t *testing.T) {
	_, err := policy.New(policy.Rules{Servers: []policy.Source{{Name: "my files", Tools: []policy.Rule{{}}}, {Name: "my files"}, {Name: ""}}})
	for _, want := range []string{"version: the version", `servers."my files".tools[0].name: it is missing`, `servers."my files": it stands here twice`, `servers."": a name is empty`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nhas no %s", err, want)
		}
	}
	var wrong *policy.RuleError
	if !errors.As(err, &wrong) {
		t.Errorf("%T", err)
	}
}

// FuzzDecide finds no input at which a decision panics, and that the same value gets the same decision however
// it is written.
func FuzzDecide(f *testing.F) {
	f.Add("read_*", "read_a", `{"path":"/work/a"}`)
	f.Add(`\**`, "*", `{"Path":1}`)
	f.Fuzz(func(t *testing.T, pattern, name, arguments string) {
		p, err := policy.New(policy.Rules{Version: 1, Servers: []policy.Source{{
			Name:      "s",
			Tools:     []policy.Rule{{Name: []string{pattern}, Arguments: json.RawMessage(`{"properties":{"path":{"type":"string"}}}`)}},
			Resources: []policy.Rule{{Name: []string{pattern}}},
		}}})
		if err != nil {
			return
		}
		d := p.Decide(tool("s", name, arguments))
		p.Decide(&policy.Call{Server: "s", Kind: policy.Resource, Name: name})
		var value any
		if d.Effect == policy.Allow && arguments != "" {
			if err := json.Unmarshal([]byte(arguments), &value); err != nil {
				t.Fatalf("%q is allowed", arguments)
			}
			again, _ := json.Marshal(value)
			if p.Decide(tool("s", name, string(again))).Effect != policy.Allow {
				t.Fatalf("%q is allowed, and %s is not", arguments, again)
			}
		}
	})
}
