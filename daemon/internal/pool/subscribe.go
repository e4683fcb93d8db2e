package pool

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// unsubscribeWait bounds how long a server may take to agree that nobody listens any more.
const unsubscribeWait = 5 * time.Second

// listens is the first revision whose servers tell only where they are asked to.
const listens = "2026-07-28"

// A Changes says of which changes a server is to tell.
type Changes struct {
	// Resources are the URIs of resources.
	Resources []string
	// Tools, Prompts and ResourceList are the lists.
	Tools, Prompts, ResourceList bool
}

// A subject is one thing of whose changes a server tells: a resource, or a list where the URI is "".
type subject struct{ method, uri string }

// notifications asks for the changes of a subject alone, as the newest revision does.
func (s subject) notifications() *mcp.NotificationSubscriptions {
	switch s.method {
	case "tools":
		return &mcp.NotificationSubscriptions{ToolsListChanged: true}
	case "prompts":
		return &mcp.NotificationSubscriptions{PromptsListChanged: true}
	case "resources":
		return &mcp.NotificationSubscriptions{ResourcesListChanged: true}
	}
	return &mcp.NotificationSubscriptions{ResourceSubscriptions: []string{s.uri}}
}

// subjects are what a server of a revision has to be asked for.
func (c *Changes) subjects(revision string) (all []subject) {
	for _, uri := range c.Resources {
		all = append(all, subject{uri: uri})
	}
	if revision < listens { // Of lists it tells by itself.
		return all
	}
	for method, wanted := range map[string]bool{"tools": c.Tools, "prompts": c.Prompts, "resources": c.ResourceList} {
		if wanted {
			all = append(all, subject{method: method})
		}
	}
	return all
}

// A subscribed is a subject that somebody listens to.
type subscribed struct {
	listeners int
	over      atomic.Bool // the server has ended it
	stop      func()
}

// subscriptions have who listens to what of a session. Each subject is asked for by itself, and once: with two
// subscriptions for it, a listener would hear of a change twice.
type subscriptions struct {
	turn chan struct{} // has who asks the server, so that the last word is the right one
	of   map[subject]*subscribed
}

func newSubscriptions() subscriptions {
	return subscriptions{turn: make(chan struct{}, 1), of: map[subject]*subscribed{}}
}

// Subscribe has the server tell of changes, until stop is called. The server is asked once for all that listen to the same.
func (s *Session) Subscribe(ctx context.Context, changes Changes) (stop func(), err error) {
	var begun []func()
	undo := func() {
		for _, f := range begun {
			f()
		}
	}
	for _, of := range changes.subjects(s.session.ProtocolVersion()) {
		end, err := s.subscribe(ctx, of)
		if err != nil {
			undo()
			return nil, err
		}
		begun = append(begun, end)
	}
	return sync.OnceFunc(undo), nil
}

// subscribe adds a listener to a subject, and gives the function that takes it away.
func (s *Session) subscribe(ctx context.Context, of subject) (func(), error) {
	c := &s.subscriptions
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done(): // The server takes its time with somebody else's.
		return nil, ctx.Err()
	}
	defer func() { <-c.turn }()
	there := c.of[of]
	if there == nil || there.over.Load() {
		var err error
		if there, err = s.ask(ctx, of); err != nil {
			return nil, err
		}
		c.of[of] = there
	}
	there.listeners++
	return func() {
		c.turn <- struct{}{}
		defer func() { <-c.turn }()
		if there.listeners--; there.listeners > 0 {
			return
		}
		if c.of[of] == there {
			delete(c.of, of)
		}
		there.stop()
	}, nil
}

// ask asks the server to tell of a subject, in the form of its revision.
func (s *Session) ask(ctx context.Context, of subject) (*subscribed, error) {
	made := &subscribed{}
	if s.session.ProtocolVersion() < listens {
		made.stop = func() {
			ctx, cancel := context.WithTimeout(context.Background(), unsubscribeWait)
			defer cancel()
			_ = s.session.Unsubscribe(ctx, &mcp.UnsubscribeParams{URI: of.uri}) // What it tells all the same reaches nobody.
		}
		return made, s.session.Subscribe(ctx, &mcp.SubscribeParams{URI: of.uri})
	}
	subscription, err := s.session.Listen(ctx, &mcp.SubscriptionsListenParams{Notifications: of.notifications()})
	if err != nil {
		return nil, err
	}
	made.stop = func() { _ = subscription.Close() }
	go func() { // It ends with the session at the latest.
		_ = subscription.Wait()
		made.over.Store(true)
	}()
	return made, nil
}
