//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestCalls runs each command that makes one call, in the two eras of the protocol.
func TestCalls(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	server := serveFull(t)
	for _, test := range []struct {
		line, want, stderr string
	}{
		{"list-resources", `test:///blob  A picture, image/png, 12.3 kB
test:///evil  evil\u{1b}[2J
              first
test:///text  text, text/plain
`, ""},
		{"list-resource-templates", "test:///files/{path}  files, text/plain\n                      Any file.\n", ""},
		{"list-prompts", "greet  Greets.\n       who, style?\nplain  no arguments\n", ""},
		{"read-resource test:///text", "the text of test:///text\n", ""},
		{"read-resource test:///blob", "the text of test:///blob\n[test:///blob, image/png, 6 bytes]\n", ""},
		{"read-resource test:///files/a", "the text of test:///files/a\n", ""},
		{"get-prompt greet who=you style=a=b", "A greeting\n\nuser:\nGreet map[style:a=b who:you]\n\nassistant:\n[image: image/png, 3 bytes]\n", ""},
		{"get-prompt plain", "user:\nHello.\n", ""},
		{"complete --prompt greet style=k", "greet style\nk\\u{1b}[31m\n", "these are 2 of 9"},
		{"complete --template test:///files/{path} path= a=b", "test:///files/{path} path\n\\u{1b}[31m\nmap[a:b]\n", "these are 3 of 9"},
	} {
		for era, server := range map[string][]string{"old": server.old, "new": server.new} {
			t.Run(test.line+" "+era, func(t *testing.T) {
				t.Parallel()
				words := strings.Fields(test.line)
				o := caissonRun(t, slices.Concat(words[:1], server, words[1:])...)
				o.expect(t, exitOK, test.stderr)
				if diff := cmp.Diff(test.want, o.out); diff != "" {
					t.Errorf("output (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestCallsJSON checks that the results are unchanged.
func TestCallsJSON(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	for line, method := range map[string]string{
		"list-resources":          `resources/list {"resources":[{"uri":"a:b","name":"c","new":1.0}]}`,
		"list-resource-templates": `resources/templates/list {"resourceTemplates":[],"new":1.0}`,
		"list-prompts":            `prompts/list {"prompts":[{"name":"<&>","new":9007199254740993}]}`,
		"read-resource a:b":       `resources/read {"contents":[{"uri":"a:b","text":"<&>","new":1.0}]}`,
		"get-prompt a":            `prompts/get {"messages":[{"role":"user","content":{"type":"text","text":"\u0000"}}],"new":1.0}`,
		"complete --prompt a b=":  `completion/complete {"completion":{"values":["a"],"new":1.0}}`,
		"ping":                    `ping {}`,
		"set-logging-level debug": `logging/setLevel {}`,
		"unsubscribe a:b":         `resources/unsubscribe {}`,
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			method, result, _ := strings.Cut(method, " ")
			server := cannedServer(t, map[string]string{method: result})
			words := strings.Fields(line)
			o := caissonRun(t, slices.Concat(words[:1], []string{"--json", server}, words[1:])...)
			o.expect(t, exitOK)
			if o.out != result+"\n" {
				t.Errorf("it prints %s\nwant %s", o.out, result)
			}
		})
	}
}

func TestPing(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	o := caissonRun(t, append([]string{"ping"}, serveFull(t).new...)...)
	o.expect(t, exitOK)
	if !strings.Contains(o.out, " ms, in revision 2026-07-28 over http\n") {
		t.Errorf("it prints %q", o.out)
	}
}

// TestLogLevel has a server log at the level that a flag sets.
func TestLogLevel(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	server := serveFull(t)
	server.addTool("log", func(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		for _, level := range []mcp.LoggingLevel{"debug", "error"} {
			if err := r.Session.Log(ctx, &mcp.LoggingMessageParams{Level: level, Logger: "full", Data: "at \x1b" + string(level)}); err != nil {
				return nil, err
			}
		}
		return &mcp.CallToolResult{}, nil
	})
	for level, debug := range map[string]bool{"debug": true, "warning": false} {
		o := caissonRun(t, slices.Concat([]string{"call-tool"}, server.old, []string{"log", "--log-level", level})...)
		o.expect(t, exitOK, "error full: at \\u{1b}error\n")
		if strings.Contains(o.stderr, "debug full") != debug {
			t.Errorf("with %s it says %q", level, o.stderr)
		}
	}
	o := caissonRun(t, slices.Concat([]string{"set-logging-level"}, server.old, []string{"error"})...)
	o.expect(t, exitOK)
	if !strings.HasSuffix(o.out, " logs from error on\n") {
		t.Errorf("it prints %q", o.out)
	}
}

// TestCompletions asks for completions as a shell does.
func TestCompletions(t *testing.T) {
	ownConfig(t, `{"mcpServers": {"local": {"command": "x"}}}`, `{"mcpServers": {"own": {"command": "x"}}}`)
	for line, want := range map[string]string{
		"ping ":                     "local\nown\n:4",
		"call-tool local ":          ":4",
		"ping --transport ":         "http\nsse\nstdio\n:4",
		"ping --log-level ":         "debug\ninfo\nnotice\nwarning\nerror\ncritical\nalert\nemergency\n:4",
		"call-tool local x --args ": ":0",
	} {
		words := strings.Split(line, " ")
		o := caissonRun(t, append([]string{"__complete"}, words...)...)
		o.expect(t, exitOK)
		if got := strings.TrimSpace(o.out); got != want {
			t.Errorf("%q is completed with\n%s\nwant\n%s", line, got, want)
		}
	}
}
