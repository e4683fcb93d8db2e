package caisson

import (
	"bytes"
	ordered "container/list"
	"encoding/json"
	"strings"
	"sync"
	"time"
)

// A ListCache keeps the pages of tools/list, prompts/list, resources/list and resources/templates/list for the sessions
// of the clients that share it: see [ClientOptions].ListCache. Each session gets only what its own server has sent to it.
// What is kept is the server's text. So the policy, the pins and the log of a client see each list that is asked for as
// if it had just come: a policy or a lock file that changes needs nothing to be dropped.
//
// A page is dropped when the server says that such a list has changed, when the session is begun anew or ends, when
// the list is fetched from its beginning again, and when the room is needed for others. A server that does not tell of
// changes has its pages dropped after ListCacheOptions.MaxAge: one that announces no listChanged, that has granted no
// subscription in revision 2026-07-28, or that is reached over HTTP in an older revision, where a stream for what it
// tells may be missing. In revision 2026-07-28 a ttlMs above 0 bounds the age of a page too, and a ttlMs of 0 has a page
// kept only while the server tells of changes.
//
// It is safe for concurrent use.
type ListCache struct {
	maxBytes int64
	maxAge   time.Duration

	mu       sync.Mutex
	bytes    int64
	used     *ordered.List // of *keptPage, the one that was used last at the front
	sessions map[*session]*keptLists
}

// ListCacheOptions bound a [ListCache]. The zero value, or nil, has the defaults.
type ListCacheOptions struct {
	// MaxBytes bounds the pages of all sessions together. Default: 64 MiB.
	MaxBytes int64
	// MaxAge is for how long pages are kept of a server that does not tell of changes. Default: 10 s.
	MaxAge time.Duration
}

const (
	defaultListCacheBytes = 64 << 20
	defaultListCacheAge   = 10 * time.Second
	pageOverhead          = 256 // bytes, for the key and its place
)

// NewListCache makes a cache. The options may be nil; what is not above 0 has its default.
func NewListCache(options *ListCacheOptions) *ListCache {
	c := &ListCache{maxBytes: defaultListCacheBytes, maxAge: defaultListCacheAge, used: ordered.New(), sessions: map[*session]*keptLists{}}
	if options != nil && options.MaxBytes > 0 {
		c.maxBytes = options.MaxBytes
	}
	if options != nil && options.MaxAge > 0 {
		c.maxAge = options.MaxAge
	}
	return c
}

// keptLists are the lists of one session.
type keptLists struct {
	listings map[string]uint64 // by method: how often one was begun, or dropped
	pages    map[pageKey]*ordered.Element
}

// A pageKey is what asks for a page. The core's typed operations return another text than its raw ones.
type pageKey struct{ method, export, params string }

// A keptPage is one page, as its server sent it.
type keptPage struct {
	of      *session
	key     pageKey
	text    json.RawMessage
	fetched time.Time
	until   time.Time // zero for as long as the server says nothing else
}

func (p *keptPage) size() int64 { return int64(len(p.text)+len(p.key.params)) + pageOverhead }

// changedBy is the notification that makes a list stale.
func changedBy(method string) string {
	of, _, _ := strings.Cut(method, "/")
	return "notifications/" + of + "/list_changed"
}

// isList reports whether a method is one whose results are kept.
func isList(method string) bool {
	for _, l := range definingLists {
		if l.method == method {
			return true
		}
	}
	return false
}

// open makes room for a session, until end.
func (c *ListCache) open(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions[s] = &keptLists{listings: map[string]uint64{}, pages: map[pageKey]*ordered.Element{}}
}

// end drops what a session has.
func (c *ListCache) end(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if own := c.sessions[s]; own != nil {
		c.drop(own, func(pageKey) bool { return true })
		delete(c.sessions, s)
	}
}

// changed drops the lists that a notification makes stale; "" drops all. What is being fetched is not kept either.
func (c *ListCache) changed(s *session, notification string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := c.sessions[s]
	if own == nil {
		return
	}
	stale := func(method string) bool { return notification == "" || changedBy(method) == notification }
	for _, l := range definingLists {
		if stale(l.method) {
			own.listings[l.method]++
		}
	}
	c.drop(own, func(key pageKey) bool { return stale(key.method) })
}

// drop drops pages of a session. The lock is held.
func (c *ListCache) drop(own *keptLists, which func(pageKey) bool) {
	for key, at := range own.pages {
		if which(key) {
			c.remove(own, at)
		}
	}
}

func (c *ListCache) remove(own *keptLists, at *ordered.Element) {
	page := c.used.Remove(at).(*keptPage)
	delete(own.pages, page.key)
	c.bytes -= page.size()
}

// get returns a page that is fresh.
func (c *ListCache) get(s *session, key pageKey, now time.Time) (text json.RawMessage, fetched time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := c.sessions[s]
	if own == nil || own.pages[key] == nil {
		return nil, time.Time{}, false
	}
	at := own.pages[key]
	page := at.Value.(*keptPage)
	if !page.until.IsZero() && !now.Before(page.until) {
		c.remove(own, at)
		return nil, time.Time{}, false
	}
	c.used.MoveToFront(at)
	return bytes.Clone(page.text), page.fetched, true
}

// begin notes that a page is fetched. The first page drops the others: their cursors belong to the list that was. Then
// no page that is kept is older than what the session knows of the list.
func (c *ListCache) begin(s *session, method string, first bool) (number uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := c.sessions[s]
	if own == nil {
		return 0
	}
	if first {
		own.listings[method]++
		c.drop(own, func(key pageKey) bool { return key.method == method })
	}
	return own.listings[method]
}

// put keeps a page of the listing of that number, where no other has begun since, and nothing has changed.
func (c *ListCache) put(page *keptPage, number uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := c.sessions[page.of]
	if own == nil || own.listings[page.key.method] != number || page.size() > c.maxBytes {
		return
	}
	if old := own.pages[page.key]; old != nil {
		c.remove(own, old)
	}
	for c.bytes+page.size() > c.maxBytes {
		last := c.used.Back()
		c.remove(c.sessions[last.Value.(*keptPage).of], last)
	}
	own.pages[page.key] = c.used.PushFront(page)
	c.bytes += page.size()
}
