package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"flag"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson/bearer"
	"github.com/caisson-dev/caisson/host-go/caissontest"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/config"
	"github.com/caisson-dev/caisson/daemon/internal/server"
	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// An output is what a command has printed, and its exit code.
type output struct {
	out, err string
	code     int
}

// runLine runs a command line in this process.
func runLine(t *testing.T, words ...string) output {
	t.Helper()
	var out, errs bytes.Buffer
	c := command()
	c.SetArgs(words)
	c.SetOut(&out)
	c.SetErr(&errs)
	c.SetIn(strings.NewReader(""))
	err := c.ExecuteContext(t.Context())
	o := output{out: out.String(), err: errs.String()}
	if err != nil {
		o.err, o.code = o.err+err.Error(), exitCode(err)
	}
	return o
}

// each visits the commands that a person sees, with their words.
func each(c *cobra.Command, words []string, visit func(words []string)) {
	visit(words)
	for _, of := range c.Commands() {
		if of.IsAvailableCommand() && of.Name() != "help" && of.Name() != "completion" {
			each(of, append(slices.Clone(words), of.Name()), visit)
		}
	}
}

// TestHelp compares the help texts of all commands with those that somebody has read.
func TestHelp(t *testing.T) {
	t.Setenv("HOME", "/home/alice")
	each(command(), nil, func(words []string) {
		o := runLine(t, append(words, "--help")...)
		path := filepath.Join("testdata", strings.Join(append([]string{"help"}, words...), "-")+".golden")
		if *update {
			if err := os.WriteFile(path, []byte(o.out), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || strings.ReplaceAll(string(want), "\r\n", "\n") != o.out || o.code != 0 {
			t.Errorf("%s: %v; go test -update writes it anew:\n%s", path, err, o.out)
		}
	})
}

// TestAdminMethods shows that each method of the AdminService is a command of the same name, and nothing else is.
func TestAdminMethods(t *testing.T) {
	var want, got []string
	methods := caissonv1.File_caisson_v1_admin_proto.Services().ByName("AdminService").Methods()
	for i := range methods.Len() {
		name := ""
		for j, r := range string(methods.Get(i).Name()) {
			if unicode.IsUpper(r) && j > 0 {
				name += "-"
			}
			name += string(unicode.ToLower(r))
		}
		want = append(want, name)
	}
	for _, c := range adminCommand().Commands() {
		got = append(got, c.Name())
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("the commands are %q, and the methods %q", got, want)
	}
}

// A running daemon is in this process, at a port and a socket, with a server "files" whose tool read_file is asked about.
type running struct {
	*server.Server
	addr, socket string
	folder       string // with the tokens of owner and alice, in files of these names
}

func startDaemon(t *testing.T) *running {
	t.Helper()
	upstream := mcp.NewServer(&mcp.Implementation{Name: "files", Version: "1"}, nil)
	mcp.AddTool(upstream, &mcp.Tool{Name: "read_file", Description: "Reads\x1b[2J a file."}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "text"}}}, nil, nil
	})
	web := httptest.NewServer(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return upstream }, nil))
	t.Cleanup(web.Close)
	folder, err := os.MkdirTemp("", "d") // A path of a socket is short.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	for name, scopes := range map[string][]string{"owner": {"caisson:admin", "caisson:scripts"}, "alice": nil} {
		token, err := bearer.AddToken(t.Context(), filepath.Join(folder, "tokens.json"), name, scopes)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"policy.yaml": "version: 1\npins: {mode: warn}\nservers: {files: {tools: [{name: read_file, ask: {text: Look.}}]}}\n",
		"caisson.yaml": "listen: [127.0.0.1:0, 'unix:s']\nstore: none\npolicy: policy.yaml\naccess: {tokens: tokens.json, scopes: {'*': [caisson:mcp, caisson:scripts]}}\n" +
			"mcpServers: {files: {url: " + web.URL + "}}\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, err := config.Load(filepath.Join(folder, "caisson.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(t.Context(), file, server.Options{Runtime: caissontest.Runtime(t), Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := s.Listen(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listeners) }()
	t.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return &running{s, listeners[0].Addr().String(), "unix:" + filepath.Join(folder, "s"), folder}
}

// as runs a command for somebody.
func (d *running) as(t *testing.T, who string, words ...string) output {
	t.Helper()
	return runLine(t, append(words, "--addr", d.addr, "--token-file", filepath.Join(d.folder, who))...)
}

var (
	shell = regexp.MustCompile("(?s)```sh\n(.*?)```")
	words = regexp.MustCompile(`'[^']*'|[^\s']+`)
)

// examples are the lines of a document that ask a daemon, in order.
func examples(t *testing.T, name string) (all [][]string) {
	t.Helper()
	text, err := os.ReadFile("../../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range shell.FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			line, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "bin/"), "  #")
			if rest, ok := strings.CutPrefix(line, "caissond "); ok && (strings.HasPrefix(rest, "admin ") || strings.HasPrefix(rest, "runs ")) {
				var of []string
				for _, word := range words.FindAllString(rest, -1) {
					of = append(of, strings.Trim(word, "'"))
				}
				all = append(all, of)
			}
		}
	}
	return all
}

// TestExamples runs the examples of the documents, and of the help texts, against a daemon with a call that waits.
func TestExamples(t *testing.T) {
	d := startDaemon(t)
	all := append(documented(t), helped(t)...)
	t.Chdir(t.TempDir())
	if err := os.WriteFile("clean.js", []byte("console.log('clean'); return 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, of := range all {
		for i, word := range of {
			switch {
			case strings.HasPrefix(word, "tool:"):
				of[i] = d.pin(t)
			case strings.HasPrefix(word, "8aa62f86"):
				of[i] = d.question(t)
			case word == "RUN":
				of[i] = d.run(t)
			case strings.HasPrefix(word, "unix:"), strings.HasPrefix(word, "127.0.0.1:"):
				of[i] = d.addr
			}
		}
		name := of[0] + " " + of[1]
		used[name] = true
		if name == "admin drain" {
			continue // The last one.
		}
		want := 0
		if name == "admin compare-pins" {
			want = exitDifference
		}
		if o := d.as(t, "owner", of...); o.code != want {
			t.Errorf("%q ends with %d: %s%s", of, o.code, o.out, o.err)
		}
	}
	for _, c := range []*cobra.Command{adminCommand(), runsCommand()} {
		for _, of := range c.Commands() {
			if name := c.Name() + " " + of.Name(); !used[name] {
				t.Errorf("no document shows %s", name)
			}
		}
	}
	if o := d.as(t, "owner", "admin", "drain", "--json"); o.code != 0 || !strings.Contains(o.out, `"draining":true`) {
		t.Errorf("the daemon drains: %+v", o)
	}
}

// documented are the examples of the documents.
func documented(t *testing.T) [][]string {
	return append(examples(t, "daemon.md"), examples(t, "operations.md")...)
}

// helped are those of the help texts.
func helped(t *testing.T) (all [][]string) {
	t.Helper()
	for _, c := range []*cobra.Command{runsCommand(), adminCommand()} {
		for _, of := range append(c.Commands(), c) {
			for line := range strings.Lines(of.Example) {
				var one []string
				for _, word := range words.FindAllString(strings.TrimPrefix(strings.TrimSpace(line), "caissond "), -1) {
					one = append(one, strings.Trim(word, "'"))
				}
				all = append(all, one)
			}
		}
	}
	return all
}

// pin is what the server offers, as compare-pins prints it.
func (d *running) pin(t *testing.T) string {
	t.Helper()
	o := d.as(t, "owner", "admin", "compare-pins", "files")
	at := strings.Index(o.out, "tool:")
	if at < 0 {
		t.Fatalf("%+v", o)
	}
	pin, _, _ := strings.Cut(o.out[at:], "\n")
	return pin
}

// question is the id of a call of alice's that waits.
func (d *running) question(t *testing.T) string {
	t.Helper()
	script := "return await tools.files.read_file({})"
	path := filepath.Join(t.TempDir(), "ask.js")
	if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	if o := d.as(t, "alice", "runs", "submit", path, "--servers", "files"); o.code != 0 {
		t.Fatalf("%+v", o)
	}
	var id string
	storetest.Until(t, func() bool {
		o := d.as(t, "owner", "admin", "list-approvals", "--json")
		var of struct {
			Approvals []struct{ ID, Principal string }
		}
		if err := json.Unmarshal([]byte(o.out), &of); err != nil {
			t.Fatalf("%v: %+v", err, o)
		}
		if len(of.Approvals) > 0 {
			id = of.Approvals[0].ID
		}
		return id != ""
	})
	return id
}

// run is the id of a run of the owner's.
func (d *running) run(t *testing.T) string {
	t.Helper()
	o := d.as(t, "owner", "runs", "submit", "clean.js", "--json")
	var of struct{ Run struct{ ID string } }
	if err := json.Unmarshal([]byte(o.out), &of); err != nil || of.Run.ID == "" {
		t.Fatalf("%v: %+v", err, o)
	}
	return of.Run.ID
}

// TestAdminTexts reads what the commands print, for people and as JSON.
func TestAdminTexts(t *testing.T) {
	d := startDaemon(t)
	for text, words := range map[string][]string{
		"files   -       0         0      ready  -": {"admin", "list-servers"},
		`"servers":[{"name":"files"`:                {"admin", "list-servers", "--json"},
		"ask":                                       {"admin", "check-policy", "files", "read_file"},
		"read_file":                                 {"admin", "get-policy"},
		"pending":                                   {"admin", "compare-pins", "files"},
	} {
		if o := d.as(t, "owner", words...); !strings.Contains(o.out, text) || strings.ContainsRune(o.out, '\x1b') {
			t.Errorf("%q does not have %q: %+v", words, text, o)
		}
	}
	script := filepath.Join(d.folder, "log.js")
	if err := os.WriteFile(script, []byte(`console.log("\x1b[2J\n\u202e"); return 1`), 0o600); err != nil {
		t.Fatal(err)
	}
	if o := d.as(t, "owner", "runs", "submit", script, "--watch"); o.code != 0 || !strings.Contains(o.out, `info: \x1b[2J\n`) || strings.ContainsAny(o.out, "\x1b\u202e") {
		t.Errorf("what does something to a terminal: %+v", o)
	}
	if o := d.as(t, "owner", "admin", "drain-server", "files"); !strings.Contains(o.out, "draining") {
		t.Errorf("%+v", o)
	}
	if o := runLine(t, "admin", "list-servers", "--addr", d.socket); o.code != exitDenied { // Who is known by the socket has not the scope.
		t.Errorf("by the socket: %+v", o)
	}
	if o := runLine(t, "runs", "list", "--addr", d.socket); o.code != 0 || !strings.Contains(o.out, "RUN") {
		t.Errorf("by the socket: %+v", o)
	}
}

// TestAdminTLS reaches a daemon by TLS, whose certificate it knows.
func TestAdminTLS(t *testing.T) {
	d := startDaemon(t)
	web := httptest.NewUnstartedServer(d.Handler())
	web.EnableHTTP2 = true
	web.StartTLS()
	defer web.Close()
	ca := filepath.Join(d.folder, "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	with := []string{"admin", "list-servers", "--addr", web.Listener.Addr().String(), "--token-file", filepath.Join(d.folder, "owner")}
	if o := runLine(t, append(with, "--ca", ca)...); o.code != 0 || !strings.Contains(o.out, "files") {
		t.Errorf("%+v", o)
	}
	if o := runLine(t, append(with, "--tls")...); o.code != exitConnect || !strings.Contains(o.err, "certificate") {
		t.Errorf("a certificate that nobody knows: %+v", o)
	}
}

// TestAdminExits shows which exit code says what.
func TestAdminExits(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	d := startDaemon(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	fails := filepath.Join(d.folder, "fails.js")
	if err := os.WriteFile(fails, []byte("throw new Error('no')"), 0o600); err != nil {
		t.Fatal(err)
	}
	owner, alice := filepath.Join(d.folder, "owner"), filepath.Join(d.folder, "alice")
	for code, all := range map[int]map[string]string{ // The lines, and what standard error has.
		exitUsage: {
			"admin lst-daemons":                                                               "unknown command",
			"admin list-daemons more":                                                         "unknown command",
			"admin list-daemons --nothing":                                                    "unknown flag",
			"admin list-daemons --addr nowhere":                                               "--addr",
			"admin list-daemons --token-file none":                                            "--token-file",
			"admin list-daemons --cert x":                                                     "key",
			"admin answer-approval x":                                                         "approve deny",
			"admin answer-approval x --deny --once":                                           "--once",
			"admin answer-approval x --approve --deny":                                        "approve deny",
			"admin approve-pins files tool":                                                   "KIND:HASH:NAME",
			"runs submit none.js":                                                             "none.js",
			"runs submit " + fails + " --input {":                                             "--input",
			"admin list-daemons --addr example.com:1 --token-file " + owner:                   "plain text",
			"admin drain-server none --addr " + d.addr + " --token-file " + owner:             "none",
			"admin list-servers --daemon nobody --addr " + d.addr + " --token-file " + owner:  "nobody",
			"runs get none --addr " + d.addr + " --token-file " + owner:                       "none",
			"admin check-policy files x --kind y --addr " + d.addr + " --token-file " + owner: "kind",
		},
		exitConnect: {"admin list-daemons --addr " + gone.Addr().String(): "is not there"},
		exitTimeout: {"admin list-daemons --timeout 100ms --addr " + silent.Addr().String(): "--timeout"},
		exitLogin:   {"admin list-daemons --addr " + d.addr: "--token-file"},
		exitDenied:  {"admin list-daemons --addr " + d.addr + " --token-file " + alice: "caisson:admin"},
		exitScript:  {"runs submit --watch " + fails + " --addr " + d.addr + " --token-file " + alice: "runtime: "},
	} {
		for _, line := range slices.Sorted(maps.Keys(all)) {
			if o := runLine(t, strings.Fields(line)...); o.code != code || !strings.Contains(o.err, all[line]) {
				t.Errorf("%s: %d and not %d, %s%s", line, o.code, code, o.out, o.err)
			}
		}
	}
}
