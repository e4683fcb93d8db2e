//lint:file-ignore SA1019 The newest revision deprecates roots; servers go on using them.

package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/internal/exact"
)

// refuses answers a request of 2026-07-28 whose headers do not repeat what is in it: a call, its arguments as the tool
// has it, and a request about a task, the task's id. The Go SDK does so for the tools that its server has, and the
// gateway's has none, as it has no tasks.
func (e *endpoint) refuses(w http.ResponseWriter, r *http.Request) bool {
	// The Go SDK refuses a request whose method is not the one in its header.
	method := r.Header.Get("Mcp-Method")
	if r.Method != http.MethodPost || method != "tools/call" && !slices.Contains(namedTaskMethods, method) {
		return false
	}
	body, _ := io.ReadAll(io.LimitReader(r.Body, e.gateway.options.MaxRequestBytes+1)) // The Go SDK sees the error too.
	r.Body = &readAgain{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
	whole, err := members(body)
	if err != nil {
		return false // The Go SDK says what is wrong.
	}
	params, err := members(whole["params"])
	if err != nil {
		return false
	}
	var wrong string
	if method == "tools/call" {
		if wrong = e.mismatch(r, params); wrong != "" {
			wrong += "; list the tools, and call again"
		}
	} else {
		wrong = otherTask(r.Header.Get("Mcp-Name"), params["taskId"])
	}
	if wrong == "" {
		return false
	}
	id := whole["id"]
	if id == nil {
		id = json.RawMessage("null")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(marshal(map[string]any{ // Nobody waits for the answer who is gone.
		"jsonrpc": "2.0", "id": id,
		"error": map[string]any{"code": mcp.CodeHeaderMismatch, "message": "header mismatch: " + wrong},
	}))
	return true
}

// otherTask returns what is wrong with the name in the headers of a request about a task (SEP-2663, "Routing Headers").
func otherTask(name string, taskID json.RawMessage) string {
	var id string
	if json.Unmarshal(taskID, &id) != nil || name == id { // What is no text is refused later.
		return ""
	}
	return "Mcp-Name is " + quote(name) + ", and not the taskId"
}

type readAgain struct {
	io.Reader
	io.Closer
}

// mismatch returns what is wrong with the headers of a call.
func (e *endpoint) mismatch(r *http.Request, params map[string]json.RawMessage) string {
	var name string
	meta, err := members(params["_meta"])
	if err != nil || json.Unmarshal(params["name"], &name) != nil {
		return ""
	}
	declared := meta[mcp.MetaKeyClientCapabilities]
	if declared == nil {
		declared = json.RawMessage("null")
	}
	capabilities, err := capabilitiesIn(declared)
	if err != nil {
		return ""
	}
	c, done, err := e.gateway.share(e.gateway.principalOf(r.Context()), capabilities, false)
	if err != nil {
		return "" // The call fails in the same way.
	}
	defer done()
	for _, h := range e.headersOf(r.Context(), c, name) {
		if wrong := h.check(r.Header, params["arguments"]); wrong != "" {
			return wrong
		}
	}
	return ""
}

// capabilitiesIn are those that a request of 2026-07-28 declares.
func capabilitiesIn(text json.RawMessage) (*mcp.ClientCapabilities, error) {
	var capabilities struct {
		mcp.ClientCapabilities
		Roots *mcp.RootCapabilities `json:"roots"`
	}
	if err := json.Unmarshal(text, &capabilities); err != nil {
		return nil, err
	}
	capabilities.RootsV2 = capabilities.Roots
	return &capabilities.ClientCapabilities, nil
}

// toolHeaders are the parameters that are repeated in headers, of the tools that one client sees at one endpoint.
type toolHeaders struct {
	mu      sync.Mutex
	changes uint64 // of the servers' tools, as of the listing
	listed  bool   // all tools were listed, or could not be
	tools   map[string][]parameterHeader
}

// maxAnnotated bounds the tools of which the parameters are kept. Those beyond are not checked.
const maxAnnotated = 10_000

// learn keeps the parameters of the tools of a page.
func (t *toolHeaders) learn(page json.RawMessage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.tools) == 0 && !bytes.Contains(page, []byte("x-mcp-header")) {
		return
	}
	var list struct {
		Tools []struct {
			Name        string          `json:"name"`
			InputSchema json.RawMessage `json:"inputSchema"`
		} `json:"tools"`
	}
	if exact.Unmarshal(page, &list) != nil {
		return
	}
	for _, tool := range list.Tools {
		delete(t.tools, tool.Name)
		// Clients leave out a tool with other annotations.
		if headers, err := parameterHeaders(tool.InputSchema); err == nil && len(headers) > 0 && len(t.tools) < maxAnnotated {
			t.tools[tool.Name] = headers
		}
	}
}

// get returns the parameters of a tool; known is false when the tools have to be listed first.
func (t *toolHeaders) get(name string, changes uint64) (headers []parameterHeader, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tools[name], t.listed && t.changes == changes
}

// whole notes that all tools have been listed.
func (t *toolHeaders) whole(changes uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.listed, t.changes = true, changes
}

// headersAt is what is known of the tools of an endpoint.
func (c *client) headersAt(path string) *toolHeaders {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.headers[path]
	if t == nil {
		t = &toolHeaders{tools: map[string][]parameterHeader{}}
		c.headers[path] = t
	}
	return t
}

// headersOf are the parameters of a tool that are repeated in headers. The tools are listed where that was not done
// since they changed.
func (e *endpoint) headersOf(ctx context.Context, c *client, name string) []parameterHeader {
	kept, changes := c.headersAt(e.path), c.changes.Load()
	headers, known := kept.get(name, changes)
	if known {
		return headers
	}
	ctx = caisson.WithCaller(ctx, policy.CallerClient)
	cursor := ""
	for range maxHeaderPages {
		page, err := e.toolPage(ctx, c, cursor)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			e.gateway.options.Logger.Warn("the headers of calls are not compared with their arguments: the tools cannot be listed", "path", e.path, "error", err)
			break
		}
		kept.learn(page)
		var list struct {
			NextCursor string `json:"nextCursor"`
		}
		if cursor = ""; exact.Unmarshal(page, &list) == nil {
			cursor = list.NextCursor
		}
		if cursor == "" {
			break
		}
	}
	kept.whole(changes)
	headers, _ = kept.get(name, changes)
	return headers
}

// maxHeaderPages bounds the pages of a listing.
const maxHeaderPages = 1000

// toolPage is a page of the tools that a client sees at an endpoint.
func (e *endpoint) toolPage(ctx context.Context, c *client, cursor string) (json.RawMessage, error) {
	v := e.view(c)
	caller, err := e.caller(&request{client: c, view: v})
	if err != nil {
		return nil, err
	}
	if caller != nil {
		page, err := caller.ListTools(ctx, &mcp.ListToolsParams{Cursor: cursor})
		if err == nil && page == nil {
			err = errors.New("there is no list")
		}
		if err != nil {
			return nil, err
		}
		return json.Marshal(page)
	}
	whole := map[string]json.RawMessage{}
	if cursor != "" {
		whole["cursor"] = marshal(cursor)
	}
	return v.list(ctx, v.exchange(ctx), toolList, whole)
}
