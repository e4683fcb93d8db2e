package elicit_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/caisson/policy/elicit"
)

// A reader is a client that keeps what it is shown.
type reader struct{ shown string }

func (*reader) Principal() string  { return "alice" }
func (*reader) ClientName() string { return "editor" }
func (r *reader) Elicit(_ context.Context, params *mcp.ElicitParams) (*mcp.ElicitResult, error) {
	r.shown = params.Message
	return &mcp.ElicitResult{Action: "decline"}, nil
}

// TestMessage has others choose names and arguments: what they say stays in sight, and on lines of its own.
func TestMessage(t *testing.T) {
	t.Parallel()
	rules, err := policy.New(policy.Rules{Version: 1, People: []policy.Person{{Principal: "alice", Clients: []string{"editor"}}}})
	if err != nil {
		t.Fatal(err)
	}
	const evil = "rm -rf /"
	quoted := func(text string) string { return `{"command":"` + text + `"}` }
	for name, test := range map[string]struct {
		kind      policy.Kind
		tool      string
		arguments string
		hides     bool // it is not shown at all: nobody can be asked
	}{
		"plain":                    {policy.Tool, "run", quoted(evil), false},
		"behind spaces":            {policy.Tool, "run", quoted("ls" + strings.Repeat(" ", 9000) + evil), false},
		"behind a long word":       {policy.Tool, "run", quoted(strings.Repeat("x", 9000) + evil), false},
		"deep":                     {policy.Tool, "run", strings.Repeat(`{"a":`, 60) + quoted(evil) + strings.Repeat("}", 60), false},
		"behind empty lines":       {policy.Tool, "run", quoted(strings.Repeat(`\n`, 2000) + evil), false},
		"another line":             {policy.Tool, "run\n    arguments: none", quoted(evil), false},
		"another line by a fold":   {policy.Tool, "run", quoted(strings.Repeat("x", 85) + "called by: program " + evil), false},
		"a return":                 {policy.Tool, "run\r    arguments: none", quoted(evil), false},
		"backwards":                {policy.Tool, "run\u202e", quoted("\u202e" + evil), false},
		"a separator of lines":     {policy.Tool, "run\u2028x", quoted("\u2028\u2029\u0085" + evil), false},
		"tags":                     {policy.Tool, "run\U000e0041", quoted(evil), false},
		"an escape of a terminal":  {policy.Tool, "run\x1b[2K", quoted(evil), false},
		"broken bytes":             {policy.Tool, "run\xff", quoted(evil), false},
		"huge":                     {policy.Tool, "run", quoted(strings.Repeat("x", 17000) + evil), true},
		"a huge name":              {policy.Tool, strings.Repeat("x", 17000), quoted(evil), true},
		"many characters, unseen":  {policy.Tool, "run", quoted(strings.Repeat("\u200b", 5000) + evil), true},
		"no JSON":                  {policy.Tool, "run", `{"command":` + evil, true},
		"a call that has no kind":  {"", "run", quoted(evil), false},
		"a call that has no names": {"", "", quoted(evil), false},
	} {
		client := &reader{}
		q := policy.NewQuestion(rules, policy.Question{
			Call:  policy.Call{Principal: "alice", Server: "s", Kind: test.kind, Name: test.tool, Arguments: json.RawMessage(test.arguments)},
			Until: time.Now().Add(time.Hour),
		})
		answer, err := elicit.Approve(elicit.WithClient(context.Background(), client), q)
		if yes, _, _, _ := q.Take(answer, time.Now()); yes || (err != nil) != test.hides || (client.shown == "") != test.hides {
			t.Errorf("%s: yes: %t, shown: %t, %v", name, yes, client.shown != "", err)
		}
		if test.hides {
			continue
		}
		if !strings.Contains(strings.ReplaceAll(client.shown, "\n    ↪ ", ""), evil) {
			t.Errorf("%s: it does not show the command:\n%s", name, client.shown)
		}
		starts := 0
		for i, line := range strings.Split(client.shown, "\n") {
			if utf8.RuneCountInString(line) > 110 {
				t.Errorf("%s: line %d has %d characters", name, i, utf8.RuneCountInString(line))
			}
			if strings.Contains(strings.TrimLeft(line, " ↪"), strings.Repeat(" ", 50)) {
				t.Errorf("%s: line %d hides something behind spaces", name, i)
			}
			for _, start := range []string{"    arguments: ", "    called by: ", "    for: ", "    server: "} {
				if strings.HasPrefix(line, start) {
					starts++
				}
			}
			for _, r := range line {
				if r == '\r' || r == '\x1b' || r == '\u202e' || r == '\u2028' || r == utf8.RuneError || r >= 0xe0000 {
					t.Errorf("%s: line %d has %q", name, i, r)
				}
			}
		}
		if starts != 4 {
			t.Errorf("%s: %d lines begin like those of the question:\n%s", name, starts, client.shown)
		}
	}
}

// A person is a client at which a person says yes to what is asked.
type person struct{ reader }

func (p *person) Elicit(_ context.Context, params *mcp.ElicitParams) (*mcp.ElicitResult, error) {
	p.shown = params.Message
	content := map[string]any{}
	for name := range params.RequestedSchema.(map[string]any)["properties"].(map[string]any) {
		content[name] = "yes"
	}
	return &mcp.ElicitResult{Action: "accept", Content: content}, nil
}

// TestWho has a rule ask somebody: nobody else is asked, and whoever is sees whom the rule names.
func TestWho(t *testing.T) {
	t.Parallel()
	rules, err := policy.New(policy.Rules{Version: 1, People: []policy.Person{{Principal: "alice", Clients: []string{"editor"}}}})
	if err != nil {
		t.Fatal(err)
	}
	for who, accepted := range map[string]bool{"": true, "alice": true, "al*": true, "**": true, "security": false, "Alice": false, "alic": false} {
		client := &person{}
		q := policy.NewQuestion(rules, policy.Question{
			Who: who, Call: policy.Call{Principal: "alice", Server: "s", Kind: policy.Tool, Name: "run"}, Until: time.Now().Add(time.Hour),
		})
		answer, err := elicit.Approve(elicit.WithClient(context.Background(), client), q)
		if errors.Is(err, policy.ErrNotAsked) == accepted || (err == nil) != accepted {
			t.Errorf("who %q: %v", who, err)
		}
		if yes, _, _, _ := q.Take(answer, time.Now()); yes != accepted {
			t.Errorf("who %q: the answer is a yes: %t", who, yes)
		}
		if (client.shown != "") != accepted || strings.Contains(client.shown, "\n    asked: "+who+"\n") != (accepted && who != "") {
			t.Errorf("who %q: it shows\n%s", who, client.shown)
		}
	}
}
