//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package caisson

import (
	"context"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// SetLoggingLevel says from which level on the server sends logging messages (specification,
// server/utilities/logging); see [Handlers.LoggingMessageHandler]. Revision 2026-07-28 has the level in
// each request: there it holds for the calls that follow.
func (s *Session) SetLoggingLevel(ctx context.Context, params *mcp.SetLoggingLevelParams) error {
	_, err := s.call(ctx, engine.Operation{Export: "set-logging-level", Method: "logging/setLevel"}, params)
	return err
}

// Notify sends a notification to the server and returns when it is sent. The params are anything
// that marshals to a JSON object; nil sends none. It fails with [CodeInvalidArgument] for a
// notification that the session's revision does not have, or that needs a capability which is not
// declared.
func (s *Session) Notify(ctx context.Context, method string, params any) error {
	_, err := s.call(ctx, engine.Operation{Export: "notify", Method: method}, params)
	return err
}

// NotifyProgress tells the server of progress with what it has asked for (specification,
// basic/utilities/progress).
func (s *Session) NotifyProgress(ctx context.Context, params *mcp.ProgressNotificationParams) error {
	return s.Notify(ctx, "notifications/progress", params)
}

// NotifyRootsListChanged tells the server that [Handlers.ListRootsHandler] would now answer differently
// (specification, client/roots, "Root List Changes"). In revision 2026-07-28, which has no such
// notification, it fails with [CodeInvalidArgument].
func (s *Session) NotifyRootsListChanged(ctx context.Context) error {
	return s.Notify(ctx, "notifications/roots/list_changed", nil)
}
