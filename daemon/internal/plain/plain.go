// Package plain has the paths that a small client wants: POST with a JSON object, whose protocol values are JSON too.
// They do what the services do: the tables here only change the form.
package plain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"connectrpc.com/connect"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
)

// maxRequestBytes bounds the body of a request.
const maxRequestBytes = 32 << 20

// Services are what the paths lead to.
type Services struct {
	MCP     caissonv1connect.McpServiceHandler
	Scripts caissonv1connect.ScriptServiceHandler
}

// A route is one path.
type route struct {
	path, summary     string
	request, response any // values of their types, for the document
	serve             func(ctx context.Context, body []byte) (any, error)
}

// on makes a route of a function.
func on[In, Out any](path, summary string, f func(ctx context.Context, in *In) (*Out, error)) route {
	return route{path, summary, new(In), new(Out), func(ctx context.Context, body []byte) (any, error) {
		in := new(In)
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(in)
		if _, more := decoder.Token(); err == nil && !errors.Is(more, io.EOF) {
			err = errors.New("there is something behind it")
		}
		if err != nil {
			return nil, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("the body is not the JSON object that /openapi.json says: %w", err))
		}
		return f(ctx, in)
	}}
}

// A Target says which session a request goes through. One of them is needed.
type Target struct {
	Session string `json:"session,omitempty" jsonschema:"the id of a session, as /connect gives it"`
	Server  string `json:"server,omitempty" jsonschema:"the name of a server of the configuration"`
}

func (t *Target) wire() *caissonv1.Target {
	if t.Session != "" {
		return &caissonv1.Target{Of: &caissonv1.Target_Session{Session: t.Session}}
	}
	return &caissonv1.Target{Of: &caissonv1.Target_Server{Server: t.Server}}
}

// ConnectRequest is the body of /connect.
type ConnectRequest struct {
	ID      string `json:"id,omitempty" jsonschema:"the id of the new session; the default is one that the daemon makes"`
	Server  string `json:"server,omitempty" jsonschema:"the name of a server of the configuration; without it the others describe one"`
	Name    string `json:"name,omitempty" jsonschema:"the name of a server that the configuration does not have"`
	Type    string `json:"type,omitempty" jsonschema:"http, sse or stdio; the default is the one that the server speaks"`
	URL     string `json:"url,omitempty" jsonschema:"its URL"`
	Command string `json:"command,omitempty" jsonschema:"the program to start"`
	// Args, Env, AuthType and Auth are as in the proto.
	Args     []string          `json:"args,omitempty" jsonschema:"the arguments of the program"`
	Env      map[string]string `json:"env,omitempty" jsonschema:"what is added to the environment of the program"`
	Headers  map[string]string `json:"headers,omitempty" jsonschema:"headers of each request to the URL"`
	AuthType string            `json:"auth_type,omitempty" jsonschema:"none, bearer or client-credentials"`
	Auth     map[string]any    `json:"auth,omitempty" jsonschema:"what auth_type wants"`
}

// Session is a session.
type Session struct {
	ID              string          `json:"id" jsonschema:"the id"`
	Server          string          `json:"server" jsonschema:"the name of its server"`
	ProtocolVersion string          `json:"protocolVersion" jsonschema:"the revision of the protocol"`
	ServerInfo      json.RawMessage `json:"serverInfo,omitempty" jsonschema:"what the server says of itself"`
	Capabilities    json.RawMessage `json:"capabilities,omitempty" jsonschema:"what the server can do"`
	Instructions    string          `json:"instructions,omitempty" jsonschema:"the server's instructions for its use"`
}

// ConnectResponse is the answer of /connect.
type ConnectResponse struct {
	Session Session `json:"session" jsonschema:"the session"`
}

// DisconnectRequest is the body of /disconnect.
type DisconnectRequest struct {
	Session string `json:"session" jsonschema:"the id of the session"`
}

// Empty is the answer where there is nothing to say.
type Empty struct{}

// ListRequest is the body of the lists.
type ListRequest struct {
	Target
	Cursor string `json:"cursor,omitempty" jsonschema:"a nextCursor of the page before"`
}

// Result has an untouched result of the protocol.
type Result struct {
	Result json.RawMessage `json:"result" jsonschema:"the result, as the protocol has it"`
}

// CallToolRequest is the body of /call-tool.
type CallToolRequest struct {
	Target
	Name      string          `json:"name" jsonschema:"the name of the tool"`
	Arguments json.RawMessage `json:"arguments,omitempty" jsonschema:"the arguments, an object"`
}

// RunScriptRequest is the body of /run-script.
type RunScriptRequest struct {
	Source   string          `json:"source" jsonschema:"the script"`
	Language string          `json:"language,omitempty" jsonschema:"javascript, typescript or python; the default is javascript"`
	Input    json.RawMessage `json:"input,omitempty" jsonschema:"the value of input in the script"`
	Args     []string        `json:"args,omitempty" jsonschema:"the arguments of its function main"`
	Servers  []string        `json:"servers,omitempty" jsonschema:"the servers whose tools it may call; * for all"`
}

// RunScriptResponse is the answer of /run-script.
type RunScriptResponse struct {
	Value   json.RawMessage `json:"value,omitempty" jsonschema:"the value of the script; it is not there when the script failed"`
	Failure *Failure        `json:"failure,omitempty" jsonschema:"how the script failed"`
	Logs    []Log           `json:"logs,omitempty" jsonschema:"what the script wrote"`
	Calls   []Call          `json:"calls,omitempty" jsonschema:"the calls of tools that the script made"`
}

// Failure is how a script failed.
type Failure struct {
	Kind    string `json:"kind" jsonschema:"syntax, runtime, tool, not-found, invalid-arguments, never-settled, limit or trap"`
	Message string `json:"message" jsonschema:"what went wrong"`
	Script  string `json:"script,omitempty" jsonschema:"the name of the source"`
	Line    int32  `json:"line,omitempty" jsonschema:"the line, from 1"`
	Column  int32  `json:"column,omitempty" jsonschema:"the column, from 1"`
	Stack   string `json:"stack,omitempty" jsonschema:"the functions that were running"`
}

// Log is a line that a script wrote.
type Log struct {
	Level string    `json:"level" jsonschema:"debug, info, warn or error"`
	Text  string    `json:"text" jsonschema:"the text"`
	Time  time.Time `json:"time" jsonschema:"when, by the clock of the script"`
}

// Call is a call of a tool that a script made.
type Call struct {
	Server  string `json:"server" jsonschema:"the server"`
	Tool    string `json:"tool" jsonschema:"the tool"`
	Outcome string `json:"outcome" jsonschema:"done, tool error, failed or unanswered"`
	Code    string `json:"code,omitempty" jsonschema:"the sort of failure"`
}

// ErrorResponse is the answer of a request that fails.
type ErrorResponse struct {
	Error Error `json:"error" jsonschema:"the failure"`
}

// Error is a failure.
type Error struct {
	Status     string          `json:"status" jsonschema:"the status as gRPC names it, such as permission_denied"`
	Code       string          `json:"code,omitempty" jsonschema:"the sort of failure, such as DENIED: see Code in the proto"`
	Message    string          `json:"message" jsonschema:"what went wrong and, where there is one, the remedy"`
	Server     string          `json:"server,omitempty" jsonschema:"the server that is concerned"`
	Step       string          `json:"step,omitempty" jsonschema:"what was being done"`
	HTTPStatus int32           `json:"httpStatus,omitempty" jsonschema:"the status of the server's answer"`
	RPCError   json.RawMessage `json:"rpcError,omitempty" jsonschema:"the JSON-RPC error of the server"`
	Reason     string          `json:"reason,omitempty" jsonschema:"the check of the policy that denied it"`
	RetryAfter float64         `json:"retryAfterSeconds,omitempty" jsonschema:"when the rate allows the next call, in seconds"`
}

// routes are all paths.
func (s *Services) routes() []route {
	return []route{
		on("/connect", "Make a session with a server", s.connect),
		on("/disconnect", "Close a session", func(ctx context.Context, in *DisconnectRequest) (*Empty, error) {
			_, err := s.MCP.Disconnect(ctx, connect.NewRequest(&caissonv1.DisconnectRequest{Session: in.Session}))
			return &Empty{}, err
		}),
		on("/list-tools", "List one page of the tools of a server", func(ctx context.Context, in *ListRequest) (*Result, error) {
			r, err := s.MCP.ListTools(ctx, connect.NewRequest(&caissonv1.ListToolsRequest{Target: in.wire(), Cursor: in.Cursor}))
			return resultOf(r, err)
		}),
		on("/call-tool", "Call a tool", func(ctx context.Context, in *CallToolRequest) (*Result, error) {
			r, err := s.MCP.CallTool(ctx, connect.NewRequest(&caissonv1.CallToolRequest{Target: in.wire(), Name: in.Name, Arguments: in.Arguments}))
			return resultOf(r, err)
		}),
		on("/list-resources", "List one page of the resources of a server", func(ctx context.Context, in *ListRequest) (*Result, error) {
			r, err := s.MCP.ListResources(ctx, connect.NewRequest(&caissonv1.ListResourcesRequest{Target: in.wire(), Cursor: in.Cursor}))
			return resultOf(r, err)
		}),
		on("/run-script", "Run a script", s.runScript),
	}
}

// resultOf takes the result out of an answer.
func resultOf[T any, P interface {
	*T
	GetResult() []byte
}](r *connect.Response[T], err error,
) (*Result, error) {
	if err != nil {
		return nil, err
	}
	return &Result{P(r.Msg).GetResult()}, nil
}

var types = map[string]caissonv1.Transport{
	"": caissonv1.Transport_TRANSPORT_UNSPECIFIED, "http": caissonv1.Transport_TRANSPORT_HTTP,
	"sse": caissonv1.Transport_TRANSPORT_SSE, "stdio": caissonv1.Transport_TRANSPORT_STDIO,
}

func (s *Services) connect(ctx context.Context, in *ConnectRequest) (*ConnectResponse, error) {
	request := &caissonv1.ConnectRequest{Id: in.ID}
	described := in.Name != "" || in.URL != "" || in.Command != ""
	switch {
	case in.Server != "" && described:
		return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("both a server of the configuration and another one are named: keep one"))
	case in.Server != "":
		request.Of = &caissonv1.ConnectRequest_Server{Server: in.Server}
	case described:
		kind, ok := types[in.Type]
		if !ok {
			return nil, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("the type %q is not one of http, sse and stdio", in.Type))
		}
		inline := &caissonv1.InlineServer{
			Name: in.Name, Type: kind, Endpoint: in.URL, Headers: in.Headers, Command: in.Command, Args: in.Args, Env: in.Env, AuthType: in.AuthType,
		}
		if in.Auth != nil {
			inline.Auth, _ = json.Marshal(in.Auth) // It came as JSON.
		}
		request.Of = &caissonv1.ConnectRequest_Inline{Inline: inline}
	}
	r, err := s.MCP.Connect(ctx, connect.NewRequest(request))
	if err != nil {
		return nil, err
	}
	session := r.Msg.GetSession()
	return &ConnectResponse{Session{
		ID: session.GetId(), Server: session.GetServer(), ProtocolVersion: session.GetProtocolVersion(),
		ServerInfo: session.GetServerInfo(), Capabilities: session.GetCapabilities(), Instructions: session.GetInstructions(),
	}}, nil
}

func (s *Services) runScript(ctx context.Context, in *RunScriptRequest) (*RunScriptResponse, error) {
	r, err := s.Scripts.RunScript(ctx, connect.NewRequest(&caissonv1.RunScriptRequest{Script: &caissonv1.Script{
		Source: in.Source, Language: in.Language, Input: in.Input, Args: in.Args, Servers: in.Servers,
	}}))
	if err != nil {
		return nil, err
	}
	done := r.Msg.GetOutcome()
	out := &RunScriptResponse{Value: done.GetValue()}
	if f := done.GetFailure(); f != nil {
		out.Failure = &Failure{f.GetKind(), f.GetMessage(), f.GetScript(), f.GetLine(), f.GetColumn(), f.GetStack()}
	}
	for _, l := range done.GetLogs() {
		out.Logs = append(out.Logs, Log{l.GetLevel(), l.GetText(), l.GetTime().AsTime()})
	}
	for _, c := range done.GetCalls() {
		out.Calls = append(out.Calls, Call{c.GetServer(), c.GetTool(), c.GetOutcome(), c.GetCode()})
	}
	return out, nil
}

// Register adds the paths, and gives what serves their document.
func (s *Services) Register(mux *http.ServeMux) (document http.Handler, err error) {
	routes := s.routes()
	text, err := openAPI(routes)
	if err != nil {
		return nil, err
	}
	for _, r := range routes {
		mux.Handle("POST "+r.path, handler(r))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
	}), nil
}
