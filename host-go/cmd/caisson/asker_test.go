//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A keyboard is the input of a terminal, and a screen is its output. The program cannot tell them from real
// ones.
type (
	keyboard struct{ io.Reader }
	screen   struct{ bytes.Buffer }
)

func (keyboard) IsTerminal() bool { return true }
func (*screen) IsTerminal() bool  { return true }

// atTerminal runs the program with a person who types.
func atTerminal(t *testing.T, typed string, args ...string) outcome {
	t.Helper()
	var out bytes.Buffer
	var seen screen
	code := runIn(t.Context(), args, keyboard{strings.NewReader(typed)}, &out, &seen)
	return outcome{code, out.String(), seen.String()}
}

const formSchema = `{"type":"object","required":["name","size"],"properties":{
	"name":{"type":"string","title":"Your name","minLength":2},
	"size":{"type":"string","oneOf":[{"const":"s","title":"Small"},{"const":"l","title":"Large\u001b[31m"}],"default":"l"},
	"age":{"type":"integer","minimum":0,"maximum":150},
	"mail":{"type":"string","format":"email"},
	"news":{"type":"boolean","default":true},
	"colours":{"type":"array","items":{"type":"string","enum":["red","green"]},"maxItems":2}}}`

// serveQuestions serves tools that ask, and return the answer as text: "form", "url", "roots" and "sample".
// In the older revisions they ask with requests, and in the newest with their results.
func serveQuestions(t *testing.T) *fullServer {
	t.Helper()
	server := serveFull(t)
	form := &mcp.ElicitParams{Mode: "form", Message: "Who are\nyou\x1b[2J?", RequestedSchema: json.RawMessage(formSchema)}
	address := &mcp.ElicitParams{Mode: "url", Message: "Sign in.", URL: "https://example.com/" + strings.Repeat("long/", 600) + "end", ElicitationID: "1"}
	sample := &mcp.CreateMessageParams{MaxTokens: 1, Messages: []*mcp.SamplingMessage{{Role: "user", Content: &mcp.TextContent{Text: "?"}}}}
	for name, ask := range map[string]struct {
		old func(context.Context, *mcp.ServerSession) (any, error)
		new mcp.InputRequest
	}{
		"form":   {func(ctx context.Context, s *mcp.ServerSession) (any, error) { return s.Elicit(ctx, form) }, form},
		"url":    {func(ctx context.Context, s *mcp.ServerSession) (any, error) { return s.Elicit(ctx, address) }, address},
		"roots":  {func(ctx context.Context, s *mcp.ServerSession) (any, error) { return s.ListRoots(ctx, nil) }, &mcp.ListRootsParams{}},
		"sample": {func(ctx context.Context, s *mcp.ServerSession) (any, error) { return s.CreateMessage(ctx, sample) }, nil},
	} {
		server.addTool(name, func(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			var answer any
			var err error
			if r.Session.InitializeParams().ProtocolVersion < firstWithListen {
				answer, err = ask.old(ctx, r.Session)
			} else if answer = r.Params.InputResponses["q"]; answer == nil {
				return &mcp.CallToolResult{InputRequests: mcp.InputRequestMap{"q": ask.new}}, nil
			}
			if err != nil {
				answer = err.Error()
			}
			text, err := json.Marshal(answer)
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: string(text)}}}, err
		})
	}
	return server
}

// TestElicitation has a person fill in forms, in the two eras of the protocol.
func TestElicitation(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	server := serveQuestions(t)
	for era, named := range map[string][]string{"old": server.old, "new": server.new} {
		for name, test := range map[string]struct {
			tool, typed, want string
			seen              []string
		}{
			"filled in": {
				"form", "what\nyes\n\nx\nAda\n3\nSmall\n-1\n7.5\n36\n1, green\nnot mail\nada@example.com\nperhaps\nno\nx\ny\n",
				`{"action":"accept","content":{"age":36,"colours":["red","green"],"mail":"ada@example.com","name":"Ada","news":false,"size":"s"}}`,
				[]string{
					"  | Who are\n  | you\\u{1b}[2J?\n", "Answer? yes, no or cancel> ", "\n  name: string; Your name\n  name> ",
					"it must be answered", "its length must be 2 or more", "\n  size: one of\n    1) s (Small)\n    2) l (Large\\u{1b}[31m)\n  size [l]> ",
					`"3" is not a choice`, "it must be 0 or more", "it must be a whole number", "it must be an email address", "it must be yes or no",
				},
			},
			"defaults and edits": {
				"form", "y\nAda\n\n\n\n\n\ne\nEve\n1\n\n\n\n\ny\n",
				`{"action":"accept","content":{"name":"Eve","news":true,"size":"s"}}`,
				[]string{"Send? yes, no, cancel, or edit it again> "},
			},
			"declined":           {"form", "n\n", `{"action":"decline"}`, nil},
			"cancelled":          {"form", "cancel\n", `{"action":"cancel"}`, nil},
			"declined at last":   {"form", "y\nAda\n\n\n\n\n\nn\n", `{"action":"decline"}`, nil},
			"the input ends":     {"form", "y\nAda\n", `{"action":"cancel"}`, nil},
			"a URL":              {"url", "y\n", `{"action":"accept"}`, []string{strings.Repeat("long/", 600) + "end\n\n", "It is at the host example.com."}},
			"a URL, declined":    {"url", "\nno\n", `{"action":"decline"}`, nil},
			"a URL, nobody left": {"url", "", `{"action":"cancel"}`, nil},
		} {
			t.Run(name+" "+era, func(t *testing.T) {
				t.Parallel()
				o := atTerminal(t, test.typed, slices.Concat([]string{"call-tool"}, named, []string{test.tool})...)
				o.expect(t, exitOK, test.seen...)
				if diff := cmp.Diff(test.want+"\n", o.out); diff != "" {
					t.Errorf("answer (-want +got):\n%s\nseen:\n%s", diff, o.stderr)
				}
				if strings.Contains(o.stderr, "\x1b[3") || strings.Contains(o.stderr, "\x1b[2J") {
					t.Errorf("the server writes to the terminal: %q", o.stderr)
				}
			})
		}
	}
}

// TestNobodyToAsk runs the program without a terminal.
func TestNobodyToAsk(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	server := serveQuestions(t)
	for _, tool := range []string{"form", "url"} {
		o := caissonWith(t, "y\ny\n", slices.Concat([]string{"call-tool"}, server.old, []string{tool})...)
		o.expect(t, exitOK, "declined, as there is no terminal to answer at")
		if o.out != `{"action":"decline"}`+"\n" {
			t.Errorf("the answer is %s", o.out)
		}
	}
	o := atTerminal(t, "y\n", slices.Concat([]string{"call-tool"}, server.old, []string{"sample"})...)
	o.expect(t, exitOK, "asks for a language model's answer (sampling): declined, as there is none here")
	if !strings.Contains(o.out, "this client has no language model") {
		t.Errorf("the answer is %s", o.out)
	}
}

func TestRoots(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	server := serveQuestions(t)
	folder := filepath.Join(t.TempDir())
	uri := "file://" + filepath.ToSlash(folder)
	if !strings.HasPrefix(filepath.ToSlash(folder), "/") {
		uri = "file:///" + filepath.ToSlash(folder)
	}
	want := fmt.Sprintf(`{"roots":[{"name":%q,"uri":%q}]}`+"\n", filepath.Base(folder), uri)
	for era, named := range map[string][]string{"old": server.old, "new": server.new} {
		o := caissonRun(t, slices.Concat([]string{"call-tool"}, named, []string{"roots", "--root", folder})...)
		o.expect(t, exitOK)
		if diff := cmp.Diff(want, o.out); diff != "" {
			t.Errorf("%s (-want +got):\n%s", era, diff)
		}
	}
	o := caissonRun(t, "ping", "http://127.0.0.1:9/", "--root", filepath.Join(folder, "none"))
	o.expect(t, exitUsage, "--root")
	o = caissonRun(t, "ping", "http://127.0.0.1:9/", "--root", self(t))
	o.expect(t, exitUsage, "is not a folder")
}

// TestProgressBar checks that the bar is gone at the end.
func TestProgressBar(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	o := atTerminal(t, "", slices.Concat([]string{"call-tool", "countdown", "from=4"}, demoArgs(t))...)
	o.expect(t, exitOK, "\r\x1b[K[######------------------] 1/4 3 to go", "\r\x1b[K[########################] 4/4 0 to go\r\x1b[K")
	if strings.Contains(o.stderr, "progress") || o.out != "liftoff\n" {
		t.Errorf("it prints %q and %q", o.out, o.stderr)
	}
}
