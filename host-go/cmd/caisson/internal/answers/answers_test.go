package answers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

func file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "answers.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, text string) *Book {
	t.Helper()
	b := &Book{}
	if err := b.Read(file(t, text)); err != nil {
		t.Fatal(err)
	}
	return b
}

// call gives what a tool answers, as JSON; a text where it fails.
func call(t testing.TB, b *Book, server, tool, arguments string) string {
	t.Helper()
	result, err := b.Callers()[server].CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: json.RawMessage(arguments)})
	if err != nil {
		return err.Error()
	}
	text, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const someAnswers = `
# What the tools of "files" give.
- server: files
  tool: read
  arguments: {path: a.txt}
  answer: three small words
- {server: files, tool: read, arguments: {path: b.txt}, error: there is no such file}
- server: files
  tool: read
  answer: {lines: [1, 2.50, 9007199254740993], when: 2026-11-29, none: ~, yes: true}
- server: files
  tool: write
  answers:
    - error: the disk is full
    - answer: 17
    - result: {content: [{type: text, text: "1"}, {type: text, text: "2"}]}
- {server: other, tool: odd name, answer: "3"}
`

func TestWritten(t *testing.T) {
	b := read(t, someAnswers)
	for i, test := range []struct{ server, tool, arguments, want string }{
		{"files", "read", `{"path":"a.txt"}`, `{"content":[{"type":"text","text":"three small words"}],"structuredContent":"three small words"}`},
		{"files", "read", `{"more":1,"path":"a.txt"}`, `{"content":[{"type":"text","text":"three small words"}],"structuredContent":"three small words"}`},
		{"files", "read", `{"path":"b.txt"}`, `{"content":[{"type":"text","text":"there is no such file"}],"isError":true}`},
		{"files", "read", `{}`, `{"content":[{"type":"text","text":"{\"lines\":[1,2.50,9007199254740993],\"when\":\"2026-11-29\",\"none\":null,\"yes\":true}"}],"structuredContent":{"lines":[1,2.50,9007199254740993],"when":"2026-11-29","none":null,"yes":true}}`},
		{"files", "write", `{}`, `{"content":[{"type":"text","text":"the disk is full"}],"isError":true}`},
		{"files", "write", `{}`, `{"content":[{"type":"text","text":"17"}],"structuredContent":17}`},
		{"files", "write", `{}`, `{"content":[{"type":"text","text":"1"},{"type":"text","text":"2"}]}`},
		{"files", "write", `{"n":1}`, `its 3 answers are used up: files.write has no answer: add - {server: "files", tool: "write", arguments: {"n":1}, answer: …} to `},
		{"files", "none", `{}`, `files.none has no answer: add - {server: "files", tool: "none"`},
		{"other", "odd name", `null`, `{"content":[{"type":"text","text":"3"}],"structuredContent":"3"}`},
		{"other", "odd name", `[1]`, `the arguments are no object`},
	} {
		if got := call(t, b, test.server, test.tool, test.arguments); got != test.want && (strings.HasPrefix(test.want, "{") || !strings.Contains(got, test.want)) {
			t.Errorf("%d: %s.%s%s gives\n%s\nwant\n%s", i, test.server, test.tool, test.arguments, got, test.want)
		}
	}
	list, err := b.Callers()["files"].ListTools(t.Context(), nil)
	if err != nil || len(list.Tools) != 2 || list.Tools[0].Name != "read" {
		t.Errorf("the tools are %v, %v", list, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Callers()["files"].CallTool(ctx, &mcp.CallToolParams{Name: "read"}); !errors.Is(err, context.Canceled) {
		t.Errorf("the end of the context: %v", err)
	}
}

func TestWrittenIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "it is empty",
		"# nothing":                "it is empty",
		"{}":                       "it is no list",
		"null":                     "it is no list",
		"a: b":                     "it is no list",
		"- 5":                      "answer 1:",
		"[]\n---\n[]":              "two documents",
		"- {server: a, tool: b":    "did not find",
		"- {server: a, answer: 1}": "answer 1: it names no server, or no tool",
		"- {server: a, tool: b}":   "it has one of answer, error and result",
		"- {server: a, tool: b, answer: 1, error: x}":              "it has one of answer, error and result",
		"- {server: a, tool: b, answer: 1, answers: []}":           "beside them",
		"- {server: a, tool: b, answers: [{}]}":                    "it has one of answer, error and result",
		"- {server: a, tool: b, answers: [{answer: 1, more: 2}]}":  "more",
		"- {server: a, tool: b, awnser: 1}":                        "awnser",
		"- {server: a, tool: b, arguments: [1], answer: 1}":        "the arguments are no object",
		"- {server: a, tool: b, result: 5}":                        "the result is no result",
		"- {server: a, tool: b, result: {content: [{type: odd}]}}": "the result is no result",
		"- {server: a, tool: b, answer: .inf}":                     "has no form in JSON",
		"- {server: a, tool: b, answer: &x [1]}":                   "an anchor",
		"- &x {server: a, tool: b, answer: 1}\n- *x":               "an anchor",
		"- {server: a, tool: b, answer: !!binary aGk=}":            "a tag",
		"- {server: a, tool: b, tool: c, answer: 1}":               "twice",
		"- {? [a] : b}": "a key that is no text",
		"- {server: a, tool: b, answer: " + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}": "levels",
		`{"caisson-recording":1}` + "\n" + "x":                                                        "does not say the name of its server",
		`{"caisson-recording":1,"server":"s"}` + "\n" + "x\n":                                         "line 2",
		`{"caisson-recording":9,"server":"s"}` + "\n":                                                 "version",
	} {
		err := (&Book{}).Read(file(t, text))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "answers.yaml: ") {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
	if err := (&Book{}).Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := (&Book{}).Read(file(t, "# "+strings.Repeat("x", MaxFileBytes))); err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("a large file: %v", err)
	}
}

// TestRecording records a session, and reads the answers of it.
func TestRecording(t *testing.T) {
	server := caissontest.NewServer(t)
	calls := 0
	server.AddTool(&mcp.Tool{Name: "count", Description: "Counts.", InputSchema: map[string]any{"type": "object"}}, func(*caissontest.Call) (any, error) {
		calls++
		return caissontest.Structured(map[string]any{"n": calls}), nil
	})
	server.AddTool(&mcp.Tool{Name: "fail", InputSchema: map[string]any{"type": "object"}}, func(*caissontest.Call) (any, error) {
		return nil, errors.New("as it should")
	})
	folder := t.TempDir()
	client, err := caissontest.Runtime(t).NewClient(&caisson.ClientOptions{Record: caisson.RecordTo(folder)})
	if err != nil {
		t.Fatal(err)
	}
	session, err := client.Connect(t.Context(), server.Caisson())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.ListTools(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, p := range []mcp.CallToolParams{{Name: "count"}, {Name: "count", Arguments: map[string]any{"a": 1}}, {Name: "count"}, {Name: "fail"}} {
		_, _ = session.CallTool(t.Context(), &p)
	}
	if _, err := session.Request(t.Context(), "tools/call", map[string]any{"name": "count", "arguments": map[string]any{"by": "request"}}); err != nil {
		t.Fatal(err)
	}
	_ = client.Close()
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	b := &Book{}
	if err := b.Read(files[0]); err != nil {
		t.Fatal(err)
	}
	name := session.Name()
	for i, test := range []struct{ tool, arguments, want string }{
		{"count", `{"a":1.0}`, `{"n":2}`},
		{"count", `{}`, `{"n":1}`},
		{"count", `{"b":1}`, "has no answer"},
		{"count", `{}`, `{"n":3}`},
		{"count", `{}`, "its 2 answers are used up"},
		{"count", `{"by":"request"}`, `{"n":4}`},
		{"fail", `{}`, "the call failed when it was recorded"},
	} {
		if got := call(t, b, name, test.tool, test.arguments); !strings.Contains(got, test.want) {
			t.Errorf("%d: %s%s gives %s, want %s", i, test.tool, test.arguments, got, test.want)
		}
	}
	list, err := b.Callers()[name].ListTools(t.Context(), nil)
	if err != nil || len(list.Tools) != 2 || list.Tools[0].Description != "Counts." {
		t.Errorf("the tools are %v, %v", list, err)
	}
}

type buffer struct{ bytes.Buffer }

func (*buffer) Close() error { return nil }

// TestRecordedScript records a script, and reads the answers of it: of all its servers, and also those that came inside of
// a wait, as in Python.
func TestRecordedScript(t *testing.T) {
	n := 0
	fs := &caisson.Functions{}
	for _, err := range []error{
		caisson.AddFunction(fs, "count", "Counts.", func(context.Context, map[string]any) (int, error) { n++; return n, nil }),
		caisson.AddFunction(fs, "fail", "", func(context.Context, struct{}) (any, error) { return nil, errors.New("as it should") }),
		caisson.AddFunction(fs, "never", "", func(ctx context.Context, _ struct{}) (any, error) { <-ctx.Done(); return nil, ctx.Err() }),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	tools, err := caisson.NewToolSet(map[string]caisson.Caller{"a": fs, "b": fs})
	if err != nil {
		t.Fatal(err)
	}
	const source = `await tools.a.count({ x: 1 }); await tools.b.count({}); await tools.a.count({ x: 1 });
for (const f of [tools.a.fail, tools.a.none, tools.none.t]) await f({}).catch(() => {}); tools.a.never({}); 1`
	recording := &buffer{}
	if _, err := caissontest.Runtime(t).RunScript(t.Context(), caisson.Script{Source: source, Tools: tools, Record: recording}); err != nil {
		t.Fatal(err)
	}
	wait := strings.NewReplacer(`{"kind":"call","name":"`+tellScript+`","values":`, `{"kind":"import","name":"`+scriptsWait+`","values":[],"results":`)
	for name, text := range map[string]string{"delivered": recording.String(), "waited for": wait.Replace(recording.String())} {
		text, _, _ = strings.Cut(text, `{"kind":"end"`)
		b := read(t, text)
		for i, test := range []struct{ server, tool, arguments, want string }{
			{"a", "count", `{"x":1.0}`, `"structuredContent":1`},
			{"a", "count", `{}`, "has no answer"},
			{"a", "count", `{"x":1}`, `"structuredContent":3`},
			{"a", "count", `{"x":1}`, "its 2 answers are used up"},
			{"b", "count", `{}`, `"structuredContent":2`},
			{"a", "fail", `{}`, `as it should`},
			{"a", "never", `{}`, "has no answer"},
		} {
			if got := call(t, b, test.server, test.tool, test.arguments); !strings.Contains(got, test.want) {
				t.Errorf("%s, %d: %s%s gives %s, want %s", name, i, test.tool, test.arguments, got, test.want)
			}
		}
		list, err := b.Callers()["a"].ListTools(t.Context(), nil)
		if err != nil || len(list.Tools) != 3 || list.Tools[0].Description != "Counts." || len(b.Callers()) != 2 {
			t.Errorf("%s: the tools are %v, %v", name, list, err)
		}
	}
}

// FuzzRead reads any file, and calls the tools that it has.
func FuzzRead(f *testing.F) {
	f.Add(someAnswers)
	f.Add(`[{"server":"a","tool":"b","answer":null},{"server":"a","tool":"b","answers":[]}]`)
	f.Add("{\"caisson-recording\":1,\"server\":\"s\"}\n" + `{"kind":"call","name":"` + callTool + `","values":[1,1,"{\"name\":\"x\"}"]}` + "\n" + `{"kind":"import","name":"` + settle + `","values":[1,{"ok":"{}"}]}` + "\n")
	f.Add("{\"caisson-script-recording\":1,\"script\":{}}\n" + `{"kind":"import","name":"` + scriptsCall + `","values":[1,"a","b","{}"]}` + "\n" + `{"kind":"call","name":"` + tellScript + `","values":[[{"case":"tool-answer","value":{"record":[1,{"ok":"{}"}]}}]]}` + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		b := &Book{}
		if err := b.read("fuzz", strings.NewReader(text)); err != nil {
			return
		}
		for name, c := range b.Callers() {
			list, err := c.ListTools(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, tool := range list.Tools {
				for range 2 {
					if result, err := c.CallTool(t.Context(), &mcp.CallToolParams{Name: tool.Name}); (result == nil) == (err == nil) {
						t.Error(fmt.Sprint(name, tool.Name, result, err))
					}
				}
			}
		}
	})
}
