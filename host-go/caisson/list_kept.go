package caisson

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// now is the time, by the clock of the policy's gate where there is one.
func (s *session) now() time.Time {
	if s.client.gate != nil {
		return s.client.gate.Now()
	}
	return time.Now()
}

// listKey returns the key under which the result of an operation is kept. ok is false for one that is not.
func listKey(op *engine.Operation) (key pageKey, first, ok bool) {
	if !isList(op.Method) {
		return pageKey{}, false, false
	}
	var params map[string]json.RawMessage
	if json.Unmarshal([]byte(op.Params), &params) != nil {
		return pageKey{}, false, false
	}
	cursor, rest := params["cursor"], len(params)
	if cursor != nil {
		rest--
	}
	if rest > 0 { // The result may depend on more, and what may be kept is bounded by what the cursor is.
		return pageKey{}, false, false
	}
	return pageKey{op.Method, op.Export, string(cursor)}, cursor == nil, true
}

// obtain is reach, or for a list the page that is kept. fetched is when the server answered.
func (s *Session) obtain(ctx context.Context, op engine.Operation) (answer json.RawMessage, fetched time.Time, err error) {
	cache := s.client.options.ListCache
	if cache != nil {
		if key, _, ok := listKey(&op); ok {
			if text, when, ok := cache.get(s.session, key, s.now()); ok {
				return text, when, nil
			}
		}
	}
	answer, err = s.fetchAnew(ctx, op)
	return answer, s.now(), err
}

// fetchAnew is reach, and keeps what comes of a list.
func (s *Session) fetchAnew(ctx context.Context, op engine.Operation) (json.RawMessage, error) {
	cache := s.client.options.ListCache
	if cache == nil {
		return s.reach(ctx, op)
	}
	key, first, ok := listKey(&op)
	if !ok {
		return s.reach(ctx, op)
	}
	number := cache.begin(s.session, op.Method, first)
	answer, err := s.reach(ctx, op)
	if err == nil {
		now := s.now()
		if until, keep := s.keeps(op.Method, answer, now, cache.maxAge); keep {
			cache.put(&keptPage{of: s.session, key: key, text: bytes.Clone(answer), fetched: now, until: until}, number)
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
	can, announces := introduced.Capabilities, false
	switch changedBy(method) {
	case "notifications/tools/list_changed":
		announces = can.Tools != nil && can.Tools.ListChanged
	case "notifications/prompts/list_changed":
		announces = can.Prompts != nil && can.Prompts.ListChanged
	case "notifications/resources/list_changed":
		announces = can.Resources != nil && can.Resources.ListChanged
	}
	if !announces {
		return false
	}
	if introduced.ProtocolVersion < firstOfTheNewEra {
		return s.custom || introduced.Transport == TransportStdio
	}
	sub := s.listening.Load()
	if sub == nil {
		return false
	}
	select {
	case <-sub.done:
		return false
	default:
	}
	granted := sub.Granted()
	if granted == nil {
		return false
	}
	switch changedBy(method) {
	case "notifications/tools/list_changed":
		return granted.ToolsListChanged
	case "notifications/prompts/list_changed":
		return granted.PromptsListChanged
	default:
		return granted.ResourcesListChanged
	}
}

// listsStale drops what is kept of the lists that a notification makes stale; "" drops all.
func (s *session) listsStale(notification string) {
	if cache := s.client.options.ListCache; cache != nil {
		cache.changed(s, notification)
	}
}
