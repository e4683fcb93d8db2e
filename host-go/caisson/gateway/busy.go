package gateway

import (
	"sync"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// busy counts the requests that are underway, by principal.
type busy struct {
	most int

	mu       sync.Mutex
	requests map[string]int
}

func newBusy(most int) *busy { return &busy{most: most, requests: map[string]int{}} }

// enter notes a request of a principal. The caller calls leave once, when the request has ended.
func (b *busy) enter(principal string) (leave func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.requests[principal] >= b.most {
		return nil, &caisson.Error{Code: caisson.CodeLimit, Step: "serve", Message: "as many requests of the principal are underway as gateway.Options.MaxRequestsOfPrincipal allows: wait until some have ended"}
	}
	b.requests[principal]++
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.requests[principal]--; b.requests[principal] == 0 {
			delete(b.requests, principal)
		}
	}, nil
}
