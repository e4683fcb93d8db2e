package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// taskServer is a server with the extension of tasks, on the TypeScript SDK.
func taskServer(t testing.TB) caisson.Server {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node")
	}
	file, err := filepath.Abs(filepath.Join("..", "..", "..", "test", "servers", "tasks-v2.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	return caisson.Server{Command: program, Args: []string{file, "stdio"}}
}

// A state is that of a task, or the result in its place.
type state struct {
	ResultType    string                     `json:"resultType"`
	TaskID        string                     `json:"taskId"`
	Status        string                     `json:"status"`
	InputRequests map[string]json.RawMessage `json:"inputRequests"`
	Result        json.RawMessage            `json:"result"`
	Content       json.RawMessage            `json:"content"`
}

// ask sends a request of 2026-07-28 of a client that may take tasks and fills in forms.
func ask(t testing.TB, server *httptest.Server, path, principal string, takes bool, method string, params map[string]any) (state, answer) {
	t.Helper()
	capabilities := map[string]any{"elicitation": map[string]any{"form": map[string]any{}}}
	if takes {
		capabilities["extensions"] = map[string]any{"io.modelcontextprotocol/tasks": map[string]any{}}
	}
	params["_meta"] = map[string]any{mcp.MetaKeyProtocolVersion: newest, mcp.MetaKeyClientCapabilities: capabilities}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	a := post(t, server, request{path: path, principal: principal, version: newest, body: string(body)})
	var s state
	if a.result != nil {
		if err := json.Unmarshal(a.result, &s); err != nil {
			t.Fatal(err)
		}
	}
	return s, a
}

// until asks for a task until it has one of the statuses.
func until(t testing.TB, server *httptest.Server, path, id string, good func(state) bool) state {
	t.Helper()
	for ctx := testContext(t); ; {
		s, a := ask(t, server, path, "ada", true, "tasks/get", map[string]any{"taskId": id})
		if s.TaskID != id || ctx.Err() != nil {
			t.Fatalf("the state of the task %s is %s", id, a.body)
		}
		if good(s) {
			return s
		}
	}
}

// TestTasks has a client of 2026-07-28 take the tasks of a server, at /mcp and of the server alone.
func TestTasks(t *testing.T) {
	t.Parallel()
	server := serveTest(t, newGateway(t, caisson.ServerMap{"t": taskServer(t), "u": caissontest.NewServer(t).Caisson()}, &gateway.Options{Authenticate: byHeader}))
	for path, prefix := range map[string]string{"/mcp": "t__", "/servers/t": ""} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			call := func(tool string, takes bool) (state, answer) {
				t.Helper()
				return ask(t, server, path, "ada", takes, "tools/call", map[string]any{"name": prefix + tool, "arguments": map[string]any{}})
			}
			if _, a := ask(t, server, path, "ada", true, "server/discover", map[string]any{}); !strings.Contains(string(a.result), `"io.modelcontextprotocol/tasks"`) {
				t.Errorf("the server does not declare tasks: %s", a.body)
			}
			if s, a := call("steps", false); !strings.Contains(string(s.Content), "done") {
				t.Errorf("a client without tasks gets %s", a.body)
			}
			if s, a := call("plain", true); s.ResultType != "complete" || !strings.Contains(string(s.Content), "at once") {
				t.Errorf("a tool that is no task gives %s", a.body)
			}

			begun, a := call("asks", true)
			if begun.ResultType != "task" || !strings.HasPrefix(begun.TaskID, "t__") || begun.Status != "working" {
				t.Fatalf("the call gives %s", a.body)
			}
			id := begun.TaskID
			for _, key := range []string{"first", "second"} {
				until(t, server, path, id, func(s state) bool { return s.Status == "input_required" && s.InputRequests[key] != nil })
				if _, a := ask(t, server, path, "ada", true, "tasks/update", map[string]any{
					"taskId": id, "inputResponses": map[string]any{key: map[string]any{"action": "accept", "content": map[string]any{"name": key + "!"}}},
				}); a.result == nil {
					t.Fatalf("tasks/update gives %s", a.body)
				}
			}
			s := until(t, server, path, id, func(s state) bool { return s.Status == "completed" })
			if !strings.Contains(string(s.Result), "hello first! second!") {
				t.Errorf("the result is %s", s.Result)
			}

			_, none := ask(t, server, path, "ada", true, "tasks/get", map[string]any{"taskId": "t__none"})
			if none.err.Code != -32602 {
				t.Errorf("a task that is not there gives %s", none.body)
			}
			for _, method := range []string{"tasks/get", "tasks/update", "tasks/cancel"} {
				if _, a := ask(t, server, path, "ada", false, method, map[string]any{"taskId": id}); a.status != 400 || a.err.Code != mcp.CodeMissingRequiredClientCapabilities || !strings.Contains(a.body, `"requiredCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}`) {
					t.Errorf("%s of a client without tasks gives %s", method, a.body)
				}
				misnamed := post(t, server, request{path: path, principal: "ada", version: newest, named: "another", body: fmt.Sprintf(
					`{"jsonrpc":"2.0","id":1,"method":%q,"params":{"taskId":%q,"_meta":{"io.modelcontextprotocol/protocolVersion":%q,"io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}}}`, method, id, newest)})
				if misnamed.status != 400 || misnamed.err.Code != mcp.CodeHeaderMismatch {
					t.Errorf("%s with another name in its headers gives %s", method, misnamed.body)
				}
				if _, a := ask(t, server, path, "bob", true, method, map[string]any{"taskId": id}); a.body != none.body || a.status != none.status {
					t.Errorf("another principal's %s gives %s", method, a.body)
				}
				if _, a := ask(t, server, "/servers/u", "ada", true, method, map[string]any{"taskId": id}); a.body != none.body {
					t.Errorf("%s of another server gives %s", method, a.body)
				}
			}
			for _, wrong := range []map[string]any{{}, {"taskId": 1}, {"taskId": ""}} {
				if _, a := ask(t, server, path, "ada", true, "tasks/get", wrong); a.err.Code != -32602 {
					t.Errorf("%v gives %s", wrong, a.body)
				}
			}

			forever, a := call("forever", true)
			if forever.ResultType != "task" {
				t.Fatalf("the call gives %s", a.body)
			}
			if _, a := ask(t, server, path, "ada", true, "tasks/cancel", map[string]any{"taskId": forever.TaskID}); a.result == nil {
				t.Fatalf("tasks/cancel gives %s", a.body)
			}
			if s, _ := call("seen", false); !strings.Contains(string(s.Content), strings.TrimPrefix(forever.TaskID, "t__")) {
				t.Errorf("the server has seen %s", s.Content)
			}
		})
	}
	session := post(t, server, request{path: "/mcp", principal: "ada", body: hello}).session
	for _, params := range []string{`,"params":{"taskId":"t__x"}`, ""} {
		a := post(t, server, request{path: "/mcp", principal: "ada", session: session, version: older, body: fmt.Sprintf(`{"jsonrpc":"2.0","id":2,"method":"tasks/get"%s}`, params)})
		if a.err.Code != -32602 {
			t.Errorf("in an older revision, a task that is not there: %s", a.body)
		}
	}
}

// TestTasksAreBounded has a principal begin more tasks than it may know: the call beyond is awaited. One whose end it
// has seen makes room.
func TestTasksAreBounded(t *testing.T) {
	t.Parallel()
	server := serveTest(t, newGateway(t, caisson.ServerMap{"t": taskServer(t)}, &gateway.Options{Authenticate: byHeader, MaxTasksOfPrincipal: 1}))
	call := func(principal string) (state, answer) {
		t.Helper()
		return ask(t, server, "/mcp", principal, true, "tools/call", map[string]any{"name": "t__steps", "arguments": map[string]any{}})
	}
	first, a := call("ada")
	if first.ResultType != "task" {
		t.Fatalf("the first call gives %s", a.body)
	}
	if s, a := call("ada"); s.ResultType != "complete" || !strings.Contains(string(s.Content), "done") {
		t.Errorf("the second call gives %s", a.body)
	}
	if s, a := call("bob"); s.ResultType != "task" {
		t.Errorf("another principal's call gives %s", a.body)
	}
	until(t, server, "/mcp", first.TaskID, func(s state) bool { return s.Status == "completed" })
	if s, a := call("ada"); s.ResultType != "task" {
		t.Errorf("once there is room the call gives %s", a.body)
	}
}
