package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"
)

func TestCallTool(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	file := filepath.Join(t.TempDir(), "args.json")
	if err := os.WriteFile(file, []byte("\uFEFF{\"message\": \"from a file\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		stdin string
		words []string
		want  string
	}{
		{"", []string{"echo", "--args", `{"message":"hi"}`}, "hi\n"},
		{"", []string{"echo", "--args", "@" + file}, "from a file\n"},
		{`{"message":"from stdin"}`, []string{"echo", "--args", "-"}, "from stdin\n"},
		{"", []string{"echo", "message=5"}, "5\n"},
		{"", []string{"echo", "message=a=b 🚀\nc"}, "a=b 🚀\nc\n"},
		{"", []string{"echo", "message=new", "--args", `{"message":"old"}`}, "new\n"},
		{"", []string{"add", "a=1", "b=-2.5"}, "{\"sum\":-1.5}\n"},
		{"", []string{"add", "b=2", "--args", `{"a":40}`}, "{\"sum\":42}\n"},
	} {
		t.Run(strings.Join(test.words, " "), func(t *testing.T) {
			t.Parallel()
			o := caissonWith(t, test.stdin, slices.Concat([]string{"call-tool"}, test.words, demoArgs(t))...)
			o.expect(t, exitOK)
			if o.out != test.want {
				t.Errorf("it prints %q, want %q", o.out, test.want)
			}
		})
	}
}

func TestCallToolOverEachTransport(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	for name, server := range demoTransports(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			line := append(slices.Clone(server), "add", "a=1", "b=2")
			if server[0] == "--" {
				line = append([]string{"add", "a=1", "b=2"}, server...)
			}
			o := caissonRun(t, append([]string{"call-tool"}, line...)...)
			o.expect(t, exitOK)
			if want := "{\"sum\":3}\n"; o.out != want {
				t.Errorf("it prints %q, want %q", o.out, want)
			}
		})
	}
}

// call runs call-tool on the demo server, over stdio.
func call(t *testing.T, words ...string) outcome {
	t.Helper()
	return caissonRun(t, slices.Concat([]string{"call-tool"}, words, demoArgs(t))...)
}

func TestCallToolThatFails(t *testing.T) {
	t.Parallel()
	o := call(t, "fail", "message=no way", "--timeout", "2m")
	o.expect(t, exitToolError, `the tool "fail" reported an error`)
	if o.out != "no way\n" {
		t.Errorf("it prints %q", o.out)
	}
	o = call(t, "fail", "--json", "--timeout", "2m")
	o.expect(t, exitToolError)
	if result := decodeOne[mcp.CallToolResult](t, o.out); !result.IsError {
		t.Errorf("the result is %s", o.out)
	}
}

// TestNoTool shows that the names of many tools do not fill the screen.
func TestNoTool(t *testing.T) {
	names := make([]string, 0, 300)
	for i := range 300 {
		names = append(names, fmt.Sprint("tool", i))
	}
	call := &toolCall{tool: "other", command: &cobra.Command{}}
	if err := call.noTool("server", names); !strings.Contains(err.Error(), ", tool19 and 280 more") {
		t.Error(err)
	}
	if err := call.noTool("server", names[:2]); !strings.Contains(err.Error(), "it has tool0, tool1") || strings.Contains(err.Error(), "more") {
		t.Error(err)
	}
}

func TestCallToolWithWrongWords(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	for _, test := range []struct {
		words []string
		want  string
	}{
		{[]string{"nothing", "a=1"}, `the server has no tool "nothing": it has add, countdown, echo, fail`},
		{[]string{"add", "a=one"}, `the argument "a" must be of the type number`},
		{[]string{"add", "a=1", "c=1"}, `the tool "add" has no argument "c": it has a: number, b: number`},
		{[]string{"countdown", "from=1.5"}, `the argument "from" must be of the type integer`},
	} {
		o := call(t, test.words...)
		o.expect(t, exitUsage, test.want, "run 'caisson call-tool --help'")
		if o.out != "" {
			t.Errorf("%v prints %q", test.words, o.out)
		}
	}
}

// Progress and the server's messages go to stderr. Only the result goes to stdout.
func TestCallToolJSON(t *testing.T) {
	t.Parallel()
	o := call(t, "countdown", "from=3", "--json", "-v", "--timeout", "2m")
	o.expect(t, exitOK, "msg=connected", "transport=stdio", "method=tools/call", "progress 1/3 2 to go\n", "progress 2/3 1 to go\n", "progress 3/3 0 to go\n")
	want := []mcp.Content{&mcp.TextContent{Text: "liftoff"}}
	if diff := cmp.Diff(want, decodeOne[mcp.CallToolResult](t, o.out).Content); diff != "" {
		t.Errorf("content (-want +got):\n%s", diff)
	}
	o = call(t, "add", "a=2", "b=0.5", "--json", "--timeout", "2m")
	o.expect(t, exitOK)
	result := decodeOne[map[string]any](t, o.out)
	if diff := cmp.Diff(map[string]any{"sum": 2.5}, result["structuredContent"]); diff != "" {
		t.Errorf("structured content (-want +got):\n%s", diff)
	}
}

// A server's result passes complete and unchanged.
func TestCallToolJSONIsUntouched(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	const odd = `{"content":[{"type":"text","text":"\u2028<&>\u0000","new":{"a":[]}},{"type":"image","data":"AAAA","mimeType":"image/png"}],` +
		`"structuredContent":{"big":9007199254740993,"small":1e-7,"z":1.0,"":null},"_meta":{"x/y":[true]},"unknown":"kept"}`
	server := cannedServer(t, map[string]string{
		"tools/list": `{"tools":[{"name":"odd","inputSchema":{"type":"object"}}]}`,
		"tools/call": odd,
	})
	o := caissonRun(t, "call-tool", server, "odd", "--json")
	o.expect(t, exitOK)
	var want, got any
	for _, text := range []struct {
		text  string
		value *any
	}{{odd, &want}, {o.out, &got}} {
		d := json.NewDecoder(strings.NewReader(text.text))
		d.UseNumber()
		if err := d.Decode(text.value); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	_ = decodeOne[any](t, o.out)
}
