//lint:file-ignore SA1019 The newest revision deprecates roots and sampling; servers go on using them.

package caissontest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

func newClient(t *testing.T, options caisson.ClientOptions) *caisson.Client {
	t.Helper()
	client, err := caissontest.Runtime(t).NewClient(&options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func connect(t *testing.T, client *caisson.Client, server *caissontest.Server) *caisson.Session {
	t.Helper()
	session, err := client.Connect(t.Context(), server.Caisson())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// eras runs a test with a server of each revision, and with one that speaks all of them.
func eras(t *testing.T, test func(t *testing.T, server *caissontest.Server, modern bool)) {
	t.Parallel()
	for _, revision := range []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28", ""} {
		t.Run(revision, func(t *testing.T) {
			t.Parallel()
			if revision == "" {
				test(t, caissontest.NewServer(t), true)
			} else {
				test(t, caissontest.NewServer(t, revision), revision == "2026-07-28")
			}
		})
	}
}

// echo returns the arguments.
func echo(call *caissontest.Call) (any, error) {
	var arguments map[string]any
	err := call.Arguments(&arguments)
	return caissontest.Structured(arguments), err
}

// callers returns sessions with a server, of Caisson and of the Go SDK.
func callers(t *testing.T, server *caissontest.Server) map[string]caisson.Caller {
	t.Helper()
	other, err := mcp.NewClient(&mcp.Implementation{Name: "other", Version: "1"}, nil).Connect(t.Context(), server, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	return map[string]caisson.Caller{"Caisson": connect(t, newClient(t, caisson.ClientOptions{}), server), "the Go SDK": other}
}

// TestClients has a server serve both clients at once, and checks lists, calls, errors, and what was sent.
func TestClients(t *testing.T) {
	eras(t, func(t *testing.T, server *caissontest.Server, modern bool) {
		server.AddTool(&mcp.Tool{Name: "echo"}, echo)
		server.AddTool(&mcp.Tool{Name: "text"}, func(*caissontest.Call) (any, error) { return caissontest.Text("a text"), nil })
		server.AddTool(&mcp.Tool{Name: "break"}, func(*caissontest.Call) (any, error) { return nil, errors.New("out of paper") })
		server.Fail("resources/read", &jsonrpc.Error{Code: -32042, Message: "not today", Data: json.RawMessage(`{"when":"tomorrow"}`)})
		for name, caller := range callers(t, server) {
			list, err := caller.ListTools(t.Context(), nil)
			if err != nil || len(list.Tools) != 3 || list.Tools[0].Name != "echo" {
				t.Fatalf("%s lists %+v, %v", name, list, err)
			}
			got, _, err := caisson.CallToolAs[map[string]string](t.Context(), caller, &mcp.CallToolParams{Name: "echo", Arguments: map[string]string{"by": name}})
			if err != nil || got["by"] != name {
				t.Errorf("%s gets %v, %v", name, got, err)
			}
			server.Called(t, "echo", map[string]string{"by": name})
			result, err := caller.CallTool(t.Context(), &mcp.CallToolParams{Name: "text"})
			if err != nil || result.Content[0].(*mcp.TextContent).Text != "a text" {
				t.Errorf("%s gets %+v, %v", name, result, err)
			}
			for tool, says := range map[string]string{"break": "out of paper", "none": "the test has no tool none"} {
				_, err = caller.CallTool(t.Context(), &mcp.CallToolParams{Name: tool})
				var wire *jsonrpc.Error
				if !errors.As(err, &wire) || wire.Message != says {
					t.Errorf("%s gets %v", name, err)
				}
			}
			reader := caller.(interface {
				ReadResource(context.Context, *mcp.ReadResourceParams) (*mcp.ReadResourceResult, error)
				ListPrompts(context.Context, *mcp.ListPromptsParams) (*mcp.ListPromptsResult, error)
				InitializeResult() *mcp.InitializeResult
			})
			_, err = reader.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "x:y"})
			var wire *jsonrpc.Error
			if !errors.As(err, &wire) || wire.Code != -32042 || string(wire.Data) != `{"when":"tomorrow"}` {
				t.Errorf("%s reads %v", name, err)
			}
			server.Sent(t, "resources/read", map[string]string{"uri": "x:y"})
			if caps := reader.InitializeResult().Capabilities; caps.Tools == nil || caps.Resources == nil || caps.Prompts != nil {
				t.Errorf("%s sees %+v", name, caps)
			}
			if is := reader.InitializeResult().ProtocolVersion >= "2026-07-28"; is != modern {
				t.Errorf("%s speaks %s", name, reader.InitializeResult().ProtocolVersion)
			}
		}
	})
}

// TestHeldAndSilent delays an answer, never sends another, and sees that calls are cancelled.
func TestHeldAndSilent(t *testing.T) {
	eras(t, func(t *testing.T, server *caissontest.Server, _ bool) {
		release := make(chan struct{})
		ended := make(chan error, 10)
		server.AddTool(&mcp.Tool{Name: "held"}, func(call *caissontest.Call) (any, error) {
			if err := call.Wait(release); err != nil {
				ended <- err
				return nil, err
			}
			return caissontest.Text("at last"), nil
		})
		server.AddTool(&mcp.Tool{Name: "silent"}, func(*caissontest.Call) (any, error) { return nil, caissontest.ErrSilence })
		for name, caller := range callers(t, server) {
			for _, tool := range []string{"silent", "held"} {
				ctx, cancel := context.WithCancel(t.Context())
				failed := make(chan error, 1)
				go func() {
					_, err := caller.CallTool(ctx, &mcp.CallToolParams{Name: tool})
					failed <- err
				}()
				if _, err := server.Await(t.Context(), "tools/call"); err != nil {
					t.Fatal(err)
				}
				cancel()
				if err := <-failed; !errors.Is(err, context.Canceled) {
					t.Errorf("%s: %s gives %v", name, tool, err)
				}
				if _, err := server.Await(t.Context(), "notifications/cancelled"); err != nil {
					t.Fatal(err)
				}
			}
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("%s: the handler's wait gives %v", name, err)
			}
		}
		close(release)
		for name, caller := range callers(t, server) {
			if result, err := caller.CallTool(t.Context(), &mcp.CallToolParams{Name: "held"}); err != nil || result.Content[0].(*mcp.TextContent).Text != "at last" {
				t.Errorf("%s gets %v, %v", name, result, err)
			}
		}
	})
}

// TestOddAnswers sends answers that the protocol does not allow.
func TestOddAnswers(t *testing.T) {
	eras(t, func(t *testing.T, server *caissontest.Server, _ bool) {
		session := connect(t, newClient(t, caisson.ClientOptions{}), server)
		for _, odd := range []string{`17`, `"text"`, `{"content":"no list"}`, `[{}]`} {
			server.Answer("tools/call", odd)
			if _, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "x"}); !errors.Is(err, caisson.CodeProtocol) {
				t.Errorf("%s gives %v", odd, err)
			}
		}
		const untouched = `{"content":[],"Content":1,"b":2,"a":9007199254740993,"c":"<&>"}`
		server.Answer("tools/call", untouched)
		if raw, err := session.Request(t.Context(), "tools/call", map[string]string{"name": "x"}); err != nil || string(raw) != untouched {
			t.Errorf("the result is %s, %v", raw, err)
		}
		// An answer to a request that was never sent does not harm the next call.
		id, _ := jsonrpc.MakeID("nobody's")
		server.Send(&jsonrpc.Response{ID: id, Result: json.RawMessage(`{}`)})
		server.Handle("tools/call", nil)
		server.AddTool(&mcp.Tool{Name: "x"}, func(*caissontest.Call) (any, error) { return nil, &jsonrpc.Error{Code: 1, Message: "first"} })
		server.AddTool(&mcp.Tool{Name: "x"}, echo)
		for range 2 { // The first call may see the odd answer.
			_, _ = session.CallTool(t.Context(), &mcp.CallToolParams{Name: "x"})
		}
		if result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "x"}); err != nil || result.IsError {
			t.Errorf("the call gives %v, %v", result, err)
		}
	})
}

// TestAsking asks both clients everything that a server may ask, in each era.
func TestAsking(t *testing.T) {
	eras(t, func(t *testing.T, server *caissontest.Server, modern bool) {
		const form = `{"message":"Who?","requestedSchema":{"type":"object","properties":{"name":{"type":"string"}}}}`
		questions := []struct {
			method string
			params json.RawMessage
			want   string
		}{
			{"elicitation/create", json.RawMessage(form), `"name":"ada"`},
			{"sampling/createMessage", json.RawMessage(`{"messages":[],"maxTokens":1}`), `"text":"hm"`},
			{"roots/list", nil, `"uri":"file:///work"`},
		}
		server.AddTool(&mcp.Tool{Name: "ask"}, func(call *caissontest.Call) (any, error) {
			for _, q := range questions {
				answer, err := call.Ask(q.method, q.params)
				if err != nil {
					return nil, err
				}
				if !strings.Contains(string(answer), q.want) {
					t.Errorf("%s is answered with %s", q.method, answer)
				}
			}
			var both sync.WaitGroup
			for range 2 {
				both.Go(func() {
					if _, err := call.Ask("roots/list", nil); err != nil {
						t.Errorf("one of two questions at once gives %v", err)
					}
				})
			}
			both.Wait()
			return caissontest.Text("asked"), nil
		})
		server.Handle("prompts/list", func(call *caissontest.Call) (any, error) {
			if _, err := call.Ask("roots/list", nil); modern != (err != nil) {
				t.Errorf("a list that asks gives %v", err)
			}
			return json.RawMessage(`{"prompts":[]}`), nil
		})
		elicited := func() *mcp.ElicitResult { // Each result is new: the Go SDK writes defaults into it.
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"name": "ada"}}
		}
		sampled := &mcp.CreateMessageResult{Role: "assistant", Model: "m", Content: &mcp.TextContent{Text: "hm"}}
		root := &mcp.Root{URI: "file:///work"}
		ours := connect(t, newClient(t, caisson.ClientOptions{
			Roots: []*mcp.Root{root},
			Handlers: caisson.Handlers{
				ElicitationHandler: func(context.Context, *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
					return elicited(), nil
				},
				CreateMessageHandler: func(context.Context, *caisson.Request[*mcp.CreateMessageParams]) (*mcp.CreateMessageResult, error) {
					return sampled, nil
				},
			},
		}), server)
		client := mcp.NewClient(&mcp.Implementation{Name: "other", Version: "1"}, &mcp.ClientOptions{
			ElicitationHandler: func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) { return elicited(), nil },
			CreateMessageHandler: func(context.Context, *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
				return sampled, nil
			},
		})
		client.AddRoots(root)
		theirs, err := client.Connect(t.Context(), server, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer theirs.Close()
		var all sync.WaitGroup
		for name, caller := range map[string]caisson.Caller{"Caisson": ours, "the Go SDK": theirs} {
			for range 4 {
				all.Go(func() {
					result, err := caller.CallTool(t.Context(), &mcp.CallToolParams{Name: "ask"})
					if err != nil || result.Content[0].(*mcp.TextContent).Text != "asked" {
						t.Errorf("%s gets %+v, %v", name, result, err)
					}
				})
			}
		}
		all.Wait()
		if _, err := ours.ListPrompts(t.Context(), nil); err != nil {
			t.Error(err)
		}
	})
}

// TestCancelAfterAsking cancels a call after the client has answered its question. In 2026-07-28 it cancels
// the call's next round.
func TestCancelAfterAsking(t *testing.T) {
	eras(t, func(t *testing.T, server *caissontest.Server, _ bool) {
		asked, ended := make(chan struct{}), make(chan struct{})
		server.AddTool(&mcp.Tool{Name: "ask"}, func(call *caissontest.Call) (any, error) {
			if _, err := call.Ask("roots/list", nil); err != nil {
				return nil, err
			}
			close(asked)
			<-call.Context().Done()
			close(ended)
			return nil, call.Context().Err()
		})
		session := connect(t, newClient(t, caisson.ClientOptions{Roots: []*mcp.Root{}}), server)
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() {
			_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "ask"})
			failed <- err
		}()
		<-asked
		cancel()
		<-ended // Before the connection ends.
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("the call gives %v", err)
		}
	})
}

// TestCancelOfTheNextRound cancels the next round of a call as soon as the round is sent, before the handler
// has seen it.
func TestCancelOfTheNextRound(t *testing.T) {
	t.Parallel()
	server := caissontest.NewServer(t, "2026-07-28")
	ended := make(chan error, 1)
	server.AddTool(&mcp.Tool{Name: "ask"}, func(call *caissontest.Call) (any, error) {
		_, _ = call.Ask("roots/list", nil) // It may see the cancellation here.
		<-call.Context().Done()
		ended <- call.Context().Err()
		return nil, caissontest.ErrSilence
	})
	client, err := server.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	write := func(message string) {
		t.Helper()
		m, err := jsonrpc.DecodeMessage([]byte(message))
		if err == nil {
			err = client.Write(t.Context(), m)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	const call = `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"ask",` +
		`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"},"inputResponses":{"question":{"roots":[]}},"requestState":%q}}`
	for i := range 100 {
		write(fmt.Sprintf(call, 2*i, ""))
		question, err := client.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var round struct {
			RequestState string `json:"requestState"`
		}
		if err := json.Unmarshal(question.(*jsonrpc.Response).Result, &round); err != nil {
			t.Fatal(err)
		}
		write(fmt.Sprintf(call, 2*i+1, round.RequestState))
		write(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d}}`, 2*i+1))
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatal("the call does not hear that its next round was cancelled")
		}
	}
}

// TestAskInVain asks a client that cannot answer.
func TestAskInVain(t *testing.T) {
	t.Parallel()
	server := caissontest.NewServer(t, "2025-11-25")
	server.AddTool(&mcp.Tool{Name: "ask"}, func(call *caissontest.Call) (any, error) {
		_, err := call.Ask("roots/list", nil)
		return nil, err
	})
	session := connect(t, newClient(t, caisson.ClientOptions{}), server)
	_, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "ask"})
	var wire *jsonrpc.Error
	if !errors.As(err, &wire) || wire.Code != jsonrpc.CodeMethodNotFound {
		t.Errorf("the call gives %v", err)
	}
}

// TestTelling sends changes, progress and log messages.
func TestTelling(t *testing.T) {
	eras(t, func(t *testing.T, server *caissontest.Server, modern bool) {
		received, metas := make(chan string, 10), make(chan string, 10)
		server.AddTool(&mcp.Tool{Name: "tell"}, func(call *caissontest.Call) (any, error) {
			asked := call.Progress(1, 2, "half")
			if err := call.Notify("notifications/message", map[string]any{"level": "info", "data": "a line"}); err != nil {
				return nil, err
			}
			return caissontest.Structured(map[string]bool{"asked": asked}), nil
		})
		client := newClient(t, caisson.ClientOptions{OnNotification: func(_ context.Context, _ *caisson.Session, method string, params json.RawMessage) {
			if method == "notifications/resources/updated" {
				metas <- string(params)
			}
		}, Handlers: caisson.Handlers{
			ToolListChangedHandler: func(context.Context, *caisson.Request[*mcp.ToolListChangedParams]) { received <- "changed" },
			ResourceUpdatedHandler: func(_ context.Context, r *caisson.Request[*mcp.ResourceUpdatedNotificationParams]) {
				received <- r.Params.URI
			},
			LoggingMessageHandler: func(_ context.Context, r *caisson.Request[*mcp.LoggingMessageParams]) {
				received <- r.Params.Data.(string)
			},
		}})
		if notified := server.Notify("notifications/tools/list_changed", nil); notified != 0 {
			t.Errorf("%d clients were told", notified)
		}
		session := connect(t, client, server)
		wait := func(want string) {
			t.Helper()
			if got := <-received; got != want {
				t.Errorf("received %q, want %q", got, want)
			}
		}
		if notified := server.Notify("notifications/tools/list_changed", nil); notified != 1 {
			t.Errorf("%d were told", notified)
		}
		wait("changed")
		updated := map[string]string{"uri": "x:one"}
		if modern {
			if notified := server.Notify("notifications/resources/updated", updated); notified != 0 {
				t.Errorf("%d were told of what they have not asked for", notified)
			}
			sub, err := session.Listen(t.Context(), &mcp.SubscriptionsListenParams{Notifications: &mcp.NotificationSubscriptions{ResourceSubscriptions: []string{"x:one"}}})
			if err != nil {
				t.Fatal(err)
			}
			defer sub.Close()
		}
		if notified := server.Notify("notifications/resources/updated", updated); notified != 1 {
			t.Errorf("%d were told", notified)
		}
		wait("x:one")
		if params := <-metas; strings.Contains(params, mcp.MetaKeySubscriptionID) != modern {
			t.Errorf("the params are %s", params)
		}
		progress := make(chan *mcp.ProgressNotificationParams, 1)
		ctx := caisson.WithCallOptions(t.Context(), caisson.CallOptions{OnProgress: func(p *mcp.ProgressNotificationParams) { progress <- p }})
		if modern {
			if err := session.SetLoggingLevel(t.Context(), &mcp.SetLoggingLevelParams{Level: "info"}); err != nil {
				t.Fatal(err)
			}
		}
		got, _, err := caisson.CallToolAs[map[string]bool](ctx, session, &mcp.CallToolParams{Name: "tell"})
		if err != nil || !got["asked"] {
			t.Errorf("the call gives %v, %v", got, err)
		}
		if p := <-progress; p.Progress != 1 || p.Total != 2 {
			t.Errorf("the progress is %+v", p)
		}
		wait("a line")
	})
}

// TestEnd ends the connections, and lets clients connect again.
func TestEnd(t *testing.T) {
	eras(t, func(t *testing.T, server *caissontest.Server, _ bool) {
		server.AddTool(&mcp.Tool{Name: "end"}, func(call *caissontest.Call) (any, error) {
			server.End()
			<-call.Context().Done()
			return nil, call.Context().Err()
		})
		for name, caller := range callers(t, server) {
			again := connect(t, newClient(t, caisson.ClientOptions{}), server)
			if _, err := caller.CallTool(t.Context(), &mcp.CallToolParams{Name: "end"}); err == nil {
				t.Errorf("%s gets an answer", name)
			}
			if err := again.Wait(); !errors.Is(err, caisson.CodeTransport) {
				t.Errorf("the session ends with %v", err)
			}
			_ = connect(t, newClient(t, caisson.ClientOptions{}), server)
			break // The connection of the other client ends too.
		}
	})
}

// TestRequests checks what was sent: the handshake, and the client's description in a request.
func TestRequests(t *testing.T) {
	eras(t, func(t *testing.T, server *caissontest.Server, modern bool) {
		session := connect(t, newClient(t, caisson.ClientOptions{ClientInfo: &mcp.Implementation{Name: "tested", Version: "1"}}), server)
		if err := session.Ping(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		first := "initialize"
		if modern {
			first = "server/discover"
		}
		requests := server.Requests(first)
		if len(requests) == 0 || !requests[0].ID.IsValid() {
			t.Fatalf("it was sent %+v", server.Requests())
		}
		if _, says := requests[0].Meta()[mcp.MetaKeyClientInfo]; says != modern {
			t.Errorf("the meta is %v", requests[0].Meta())
		}
		i := slices.IndexFunc(server.Requests(), func(r caissontest.Request) bool { return r.Method == "notifications/initialized" })
		if modern != (i < 0) || i >= 0 && server.Requests()[i].ID.IsValid() {
			t.Errorf("it was sent %+v", server.Requests())
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := server.Await(ctx, "never/sent"); !errors.Is(err, context.Canceled) {
			t.Errorf("the wait gives %v", err)
		}
	})
}

// TestHandlerLeaves has a handler end without an answer, and another return what is not JSON.
func TestHandlerLeaves(t *testing.T) {
	t.Parallel()
	rep := &reporter{TB: t}
	server := caissontest.NewServer(rep)
	server.AddTool(&mcp.Tool{Name: "leave"}, func(*caissontest.Call) (any, error) {
		rep.FailNow()
		return nil, nil
	})
	server.AddTool(&mcp.Tool{Name: "function"}, func(*caissontest.Call) (any, error) { return func() {}, nil })
	server.AddTool(&mcp.Tool{Name: "text"}, func(*caissontest.Call) (any, error) { return json.RawMessage(`{`), nil })
	session := connect(t, newClient(t, caisson.ClientOptions{}), server)
	for _, name := range []string{"leave", "function", "text"} {
		_, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: name})
		var wire *jsonrpc.Error
		if !errors.As(err, &wire) || wire.Code != jsonrpc.CodeInternalError {
			t.Errorf("%s gives %v", name, err)
		}
	}
	if text := rep.text(); strings.Count(text, "cannot be made JSON") != 2 {
		t.Errorf("the test was told %q", text)
	}
	defer func() {
		if recover() == nil {
			t.Error("an answer that is no JSON is taken")
		}
	}()
	server.Answer("x", `{`)
}
