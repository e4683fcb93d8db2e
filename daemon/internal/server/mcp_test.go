//lint:file-ignore SA1019 The newest revision deprecates sampling; servers go on using it.

package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
)

// echo calls the tool echo, and gives the text of its result.
func echo(t *testing.T, result []byte) string {
	t.Helper()
	var r struct {
		Content []struct{ Text string }
		IsError bool
	}
	if err := json.Unmarshal(result, &r); err != nil || len(r.Content) != 1 {
		t.Fatalf("the result is %s: %v", result, err)
	}
	return r.Content[0].Text
}

func detail(t *testing.T, err error) *caissonv1.Error {
	t.Helper()
	var of *connect.Error
	if !errors.As(err, &of) {
		t.Fatalf("no status: %v", err)
	}
	for _, d := range of.Details() {
		if message, err := d.Value(); err == nil {
			if e, ok := message.(*caissonv1.Error); ok {
				return e
			}
		}
	}
	t.Fatalf("the status has no details: %v", err)
	return nil
}

// TestProtocols calls a tool by each protocol of the port.
func TestProtocols(t *testing.T) {
	d := start(t, servers("up", newUpstream(t).url))
	token := d.token("alice")
	for name, options := range map[string][]connect.ClientOption{
		"Connect": nil, "Connect with JSON": {connect.WithProtoJSON()}, "gRPC": {connect.WithGRPC()}, "gRPC-Web": {connect.WithGRPCWeb()},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := d.mcp(token, options...).CallTool(t.Context(), connect.NewRequest(&caissonv1.CallToolRequest{
				Target: byServer("up"), Name: "echo", Arguments: []byte(`{"text":"hello"}`),
			}))
			if err != nil {
				t.Fatal(err)
			}
			if got := echo(t, r.Msg.GetResult()); got != "hello" {
				t.Errorf("it says %q", got)
			}
		})
	}
}

// TestToolFailure shows that a tool's own failure is a result.
func TestToolFailure(t *testing.T) {
	d := start(t, servers("up", newUpstream(t).url))
	r, err := d.mcp(d.token("alice")).CallTool(t.Context(), connect.NewRequest(&caissonv1.CallToolRequest{Target: byServer("up"), Name: "fail"}))
	if err != nil || !bytes.Contains(r.Msg.GetResult(), []byte(`"isError":true`)) {
		t.Errorf("%v, %v", r, err)
	}
}

// TestStream calls a tool that tells of its progress.
func TestStream(t *testing.T) {
	d := start(t, servers("up", newUpstream(t).url))
	stream, err := d.mcp(d.token("alice")).CallToolStream(t.Context(), connect.NewRequest(&caissonv1.CallToolStreamRequest{Target: byServer("up"), Name: "progress"}))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var progress []string
	var result []byte
	for stream.Receive() {
		if p := stream.Msg().GetProgress(); p != nil {
			if result != nil {
				t.Error("progress comes after the result")
			}
			progress = append(progress, string(p))
		}
		if r := stream.Msg().GetResult(); r != nil {
			result = r
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	if len(progress) != 3 || !strings.Contains(progress[2], `"progress":3`) || echo(t, result) != "done" {
		t.Errorf("progress %q, result %s", progress, result)
	}
}

// TestSharedSession shows that many calls at once make one session, and that another principal has another one.
func TestSharedSession(t *testing.T) {
	up := newUpstream(t)
	d := start(t, servers("up", up.url))
	call := func(client interface {
		CallTool(context.Context, *connect.Request[caissonv1.CallToolRequest]) (*connect.Response[caissonv1.CallToolResponse], error)
	},
	) {
		if _, err := client.CallTool(t.Context(), connect.NewRequest(&caissonv1.CallToolRequest{Target: byServer("up"), Name: "echo", Arguments: []byte(`{"text":"x"}`)})); err != nil {
			t.Error(err)
		}
	}
	alice := d.mcp(d.token("alice"))
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() { call(alice) })
	}
	calls.Wait()
	if n := d.pool.Count(); n != 1 {
		t.Errorf("%d sessions for one principal", n)
	}
	call(d.mcp(d.token("bob")))
	if n := d.pool.Count(); n != 2 {
		t.Errorf("%d sessions for two principals", n)
	}
}

// TestPrincipals shows that nobody reaches a session of somebody else, by any call that names one.
func TestPrincipals(t *testing.T) {
	d := start(t, servers("up", newUpstream(t).url))
	alice, bob := d.mcp(d.token("alice")), d.mcp(d.token("bob"))
	r, err := alice.Connect(t.Context(), connect.NewRequest(&caissonv1.ConnectRequest{Id: "mine", Of: &caissonv1.ConnectRequest_Server{Server: "up"}}))
	if err != nil {
		t.Fatal(err)
	}
	of := bySession(r.Msg.GetSession().GetId())
	ctx := t.Context()
	calls := map[string]func() error{
		"CallTool": func() error {
			_, err := bob.CallTool(ctx, connect.NewRequest(&caissonv1.CallToolRequest{Target: of, Name: "echo"}))
			return err
		},
		"ListTools": func() error {
			_, err := bob.ListTools(ctx, connect.NewRequest(&caissonv1.ListToolsRequest{Target: of}))
			return err
		},
		"ListResources": func() error {
			_, err := bob.ListResources(ctx, connect.NewRequest(&caissonv1.ListResourcesRequest{Target: of}))
			return err
		},
		"ListResourceTemplates": func() error {
			_, err := bob.ListResourceTemplates(ctx, connect.NewRequest(&caissonv1.ListResourceTemplatesRequest{Target: of}))
			return err
		},
		"ReadResource": func() error {
			_, err := bob.ReadResource(ctx, connect.NewRequest(&caissonv1.ReadResourceRequest{Target: of, Uri: "x:y"}))
			return err
		},
		"ListPrompts": func() error {
			_, err := bob.ListPrompts(ctx, connect.NewRequest(&caissonv1.ListPromptsRequest{Target: of}))
			return err
		},
		"GetPrompt": func() error {
			_, err := bob.GetPrompt(ctx, connect.NewRequest(&caissonv1.GetPromptRequest{Target: of, Name: "x"}))
			return err
		},
		"Complete": func() error {
			_, err := bob.Complete(ctx, connect.NewRequest(&caissonv1.CompleteRequest{Target: of}))
			return err
		},
		"Ping": func() error {
			_, err := bob.Ping(ctx, connect.NewRequest(&caissonv1.PingRequest{Target: of}))
			return err
		},
		"Request": func() error {
			_, err := bob.Request(ctx, connect.NewRequest(&caissonv1.RequestRequest{Target: of, Method: "tools/list"}))
			return err
		},
		"Disconnect": func() error {
			_, err := bob.Disconnect(ctx, connect.NewRequest(&caissonv1.DisconnectRequest{Session: "mine"}))
			return err
		},
		"CallToolStream": func() error {
			stream, err := bob.CallToolStream(ctx, connect.NewRequest(&caissonv1.CallToolStreamRequest{Target: of, Name: "echo"}))
			if err != nil {
				return err
			}
			defer stream.Close()
			stream.Receive()
			return stream.Err()
		},
		"Subscribe": func() error {
			stream, err := bob.Subscribe(ctx, connect.NewRequest(&caissonv1.SubscribeRequest{Target: of, Tools: true}))
			if err != nil {
				return err
			}
			defer stream.Close()
			stream.Receive()
			return stream.Err()
		},
		"Session": func() error {
			stream := bob.Session(ctx)
			defer stream.CloseRequest()
			if err := stream.Send(&caissonv1.SessionRequest{Of: &caissonv1.SessionRequest_Open{Open: &caissonv1.SessionOpen{Of: &caissonv1.SessionOpen_Session{Session: "mine"}}}}); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			_, err := stream.Receive()
			return err
		},
	}
	// Each method of the service is here, or names no session.
	methods := caissonv1.File_caisson_v1_mcp_proto.Services().ByName("McpService").Methods()
	for i := range methods.Len() {
		if name := string(methods.Get(i).Name()); calls[name] == nil && name != "Connect" && name != "ListSessions" {
			t.Errorf("%s is not tried", name)
		}
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			if err := call(); connect.CodeOf(err) != connect.CodeNotFound {
				t.Errorf("%v", err)
			}
		})
	}
	listed, err := bob.ListSessions(ctx, connect.NewRequest(&caissonv1.ListSessionsRequest{}))
	if err != nil || len(listed.Msg.GetSessions()) != 0 {
		t.Errorf("bob has %v, %v", listed, err)
	}
	if _, err := alice.Ping(ctx, connect.NewRequest(&caissonv1.PingRequest{Target: of})); err != nil {
		t.Errorf("alice's session: %v", err)
	}
	if _, err := bob.Connect(ctx, connect.NewRequest(&caissonv1.ConnectRequest{Id: "mine", Of: &caissonv1.ConnectRequest_Server{Server: "up"}})); err != nil {
		t.Errorf("bob may have the same id for a session of his: %v", err)
	}
}

// TestNobody shows that nobody gets in without a token, and that health and the document are open.
func TestNobody(t *testing.T) {
	d := start(t, servers("up", newUpstream(t).url))
	for _, token := range []string{"", "wrong"} {
		_, err := d.mcp(token, connect.WithGRPC()).ListSessions(t.Context(), connect.NewRequest(&caissonv1.ListSessionsRequest{}))
		if code := connect.CodeOf(err); code != connect.CodeUnauthenticated {
			t.Errorf("with the token %q: %v", token, err)
		}
	}
	for path, want := range map[string]int{"/health": 200, "/openapi.json": 200, "/call-tool": 401, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": 401, "/": 401} {
		r, err := http.Post(d.url+path, "application/json", strings.NewReader("{}"))
		if want == 200 {
			r, err = http.Get(d.url + path)
		}
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
}

// TestScopes shows what a principal needs for each service.
func TestScopes(t *testing.T) {
	d := start(t, servers("up", newUpstream(t).url))
	ctx := t.Context()
	calls := map[string]func(token string) error{
		"caisson:mcp": func(token string) error {
			_, err := d.mcp(token).ListSessions(ctx, connect.NewRequest(&caissonv1.ListSessionsRequest{}))
			return err
		},
		"caisson:scripts": func(token string) error {
			_, err := d.scripts(token).ListRuns(ctx, connect.NewRequest(&caissonv1.ListRunsRequest{}))
			return err
		},
		"caisson:admin": func(token string) error {
			_, err := d.admin(token).ListServers(ctx, connect.NewRequest(&caissonv1.ListServersRequest{}))
			return err
		},
	}
	for needed, call := range calls {
		for name, has := range map[string][]string{
			"only-mcp": {"caisson:mcp"}, "only-scripts": {"caisson:scripts"}, "owner": {"caisson:admin"}, "unknown": nil,
			"alice": {"caisson:mcp", "caisson:scripts"}, "other": {"caisson:mcp", "caisson:scripts"},
		} {
			err := call(d.token(name))
			if want := slices.Contains(has, needed); (err == nil) != want || err != nil && connect.CodeOf(err) != connect.CodePermissionDenied {
				t.Errorf("%s by %s: %v", needed, name, err)
			}
		}
	}
}

// talk gives what sends on the stream of a session, and what receives.
func talk(t *testing.T, stream *connect.BidiStreamForClient[caissonv1.SessionRequest, caissonv1.SessionResponse]) (send func(*caissonv1.SessionRequest), receive func() *caissonv1.SessionResponse) {
	send = func(m *caissonv1.SessionRequest) {
		t.Helper()
		if err := stream.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	receive = func() *caissonv1.SessionResponse {
		t.Helper()
		m, err := stream.Receive()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	return send, receive
}

// TestAnswers has a server ask the caller, over the stream of its session.
func TestAnswers(t *testing.T) {
	d := start(t, servers("up", newUpstream(t).url))
	stream := d.mcp(d.token("alice")).Session(t.Context())
	send, receive := talk(t, stream)
	send(&caissonv1.SessionRequest{Of: &caissonv1.SessionRequest_Open{Open: &caissonv1.SessionOpen{Of: &caissonv1.SessionOpen_Connect{
		Connect: &caissonv1.ConnectRequest{Of: &caissonv1.ConnectRequest_Server{Server: "up"}, Capabilities: []byte(`{"roots":{}}`)},
	}}}})
	if opened := receive().GetOpened(); opened.GetServer() != "up" || opened.GetShared() {
		t.Fatalf("opened %v", opened)
	}
	send(&caissonv1.SessionRequest{Of: &caissonv1.SessionRequest_Call{Call: &caissonv1.SessionCall{Id: "1", Method: "tools/call", Params: []byte(`{"name":"ask","arguments":{}}`)}}})
	asked := receive()
	question := asked.GetQuestion()
	if question.GetMethod() != "roots/list" {
		t.Fatalf("the question is %v", asked)
	}
	send(&caissonv1.SessionRequest{Of: &caissonv1.SessionRequest_Answer{Answer: &caissonv1.SessionAnswer{Id: question.GetId(), Of: &caissonv1.SessionAnswer_Result{Result: []byte(`{"roots":[{"uri":"file:///here"}]}`)}}}})
	reply := receive().GetReply()
	if reply.GetId() != "1" || reply.GetError() != nil || echo(t, reply.GetResult()) != "file:///here" {
		t.Fatalf("the reply is %v", reply)
	}
	if err := stream.CloseRequest(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ends with %v", err)
	}
	if n := d.pool.Count(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

// TestQuestions has servers ask for a sample and for a form, and the caller answer, say no, and fail.
func TestQuestions(t *testing.T) {
	up := newUpstream(t)
	text := func(say string, err error) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: say}}}, nil, err
	}
	mcp.AddTool(up.server, &mcp.Tool{Name: "sample"}, func(ctx context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		sampled, err := r.Session.CreateMessage(ctx, &mcp.CreateMessageParams{MaxTokens: 10, Messages: []*mcp.SamplingMessage{{Role: "user", Content: &mcp.TextContent{Text: "Hello?"}}}})
		if err != nil {
			return text("", err)
		}
		return text(sampled.Model+" says "+sampled.Content.(*mcp.TextContent).Text, nil)
	})
	mcp.AddTool(up.server, &mcp.Tool{Name: "form"}, func(ctx context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		filled, err := r.Session.Elicit(ctx, &mcp.ElicitParams{Message: "Who?", RequestedSchema: map[string]any{"type": "object", "properties": map[string]any{"name": map[string]any{"type": "string"}}}})
		if err != nil {
			return text("", err)
		}
		return text(fmt.Sprint(filled.Action, " ", filled.Content["name"]), nil)
	})
	d := start(t, servers("up", up.url))
	stream := d.mcp(d.token("alice")).Session(t.Context())
	send, receive := talk(t, stream)
	send(&caissonv1.SessionRequest{Of: &caissonv1.SessionRequest_Open{Open: &caissonv1.SessionOpen{Of: &caissonv1.SessionOpen_Connect{
		Connect: &caissonv1.ConnectRequest{Of: &caissonv1.ConnectRequest_Server{Server: "up"}, Capabilities: []byte(`{"sampling":{},"elicitation":{}}`)},
	}}}})
	if opened := receive().GetOpened(); opened.GetServer() != "up" {
		t.Fatalf("opened %v", opened)
	}
	result := func(text string) *caissonv1.SessionAnswer {
		return &caissonv1.SessionAnswer{Of: &caissonv1.SessionAnswer_Result{Result: []byte(text)}}
	}
	for i, test := range []struct {
		tool, method, asks string
		answer             *caissonv1.SessionAnswer
		want               string
	}{
		{"sample", "sampling/createMessage", "Hello?", result(`{"model":"m","role":"assistant","content":{"type":"text","text":"Yes."}}`), "m says Yes."},
		{"form", "elicitation/create", "Who?", result(`{"action":"accept","content":{"name":"ada"}}`), "accept ada"},
		{"form", "elicitation/create", "Who?", result(`{"action":"decline"}`), "decline"},
		{"sample", "sampling/createMessage", "Hello?", &caissonv1.SessionAnswer{Of: &caissonv1.SessionAnswer_Error{Error: []byte(`{"code":-1,"message":"the user does not want it"}`)}}, "the user does not want it"},
	} {
		id := strconv.Itoa(i)
		send(&caissonv1.SessionRequest{Of: &caissonv1.SessionRequest_Call{Call: &caissonv1.SessionCall{Id: id, Method: "tools/call", Params: []byte(`{"name":"` + test.tool + `","arguments":{}}`)}}})
		asked := receive()
		question := asked.GetQuestion()
		if question.GetMethod() != test.method || !strings.Contains(string(question.GetParams()), test.asks) {
			t.Fatalf("%s: the question is %v", test.tool, asked)
		}
		test.answer.Id = question.GetId()
		send(&caissonv1.SessionRequest{Of: &caissonv1.SessionRequest_Answer{Answer: test.answer}})
		reply := receive().GetReply()
		if got := string(reply.GetResult()) + reply.GetError().GetMessage(); reply.GetId() != id || !strings.Contains(got, test.want) {
			t.Errorf("%s: the reply is %v, want %q in it", test.tool, reply, test.want)
		}
	}
	if err := stream.CloseRequest(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ends with %v", err)
	}
}
