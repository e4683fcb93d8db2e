package gateway

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// TestCarry shows which messages of clients the Go SDK gets in another form, and that what it does not know comes out of
// them as it was.
func TestCarry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ message, taken string }{
		{`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, ``},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":1e400}}}`, ``},
		{`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`, ``},
		{`{"jsonrpc":"2.0","id":1,"result":{}}`, ``},
		{`{"jsonrpc":"2.0","id":1,"method":"notifications/odd"}`, ``},
		{`{"jsonrpc":"2.0","method":"weather/get"}`, ``},
		{`{"jsonrpc":"2.0","id":1,"method":"weather/get","params":[1]}`, ``},
		{`{"jsonrpc":"2.0","id":1,"method":"weather/get","params":{"_meta":1}}`, ``},
		{`{"jsonrpc":"2.0","id":1,"method":5}`, ``},
		{`[{"jsonrpc":"2.0","id":1,"method":"weather/get"}]`, ``},
		{`no JSON`, ``},
		{`{"jsonrpc":"2.0","id":"x","method":"weather/get"}`, `{"id":"x","jsonrpc":"2.0","method":"caisson/extension","params":{"_meta":{"caisson/carried":{"method":"weather/get"}}}}`},
		{
			`{"jsonrpc":"2.0","id":1,"method":"weather/get","params":{"big":12345678901234567890,"_meta":{"a":1,"caisson/carried":{"method":"tools/call"}}}}`,
			`{"id":1,"jsonrpc":"2.0","method":"caisson/extension","params":{"_meta":{"a":1,"caisson/carried":{"method":"weather/get"}},"big":12345678901234567890}}`,
		},
		{
			`{"jsonrpc":"2.0","method":"notifications/weather","params":{"a":1}}`,
			`{"jsonrpc":"2.0","method":"notifications/progress","params":{"_meta":{"caisson/carried":{"method":"notifications/weather","params":{"a":1}}},"progress":0,"progressToken":""}}`,
		},
		{
			`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","task":{"ttl":5},"odd":[1]}}`,
			`{"id":1,"jsonrpc":"2.0","method":"tools/call","params":{"_meta":{"caisson/carried":{"rest":{"odd":[1],"task":{"ttl":5}}}},"name":"a"}}`,
		},
	} {
		want := c.taken
		if want == "" {
			want = c.message
		}
		taken, _ := carry([]byte(c.message))
		if string(taken) != want {
			t.Errorf("%s\nis taken as %s\nwant        %s", c.message, taken, want)
		}
	}
	var params map[string]json.RawMessage
	if err := json.Unmarshal([]byte(`{"name":"a","_meta":{"caisson/carried":{"rest":{"name":"b","odd":[1]}}}}`), &params); err != nil {
		t.Fatal(err)
	}
	if putRest(params); string(marshal(params)) != `{"name":"a","odd":[1]}` {
		t.Errorf("the members are put back as %s", marshal(params))
	}
}

// TestCarryOut gives clients the notifications that the Go SDK cannot send, and nothing that a server writes in their form.
func TestCarryOut(t *testing.T) {
	t.Parallel()
	for event, want := range map[string]string{
		`{"jsonrpc":"2.0","method":"notifications/progress","params":{"caisson/carried":{"method":"notifications/weather","params":{"a":1}}}}`: `{"jsonrpc":"2.0","method":"notifications/weather","params":{"a":1}}`,
		`{"jsonrpc":"2.0","id":1,"result":{"caisson/carried":{"method":"x"}}}`:                                                                 ``,
		`{"jsonrpc":"2.0","method":"notifications/message","params":{"caisson/carried":{"method":"x"}}}`:                                       ``,
	} {
		if want == "" {
			want = event
		}
		if got := string(carryOut([]byte(event))); got != want {
			t.Errorf("%s\nbecomes %s", event, got)
		}
		head := "event: message\nid: 1_2\ndata: "
		if got := string(carryEvent([]byte(head + event + "\n\n"))); got != head+want+"\n\n" {
			t.Errorf("the event becomes %q", got)
		}
	}
}

// TestCarryingReader has lines come in pieces of all sizes, one of them too long, and one without an end.
func TestCarryingReader(t *testing.T) {
	t.Parallel()
	request := `{"jsonrpc":"2.0","id":1,"method":"weather/get","params":{"text":"` + strings.Repeat("x", 100_000) + `"}}`
	long := `{"jsonrpc":"2.0","id":1,"method":"weather/get","params":{"text":"` + strings.Repeat("y", 300_000) + `"}}`
	end := `{"jsonrpc":"2.0","id":2,"method":"ping"}`
	reader := newCarryingReader(io.NopCloser(strings.NewReader(request+"\r\n"+long+"\n"+request+"\n"+end)), 200_000)
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	taken, _ := carry([]byte(request))
	want := string(taken) + "\n" + long + "\n" + string(taken) + "\n" + end
	if string(text) != want {
		t.Errorf("%d bytes are read, want %d", len(text), len(want))
	}
}

// TestMethodsOfExtensions shows which methods are no extension's, whoever uses them: what a client or a server sends under
// the name of an extension must not go around what the gateway knows of the protocol's own.
func TestMethodsOfExtensions(t *testing.T) {
	t.Parallel()
	for _, method := range append(append([]string{
		"", "sampling/createMessage", "elicitation/create", "roots/list", "caisson/extension", "notifications/tasks", "notifications/tasks/status", strings.Repeat("x", maxMethod+1),
	}, sdkMethods...), sdkNotices...) {
		if ofExtension(method) {
			t.Errorf("%.80q is taken for one of an extension", method)
		}
	}
	for _, method := range []string{"skills/list", "weather/get", "notifications/weather"} {
		if !ofExtension(method) {
			t.Errorf("%q is none of an extension", method)
		}
	}
}
