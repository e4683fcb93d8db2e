package gateway

import (
	"sync"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// busy counts what each principal has at once, such as requests that are underway.
type busy struct {
	most int
	full string // what is said where there are as many

	mu  sync.Mutex
	own map[string]int // by principal
}

func newBusy(most int, full string) *busy {
	return &busy{most: most, full: full, own: map[string]int{}}
}

// enter notes one more of a principal's. The caller calls leave once, when it has ended.
func (b *busy) enter(principal string) (leave func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.own[principal] >= b.most {
		return nil, &caisson.Error{Code: caisson.CodeLimit, Step: "serve", Message: b.full}
	}
	b.own[principal]++
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.own[principal]--; b.own[principal] == 0 {
			delete(b.own, principal)
		}
	}, nil
}
