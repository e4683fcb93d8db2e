package caisson_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// serveExtension is a server on standard input and output that asks its client for what the call of a tool
// names: its method and params. The result of the call is what the client answered.
func serveExtension() {
	lines := bufio.NewScanner(os.Stdin)
	var call json.RawMessage
	for lines.Scan() {
		var m struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params struct {
				ProtocolVersion string          `json:"protocolVersion"`
				Capabilities    json.RawMessage `json:"capabilities"`
				Name            string          `json:"name"`
				Arguments       json.RawMessage `json:"arguments"`
			} `json:"params"`
			Result, Error json.RawMessage
		}
		if json.Unmarshal(lines.Bytes(), &m) != nil {
			os.Exit(1)
		}
		switch {
		case m.Method == "initialize":
			fmt.Printf(`{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":%q,"capabilities":{"tools":{}},"instructions":%q,"serverInfo":{"name":"extension","version":"1"}}}`+"\n", m.ID, m.Params.ProtocolVersion, m.Params.Capabilities)
		case m.Method == "tools/call":
			call = m.ID
			fmt.Printf(`{"jsonrpc":"2.0","id":"q","method":%q,"params":%s}`+"\n", m.Params.Name, m.Params.Arguments)
		case m.Method == "weather/now":
			fmt.Printf(`{"jsonrpc":"2.0","id":%s,"result":{"kelvin":280}}`+"\n", m.ID)
		case string(m.ID) == `"q"`:
			answer := m.Result
			if m.Error != nil {
				answer = m.Error
			}
			fmt.Printf(`{"jsonrpc":"2.0","id":%s,"result":{"content":[],"structuredContent":%s}}`+"\n", call, answer)
		case m.ID != nil:
			fmt.Printf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"there is no %s"}}`+"\n", m.ID, m.Method)
		}
	}
}

// TestExtension declares an extension, sends a request of it, and answers what a server asks for it.
func TestExtension(t *testing.T) {
	t.Parallel()
	c := newClient(t, caisson.ClientOptions{Extensions: []caisson.Extension{{
		ID:       "com.example/weather",
		Settings: map[string]string{"unit": "K"},
		Handlers: map[string]caisson.ExtensionHandler{
			"weather/where": func(ctx context.Context, s *caisson.Session, params json.RawMessage) (any, error) {
				// A handler may call the session.
				raw, err := s.Request(ctx, "weather/now", nil)
				return map[string]json.RawMessage{"asked": params, "now": raw}, err
			},
			"weather/refuse": func(context.Context, *caisson.Session, json.RawMessage) (any, error) {
				return nil, &jsonrpc.Error{Code: -5, Message: "no", Data: json.RawMessage(`{"why":1}`)}
			},
			"weather/fail": func(context.Context, *caisson.Session, json.RawMessage) (any, error) {
				return nil, errors.New("secret")
			},
			"weather/nothing": func(context.Context, *caisson.Session, json.RawMessage) (any, error) { return nil, nil },
			"weather/text":    func(context.Context, *caisson.Session, json.RawMessage) (any, error) { return "warm", nil },
		},
	}}})
	server := childServer(t, "extension")
	server.ProtocolVersions = []string{"2025-11-25"}
	s := connect(t, c, server)
	sameJSON(t, s.Instructions(), `{"extensions":{"com.example/weather":{"unit":"K"}}}`)
	for method, want := range map[string]string{
		"weather/where":   `{"asked":{"city":"Bern"},"now":{"kelvin":280}}`,
		"weather/refuse":  `{"code":-5,"message":"no","data":{"why":1}}`,
		"weather/fail":    `{"code":-32603,"message":"the client could not answer"}`,
		"weather/nothing": `{}`,
		"weather/text":    `{"code":-32603,"message":"the client could not answer"}`,
		"weather/other":   `{"code":-32601,"message":"the client does not answer this"}`,
		"roots/list":      `{"code":-32601,"message":"Method not found"}`,
	} {
		result, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: method, Arguments: map[string]any{"city": "Bern"}})
		if err != nil {
			t.Errorf("%s: %v", method, err)
			continue
		}
		got, _ := json.Marshal(result.StructuredContent)
		if diff := cmp.Diff(decodeJSON(t, []byte(want)), decodeJSON(t, got)); diff != "" {
			t.Errorf("%s: what the server is answered (-want +got):\n%s", method, diff)
		}
	}
}

// TestExtensionIsDeclared has the extension in each revision's handshake, beside the core's own.
func TestExtensionIsDeclared(t *testing.T) {
	t.Parallel()
	capabilities := &mcp.ClientCapabilities{}
	capabilities.AddExtension("com.example/other", map[string]any{"a": 1})
	c := newClient(t, caisson.ClientOptions{
		Capabilities: capabilities,
		Extensions:   []caisson.Extension{{ID: "com.example/weather"}},
	})
	old, current := &scripted{revision: "2025-11-25"}, &scripted{revision: "2026-07-28"}
	connect(t, c, serveScripted(t, old))
	connect(t, c, serveScripted(t, current))
	got, _ := json.Marshal(old.of("initialize")[0].Params["capabilities"].(map[string]any)["extensions"])
	sameJSON(t, string(got), `{"com.example/other":{"a":1},"com.example/weather":{}}`)
	meta := current.of("server/discover")[0].Params["_meta"].(map[string]any)
	got, _ = json.Marshal(meta["io.modelcontextprotocol/clientCapabilities"].(map[string]any)["extensions"])
	sameJSON(t, string(got), `{"com.example/other":{"a":1},"com.example/weather":{},"io.modelcontextprotocol/tasks":{}}`)
}

func TestExtensionOptions(t *testing.T) {
	t.Parallel()
	answer := func(context.Context, *caisson.Session, json.RawMessage) (any, error) { return nil, nil }
	handlers := map[string]caisson.ExtensionHandler{"a/b": answer}
	for want, extensions := range map[string][]caisson.Extension{
		"needs a prefix":     {{ID: "weather"}},
		"twice":              {{ID: "a.b/c"}, {ID: "a.b/c"}},
		"declared without":   {{ID: "io.modelcontextprotocol/tasks"}},
		"no JSON object":     {{ID: "a.b/c", Settings: 5}},
		"both answer":        {{ID: "a.b/c", Handlers: handlers}, {ID: "a.b/d", Handlers: handlers}},
		"without a handler":  {{ID: "a.b/c", Handlers: map[string]caisson.ExtensionHandler{"a/b": nil}}},
		"of the protocol":    {{ID: "a.b/c", Handlers: map[string]caisson.ExtensionHandler{"roots/list": answer}}},
		"of the protocol ":   {{ID: "a.b/c", Handlers: map[string]caisson.ExtensionHandler{"ping": answer}}},
		" of the protocol":   {{ID: "a.b/c", Handlers: map[string]caisson.ExtensionHandler{"tools/list": answer}}},
		" of the protocol ":  {{ID: "a.b/c", Handlers: map[string]caisson.ExtensionHandler{"tasks/get": answer}}},
		"is a notification":  {{ID: "a.b/c", Handlers: map[string]caisson.ExtensionHandler{"notifications/a": answer}}},
		"json: unsupported ": {{ID: "a.b/c", Settings: map[string]any{"f": func() {}}}},
	} {
		_, err := sharedRuntime(t).NewClient(&caisson.ClientOptions{Extensions: extensions})
		if caisson.CodeOf(err) != caisson.CodeInvalidArgument || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// TestExtensionQuestionsAreBounded has a server ask for more at once than wait for handlers.
func TestExtensionQuestionsAreBounded(t *testing.T) {
	t.Parallel()
	const most = 64
	asked := make(chan struct{}, 2*most)
	enough := make(chan struct{})
	c := newClient(t, caisson.ClientOptions{Extensions: []caisson.Extension{{
		ID: "com.example/weather",
		Handlers: map[string]caisson.ExtensionHandler{
			"weather/wait": func(ctx context.Context, _ *caisson.Session, _ json.RawMessage) (any, error) {
				asked <- struct{}{}
				select {
				case <-enough:
				case <-ctx.Done():
				}
				return nil, ctx.Err()
			},
		},
	}}})
	ours, theirs := mcp.NewInMemoryTransports()
	server := make(chan error, 1)
	refused := make(chan *jsonrpc.Response, 1)
	go func() { server <- askOften(testContext(t), theirs, most+1, refused) }()
	s := connect(t, c, caisson.Server{Name: "asks", Transport: ours, ProtocolVersions: []string{"2025-11-25"}})
	for range most {
		<-asked
	}
	answer := <-refused
	close(enough)
	if answer.Error == nil || !strings.Contains(answer.Error.Error(), "too many questions") {
		t.Errorf("the question too many is answered %s, %v", answer.Result, answer.Error)
	}
	_ = s.Close()
	if err := <-server; err != nil {
		t.Error(err)
	}
}

// askOften shakes hands, asks the client n times at once, and gives the first error that it is answered.
func askOften(ctx context.Context, transport mcp.Transport, n int, refused chan<- *jsonrpc.Response) error {
	connection, err := transport.Connect(ctx)
	if err != nil {
		return err
	}
	for {
		message, err := connection.Read(ctx)
		if err != nil {
			return nil // The client has closed.
		}
		switch m := message.(type) {
		case *jsonrpc.Response:
			if m.Error != nil {
				refused <- m
			}
		case *jsonrpc.Request:
			if m.Method == "initialize" {
				result := json.RawMessage(`{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}`)
				if err := connection.Write(ctx, &jsonrpc.Response{ID: m.ID, Result: result}); err != nil {
					return err
				}
			}
			if m.Method != "notifications/initialized" {
				continue
			}
			for i := range n {
				id, err := jsonrpc.MakeID(fmt.Sprint("q", i))
				if err == nil {
					err = connection.Write(ctx, &jsonrpc.Request{ID: id, Method: "weather/wait"})
				}
				if err != nil {
					return err
				}
			}
		}
	}
}
