package scripttools_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/scripttools"
)

var shared = sync.OnceValues(func() (*caisson.Client, error) {
	runtime, err := caisson.New(context.Background(), nil)
	if err != nil {
		return nil, err
	}
	return runtime.NewClient(nil)
})

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func files(pairs ...string) fstest.MapFS {
	folder := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		folder[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return folder
}

// unindented takes a tab off each line.
func unindented(text string) string {
	return strings.ReplaceAll(strings.TrimPrefix(text, "\n"), "\n\t", "\n")[1:]
}

// reach has two servers with the same tools.
func reach(t testing.TB) scripttools.Reach {
	t.Helper()
	all := map[string]caisson.Caller{}
	for _, server := range []string{"files", "mail"} {
		functions := &caisson.Functions{}
		for _, tool := range []string{"read", "read_all", "write"} {
			err := caisson.AddFunction(functions, tool, "Does "+tool, func(context.Context, struct{}) (string, error) { return server + " " + tool, nil })
			if err != nil {
				t.Fatal(err)
			}
		}
		all[server] = functions
	}
	return scripttools.Servers(all)
}

func load(t testing.TB, folder fstest.MapFS) caisson.Caller {
	t.Helper()
	client, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	f, err := scripttools.Load(folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f.Caller(client, reach(t))
}

func call(t testing.TB, c caisson.Caller, tool string, arguments any) (text string, result *mcp.CallToolResult) {
	t.Helper()
	result, err := c.CallTool(testContext(t), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	return result.Content[0].(*mcp.TextContent).Text, result
}

const greet = `/* ---
title: A greeting
description: Greets somebody.
inputSchema:
  properties: {name: {type: string}}
  required: [name]
  additionalProperties: false
outputSchema:
  properties: {text: {type: string}}
  required: [text]
annotations: {readOnlyHint: true, openWorldHint: false}
--- */
return input.name === 'nobody' ? {} : {text: 'hello ' + input.name};
`

// TestTool lists a script as a tool, and holds its arguments and its value to the schemas.
func TestTool(t *testing.T) {
	c := load(t, files("greet.js", greet, "library.js", "export const a = 1", "README.md", "---\nnone\n---"))
	list, err := c.ListTools(testContext(t), nil)
	if err != nil || len(list.Tools) != 1 {
		t.Fatal(err, list)
	}
	text, _ := json.Marshal(list.Tools[0])
	const want = `{"annotations":{"idempotentHint":false,"openWorldHint":false,"readOnlyHint":true},"description":"Greets somebody.",` +
		`"inputSchema":{"additionalProperties":false,"properties":{"name":{"type":"string"}},"required":["name"],"type":"object"},"name":"greet",` +
		`"outputSchema":{"properties":{"text":{"type":"string"}},"required":["text"],"type":"object"},"title":"A greeting"}`
	if string(text) != want {
		t.Errorf("the tool is\n%s, want\n%s", text, want)
	}
	text1, result := call(t, c, "greet", map[string]any{"name": "you"})
	if structured, _ := json.Marshal(result.StructuredContent); result.IsError || text1 != `{"text":"hello you"}` || string(structured) != text1 {
		t.Errorf("the result is %q, %s", text1, structured)
	}
	for _, bad := range []any{nil, map[string]any{"name": 1}, map[string]any{"name": "you", "more": 1}, []int{1}} {
		if text, result := call(t, c, "greet", bad); !result.IsError || !strings.Contains(text, "schema") {
			t.Errorf("the arguments %v give %q", bad, text)
		}
	}
	if text, result := call(t, c, "greet", map[string]any{"name": "nobody"}); !result.IsError || !strings.Contains(text, "output schema") {
		t.Errorf("a value that does not fit gives %q", text)
	}
	if _, err := c.CallTool(testContext(t), &mcp.CallToolParams{Name: "library"}); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
		t.Errorf("a script without a manifest was called: %v", err)
	}
}

// TestManifests reads a manifest wherever it may be.
func TestManifests(t *testing.T) {
	for name, folder := range map[string]fstest.MapFS{
		"a block":            files("a.js", "/* ---\ndescription: d\n--- */\n'ran'"),
		"a block of its own": files("a.js", "/*\n---\ndescription: d # a comment\n# another\n---\n*/\n'ran'"),
		"stars":              files("a.js", "/**\n * ---\n * description: d\n * tools:\n *   files: [read]\n * ---\n */\n'ran'"),
		"lines":              files("a.js", "// ---\n// description: d\n// tools:\n//   files: [read]\n// ---\n'ran'"),
		"a line by itself":   files("a.js", "//\n//---\n//description: d\n//---\n'ran'"),
		"windows":            files("a.js", "/* ---\r\ndescription: d\r\n--- */\r\n'ran'"),
		"a byte order mark":  files("a.js", "\uFEFF// ---\n// description: d\n// ---\n'ran'"),
		"beside, YAML":       files("a.js", "'ran'", "a.tool.yaml", "description: d"),
		"beside, JSON":       files("a.mjs", "'ran'", "a.tool.json", `{"description": "d"}`),
	} {
		c := load(t, folder)
		if text, result := call(t, c, "a", nil); result.IsError || text != "ran" {
			t.Errorf("%s: the script has given %q", name, text)
		}
	}
	for name, folder := range map[string]fstest.MapFS{
		"none":           files("a.js", "// a comment\n'ran'"),
		"after code":     files("a.js", "'ran';\n// ---\n// description: d\n// ---"),
		"after words":    files("a.js", "// words\n// ---\n// description: d\n// ---"),
		"never closed":   files("a.js", "/* ---\ndescription: d\n*/ 'ran'"),
		"a folder of it": files("a.js/b.js", greet),
	} {
		list, err := load(t, folder).ListTools(testContext(t), nil)
		if err != nil || len(list.Tools) != 0 {
			t.Errorf("%s: there are %v, %v", name, list.Tools, err)
		}
	}
}

// TestBadManifests names the file and the line of what is wrong.
func TestBadManifests(t *testing.T) {
	front := func(text string) string { return "// ---\n" + text + "\n// ---\n1" }
	for name, c := range map[string]struct {
		folder fstest.MapFS
		want   []string
	}{
		"an unknown key":     {files("a.js", front("// description: d\n// descritpion: e")), []string{"a.js", "line 3", `unknown key "descritpion"`}},
		"a wrong sort":       {files("a.js", front("// description: d\n// limits: {toolCalls: many}")), []string{"a.js", "line 3", "wrong sort of value: !!str `many`"}},
		"no description":     {files("a.js", front("// title: t")), []string{"a.js", "description"}},
		"no YAML":            {files("a.js", front("// {")), []string{"a.js", "line"}},
		"a list":             {files("a.js", front("// - 1")), []string{"a.js"}},
		"empty":              {files("a.js", front("//")), []string{"a.js", "empty"}},
		"empty, beside":      {files("a.js", "1", "a.tool.yaml", " "), []string{"a.tool.yaml", "empty"}},
		"two documents":      {files("a.js", "1", "a.tool.yaml", "description: d\n---\ndescription: e"), []string{"a.tool.yaml", "another"}},
		"two manifests":      {files("a.js", front("// description: d"), "a.tool.yaml", "description: d"), []string{"a.js", "a.tool.yaml"}},
		"two files":          {files("a.js", "1", "a.tool.yaml", "description: d", "a.tool.json", "{}"), []string{"a.tool.yaml", "a.tool.json"}},
		"two scripts":        {files("a.js", front("// description: d"), "a.mjs", front("// description: d")), []string{"a.js", "a.mjs"}},
		"an odd name":        {files("a b.js", front("// description: d")), []string{"a b.js", "rename"}},
		"no object":          {files("a.js", front("// description: d\n// inputSchema: {type: string}")), []string{"a.js", "inputSchema"}},
		"no schema":          {files("a.js", front("// description: d\n// outputSchema: {properties: 1}")), []string{"a.js", "outputSchema"}},
		"a schema elsewhere": {files("a.js", front(`// {description: d, inputSchema: {"$ref": "http://127.0.0.1/x"}}`)), []string{"a.js", "inputSchema"}},
		"a schema of itself": {files("a.js", front(`// {description: d, inputSchema: {allOf: [{"$ref": "#"}]}}`)), []string{"a.js", "inputSchema", "no end"}},
		"a bad pattern":      {files("a.js", front(`// {description: d, tools: {files: ["[a"]}}`)), []string{"a.js", "[a"}},
		"a negative limit":   {files("a.js", front("// description: d\n// limits: {time: -1s}")), []string{"a.js", "negative"}},
		"no language":        {files("a.py", front("# description: d")), []string{"a.py", ".js"}},
		"too large":          {files("a.js", strings.Repeat("x", 2<<20)), []string{"a.js", "bytes"}},
		"many aliases": {files("a.js", "1", "a.tool.yaml", "description: &a [x,x,x,x,x,x,x,x,x]\ntitle: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"+
			"tools: {x: [*b,*b,*b,*b,*b,*b,*b,*b,*b]}"), []string{"a.tool.yaml"}},
	} {
		if name == "no language" {
			c.folder["a.py"].Data = []byte("# ---\n# description: d\n# ---\n1")
		}
		_, err := scripttools.Load(c.folder, nil)
		if caisson.CodeOf(err) != caisson.CodeInvalidArgument {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: there is no %q in %v", name, want, err)
			}
		}
	}
}

// TestGrants gives a script the tools of its manifest, and no others, however it calls them.
func TestGrants(t *testing.T) {
	const manifest = "/* ---\ndescription: d\ntools: {files: ['read*']}\n--- */\n"
	for source, want := range map[string]string{
		"return await tools.files.read({})":                                        "files read",
		"return await tools.files.read_all({})":                                    "files read_all",
		"return await tools.files.write({})":                                       "",
		"return await tools.mail.read({})":                                         "",
		"return await call_tool('files', 'write', {})":                             "",
		"return await call_tool('mail', 'read', {})":                               "",
		"return Object.keys(tools).join()":                                         "files",
		"return search_tools('write').length":                                      "0",
		"Object.prototype.write = 1; return await call_tool('files', 'write', {})": "",
	} {
		text, result := call(t, load(t, files("a.js", manifest+source)), "a", nil)
		if result.IsError != (want == "") || want != "" && text != want {
			t.Errorf("%s gives %q", source, text)
		}
	}
	none := load(t, files("a.js", "// ---\n// description: d\n// ---\nreturn await tools.files.read({})"))
	if text, result := call(t, none, "a", nil); !result.IsError {
		t.Errorf("a script without grants has got %q", text)
	}
	missing := load(t, files("a.js", "// ---\n// description: d\n// tools: {calendar: ['*']}\n// ---\n1"))
	if _, err := missing.CallTool(testContext(t), &mcp.CallToolParams{Name: "a"}); err == nil || !strings.Contains(err.Error(), "calendar") {
		t.Errorf("a server that is not there gives %v", err)
	}
}

// TestLimits lowers the limits of the folder, and never raises them.
func TestLimits(t *testing.T) {
	client, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	calls := func(limits string, of caisson.ScriptLimits) string {
		folder := files("a.js", "/* ---\ndescription: d\ntools: {files: [read]}\nlimits: "+limits+"\n--- */\nfor (let i = 0; i < 3; i++) await tools.files.read({}); return 'ran'")
		f, err := scripttools.Load(folder, &scripttools.Options{Limits: of})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := call(t, f.Caller(client, reach(t)), "a", nil)
		return text
	}
	for _, c := range []struct {
		limits string
		of     caisson.ScriptLimits
		runs   bool
	}{
		{"{}", caisson.ScriptLimits{}, true},
		{"{toolCalls: 2}", caisson.ScriptLimits{}, false},
		{"{toolCalls: 3}", caisson.ScriptLimits{}, true},
		{"{toolCalls: 100}", caisson.ScriptLimits{ToolCalls: 2}, false},
		{"{fuel: 10}", caisson.ScriptLimits{}, false},
		{"{time: 1m, computing: 5s, memoryBytes: 100000000, outputBytes: 100, parallelCalls: 1}", caisson.ScriptLimits{}, true},
	} {
		if text := calls(c.limits, c.of); (text == "ran") != c.runs {
			t.Errorf("%s within %+v: %q", c.limits, c.of, text)
		}
	}
}

// FuzzLoad reads any text as a script with a manifest, without a panic.
func FuzzLoad(f *testing.F) {
	f.Add(greet, "")
	f.Add("", "description: d")
	f.Add("#!/bin/x\n\n// ---\n// description: d\n// ---", "")
	f.Fuzz(func(_ *testing.T, source, beside string) {
		folder := files("a.js", source)
		if beside != "" {
			folder["a.tool.yaml"] = &fstest.MapFile{Data: []byte(beside)}
		}
		_, _ = scripttools.Load(folder, nil) // It may be wrong, but must not panic.
	})
}
