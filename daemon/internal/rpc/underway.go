package rpc

import (
	"fmt"
	"sync"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// Underway counts the scripts that callers wait for, and bounds those of each principal. It is safe for concurrent use.
type Underway struct {
	most int

	mu      sync.Mutex
	all     int
	of      map[string]int // by principal; without those that have none
	refused int64
}

// NewUnderway has each principal have so many at most.
func NewUnderway(most int) *Underway { return &Underway{most: most, of: map[string]int{}} }

// begin counts a script until end is called, once. It fails with [caisson.CodeLimit].
func (u *Underway) begin(principal, step string) (end func(), err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if n := u.of[principal]; n >= u.most {
		u.refused++
		return nil, Status(&caisson.Error{Code: caisson.CodeLimit, Step: step, Message: fmt.Sprintf(
			"%d scripts of %s are underway, and scripts.maxPerPrincipal is no more: nothing was done; wait until some have ended, submit runs, which wait by themselves, or have the owner of the daemon raise it", n, principal)})
	}
	u.all++
	u.of[principal]++
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.all--
		if u.of[principal]--; u.of[principal] == 0 {
			delete(u.of, principal)
		}
	}, nil
}

// Count is how many are underway, of all principals.
func (u *Underway) Count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.all
}

// Refused is how many have been refused since the daemon has started.
func (u *Underway) Refused() int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.refused
}
