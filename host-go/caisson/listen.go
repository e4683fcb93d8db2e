package caisson

import (
	"context"
	"strings"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/exact"
)

// A Subscription is a server's promise to notify of changes. Its methods are safe for concurrent
// use.
type Subscription struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // set before done is closed

	mu      sync.Mutex
	granted *mcp.NotificationSubscriptions
}

// Listen asks the server for notifications (specification 2026-07-28, "Subscriptions") and returns when
// the server has said which ones it grants; they come to the [Handlers]. The context bounds only the
// request. A subscription whose stream drops is asked for again; it ends with [Subscription.Close], with
// the session, and when the server ends it.
//
// In the older revisions servers notify without a subscription, and Listen fails with [CodeInvalidArgument].
func (s *Session) Listen(ctx context.Context, params *mcp.SubscriptionsListenParams) (*Subscription, error) {
	if s.session == nil {
		return nil, errZero("Session", "Client.Connect")
	}
	listening, cancel := context.WithCancel(withCallerOf(s.core.Context(), ctx))
	sub := &Subscription{cancel: cancel, done: make(chan struct{})}
	granted := make(chan struct{})
	var once sync.Once
	op := engine.Operation{Export: "listen", Method: "subscriptions/listen", Listening: func(notifications []byte) {
		sub.grant(notifications)
		s.listsStale("") // While the stream was down nobody told of changes.
		once.Do(func() { close(granted) })
	}}
	go func() {
		defer close(sub.done)
		defer cancel()
		_, sub.err = s.call(listening, op, params)
	}()
	select {
	case <-granted:
		return sub, nil
	case <-sub.done:
		if sub.err == nil {
			sub.err = &Error{Code: CodeProtocol, Server: s.name, Step: "subscriptions/listen", Message: "the server ended the subscription before it had granted anything"}
		}
		return nil, sub.err
	case <-ctx.Done():
		cancel()
		return nil, ctx.Err()
	}
}

func (sub *Subscription) grant(notifications []byte) {
	granted := &mcp.NotificationSubscriptions{}
	_ = exact.Unmarshal(notifications, granted) // The core has checked it; what does not fit is not granted.
	sub.mu.Lock()
	sub.granted = granted
	sub.mu.Unlock()
}

// Granted returns the notifications that the server has granted. Do not change the value: it belongs to
// the subscription.
func (sub *Subscription) Granted() *mcp.NotificationSubscriptions {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	return sub.granted
}

// Wait blocks until the subscription is over, and says why: nil when the server ended it,
// [context.Canceled] after [Subscription.Close], and otherwise the cause.
func (sub *Subscription) Wait() error {
	if sub.done == nil {
		return errZero("Subscription", "Session.Listen")
	}
	<-sub.done
	return sub.err
}

// Close ends the subscription and tells the server. It may be called more than once, and always returns nil.
func (sub *Subscription) Close() error {
	if sub.done == nil {
		return nil
	}
	sub.cancel()
	<-sub.done
	return nil
}

// listenForHandlers subscribes to the notifications that have a handler, if the server has them and sends
// them only to subscribers.
func (s *Session) listenForHandlers(ctx context.Context) {
	h, introduced := &s.client.options.Handlers, s.introduced()
	can, all := introduced.Capabilities, s.listChanged != nil || s.client.options.ListCache != nil
	want := &mcp.NotificationSubscriptions{
		ToolsListChanged:     (all || h.ToolListChangedHandler != nil || s.client.gate != nil) && can.Tools != nil && can.Tools.ListChanged,
		PromptsListChanged:   (all || h.PromptListChangedHandler != nil) && can.Prompts != nil && can.Prompts.ListChanged,
		ResourcesListChanged: (all || h.ResourceListChangedHandler != nil) && can.Resources != nil && can.Resources.ListChanged,
	}
	asks := want.ToolsListChanged || want.PromptsListChanged || want.ResourcesListChanged
	if !asks || introduced.ProtocolVersion < firstOfTheNewEra {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.client.options.ConnectTimeout)
	defer cancel()
	sub, err := s.Listen(ctx, &mcp.SubscriptionsListenParams{Notifications: want})
	if err != nil {
		s.client.options.Logger.Warn("the server does not notify of changes", "server", s.name, "error", err)
		return
	}
	s.listening.Store(sub)
}

// notified counts the changes of the tools, and drops lists that were kept.
func (s *Session) notified(method string) {
	if strings.HasSuffix(method, "/list_changed") {
		s.listsStale(method) // Before a list that comes after it is kept.
	}
	if method == "notifications/tools/list_changed" {
		s.toolChanges.Add(1)
	}
}

// followTools asks the server to tell of changes of its tools, once, where it tells only who asks and nobody has asked
// yet. It waits until the server has answered. A server that does not is not followed.
func (s *Session) followTools(ctx context.Context) {
	select {
	case <-s.opened:
	default:
		return
	}
	introduced, o := s.introduced(), &s.client.options
	can := introduced.Capabilities.Tools
	asked := s.listChanged != nil || o.ListCache != nil || o.ToolListChangedHandler != nil || s.client.gate != nil // See listenForHandlers.
	if s.core == nil || asked || can == nil || !can.ListChanged || introduced.ProtocolVersion < firstOfTheNewEra {
		return
	}
	select {
	case s.following <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-s.following }()
	if s.followed {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, followWithin)
	defer cancel()
	_, err := s.Listen(bounded, &mcp.SubscriptionsListenParams{Notifications: &mcp.NotificationSubscriptions{ToolsListChanged: true}})
	if s.followed = ctx.Err() == nil; s.followed && err != nil {
		o.Logger.Warn("the server does not notify of changes of its tools", "server", s.name, "error", err)
	}
}

// firstOfTheNewEra is the first revision in which a request says all that the server needs to know,
// servers notify of changes only when asked to, and an empty cursor leads to a page like any other.
const firstOfTheNewEra = "2026-07-28"
