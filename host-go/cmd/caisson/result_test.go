package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

func TestDescribeResult(t *testing.T) {
	for result, want := range map[string]string{
		`{"content":[{"type":"text","text":"a"},{"type":"text","text":"b\n"}]}`:                          "a\nb\n",
		`{"content":[{"type":"text","text":""}]}`:                                                        "\n",
		`{"content":[{"type":"text","text":"{}"}],"structuredContent":{}}`:                               "{}\n",
		`{"content":[{"type":"image","data":"AAAA","mimeType":"image/png"}]}`:                            "[image: image/png, 3 bytes]\n",
		`{"content":[{"type":"audio","data":"AA=="}]}`:                                                   "[audio: unknown type, 1 bytes]\n",
		`{"content":[{"type":"resource_link","uri":"file:///a","name":"a","mimeType":"text/plain"}]}`:    "[resource link: file:///a a text/plain]\n",
		`{"content":[{"type":"resource","resource":{"uri":"a:b","text":"hello"}}]}`:                      "[resource: a:b, unknown type, 5 bytes]\n",
		`{"content":[{"type":"resource","resource":{"uri":"a:b","blob":"AAAA","mimeType":"x/y"}}]}`:      "[resource: a:b, x/y, 3 bytes]\n",
		`{"content":[{"type":"hologram","size":3}]}`:                                                     "[content of the type \"hologram\": --json shows it]\n",
		`{"content":[{"type":"resource"}]}`:                                                              "[content of the type \"resource\": --json shows it]\n",
		`{"content":[7]}`:                                                                                "[content of the type \"\": --json shows it]\n",
		`{"content":[],"structuredContent":{"a":[1]}}`:                                                   "{\n  \"a\": [\n    1\n  ]\n}\n",
		`{"content":[{"type":"image","data":"AAAA","mimeType":"image/png"}],"structuredContent":"text"}`: "[image: image/png, 3 bytes]\n\"text\"\n",
		`{"content":[]}`:         "{\n  \"content\": []\n}\n",
		`{"content":"nonsense"}`: "{\n  \"content\": \"nonsense\"\n}\n",
		`{"resultType":"input_required","inputRequests":{}}`: "{\n  \"resultType\": \"input_required\",\n  \"inputRequests\": {}\n}\n",
	} {
		if got := describeResult(json.RawMessage(result)); got != want {
			t.Errorf("%s\nis %q\nwant %q", result, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int]string{0: "0 bytes", 999: "999 bytes", 1000: "1.0 kB", 12_345: "12.3 kB", 48_000_000: "48.0 MB"} {
		if got := size(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

func TestNotified(t *testing.T) {
	for _, test := range []struct{ method, params, want string }{
		{"notifications/message", `{"level":"warning","logger":"db","data":"it is\nlate"}`, "warning db: it is late\n"},
		{"notifications/message", `{"level":"info","data":{"a":1}}`, "info: {\"a\":1}\n"},
		{"notifications/message", `{"level":"info","data":"\u001b[2J"}`, "info: \\u{1b}[2J\n"},
		{"notifications/tools/list_changed", ``, ""},
	} {
		var stderr bytes.Buffer
		a := &app{err: terminal.New(&stderr)}
		a.notified(test.method, json.RawMessage(test.params))
		if got := stderr.String(); got != test.want {
			t.Errorf("%s %s\nprints %q\nwant %q", test.method, test.params, got, test.want)
		}
	}
}

func TestProgressed(t *testing.T) {
	for want, p := range map[string]mcp.ProgressNotificationParams{
		"progress 3/10 three\n":        {Progress: 3, Total: 10, Message: "three"},
		"progress 0.5\n":               {Progress: 0.5},
		"progress 1 \\u{1b}[2J line\n": {Progress: 1, Message: "\x1b[2J\nline"},
	} {
		var stderr bytes.Buffer
		a := &app{err: terminal.New(&stderr)}
		a.progressed(&p)
		if got := stderr.String(); got != want {
			t.Errorf("%+v\nprints %q\nwant %q", p, got, want)
		}
	}
}
