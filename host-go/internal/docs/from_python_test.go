package docs_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// A bridge passes a verb to Python and returns the verb's result. Both are JSON.
type bridge interface {
	call(ctx context.Context, verb string, params []byte) ([]byte, error)
}

// A target is the argument of connect_mcp.
type target struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Type     string `json:"type"` // stdio, http or sse
	Endpoint string `json:"endpoint"`
	AuthType string `json:"auth_type"` // bearer, basic, or the name of a header
	Auth     string `json:"auth"`
	Config   struct {
		Command string            `json:"command"`
		Args    []string          `json:"args"`
		Env     map[string]string `json:"env"`
	} `json:"config"`
}

func do(ctx context.Context, python bridge, verb string, params, result any) error {
	text, err := json.Marshal(params)
	if err != nil {
		return err
	}
	if text, err = python.call(ctx, verb, text); err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	return json.Unmarshal(text, result)
}

func sumBefore(ctx context.Context, python bridge, to target) (string, error) {
	var none any
	if err := do(ctx, python, "connect_mcp", to, &none); err != nil {
		return "", err
	}
	defer do(ctx, python, "disconnect_mcp", map[string]any{"id": to.ID}, &none)

	var tools []struct {
		Name string `json:"name"`
	}
	if err := do(ctx, python, "list_tools", map[string]any{"id": to.ID}, &tools); err != nil {
		return "", err
	}
	var result struct {
		Content []struct {
			Text string `json:"text"`
		} `json:"content"`
	}
	err := do(ctx, python, "call_tool", map[string]any{
		"id": to.ID, "name": "add", "arguments": map[string]any{"a": 2, "b": 3},
	}, &result)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(len(tools), " tools, ", result.Content[0].Text), nil
}

func sumAfter(ctx context.Context, client *caisson.Client, server caisson.Server) (string, error) {
	session, err := client.Connect(ctx, server)
	if err != nil {
		return "", err
	}
	defer session.Close()

	tools := 0
	for _, err := range session.Tools(ctx, nil) {
		if err != nil {
			return "", err
		}
		tools++
	}
	result, err := session.CallTool(ctx, &mcp.CallToolParams{
		Name: "add", Arguments: map[string]any{"a": 2, "b": 3},
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprint(tools, " tools, ", result.Content[0].(*mcp.TextContent).Text), nil
}

// server returns the target as a server of Caisson.
func (to target) server() caisson.Server {
	server := caisson.Server{Name: to.Name, Type: caisson.TransportType(to.Type)}
	if to.Type == "stdio" {
		server.Command, server.Args, server.Env = to.Config.Command, to.Config.Args, to.Config.Env
		return server
	}
	server.URL = to.Endpoint
	switch to.AuthType {
	case "":
	case "bearer":
		server.Headers = http.Header{"Authorization": {"Bearer " + to.Auth}}
	case "basic": // name:password
		server.Headers = http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(to.Auth))}}
	default:
		server.Headers = http.Header{to.AuthType: {to.Auth}}
	}
	return server
}

// verbs implements the four verbs with Caisson. It is a bridge without Python.
type verbs struct {
	client *caisson.Client

	mu       sync.Mutex
	sessions map[string]*caisson.Session
}

func (v *verbs) call(ctx context.Context, verb string, params []byte) ([]byte, error) {
	if verb == "connect_mcp" {
		return []byte("null"), v.connect(ctx, params)
	}
	var p struct {
		ID        string          `json:"id"`
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	}
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, err
	}
	session, err := v.session(p.ID, verb == "disconnect_mcp")
	if err != nil {
		return nil, err
	}
	switch verb {
	case "list_tools":
		tools := []*mcp.Tool{}
		for tool, err := range session.Tools(ctx, nil) {
			if err != nil {
				return nil, err
			}
			tools = append(tools, tool)
		}
		return json.Marshal(tools)
	case "call_tool":
		return session.Request(ctx, "tools/call", map[string]any{"name": p.Name, "arguments": p.Arguments})
	case "disconnect_mcp":
		return []byte("null"), session.Close()
	}
	return nil, errors.New("there is no verb " + verb)
}

func (v *verbs) connect(ctx context.Context, params []byte) error {
	var to target
	if err := json.Unmarshal(params, &to); err != nil {
		return err
	}
	session, err := v.client.Connect(ctx, to.server())
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.sessions[to.ID] != nil {
		return errors.Join(errors.New("there is a session "+to.ID), session.Close())
	}
	v.sessions[to.ID] = session
	return nil
}

func (v *verbs) session(id string, remove bool) (*caisson.Session, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	session := v.sessions[id]
	if session == nil {
		return nil, errors.New("there is no session " + id)
	}
	if remove {
		delete(v.sessions, id)
	}
	return session, nil
}

// TestFromPython runs the program over HTTP with each sort of authorization, and with a command. It runs the
// program with and without its verbs.
func TestFromPython(t *testing.T) {
	t.Parallel()
	client, err := caissontest.Runtime(t).NewClient(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	handler := demoserver.Handler(true, true)
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		if r.Header.Get("Authorization") != "Bearer secret" && r.Header.Get("X-Key") != "secret" && name+password != "adasecret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		served.CloseClientConnections()
		served.Close()
	})
	command := target{ID: "1", Name: "command", Type: "stdio"}
	command.Config.Command, command.Config.Args = own, []string{"serve"}
	targets := []target{command}
	for kind, auth := range map[string]string{"bearer": "secret", "basic": "ada:secret", "X-Key": "secret"} {
		targets = append(targets, target{ID: kind, Name: kind, Type: "http", Endpoint: served.URL, AuthType: kind, Auth: auth})
	}
	var all sync.WaitGroup
	python := &verbs{client: client, sessions: map[string]*caisson.Session{}}
	for _, to := range targets {
		all.Go(func() {
			before, err := sumBefore(t.Context(), python, to)
			if err != nil {
				t.Errorf("%s: %v", to.Name, err)
			}
			after, err := sumAfter(t.Context(), client, to.server())
			if err != nil || after != before || !strings.Contains(after, " tools, ") || !strings.Contains(after, "5") {
				t.Errorf("%s: %q before, %q after, %v", to.Name, before, after, err)
			}
		})
	}
	all.Wait()
	if len(python.sessions) != 0 {
		t.Errorf("%d sessions are left", len(python.sessions))
	}
	if err := do(t.Context(), python, "list_tools", map[string]any{"id": "none"}, new(any)); err == nil {
		t.Error("there is a session none")
	}
}

// addAll replaces the data of a FastMCP result.
func addAll(ctx context.Context, session *caisson.Session) (int, error) {
	sum, _, err := caisson.CallToolAs[struct{ Sum int }](ctx, session, &mcp.CallToolParams{
		Name: "add", Arguments: map[string]any{"a": 2, "b": 3},
	})
	return sum.Sum, err
}

// TestData decodes a result, and has a tool fail.
func TestData(t *testing.T) {
	t.Parallel()
	server := caissontest.NewServer(t)
	server.AddTool(&mcp.Tool{Name: "add"}, func(*caissontest.Call) (any, error) {
		return caissontest.Structured(map[string]int{"sum": 5}), nil
	})
	session, err := caissontest.Runtime(t).Connect(t.Context(), server.Caisson())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if sum, err := addAll(t.Context(), session); sum != 5 || err != nil {
		t.Errorf("the sum is %d, %v", sum, err)
	}
	server.Answer("tools/call", `{"content":[{"type":"text","text":"too large"}],"isError":true}`)
	_, err = addAll(t.Context(), session)
	var failed *caisson.ToolError
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "too large") {
		t.Errorf("the error is %v", err)
	}
}
