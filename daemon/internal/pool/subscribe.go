package pool

import (
	"context"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// unsubscribeWait bounds how long a server may take to agree that nobody listens any more.
const unsubscribeWait = 5 * time.Second

// subscriptions counts who listens to resources of a session, in the revisions that subscribe to each.
type subscriptions struct {
	mu sync.Mutex // held while the server is asked, so that the last word is the right one
	of map[string]int
}

// Subscribe has the server tell of changes of resources, until stop is called. The server is asked once for all that
// listen to a resource.
func (s *Session) Subscribe(ctx context.Context, uris []string) (stop func(), err error) {
	var begun []string
	undo := func() {
		for _, uri := range begun {
			s.unsubscribe(uri)
		}
	}
	for _, uri := range uris {
		if err := s.subscribe(ctx, uri); err != nil {
			undo()
			return nil, err
		}
		begun = append(begun, uri)
	}
	return sync.OnceFunc(undo), nil
}

func (s *Session) subscribe(ctx context.Context, uri string) error {
	c := &s.subscriptions
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.add(uri, 1) > 1 {
		return nil
	}
	err := s.session.Subscribe(ctx, &mcp.SubscribeParams{URI: uri})
	if err != nil {
		c.add(uri, -1)
	}
	return err
}

func (s *Session) unsubscribe(uri string) {
	c := &s.subscriptions
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.add(uri, -1) > 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), unsubscribeWait)
	defer cancel()
	_ = s.session.Unsubscribe(ctx, &mcp.UnsubscribeParams{URI: uri}) // What it tells all the same reaches nobody.
}

// add counts. With c.mu held.
func (c *subscriptions) add(uri string, n int) int {
	if c.of == nil {
		c.of = map[string]int{}
	}
	c.of[uri] += n
	left := c.of[uri]
	if left == 0 {
		delete(c.of, uri)
	}
	return left
}
