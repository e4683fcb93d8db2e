//lint:file-ignore SA1019 The newest revision deprecates roots and sampling; servers go on using them.

package gateway_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

const nameForm = `{"mode":"form","message":"Who?","requestedSchema":{"type":"object","properties":{"name":{"type":"string"}}}}`

// asksAll is a tool that asks several questions: in one round in 2026-07-28, and with requests at once before. Its text
// are the answers.
func asksAll(questions map[string]string) caissontest.Handler {
	params := func(method string) json.RawMessage {
		switch method {
		case "elicitation/create":
			return json.RawMessage(nameForm)
		case "sampling/createMessage":
			return json.RawMessage(`{"messages":[{"role":"user","content":{"type":"text","text":"Hi"}}],"maxTokens":5}`)
		}
		return json.RawMessage(`{}`)
	}
	const state = `a state "é" <of the server's>`
	return func(call *caissontest.Call) (any, error) {
		answers := map[string]json.RawMessage{}
		if _, round := call.Meta()[mcp.MetaKeyProtocolVersion]; !round {
			var mu sync.Mutex
			var all sync.WaitGroup
			for key, method := range questions {
				all.Go(func() {
					answer, err := call.Ask(method, params(method))
					if err != nil {
						answer = mustMarshal(err.Error())
					}
					mu.Lock()
					defer mu.Unlock()
					answers[key] = answer
				})
			}
			all.Wait()
			return caissontest.Text(string(mustMarshal(answers))), nil
		}
		var given struct {
			InputResponses map[string]json.RawMessage `json:"inputResponses"`
			RequestState   string                     `json:"requestState"`
		}
		if err := json.Unmarshal(call.Params, &given); err != nil {
			return nil, err
		}
		if given.InputResponses == nil {
			requests := map[string]any{}
			for key, method := range questions {
				requests[key] = map[string]any{"method": method, "params": params(method)}
			}
			return map[string]any{"resultType": "input_required", "inputRequests": requests, "requestState": state}, nil
		}
		if given.RequestState != state {
			return nil, fmt.Errorf("the state came back as %q", given.RequestState)
		}
		return caissontest.Text(string(mustMarshal(given.InputResponses))), nil
	}
}

// TestSeveralQuestions has a server ask several questions at once, in every combination of revisions.
func TestSeveralQuestions(t *testing.T) {
	everyWay(t, func(t *testing.T, up, down, transport string) {
		ctx := testContext(t)
		server := caissontest.NewServer(t, up)
		server.AddTool(&mcp.Tool{Name: "all"}, asksAll(map[string]string{
			"user_name": "elicitation/create", "greeting": "sampling/createMessage", "client_roots": "roots/list",
		}))
		g := newGateway(t, caisson.ServerMap{"s": server.Caisson()}, nil)
		session := connectTo(t, g, "/mcp", down, transport, person())
		result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "s__all"})
		text := textOf(t, result, err)
		var answers map[string]map[string]any
		if err := json.Unmarshal([]byte(text), &answers); err != nil {
			t.Fatalf("the server got %s", text)
		}
		if answers["user_name"]["action"] != "accept" || answers["greeting"]["model"] != "m" || answers["client_roots"]["roots"] == nil {
			t.Errorf("the server got %s", text)
		}
		if n := len(server.Requests("tools/call")); up == newest && n != 2 {
			t.Errorf("the server got the call %d times", n)
		}
	})
}

// A roundOf is what a client of 2026-07-28 gets in place of a result.
type roundOf struct {
	ResultType    string                     `json:"resultType"`
	RequestState  string                     `json:"requestState"`
	InputRequests map[string]json.RawMessage `json:"inputRequests"`
}

// ask makes a call and returns the round that it is answered with.
func (a answer) round(t testing.TB) roundOf {
	t.Helper()
	var round roundOf
	if err := json.Unmarshal(a.result, &round); err != nil || round.ResultType != "input_required" || round.RequestState == "" {
		t.Fatalf("the call was answered with %.500s", a.body)
	}
	return round
}

// goOn is the rest of a call in its next round.
func (r roundOf) goOn(responses map[string]any) string {
	return fmt.Sprintf(`,"requestState":%s,"inputResponses":%s`, mustMarshal(r.RequestState), mustMarshal(responses))
}

func said(name string) map[string]any {
	return map[string]any{"action": "accept", "content": map[string]any{"name": name}}
}

func callModern(t testing.TB, web *httptest.Server, tool, rest string) answer {
	t.Helper()
	return post(t, web, request{path: "/mcp", version: newest, body: modernCall(tool, rest)})
}

// TestKeysOfQuestions shows that a client sees the server's own keys, whatever they are, all in one round, and that each
// answer goes back under its own.
func TestKeysOfQuestions(t *testing.T) {
	t.Parallel()
	keys := []string{"user_name", "", "1", "__proto__", "constructor", "toString", "é \"\\\n\u0000", strings.Repeat("k", 100_000)}
	questions := map[string]string{}
	for _, key := range keys {
		questions[key] = "elicitation/create"
	}
	server := caissontest.NewServer(t, newest)
	server.AddTool(&mcp.Tool{Name: "all"}, asksAll(questions))
	web := serveTest(t, newGateway(t, caisson.ServerMap{"s": server.Caisson()}, nil))
	calls := func() int { return len(server.Requests("tools/call")) }

	first := callModern(t, web, "s__all", "").round(t)
	if got := slices.Sorted(maps.Keys(first.InputRequests)); !slices.Equal(got, slices.Sorted(slices.Values(keys))) {
		t.Fatalf("the client is asked under the keys %.500q", got)
	}
	// Some are answered; the rest is asked again. Other keys mean nothing.
	some := map[string]any{"user_name": said("0"), "__proto__": said("3"), "nobody": said("evil")}
	second := callModern(t, web, "s__all", first.goOn(some)).round(t)
	if len(second.InputRequests) != len(keys)-2 || second.InputRequests["user_name"] != nil || second.InputRequests[""] == nil || calls() != 1 {
		t.Fatalf("after some answers the client is asked under %.500q, and the server has %d calls", slices.Sorted(maps.Keys(second.InputRequests)), calls())
	}
	if second.RequestState == first.RequestState {
		t.Error("two rounds have one state")
	}
	rest := map[string]any{"user_name": said("changed")}
	for i, key := range keys {
		if second.InputRequests[key] != nil {
			rest[key] = said(fmt.Sprint(i))
		}
	}
	last := callModern(t, web, "s__all", second.goOn(rest))
	result := &mcp.CallToolResult{}
	if err := json.Unmarshal(last.result, result); err != nil {
		t.Fatalf("%v: %.500s", err, last.body)
	}
	var answers map[string]struct {
		Content struct {
			Name string `json:"name"`
		} `json:"content"`
	}
	if err := json.Unmarshal([]byte(textOf(t, result, nil)), &answers); err != nil || len(answers) != len(keys) || calls() != 2 {
		t.Fatalf("%v: the server got %.500s in %d calls", err, last.body, calls())
	}
	for i, key := range keys {
		if answers[key].Content.Name != fmt.Sprint(i) {
			t.Errorf("%.20q is answered with %q", key, answers[key].Content.Name)
		}
	}
}

// TestTooManyQuestions shows that a call fails whose server asks too much in one round, and that a key that is there
// twice counts once.
func TestTooManyQuestions(t *testing.T) {
	t.Parallel()
	server := caissontest.NewServer(t, newest)
	questions := map[string]string{}
	for i := range 1000 {
		questions[fmt.Sprint(i)] = "elicitation/create"
	}
	server.AddTool(&mcp.Tool{Name: "many"}, asksAll(questions))
	server.AddTool(&mcp.Tool{Name: "twice"}, func(*caissontest.Call) (any, error) {
		one := `"key":{"method":"elicitation/create","params":` + nameForm + `}`
		return json.RawMessage(`{"resultType":"input_required","inputRequests":{` + one + `,` + one + `},"requestState":"s"}`), nil
	})
	server.AddTool(&mcp.Tool{Name: "unable"}, asksAll(map[string]string{"form": "elicitation/create", "roots": "roots/list"}))
	web := serveTest(t, newGateway(t, caisson.ServerMap{"s": server.Caisson()}, nil))
	for range 2 { // What one call has used is free for the next.
		if a := callModern(t, web, "s__many", ""); a.err.Code == 0 {
			t.Errorf("a thousand questions: %.500s", a.body)
		}
	}
	if n := len(server.Requests("tools/call")); n != 2 {
		t.Errorf("the server got %d calls", n)
	}
	if a := callModern(t, web, "s__unable", ""); a.err.Code == 0 {
		t.Errorf("a question that the client cannot answer: %.500s", a.body)
	}
	if round := callModern(t, web, "s__twice", "").round(t); len(round.InputRequests) != 1 || round.InputRequests["key"] == nil {
		t.Errorf("a key that is there twice: %v", round.InputRequests)
	}
}

// TestAnswersWithTheCall shows that a client may answer what it knows that a server asks, and that this approves nothing.
func TestAnswersWithTheCall(t *testing.T) {
	t.Parallel()
	server := caissontest.NewServer(t, newest)
	server.AddTool(&mcp.Tool{Name: "one"}, asksAll(map[string]string{"user_name": "elicitation/create"}))
	server.AddTool(&mcp.Tool{Name: "two"}, asksAll(map[string]string{"user_name": "elicitation/create", "other": "elicitation/create"}))
	web := serveTest(t, newGateway(t, caisson.ServerMap{"s": server.Caisson()}, nil))
	given := fmt.Sprintf(`,"inputResponses":%s`, mustMarshal(map[string]any{"user_name": said("Ada"), "1": said("evil"), "unknown": said("evil")}))
	if a := callModern(t, web, "s__one", given); !strings.Contains(string(a.result), "Ada") || strings.Contains(a.body, "evil") {
		t.Errorf("the only question: %s", a.body)
	}
	round := callModern(t, web, "s__two", given).round(t)
	if len(round.InputRequests) != 1 || round.InputRequests["other"] == nil {
		t.Errorf("the client is asked %v", round.InputRequests)
	}
	if a := callModern(t, web, "s__two", round.goOn(map[string]any{"other": said("Bob")})); !strings.Contains(string(a.result), "Ada") || !strings.Contains(string(a.result), "Bob") {
		t.Errorf("both answers: %s", a.body)
	}
	for _, wrong := range []string{`{"user":{"action":"accept"}}`, `{}`, `null`} {
		if round := callModern(t, web, "s__one", `,"inputResponses":`+wrong).round(t); round.InputRequests["user_name"] == nil {
			t.Errorf("%s: the client is asked %v", wrong, round.InputRequests)
		}
	}

	server.AddTool(&mcp.Tool{Name: "pay"}, asksAll(map[string]string{"user_name": "elicitation/create"}))
	options := governed(rules(t, asking))
	options.Authenticate = byHeader
	asked := serveTest(t, newGateway(t, caisson.ServerMap{"s": server.Caisson()}, options))
	before := len(server.Requests("tools/call"))
	approval := post(t, asked, request{path: "/mcp", principal: "ada", version: newest, body: payCall(1, given)}).round(t)
	if len(approval.InputRequests) != 1 || approval.InputRequests["user_name"] != nil || len(server.Requests("tools/call")) != before {
		t.Errorf("nobody is asked for the approval: %v", approval.InputRequests)
	}
}

// TestParameterHeaders shows that a call is refused whose headers do not repeat its arguments as the tool has it.
func TestParameterHeaders(t *testing.T) {
	t.Parallel()
	schema := json.RawMessage(`{"type":"object","properties":{
		"region":{"type":"string","x-mcp-header":"Region"},
		"size":{"type":"integer","x-mcp-header":"Size"},
		"deep":{"type":"object","properties":{"on":{"type":"boolean","x-mcp-header":"On"}}},
		"free":{"type":"string"}}}`)
	invalid := json.RawMessage(`{"type":"object","properties":{"a":{"type":"string","x-mcp-header":"Same"},"b":{"type":"string","x-mcp-header":"same"}}}`)
	for _, up := range eras {
		for _, path := range []string{"/mcp", "/servers/s"} {
			t.Run(up+" "+path, func(t *testing.T) {
				t.Parallel()
				server := caissontest.NewServer(t, up)
				server.AddTool(&mcp.Tool{Name: "query", InputSchema: schema}, says("queried"))
				server.AddTool(&mcp.Tool{Name: "plain"}, says("plain"))
				if up == older { // The core leaves such a tool out of a list of the newest revision.
					server.AddTool(&mcp.Tool{Name: "invalid", InputSchema: invalid}, says("invalid"))
				}
				web := serveTest(t, newGateway(t, caisson.ServerMap{"s": server.Caisson()}, &gateway.Options{MaxRequestBytes: math.MaxInt64}))
				call := func(tool, arguments string, headers map[string][]string) answer {
					if path == "/mcp" {
						tool = "s__" + tool
					}
					body := strings.Replace(modernCall(tool, ""), `"arguments":{}`, `"arguments":`+arguments, 1)
					return post(t, web, request{path: path, version: newest, body: body, headers: headers})
				}
				type is = map[string][]string
				before := func() int { return len(server.Requests("tools/call")) }
				for _, c := range []struct {
					arguments string
					headers   is
					ok        bool
				}{
					{`{"region":"eu"}`, is{}, false}, // The first call: the tools have not been listed.
					{`{"region":"eu"}`, is{"Region": {"eu"}}, true},
					{`{"region":"eu"}`, is{"Region": {"us"}}, false},
					{`{"region":"eu"}`, is{"Region": {"EU"}}, false},
					{`{"region":"eu"}`, is{"Region": {"eu", "eu"}}, false},
					{`{"region":"Hello"}`, is{"Region": {"=?base64?SGVsbG8=?="}}, true},
					{`{"region":"Hello"}`, is{"Region": {"=?base64?SGVsbG8?="}}, false},
					{`{"region":"Hello"}`, is{"Region": {"=?base64?SGVs!!!bG8=?="}}, false},
					{`{"region":"Hello"}`, is{"Region": {"=?BASE64?SGVsbG8=?="}}, false},
					{`{"region":"SGVsbG8="}`, is{"Region": {"SGVsbG8="}}, true},
					{`{"region":"=?base64?SGVsbG8="}`, is{"Region": {"=?base64?SGVsbG8="}}, true},
					{`{"region":"Zürich"}`, is{"Region": {"Zürich"}}, false},
					{`{"region":"Zürich"}`, is{"Region": {"=?base64?WsO8cmljaA==?="}}, true},
					{`{"region":""}`, is{"Region": {""}}, true},
					{`{"region":""}`, is{}, false},
					{`{"region":null}`, is{}, true},
					{`{"region":null}`, is{"Region": {"null"}}, false},
					{`{}`, is{}, true},
					{`{}`, is{"Region": {"eu"}}, false},
					{`{"region":["eu"]}`, is{"Region": {"eu"}}, false},
					{`{"size":42}`, is{"Size": {"42"}}, true},
					{`{"size":42}`, is{"Size": {"42.0"}}, true},
					{`{"size":42.0}`, is{"Size": {"42"}}, true},
					{`{"size":42}`, is{"Size": {"43"}}, false},
					{`{"size":42}`, is{"Size": {"0x2a"}}, false},
					{`{"size":"42"}`, is{"Size": {"42"}}, true}, // The tool says what is wrong with it.
					{`{"size":1.5}`, is{"Size": {"1.5"}}, false},
					{`{"size":9007199254740993}`, is{"Size": {"9007199254740993"}}, false},
					{`{"deep":{"on":true}}`, is{"On": {"true"}}, true},
					{`{"deep":{"on":true}}`, is{"On": {"True"}}, false},
					{`{"deep":{"on":true}}`, is{}, false},
					{`{"deep":"no object"}`, is{}, true},
					{`{"free":"x"}`, is{"Free": {"y"}}, true},
				} {
					n := before()
					a := call("query", c.arguments, c.headers)
					if c.ok {
						if !strings.Contains(string(a.result), "queried") {
							t.Errorf("%s with %v: %d %s", c.arguments, c.headers, a.status, a.body)
						}
						continue
					}
					if a.status != 400 || a.err.Code != mcp.CodeHeaderMismatch || !strings.Contains(a.err.Message, "Mcp-Param-") || before() != n {
						t.Errorf("%s with %v: %d %s", c.arguments, c.headers, a.status, a.body)
					}
				}
				if a := call("plain", `{"region":"eu"}`, nil); !strings.Contains(string(a.result), "plain") {
					t.Errorf("a tool without such parameters: %s", a.body)
				}
				if a := call("invalid", `{"a":"x"}`, nil); up == older && !strings.Contains(string(a.result), "invalid") {
					t.Errorf("a tool whose annotations are not allowed: %s", a.body)
				}
				if n := len(server.Requests("tools/list")); n > 3 {
					t.Errorf("the tools were listed %d times", n)
				}
			})
		}
	}
}

// TestParameterHeadersChange shows that the tools are listed anew when the server says that they have changed.
func TestParameterHeadersChange(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	schema := func(header string) json.RawMessage {
		return json.RawMessage(`{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"` + header + `"}}}`)
	}
	server := caissontest.NewServer(t, older)
	server.AddTool(&mcp.Tool{Name: "query", InputSchema: schema("Old")}, says("queried"))
	web := serveTest(t, newGateway(t, caisson.ServerMap{"s": server.Caisson()}, nil))
	call := func(header string) bool {
		body := strings.Replace(modernCall("s__query", ""), `"arguments":{}`, `"arguments":{"region":"eu"}`, 1)
		a := post(t, web, request{path: "/mcp", version: newest, body: body, headers: map[string][]string{header: {"eu"}}})
		return strings.Contains(string(a.result), "queried")
	}
	if !call("Old") || call("New") {
		t.Fatal("the header is not the tool's")
	}
	server.AddTool(&mcp.Tool{Name: "query", InputSchema: schema("New")}, says("queried"))
	server.Notify("notifications/tools/list_changed", nil)
	for !call("New") {
		if ctx.Err() != nil {
			t.Fatal("the tools are not listed anew")
		}
	}
}
