package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/fastmcp"
)

// A job is what a client is to do with a server, at a URL or as a command: to list everything, and these calls.
type job struct {
	URL     string   `json:"url,omitempty"`
	Command string   `json:"command,omitempty"`
	Args    []string `json:"args,omitempty"`

	Calls   []jobCall   `json:"calls"`
	Prompts []jobPrompt `json:"prompts"`
	Reads   []string    `json:"reads"`
}

type jobCall struct {
	Name      string         `json:"name"`
	Arguments map[string]any `json:"arguments"`
	Progress  int            `json:"progress,omitempty"` // how often it is told
}

type jobPrompt struct {
	Name      string            `json:"name"`
	Arguments map[string]string `json:"arguments,omitempty"`
}

// work says what is to be done with each server, by the server's name.
var work = map[string]job{
	"everything": {
		Calls: []jobCall{
			{Name: "echo", Arguments: map[string]any{"message": "Grüße, 世界 😀"}},
			{Name: "get-tiny-image", Arguments: map[string]any{}},
			{Name: "get-structured-content", Arguments: map[string]any{"location": "New York"}},
			{Name: "get-annotated-message", Arguments: map[string]any{"messageType": "error", "includeImage": true}},
			{Name: "get-resource-links", Arguments: map[string]any{"count": 3}},
			{Name: "trigger-long-running-operation", Arguments: map[string]any{"duration": 0.2, "steps": 2}, Progress: 2},
			{Name: "echo", Arguments: map[string]any{"wrong": 1}},
		},
		Prompts: []jobPrompt{
			{Name: "simple-prompt"},
			{Name: "args-prompt", Arguments: map[string]string{"city": "Bern"}},
			{Name: "args-prompt"},
		},
		Reads: []string{"demo://resource/static/document/features.md", "demo://resource/dynamic/text/none"},
	},
	"whole": {
		Calls: []jobCall{
			{Name: "echo", Arguments: map[string]any{"text": "<&>"}},
			{Name: "progress", Arguments: map[string]any{}, Progress: 3},
			{Name: "no-such-tool", Arguments: map[string]any{}},
		},
		Prompts: []jobPrompt{{Name: "greet", Arguments: map[string]string{"name": "Ada"}}},
		Reads:   []string{"test://doc"},
	},
}

// merged is the work with all servers at once, where names have the servers' before them.
func merged(names ...string) (all job) {
	for _, name := range names {
		of := work[name]
		for _, call := range of.Calls {
			call.Name = name + "__" + call.Name
			all.Calls = append(all.Calls, call)
		}
		for _, prompt := range of.Prompts {
			prompt.Name = name + "__" + prompt.Name
			all.Prompts = append(all.Prompts, prompt)
		}
		all.Reads = append(all.Reads, of.Reads...)
	}
	return all
}

// A got is what a client got: members of it are nil where a client does not say.
type got struct {
	Capabilities any              `json:"capabilities,omitempty"`
	Instructions string           `json:"instructions,omitempty"`
	Tools        []map[string]any `json:"tools"`
	Prompts      []map[string]any `json:"prompts"`
	Resources    []map[string]any `json:"resources"`
	Templates    []map[string]any `json:"templates"`
	Outcomes     []map[string]any `json:"outcomes"` // of calls, then prompts, then reads
}

// together is what a client should get of all servers at once, by what it gets of each.
func together(names []string, direct map[string]*got) *got {
	var all got
	under := func(name string, items []map[string]any) (named []map[string]any) {
		for _, item := range items {
			item = maps.Clone(item)
			item["name"] = name + "__" + item["name"].(string)
			named = append(named, item)
		}
		return named
	}
	var prompts, reads []map[string]any
	for _, name := range names {
		g, of := direct[name], work[name]
		all.Tools = append(all.Tools, under(name, g.Tools)...)
		all.Prompts = append(all.Prompts, under(name, g.Prompts)...)
		all.Resources = append(all.Resources, g.Resources...)
		all.Templates = append(all.Templates, g.Templates...)
		calls := len(of.Calls)
		all.Outcomes = append(all.Outcomes, g.Outcomes[:calls]...)
		prompts = append(prompts, g.Outcomes[calls:calls+len(of.Prompts)]...)
		reads = append(reads, g.Outcomes[calls+len(of.Prompts):]...)
	}
	all.Outcomes = slices.Concat(all.Outcomes, prompts, reads)
	return &all
}

// A realClient works through a job.
type realClient struct {
	name string
	do   func(t *testing.T, j job) *got
}

var realClients = []realClient{
	{"Go SDK", goWork},
	{"TypeScript SDK v1", nodeWork("v1.mjs")},
	{"TypeScript SDK v2", nodeWork("v2.mjs")},
	{"FastMCP", fastmcpWork},
}

// TestServeRealClients has the clients of others list and call everything through the gateway, and each must get what it
// gets of the servers themselves, field by field: over standard input and output and over HTTP, from one server alone and
// from two together.
func TestServeRealClients(t *testing.T) {
	t.Parallel()
	names := []string{"everything", "whole"}
	over := map[string]map[string]job{"stdio": {}, "http": {}}
	script := func(name string) string {
		return map[string]string{"everything": installed(t, "node_modules/@modelcontextprotocol/server-everything/dist/index.js"), "whole": installed(t, "test/servers/whole-v2.mjs")}[name]
	}
	for _, name := range names {
		over["stdio"][name] = job{Command: nodeProgram(t), Args: []string{script(name), "stdio"}}
	}
	over["http"]["everything"] = job{URL: everythingURL(t, script("everything"))}
	over["http"]["whole"] = job{URL: lineOf(t, exec.Command(nodeProgram(t), script("whole"), "http"), "http://")}

	configs := map[string]string{}
	for transport, servers := range over {
		text, err := json.Marshal(map[string]any{"mcpServers": servers})
		if err != nil {
			t.Fatal(err)
		}
		configs[transport] = filepath.Join(t.TempDir(), "mcp.json")
		if err := os.WriteFile(configs[transport], text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	line := lineOf(t, exec.Command(self(t), "serve", "--config", configs["http"], "--wait=2m", "--http", "127.0.0.1:0"), "http://")
	_, address, _ := strings.Cut(line, "http://")
	gateway := "http://" + strings.TrimSuffix(address, "/mcp")

	for _, client := range realClients {
		for transport, servers := range over {
			t.Run(client.name+" "+transport, func(t *testing.T) {
				t.Parallel()
				direct := map[string]*got{}
				for _, name := range names {
					direct[name] = client.do(t, with(work[name], servers[name]))
					if transport == "http" {
						alone := client.do(t, with(work[name], job{URL: gateway + "/servers/" + name}))
						compare(t, "/servers/"+name, alone, direct[name])
					}
				}
				at := job{Command: self(t), Args: []string{"serve", "--config", configs["stdio"], "--wait=2m"}}
				if transport == "http" {
					at = job{URL: gateway + "/mcp"}
				}
				all := client.do(t, with(merged(names...), at))
				all.Capabilities, all.Instructions = nil, "" // Those of two servers at once.
				compare(t, "/mcp", all, together(names, direct))
			})
		}
	}
	t.Run("MCP Inspector", func(t *testing.T) {
		t.Parallel()
		everything := over["http"]["everything"].URL
		for _, one := range []struct {
			words []string
			named int // which of the words is a name; 0 for none
		}{
			{[]string{"--method", "tools/list"}, 0},
			{[]string{"--method", "prompts/list"}, 0},
			{[]string{"--method", "resources/list"}, 0},
			{[]string{"--method", "resources/templates/list"}, 0},
			{[]string{"--method", "tools/call", "--tool-name", "get-tiny-image"}, 3},
			{[]string{"--method", "tools/call", "--tool-name", "get-structured-content", "--tool-arg", "location=Chicago"}, 3},
			{[]string{"--method", "tools/call", "--tool-name", "no-such-tool"}, 3},
			{[]string{"--method", "prompts/get", "--prompt-name", "args-prompt", "--prompt-args", "city=Bern"}, 3},
			{[]string{"--method", "resources/read", "--uri", "demo://resource/static/document/features.md"}, 0},
		} {
			t.Run(strings.Join(one.words, " "), func(t *testing.T) {
				t.Parallel()
				want := inspector(t, []string{everything, "--transport", "http"}, one.words)
				same(t, "/servers/everything", inspector(t, []string{gateway + "/servers/everything", "--transport", "http"}, one.words), want)
				words := slices.Clone(one.words)
				if one.named > 0 {
					words[one.named] = "everything__" + words[one.named]
				}
				stdio := inspector(t, []string{"--", self(t), "serve", "--config=" + configs["stdio"], "--wait=2m", "everything"}, words)
				same(t, "standard input and output", unnamed("everything", stdio), want)
			})
		}
	})
}

// with is the work of one job with the server of another.
func with(todo, at job) job {
	todo.URL, todo.Command, todo.Args = at.URL, at.Command, at.Args
	return todo
}

// extra are the members of a result that may be there through the gateway alone, and lost those of an item of a list
// that may not: the client speaks 2026-07-28 with the gateway, and an older revision with the server.
var (
	extra = map[string]string{
		"resultType": "each result has it in 2026-07-28",
		"ttlMs":      "lists and resources have it in 2026-07-28",
		"cacheScope": "as ttlMs",
	}
	lost = map[string]string{
		"execution": "2026-07-28 does not have it: the client of the TypeScript SDK drops it",
	}
)

// serverInfo is a member of _meta, as the extra ones are: in 2026-07-28 each result says who it is from, and where a
// server of an older revision does not, the gateway says that it is from the gateway.
const serverInfo = "io.modelcontextprotocol/serverInfo"

// compare compares what a client got through the gateway with what it got of the servers.
func compare(t *testing.T, what string, through, direct *got) {
	t.Helper()
	same(t, what+": instructions", through.Instructions, direct.Instructions)
	each(t, what+": tools", through.Tools, direct.Tools, afterLoss)
	each(t, what+": prompts", through.Prompts, direct.Prompts, afterLoss)
	each(t, what+": resources", through.Resources, direct.Resources, afterLoss)
	each(t, what+": templates", through.Templates, direct.Templates, afterLoss)
	each(t, what+": outcomes", through.Outcomes, direct.Outcomes, withoutExtra)
}

// each compares lists, but for what is excused of two items.
func each(t *testing.T, what string, through, direct []map[string]any, excuse func(through, direct map[string]any) (map[string]any, map[string]any)) {
	t.Helper()
	if len(through) != len(direct) {
		t.Errorf("%s: there are %d through the gateway, and %d without", what, len(through), len(direct))
		return
	}
	for i, want := range direct {
		got, want := excuse(through[i], want)
		same(t, what+": "+beginning(t, want), got, want)
	}
}

// afterLoss takes what may be lost of an item, where it is.
func afterLoss(through, direct map[string]any) (got, want map[string]any) {
	want = maps.Clone(direct)
	for member := range lost {
		if _, there := through[member]; !there {
			delete(want, member)
		}
	}
	return through, want
}

// withoutExtra takes what is extra off an outcome.
func withoutExtra(through, direct map[string]any) (got, want map[string]any) {
	result, ok := through["result"].(map[string]any)
	wanted, same := direct["result"].(map[string]any)
	if !ok || !same {
		return through, direct
	}
	result, wanted = maps.Clone(result), maps.Clone(wanted)
	for member := range extra {
		if value := wanted[member]; value == nil || value == "" { // Some clients write what is not there as "".
			delete(result, member)
			delete(wanted, member)
		}
	}
	if meta, _ := result["_meta"].(map[string]any); wanted["_meta"] == nil && len(meta) == 1 && meta[serverInfo] != nil {
		delete(result, "_meta")
	}
	got, want = maps.Clone(through), maps.Clone(direct)
	got["result"], want["result"] = result, wanted
	return got, want
}

func same(t *testing.T, what string, through, direct any) {
	t.Helper()
	if diff := cmp.Diff(direct, through); diff != "" {
		t.Errorf("%s: through the gateway it differs (-direct +through):\n%s", what, diff)
	}
}

// beginning is how a value begins, as JSON.
func beginning(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text[:min(len(text), 200)])
}

// goWork has the Go SDK's client work.
func goWork(t *testing.T, j job) *got {
	t.Helper()
	ctx := t.Context()
	told := make(chan *mcp.ProgressNotificationParams, 100)
	client := mcp.NewClient(&mcp.Implementation{Name: "go", Version: "1"}, &mcp.ClientOptions{
		Capabilities: &mcp.ClientCapabilities{},
		ProgressNotificationHandler: func(_ context.Context, request *mcp.ProgressNotificationClientRequest) {
			told <- request.Params
		},
	})
	var transport mcp.Transport = &mcp.StreamableClientTransport{Endpoint: j.URL}
	if j.URL == "" {
		transport = &mcp.CommandTransport{Command: exec.Command(j.Command, j.Args...)}
	}
	session, err := client.Connect(ctx, transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	g := &got{Instructions: session.InitializeResult().Instructions}
	g.Tools = collect(t, session.Tools(ctx, nil))
	g.Prompts = collect(t, session.Prompts(ctx, nil))
	g.Resources = collect(t, session.Resources(ctx, nil))
	g.Templates = collect(t, session.ResourceTemplates(ctx, nil))
	for _, call := range j.Calls {
		params := &mcp.CallToolParams{Name: call.Name, Arguments: call.Arguments}
		if call.Progress > 0 {
			params.SetProgressToken("token")
		}
		result, err := session.CallTool(ctx, params)
		came := outcomeOf(t, result, err)
		if call.Progress > 0 {
			var steps []any
			for range call.Progress {
				steps = append(steps, decoded(t, <-told))
			}
			came["progress"] = steps
		}
		g.Outcomes = append(g.Outcomes, came)
	}
	for _, prompt := range j.Prompts {
		result, err := session.GetPrompt(ctx, &mcp.GetPromptParams{Name: prompt.Name, Arguments: prompt.Arguments})
		g.Outcomes = append(g.Outcomes, outcomeOf(t, result, err))
	}
	for _, uri := range j.Reads {
		result, err := session.ReadResource(ctx, &mcp.ReadResourceParams{URI: uri})
		g.Outcomes = append(g.Outcomes, outcomeOf(t, result, err))
	}
	return g
}

func collect[T any](t *testing.T, items iter.Seq2[*T, error]) (all []map[string]any) {
	t.Helper()
	for item, err := range items {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, decoded(t, item).(map[string]any))
	}
	return all
}

func outcomeOf(t *testing.T, result any, err error) map[string]any {
	t.Helper()
	if err == nil {
		return map[string]any{"result": decoded(t, result)}
	}
	var own *jsonrpc.Error
	if !errors.As(err, &own) {
		t.Fatal(err)
	}
	return map[string]any{"error": decoded(t, own)}
}

func decoded(t *testing.T, value any) (whole any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, &whole)
	}
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

// nodeWork has a client of a file in test/clients work.
func nodeWork(file string) func(*testing.T, job) *got {
	return func(t *testing.T, j job) *got {
		t.Helper()
		return programWork(t, j, nodeProgram(t), installed(t, "test/clients/"+file))
	}
}

func fastmcpWork(t *testing.T, j job) *got {
	t.Helper()
	python, err := fastmcp.Python(root)
	if err != nil {
		t.Skipf("no FastMCP: %v", err)
	}
	return programWork(t, j, python, filepath.Join(root, "test", "clients", "fastmcp_client.py"))
}

func programWork(t *testing.T, j job, program, script string) *got {
	t.Helper()
	words, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	var out, stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), program, script, string(words))
	command.Stdout, command.Stderr = &out, &stderr
	var g got
	if err = command.Run(); err == nil {
		err = json.Unmarshal(out.Bytes(), &g)
	}
	if err != nil {
		t.Fatalf("%s: %v: %s%s", script, err, &stderr, &out)
	}
	return &g
}

// inspector runs the Inspector's command line; what it prints, or how it fails.
func inspector(t *testing.T, server, words []string) any {
	t.Helper()
	cli := installed(t, "node_modules/@modelcontextprotocol/inspector-cli/build/cli.js")
	var out, stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), nodeProgram(t), slices.Concat([]string{cli, "--cli"}, server, words)...)
	command.Dir = filepath.Dir(cli) // From elsewhere it does not find its own package.json.
	command.Stdout, command.Stderr = &out, &stderr
	if err := command.Run(); err != nil {
		_, failure, there := strings.Cut(stderr.String(), "Failed to ")
		if !there {
			t.Fatalf("%v: %s", err, &stderr)
		}
		failure, _, _ = strings.Cut(failure, "\n")
		return failure
	}
	var whole any
	if err := json.Unmarshal(out.Bytes(), &whole); err != nil {
		t.Fatalf("%v: %s%s", err, &out, &stderr)
	}
	return whole
}

// unnamed takes the name of a server off those of the tools and prompts of a list.
func unnamed(server string, list any) any {
	whole, ok := list.(map[string]any)
	if !ok {
		return list
	}
	for _, kind := range []string{"tools", "prompts"} {
		items, _ := whole[kind].([]any)
		for _, item := range items {
			item := item.(map[string]any)
			item["name"] = strings.TrimPrefix(item["name"].(string), server+"__")
		}
	}
	return whole
}

// root is the repository.
var root = filepath.Join("..", "..", "..")

// nodeProgram gives the path of Node, and skips the test where there is none.
func nodeProgram(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node")
	}
	return program
}

// installed gives the path of a file that npm installed, and skips the test where it is missing.
func installed(t *testing.T, file string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not there: npm ci installs it", file)
	}
	return path
}

// everythingURL starts server-everything over HTTP.
func everythingURL(t *testing.T, script string) string {
	t.Helper()
	// It listens on every interface, but for what it is started with, which also says where it listens.
	loopback := filepath.ToSlash(installed(t, "test/servers/loopback.mjs"))
	command := exec.Command(nodeProgram(t), "--import", "file:///"+strings.TrimPrefix(loopback, "/"), script, "streamableHttp")
	command.Env = append(os.Environ(), "PORT=0")
	_, url, _ := strings.Cut(lineOf(t, command, "listening on http://"), "listening on ")
	return url + "/mcp"
}

// lineOf starts a program for the length of the test, and gives the first line of what it prints that has a text.
func lineOf(t *testing.T, command *exec.Cmd, with string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout, command.Stderr = w, w
	err = command.Start()
	_ = w.Close()
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	lines := bufio.NewScanner(r)
	found := ""
	for found == "" && lines.Scan() {
		said = append(said, lines.Text())
		if strings.Contains(lines.Text(), with) {
			found = lines.Text()
		}
	}
	var rest sync.WaitGroup
	rest.Go(func() { _, _ = io.Copy(io.Discard, r) }) // It must not wait for its reader.
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		_ = r.Close()
		rest.Wait()
	})
	if found == "" {
		t.Fatalf("%s ended, and did not say %q: %s", command, with, strings.Join(said, "\n"))
	}
	return found
}
