//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// heard is what the handlers of a session have been told.
type received struct {
	mu            sync.Mutex
	notifications []string
	changed       chan struct{}
}

func (h *received) add(method string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notifications = append(h.notifications, method)
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

// has reports whether a notification has come.
func (h *received) has(method string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Contains(h.notifications, method)
}

// wait waits for a notification.
func (h *received) wait(ctx context.Context, t *testing.T, method string) {
	t.Helper()
	for {
		h.mu.Lock()
		found := slices.Contains(h.notifications, method)
		h.mu.Unlock()
		if found {
			return
		}
		select {
		case <-h.changed:
		case <-ctx.Done():
			t.Fatalf("%s did not come; these did: %v", method, h.notifications)
		}
	}
}

func wholeHandlers(h *received) caisson.Handlers {
	return caisson.Handlers{
		CreateMessageHandler: func(ctx context.Context, r *caisson.Request[*mcp.CreateMessageParams]) (*mcp.CreateMessageResult, error) {
			// A handler may call the session that it answers for.
			if err := r.Session.Ping(ctx, nil); err != nil {
				return nil, err
			}
			said := r.Params.Messages[0].Content.(*mcp.TextContent).Text
			return &mcp.CreateMessageResult{Role: "assistant", Model: "m", Content: &mcp.TextContent{Text: said + " there"}}, nil
		},
		ElicitationHandler: func(ctx context.Context, r *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
			name, _, err := caisson.CallToolAs[said](ctx, r.Session, &mcp.CallToolParams{Name: "echo", Arguments: said{"ada"}})
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"name": name.Text}}, err
		},
		URLElicitationHandler: func(_ context.Context, r *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
			if r.Params.URL != "https://example.test/x" {
				return nil, errors.New("another URL")
			}
			return &mcp.ElicitResult{Action: "accept"}, nil
		},
		ListRootsHandler: func(context.Context, *caisson.Request[*mcp.ListRootsParams]) (*mcp.ListRootsResult, error) {
			return &mcp.ListRootsResult{Roots: []*mcp.Root{{URI: "file:///work", Name: "work"}}}, nil
		},
		ToolListChangedHandler: func(context.Context, *caisson.Request[*mcp.ToolListChangedParams]) { h.add("tools") },
		ResourceUpdatedHandler: func(_ context.Context, r *caisson.Request[*mcp.ResourceUpdatedNotificationParams]) {
			h.add("updated " + r.Params.URI)
		},
		LoggingMessageHandler: func(_ context.Context, r *caisson.Request[*mcp.LoggingMessageParams]) {
			text, _ := json.Marshal(r.Params.Data)
			h.add("log " + string(text))
		},
	}
}

func (h *received) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notifications = nil
}
