package caisson

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// now is the time, by the clock of the policy's gate where there is one.
func (s *session) now() time.Time {
	if s.client.gate != nil {
		return s.client.gate.Now()
	}
	return time.Now()
}

// A wantedPage is a page of a list that may be kept.
type wantedPage struct {
	key   pageKey
	first bool
}

// wantedPage returns the page that an operation asks for; nil for one that is not kept.
func (s *session) wantedPage(op *engine.Operation) *wantedPage {
	if s.client.options.ListCache == nil || !isList(op.Method) {
		return nil
	}
	var params map[string]json.RawMessage
	if json.Unmarshal([]byte(op.Params), &params) != nil {
		return nil
	}
	cursor, rest := params["cursor"], len(params)
	if cursor != nil {
		rest--
	}
	if rest > 0 { // The result may depend on more, and what may be kept is bounded by what the cursor is.
		return nil
	}
	return &wantedPage{pageKey{op.Method, op.Export, string(cursor)}, cursor == nil}
}

// obtain is reach, or for a list the page that is kept. fetched is when the server answered.
func (s *Session) obtain(ctx context.Context, op engine.Operation) (answer json.RawMessage, fetched time.Time, err error) {
	page := s.wantedPage(&op)
	if page != nil {
		if text, when, ok := s.client.options.ListCache.get(s.session, page.key, s.now()); ok {
			return text, when, nil
		}
	}
	answer, err = s.fetchAnew(ctx, op, page)
	return answer, s.now(), err
}

// fetchAnew is reach, and keeps what comes of a page.
func (s *Session) fetchAnew(ctx context.Context, op engine.Operation, page *wantedPage) (json.RawMessage, error) {
	if page == nil {
		return s.reach(ctx, op)
	}
	cache := s.client.options.ListCache
	number := cache.begin(s.session, op.Method, page.first)
	answer, err := s.reach(ctx, op)
	if err == nil {
		now := s.now()
		if until, keep := s.keeps(op.Method, answer, now, cache.maxAge); keep {
			cache.put(&keptPage{of: s.session, key: page.key, text: bytes.Clone(answer), fetched: now, until: until}, number)
		}
	}
	return answer, err
}

// keeps says until when a page may be kept; zero for as long as the server says nothing else.
func (s *session) keeps(method string, page json.RawMessage, now time.Time, maxAge time.Duration) (until time.Time, keep bool) {
	told := s.tellsOf(method)
	if s.introduction.Load().ProtocolVersion >= firstOfTheNewEra {
		var says struct {
			TTL *float64 `json:"ttlMs"`
		}
		if json.Unmarshal(page, &says) != nil {
			return time.Time{}, false
		}
		switch {
		case says.TTL == nil:
		case *says.TTL > 0:
			lives := min(*says.TTL, float64(longestTTL/time.Millisecond))
			return now.Add(time.Duration(lives * float64(time.Millisecond))), true
		case !told:
			return time.Time{}, false
		}
	}
	if told {
		return time.Time{}, true
	}
	return now.Add(maxAge), true
}

// longestTTL bounds what a server says of how long a list lives.
const longestTTL = 24 * time.Hour

// tellsOf reports whether the server tells this session when such a list changes.
func (s *session) tellsOf(method string) bool {
	introduced := s.introduction.Load()
	can, granted := introduced.Capabilities, s.granted()
	var announces, grants bool
	switch changedBy(method) {
	case "notifications/tools/list_changed":
		announces, grants = can.Tools != nil && can.Tools.ListChanged, granted.ToolsListChanged
	case "notifications/prompts/list_changed":
		announces, grants = can.Prompts != nil && can.Prompts.ListChanged, granted.PromptsListChanged
	case "notifications/resources/list_changed":
		announces, grants = can.Resources != nil && can.Resources.ListChanged, granted.ResourcesListChanged
	}
	if introduced.ProtocolVersion < firstOfTheNewEra {
		return announces && (s.custom || introduced.Transport == TransportStdio)
	}
	return announces && grants
}

// granted is what the server has agreed to tell of in revision 2026-07-28, in a subscription that lasts.
func (s *session) granted() mcp.NotificationSubscriptions {
	sub := s.listening.Load()
	if sub == nil {
		return mcp.NotificationSubscriptions{}
	}
	select {
	case <-sub.done:
		return mcp.NotificationSubscriptions{}
	default:
	}
	if granted := sub.Granted(); granted != nil {
		return *granted
	}
	return mcp.NotificationSubscriptions{}
}

// listsStale drops what is kept of the lists that a notification makes stale; "" drops all.
func (s *session) listsStale(notification string) {
	if cache := s.client.options.ListCache; cache != nil {
		cache.changed(s, notification)
	}
}
