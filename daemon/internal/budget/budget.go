// Package budget bounds the bytes of messages that are in flight: of each principal, and of all. A message counts from where
// it is read, before it is decoded, until its call has ended.
package budget

import (
	"fmt"
	"sync"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// leastBytes is what a call counts at least, for what else it takes: so the calls are bounded too.
const leastBytes = 16 << 10

// A Budget is what messages may take. It is safe for concurrent use.
type Budget struct {
	mu           sync.Mutex
	perPrincipal int64
	all          int64
	used         int64
	of           map[string]int64 // by principal; without those that have nothing
}

// New makes a budget of so many bytes, for each principal and for all.
func New(perPrincipal, all int64) *Budget {
	return &Budget{perPrincipal: perPrincipal, all: all, of: map[string]int64{}}
}

// Set has other bounds hold, for messages that are read from now on.
func (b *Budget) Set(perPrincipal, all int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.perPrincipal, b.all = perPrincipal, all
}

// Used is how many bytes are in flight, of all principals.
func (b *Budget) Used() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int(b.used)
}

// take takes bytes, or fails with [caisson.CodeLimit], and takes none.
func (b *Budget) take(principal string, n int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch of := b.of[principal]; {
	case of+n > b.perPrincipal:
		return limit("the messages of %s that are in flight would have %d bytes, and callers.maxBytesPerPrincipal is %d: nothing was done; wait until calls have ended, send less at once, or have the owner of the daemon raise it", principal, of+n, b.perPrincipal)
	case b.used+n > b.all:
		return limit("the messages of all callers that are in flight would have %d bytes, and callers.maxBytes is %d: nothing was done; ask again later, ask another daemon, or have the owner of the daemon raise it", b.used+n, b.all)
	}
	b.used += n
	b.of[principal] += n
	return nil
}

// give gives bytes back.
func (b *Budget) give(principal string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	if b.of[principal] -= n; b.of[principal] <= 0 {
		delete(b.of, principal)
	}
}

func limit(format string, args ...any) error {
	return &caisson.Error{Code: caisson.CodeLimit, Step: "read message", Message: fmt.Sprintf(format, args...)}
}
