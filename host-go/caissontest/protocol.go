package caissontest

import (
	"encoding/json"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// firstModern is the first revision without a handshake. In it servers ask in rounds, and send changes only
// to subscriptions.
const firstModern = "2026-07-28"

const (
	metaVersion      = mcp.MetaKeyProtocolVersion
	metaSubscription = mcp.MetaKeySubscriptionID
)

// builtIn returns the server's own handler of a method, for tests that have none.
func (s *Server) builtIn(method string) Handler {
	switch method {
	case "initialize":
		return s.initialize
	case "server/discover":
		return s.discover
	case "tools/list":
		return s.listTools
	case "tools/call":
		return s.callTool
	case "subscriptions/listen":
		return s.listen
	case "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe":
		return func(*Call) (any, error) { return nil, nil }
	}
	return func(*Call) (any, error) {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "the test has no answer to " + method}
	}
}

type object = map[string]any

// introduction is the server's description of itself.
func (s *Server) introduction() object {
	s.mu.Lock()
	defer s.mu.Unlock()
	capabilities := object{"logging": object{}}
	if len(s.tools) > 0 || s.handles("tools/list", "tools/call") {
		capabilities["tools"] = object{"listChanged": true}
	}
	if s.handles("resources/list", "resources/templates/list", "resources/read") {
		capabilities["resources"] = object{"listChanged": true, "subscribe": true}
	}
	if s.handles("prompts/list", "prompts/get") {
		capabilities["prompts"] = object{"listChanged": true}
	}
	if s.handles("completion/complete") {
		capabilities["completions"] = object{}
	}
	if s.handles("skills/list", "skills/get") {
		capabilities["extensions"] = object{"io.modelcontextprotocol/skills": object{"directoryRead": s.handles("resources/directory/read")}}
	}
	return object{"capabilities": capabilities, "serverInfo": object{"name": "caissontest", "version": "1"}}
}

// handles reports whether the test answers one of the methods. The caller holds the lock.
func (s *Server) handles(methods ...string) bool {
	return slices.ContainsFunc(methods, func(method string) bool { return s.handlers[method] != nil })
}

// initialize answers the handshake of the revisions that have one. It picks the revision that the client
// wants, or the newest.
func (s *Server) initialize(call *Call) (any, error) {
	older := slices.DeleteFunc(slices.Clone(s.revisions), func(revision string) bool { return revision >= firstModern })
	if len(older) == 0 {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "the server speaks no revision that has initialize"}
	}
	var params struct {
		ProtocolVersion string `json:"protocolVersion"`
	}
	_ = json.Unmarshal(call.Params, &params) // Without a revision it is the newest.
	chosen := params.ProtocolVersion
	if !slices.Contains(older, chosen) {
		chosen = slices.Max(older)
	}
	result := s.introduction()
	result["protocolVersion"] = chosen
	return result, nil
}

func (s *Server) discover(*Call) (any, error) {
	modern := slices.DeleteFunc(slices.Clone(s.revisions), func(revision string) bool { return revision < firstModern })
	if len(modern) == 0 {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "the server speaks no revision that has server/discover"}
	}
	result := s.introduction()
	result["supportedVersions"] = modern
	return fresh(result), nil
}

// fresh adds the members that revision 2026-07-28 requires in a result that clients may keep. They say that
// nobody may keep it.
func fresh(result object) object {
	result["resultType"], result["ttlMs"], result["cacheScope"] = "complete", 0, "private"
	return result
}

func (s *Server) listTools(call *Call) (any, error) {
	s.mu.Lock()
	tools := make([]*mcp.Tool, 0, len(s.tools))
	for _, t := range s.tools {
		tools = append(tools, t.tool)
	}
	s.mu.Unlock()
	result := object{"tools": tools}
	if call.modern() {
		return fresh(result), nil
	}
	return result, nil
}

func (s *Server) callTool(call *Call) (any, error) {
	name, _, err := call.toolCall()
	if err != nil {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: err.Error()}
	}
	s.mu.Lock()
	i := slices.IndexFunc(s.tools, func(t tool) bool { return t.tool.Name == name })
	var handler Handler
	if i >= 0 {
		handler = s.tools[i].handler
	}
	s.mu.Unlock()
	if handler == nil {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "the test has no tool " + name}
	}
	return handler(call)
}

// notifications are the changes that a subscription asks for.
type notifications struct {
	ToolsListChanged      bool     `json:"toolsListChanged"`
	PromptsListChanged    bool     `json:"promptsListChanged"`
	ResourcesListChanged  bool     `json:"resourcesListChanged"`
	ResourceSubscriptions []string `json:"resourceSubscriptions"`
}

// want reports whether the subscription asks for a notification.
func (n *notifications) want(method string, params json.RawMessage) bool {
	switch method {
	case "notifications/tools/list_changed":
		return n.ToolsListChanged
	case "notifications/prompts/list_changed":
		return n.PromptsListChanged
	case "notifications/resources/list_changed":
		return n.ResourcesListChanged
	case "notifications/resources/updated":
		var updated struct {
			URI string `json:"uri"`
		}
		_ = json.Unmarshal(params, &updated)
		return slices.Contains(n.ResourceSubscriptions, updated.URI)
	}
	return false
}

// isChange reports whether clients of the newer era must subscribe to a notification to get it.
func isChange(method string) bool {
	switch method {
	case "notifications/tools/list_changed", "notifications/prompts/list_changed",
		"notifications/resources/list_changed", "notifications/resources/updated":
		return true
	}
	return false
}

// listen grants everything that a subscription asks for, until the subscription is cancelled.
func (s *Server) listen(call *Call) (any, error) {
	var params struct {
		Notifications json.RawMessage `json:"notifications"`
	}
	var wanted notifications
	if err := json.Unmarshal(call.Params, &params); err != nil {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: err.Error()}
	}
	if err := json.Unmarshal(params.Notifications, &wanted); err != nil {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: err.Error()}
	}
	acknowledgement, err := marshal(object{"_meta": object{metaSubscription: call.ID.Raw()}, "notifications": params.Notifications})
	if err != nil {
		return nil, err
	}
	defer call.connection.subscribe(call.ID, wanted, acknowledgement)()
	<-call.Context().Done()
	return nil, ErrSilence
}
