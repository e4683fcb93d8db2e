package caisson_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// A lister is a server that counts the lists that it is asked for, and pages them by two.
type lister struct {
	*caissontest.Server
	asked atomic.Int32
	tools atomic.Pointer[[]string]
	ttl   atomic.Int64
}

func newLister(t *testing.T, revision string, announces bool, tools ...string) *lister {
	l := &lister{Server: caissontest.NewServer(t, revision)}
	l.tools.Store(&tools)
	capabilities := map[string]any{"tools": map[string]any{"listChanged": announces}}
	info := map[string]any{"name": "lister", "version": "1"}
	l.Handle("initialize", func(*caissontest.Call) (any, error) {
		return map[string]any{"protocolVersion": revision, "capabilities": capabilities, "serverInfo": info}, nil
	})
	l.Handle("server/discover", func(*caissontest.Call) (any, error) {
		return map[string]any{"supportedVersions": []string{revision}, "capabilities": capabilities, "resultType": "complete", "ttlMs": 0, "cacheScope": "private"}, nil
	})
	l.Handle("tools/list", func(call *caissontest.Call) (any, error) {
		l.asked.Add(1)
		var params struct{ Cursor string }
		if err := json.Unmarshal(call.Params, &params); err != nil {
			return nil, err
		}
		begin := len(params.Cursor)
		all := *l.tools.Load()
		page := all[min(begin, len(all)):min(begin+2, len(all))]
		result := map[string]any{"tools": []any{}}
		var items []any
		for _, name := range page {
			items = append(items, map[string]any{"name": name, "inputSchema": map[string]any{"type": "object"}})
		}
		if items != nil {
			result["tools"] = items
		}
		if begin+2 < len(all) {
			result["nextCursor"] = strings.Repeat("x", begin+2)
		}
		if revision >= "2026-07-28" {
			result["resultType"], result["ttlMs"], result["cacheScope"] = "complete", l.ttl.Load(), "private"
		}
		return result, nil
	})
	return l
}

func (l *lister) set(tools ...string) { l.tools.Store(&tools) }

func (l *lister) connect(t *testing.T, options caisson.ClientOptions) *caisson.Session {
	t.Helper()
	client := newClient(t, options)
	session, err := client.Connect(t.Context(), caisson.Server{Name: "s", Transport: l.Server})
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// listed lists the tools of a session, through all pages.
func listed(ctx context.Context, t *testing.T, session *caisson.Session) (names []string) {
	t.Helper()
	for page, err := range session.Pages(ctx, "tools/list", nil) {
		if err != nil {
			t.Fatal(err)
		}
		var result struct{ Tools []struct{ Name string } }
		if err := json.Unmarshal(page, &result); err != nil {
			t.Fatal(err)
		}
		for _, tool := range result.Tools {
			names = append(names, tool.Name)
		}
	}
	return names
}

// TestListCache lists the same tools again and again: the server is asked once, until it tells of a change.
func TestListCache(t *testing.T) {
	t.Parallel()
	for _, revision := range []string{"2025-11-25", "2026-07-28"} {
		t.Run(revision, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			server := newLister(t, revision, true, "a", "b", "c")
			changed := make(chan struct{}, 1)
			cache := caisson.NewListCache(nil)
			options := caisson.ClientOptions{ListCache: cache}
			options.ToolListChangedHandler = func(context.Context, *caisson.Request[*mcp.ToolListChangedParams]) { changed <- struct{}{} }
			session := server.connect(t, options)
			for range 3 {
				if got := listed(ctx, t, session); !slices.Equal(got, []string{"a", "b", "c"}) {
					t.Fatalf("the tools are %v", got)
				}
			}
			if n := server.asked.Load(); n != 2 {
				t.Errorf("the server was asked for %d pages, want 2", n)
			}
			other := server.connect(t, caisson.ClientOptions{ListCache: cache})
			_ = listed(ctx, t, other)
			if n := server.asked.Load(); n != 4 {
				t.Errorf("with another session the server was asked for %d pages, want 4", n)
			}
			server.set("a", "d")
			server.Notify("notifications/tools/list_changed", nil)
			<-changed
			if got := listed(ctx, t, session); !slices.Equal(got, []string{"a", "d"}) {
				t.Errorf("after the change the tools are %v", got)
			}
		})
	}
}

// TestListCacheAge shows how old the list of a server becomes that tells of no changes: as old as the cache allows, or
// as the server does.
func TestListCacheAge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		revision  string
		announces bool
		maxAge    time.Duration
		ttl       time.Duration
		keeps     bool
	}{
		{"2025-11-25", false, time.Hour, 0, true},
		{"2025-11-25", false, time.Nanosecond, 0, false},
		{"2026-07-28", false, time.Hour, 0, false}, // The server says that it is stale at once.
		{"2026-07-28", true, time.Nanosecond, 0, true},
		{"2026-07-28", false, time.Nanosecond, time.Hour, true},
		{"2026-07-28", true, time.Hour, time.Millisecond, false},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			t.Parallel()
			server := newLister(t, c.revision, c.announces, "a")
			server.ttl.Store(c.ttl.Milliseconds())
			session := server.connect(t, caisson.ClientOptions{NoResultCache: true, ListCache: caisson.NewListCache(&caisson.ListCacheOptions{MaxAge: c.maxAge})})
			_ = listed(t.Context(), t, session)
			server.set("b")
			want := "b"
			if c.keeps {
				want = "a"
			}
			for until := time.Now().Add(10 * time.Second); ; { // An age of a millisecond may not be over.
				got := listed(t.Context(), t, session)
				if slices.Equal(got, []string{want}) {
					return
				}
				if c.keeps || time.Now().After(until) {
					t.Fatalf("the tools are %v, want %s", got, want)
				}
			}
		})
	}
}

// TestListCacheBound has more pages than there is room for, in one session and in several.
func TestListCacheBound(t *testing.T) {
	t.Parallel()
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprintf("tool-%d", i)
	}
	server := newLister(t, "2025-11-25", true, many...)
	const room = 4000
	cache := caisson.NewListCache(&caisson.ListCacheOptions{MaxBytes: room})
	var sessions []*caisson.Session
	for range 3 {
		sessions = append(sessions, server.connect(t, caisson.ClientOptions{ListCache: cache}))
	}
	for range 2 {
		for _, session := range sessions {
			if got := listed(t.Context(), t, session); !slices.Equal(got, many) {
				t.Fatalf("the tools are %v", got)
			}
			if n := caisson.ListCacheBytes(cache); n > room || n == 0 {
				t.Errorf("%d bytes are kept, and there is room for %d", n, room)
			}
		}
	}
	for _, session := range sessions {
		_ = session.Close()
	}
	if n := caisson.ListCacheBytes(cache); n != 0 {
		t.Errorf("after the end of the sessions %d bytes are kept", n)
	}
}
