//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// newUpstream is a server that does everything that the protocol has.
func newUpstream(t testing.TB, era string) *caissontest.Server {
	t.Helper()
	s := caissontest.NewServer(t, era)
	asks := func(method, params string) caissontest.Handler {
		return func(call *caissontest.Call) (any, error) {
			answer, err := call.Ask(method, json.RawMessage(params))
			if err != nil {
				return nil, err
			}
			return caissontest.Text(string(answer)), nil
		}
	}
	s.AddTool(&mcp.Tool{Name: "form"}, asks("elicitation/create", `{"mode":"form","message":"Who?","requestedSchema":{"type":"object","properties":{"name":{"type":"string"}}}}`))
	url := `{"mode":"url","message":"Look","url":"https://example.com/","elicitationId":"e1"}`
	if era == newest { // The revision has no ids of questions, and clients of the older ones refuse a question without.
		url = `{"mode":"url","message":"Look","url":"https://example.com/"}`
	}
	s.AddTool(&mcp.Tool{Name: "url"}, asks("elicitation/create", url))
	s.AddTool(&mcp.Tool{Name: "sample"}, asks("sampling/createMessage", `{"messages":[{"role":"user","content":{"type":"text","text":"Hi"}}],"maxTokens":5}`))
	s.AddTool(&mcp.Tool{Name: "roots"}, asks("roots/list", `{}`))
	s.AddTool(&mcp.Tool{Name: "twice"}, func(call *caissontest.Call) (any, error) {
		var all []string
		for range 2 {
			answer, err := call.Ask("elicitation/create", json.RawMessage(`{"mode":"form","message":"Who?","requestedSchema":{"type":"object","properties":{"name":{"type":"string"}}}}`))
			if err != nil {
				return nil, err
			}
			all = append(all, string(answer))
		}
		return caissontest.Text(strings.Join(all, " ")), nil
	})
	s.AddTool(&mcp.Tool{Name: "progress"}, func(call *caissontest.Call) (any, error) {
		for i := range 3 {
			if !call.Progress(float64(i), 3, "step") {
				return nil, errors.New("no progress is wanted")
			}
		}
		return caissontest.Text("done"), nil
	})
	s.AddTool(&mcp.Tool{Name: "log"}, func(call *caissontest.Call) (any, error) {
		for _, level := range []string{"debug", "error"} {
			if err := call.Notify("notifications/message", map[string]any{"level": level, "logger": "main", "data": level}); err != nil {
				return nil, err
			}
		}
		return caissontest.Text("logged"), nil
	})
	s.Handle("logging/setLevel", func(*caissontest.Call) (any, error) { return map[string]any{}, nil })
	s.AddTool(&mcp.Tool{Name: "fails"}, func(*caissontest.Call) (any, error) {
		return nil, &jsonrpc.Error{Code: -32042, Message: "visit it first", Data: json.RawMessage(`{"elicitations":[],"big":9007199254740993}`)}
	})
	s.AddTool(&mcp.Tool{Name: "slow"}, func(call *caissontest.Call) (any, error) {
		<-call.Context().Done()
		return nil, call.Context().Err()
	})
	s.AddTool(&mcp.Tool{Name: "rich", Title: "Rich", Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}, Meta: mcp.Meta{"own": "yes"}}, func(call *caissontest.Call) (any, error) {
		return json.RawMessage(`{"content":[{"type":"text","text":"a<b","future":1}],"structuredContent":{"n":1},"_meta":{"x":{"y":1}},"unknown":[1]}`), nil
	})
	s.AddTool(&mcp.Tool{Name: "meta"}, func(call *caissontest.Call) (any, error) {
		return caissontest.Text(string(mustMarshal(call.Meta()))), nil
	})
	s.Answer("prompts/list", `{"prompts":[{"name":"greet","arguments":[{"name":"who"}]}]}`)
	s.Handle("prompts/get", func(call *caissontest.Call) (any, error) {
		var p struct {
			Name string `json:"name"`
		}
		_ = json.Unmarshal(call.Params, &p)
		return map[string]any{"messages": []any{map[string]any{"role": "user", "content": map[string]any{"type": "text", "text": "prompt " + p.Name}}}}, nil
	})
	s.Answer("resources/list", `{"resources":[{"uri":"test://a","name":"a"}]}`)
	s.Answer("resources/templates/list", `{"resourceTemplates":[{"uriTemplate":"test://t/{id}","name":"t"}]}`)
	s.Handle("resources/read", func(call *caissontest.Call) (any, error) {
		var p struct {
			URI string `json:"uri"`
		}
		_ = json.Unmarshal(call.Params, &p)
		return map[string]any{"contents": []any{map[string]any{"uri": p.URI, "text": "content"}}}, nil
	})
	s.Answer("resources/subscribe", `{}`)
	s.Answer("resources/unsubscribe", `{}`)
	s.Handle("completion/complete", func(call *caissontest.Call) (any, error) {
		var p struct {
			Ref struct {
				Name string `json:"name"`
				URI  string `json:"uri"`
			} `json:"ref"`
		}
		_ = json.Unmarshal(call.Params, &p)
		return map[string]any{"completion": map[string]any{"values": []string{p.Ref.Name + p.Ref.URI}}}, nil
	})
	return s
}

func mustMarshal(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}

// person is a downstream client that answers everything.
func person() *mcp.ClientOptions {
	return &mcp.ClientOptions{
		ElicitationHandler: func(_ context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			if r.Params.Mode == "url" {
				return &mcp.ElicitResult{Action: "decline"}, nil
			}
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"name": "Ada"}}, nil
		},
		CreateMessageHandler: func(context.Context, *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
			return &mcp.CreateMessageResult{Role: "assistant", Model: "m", Content: &mcp.TextContent{Text: "sampled"}}, nil
		},
		Capabilities: &mcp.ClientCapabilities{
			RootsV2:     &mcp.RootCapabilities{},
			Elicitation: &mcp.ElicitationCapabilities{Form: &mcp.FormElicitationCapabilities{}, URL: &mcp.URLElicitationCapabilities{}},
			Sampling:    &mcp.SamplingCapabilities{},
		},
	}
}

func textOf(t testing.TB, result *mcp.CallToolResult, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Content) == 0 {
		t.Fatalf("the result has no content: %+v", result)
	}
	text, ok := result.Content[0].(*mcp.TextContent)
	if !ok {
		t.Fatalf("the content is %T", result.Content[0])
	}
	return text.Text
}

// TestQuestions has a server ask the client of the gateway everything that it may ask.
func TestQuestions(t *testing.T) {
	everyWay(t, func(t *testing.T, up, down, transport string) {
		ctx := testContext(t)
		server := newUpstream(t, up)
		g := newGateway(t, caisson.ServerMap{"s": server.Caisson()}, nil)
		session := connectTo(t, g, "/mcp", down, transport, person())
		for tool, want := range map[string]string{"form": `"Ada"`, "url": `"decline"`, "sample": `"sampled"`, "roots": `"roots"`, "twice": `"Ada"`} {
			result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "s__" + tool})
			if text := textOf(t, result, err); !strings.Contains(text, want) {
				t.Errorf("%s: the answer is %s, without %s", tool, text, want)
			}
		}
	})
}

// TestNothingIsOffered shows that a server is not told of what the client cannot do.
func TestNothingIsOffered(t *testing.T) {
	everyWay(t, func(t *testing.T, up, down, transport string) {
		ctx := testContext(t)
		server := newUpstream(t, up)
		g := newGateway(t, caisson.ServerMap{"s": server.Caisson()}, nil)
		session := connectTo(t, g, "/mcp", down, transport, &mcp.ClientOptions{Capabilities: &mcp.ClientCapabilities{}})
		result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "s__rich"})
		_ = textOf(t, result, err)
		for _, r := range server.Requests() {
			for _, word := range []string{"elicitation", "sampling", "roots"} {
				if strings.Contains(string(r.Params), `"`+word+`":`) {
					t.Errorf("%s declares %s: %s", r.Method, word, r.Params)
				}
			}
		}
	})
}

// TestRelay shows that the rest of the protocol reaches the other side.
func TestRelay(t *testing.T) {
	everyWay(t, func(t *testing.T, up, down, transport string) {
		ctx := testContext(t)
		server := newUpstream(t, up)
		g := newGateway(t, caisson.ServerMap{"s": server.Caisson()}, nil)
		options := person()
		progress := make(chan *mcp.ProgressNotificationParams, 10)
		options.ProgressNotificationHandler = func(_ context.Context, r *mcp.ProgressNotificationClientRequest) { progress <- r.Params }
		logs := make(chan *mcp.LoggingMessageParams, 10)
		options.LoggingMessageHandler = func(_ context.Context, r *mcp.LoggingMessageRequest) { logs <- r.Params }
		session := connectTo(t, g, "/mcp", down, transport, options)

		params := &mcp.CallToolParams{Name: "s__progress"}
		params.SetProgressToken("mine")
		result, err := session.CallTool(ctx, params)
		_ = textOf(t, result, err)
		for i := range 3 {
			select {
			case p := <-progress:
				if p.ProgressToken != "mine" || p.Progress != float64(i) || p.Message != "step" {
					t.Errorf("the progress is %+v", p)
				}
			case <-ctx.Done():
				t.Fatal("there is no progress")
			}
		}

		params = &mcp.CallToolParams{Name: "s__log"}
		if down == newest {
			params.Meta = mcp.Meta{mcp.MetaKeyLogLevel: "warning"}
		} else if err := session.SetLoggingLevel(ctx, &mcp.SetLoggingLevelParams{Level: "warning"}); err != nil {
			t.Fatal(err)
		}
		result, err = session.CallTool(ctx, params)
		_ = textOf(t, result, err)
		select {
		case l := <-logs:
			if l.Level != "error" || l.Logger != "s/main" {
				t.Errorf("the log has %+v", l)
			}
		case <-ctx.Done():
			t.Fatal("there is no log")
		}

		_, err = session.CallTool(ctx, &mcp.CallToolParams{Name: "s__fails"})
		var wire *jsonrpc.Error
		if !errors.As(err, &wire) || wire.Code != -32042 || wire.Message != "visit it first" || !strings.Contains(string(wire.Data), "9007199254740993") {
			t.Errorf("the error is %v", err)
		}

		result, err = session.CallTool(ctx, &mcp.CallToolParams{Name: "s__rich"})
		if text := textOf(t, result, err); text != "a<b" || result.Meta["x"] == nil {
			t.Errorf("the result is %+v", result)
		}

		params = &mcp.CallToolParams{Name: "s__meta", Meta: mcp.Meta{"com.example/own": "kept"}}
		result, err = session.CallTool(ctx, params)
		if text := textOf(t, result, err); !strings.Contains(text, `"kept"`) || strings.Contains(text, `"mine"`) {
			t.Errorf("the server got the _meta %s", text)
		}

		prompt, err := session.GetPrompt(ctx, &mcp.GetPromptParams{Name: "s__greet"})
		if err != nil {
			t.Fatal(err)
		}
		if text := prompt.Messages[0].Content.(*mcp.TextContent).Text; text != "prompt greet" {
			t.Errorf("the prompt is %q", text)
		}
		prompts, err := session.ListPrompts(ctx, nil)
		if err != nil || len(prompts.Prompts) != 1 || prompts.Prompts[0].Name != "s__greet" {
			t.Errorf("the prompts are %+v, %v", prompts, err)
		}
		for _, uri := range []string{"test://a", "test://t/1"} {
			read, err := session.ReadResource(ctx, &mcp.ReadResourceParams{URI: uri})
			if err != nil || read.Contents[0].URI != uri {
				t.Errorf("the resource is %+v, %v", read, err)
			}
		}
		if _, err := session.ReadResource(ctx, &mcp.ReadResourceParams{URI: "other://a"}); err == nil {
			t.Error("a resource of no server was read")
		}
		for _, r := range server.Requests("resources/read") {
			if strings.Contains(string(r.Params), "other://") {
				t.Error("a server heard of a resource that it does not have")
			}
		}
		templates, err := session.ListResourceTemplates(ctx, nil)
		if err != nil || len(templates.ResourceTemplates) != 1 {
			t.Errorf("the templates are %+v, %v", templates, err)
		}
		for _, ref := range []*mcp.CompleteReference{{Type: "ref/prompt", Name: "s__greet"}, {Type: "ref/resource", URI: "test://t/{id}"}} {
			complete, err := session.Complete(ctx, &mcp.CompleteParams{Ref: ref, Argument: mcp.CompleteParamsArgument{Name: "who", Value: "a"}})
			if err != nil || len(complete.Completion.Values) != 1 || !strings.Contains("greet test://t/{id}", complete.Completion.Values[0]) {
				t.Errorf("the completion is %+v, %v", complete, err)
			}
		}
	})
}

// TestCancel shows that a call that is given up is given up at the server too.
func TestCancel(t *testing.T) {
	everyWay(t, func(t *testing.T, up, down, transport string) {
		ctx := testContext(t)
		server := newUpstream(t, up)
		ended := make(chan struct{}, 1)
		server.AddTool(&mcp.Tool{Name: "slow"}, func(call *caissontest.Call) (any, error) {
			<-call.Context().Done()
			ended <- struct{}{}
			return nil, call.Context().Err()
		})
		g := newGateway(t, caisson.ServerMap{"s": server.Caisson()}, nil)
		for _, options := range []*mcp.ClientOptions{person(), nil} {
			session := connectTo(t, g, "/mcp", down, transport, options)
			calling, cancel := context.WithCancel(ctx)
			done := make(chan error, 1)
			before := len(server.Requests("tools/call"))
			go func() {
				_, err := session.CallTool(calling, &mcp.CallToolParams{Name: "s__slow"})
				done <- err
			}()
			for len(server.Requests("tools/call")) == before {
				if _, err := server.Await(ctx, "tools/call"); err != nil {
					t.Fatal(err)
				}
			}
			cancel()
			if err := <-done; err == nil {
				t.Error("the call has a result")
			}
			select {
			case <-ended:
			case <-ctx.Done():
				t.Fatal("the server goes on with the call")
			}
		}
	})
}

// TestChanges shows that changes reach who wants to hear of them.
func TestChanges(t *testing.T) {
	everyWay(t, func(t *testing.T, up, down, transport string) {
		ctx := testContext(t)
		server := newUpstream(t, up)
		g := newGateway(t, caisson.ServerMap{"s": server.Caisson()}, nil)
		options := person()
		tools, updated := make(chan string, 1000), make(chan string, 1000)
		options.ToolListChangedHandler = func(context.Context, *mcp.ToolListChangedRequest) { tools <- "" }
		options.ResourceUpdatedHandler = func(_ context.Context, r *mcp.ResourceUpdatedNotificationRequest) { updated <- r.Params.URI }
		session := connectTo(t, g, "/mcp", down, transport, options)
		if err := session.Subscribe(ctx, &mcp.SubscribeParams{URI: "test://a"}); err != nil {
			t.Fatal(err)
		}
		// The client may still be about to listen, so the server tells again until it is heard.
		wait := func(what, method string, params any, heard <-chan string) {
			t.Helper()
			again := time.NewTicker(100 * time.Millisecond)
			defer again.Stop()
			for {
				server.Notify(method, params)
				select {
				case <-heard:
					return
				case <-again.C:
				case <-ctx.Done():
					t.Fatalf("the client does not hear of %s", what)
				}
			}
		}
		wait("the tools", "notifications/tools/list_changed", nil, tools)
		wait("the resource", "notifications/resources/updated", map[string]any{"uri": "test://a"}, updated)
	})
}
