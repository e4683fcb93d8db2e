//lint:file-ignore SA1019 The newest revision deprecates roots; servers go on using them.

package caisson

import (
	"context"
	"slices"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// roots are the folders that a client's servers may work in.
type roots struct {
	mu   sync.Mutex
	list []*mcp.Root // nil while roots are not declared
}

// AddRoots adds folders that servers may work in, in place of those with the same URIs, and tells the
// servers of revisions that have a notification for it (specification, client/roots, "Root List Changes").
// A server that was connected before the client had any roots gets no notification: the client did not
// declare roots to it. AddRoots fails with [CodeInvalidArgument] when there is a
// [Handlers].ListRootsHandler, which lists the roots instead; see [Session.NotifyRootsListChanged].
func (c *Client) AddRoots(roots ...*mcp.Root) error {
	if slices.Contains(roots, nil) {
		return &Error{Code: CodeInvalidArgument, Step: "roots", Message: "a root is nil"}
	}
	return c.changeRoots(func(list []*mcp.Root) []*mcp.Root {
		for _, root := range roots {
			list = slices.DeleteFunc(list, func(other *mcp.Root) bool { return other.URI == root.URI })
			list = append(list, copyOf(root))
		}
		return list
	})
}

// RemoveRoots removes the folders with these URIs, as [Client.AddRoots] does. A URI that is not
// there is ignored.
func (c *Client) RemoveRoots(uris ...string) error {
	return c.changeRoots(func(list []*mcp.Root) []*mcp.Root {
		return slices.DeleteFunc(list, func(root *mcp.Root) bool { return slices.Contains(uris, root.URI) })
	})
}

func (c *Client) changeRoots(change func([]*mcp.Root) []*mcp.Root) error {
	switch {
	case c.runtime == nil:
		return errZero("Client", "Runtime.NewClient")
	case c.options.ListRootsHandler != nil:
		return errOption("ClientOptions.ListRootsHandler lists the roots: let it give others, and call Session.NotifyRootsListChanged")
	}
	c.roots.mu.Lock()
	c.roots.list = change(slices.Clone(c.roots.list)) // What was given out stays as it was.
	if c.roots.list == nil {
		c.roots.list = []*mcp.Root{}
	}
	c.roots.mu.Unlock()

	c.mu.Lock()
	defer c.mu.Unlock()
	for s := range c.sessions {
		// Until a session is there, nobody has told its server of any roots.
		if !s.ready.Load() || !s.declaresRoots || s.ProtocolVersion() >= firstOfTheNewEra {
			continue // In the new era a server asks for the roots when it needs them.
		}
		if s.untold.Add(1) == 1 {
			go s.tellRoots() // Close does not wait for it: it runs the user's middleware, which may call Close.
		}
	}
	return nil
}

// tellRoots tells a server that the roots have changed until it was told of the last change: once of all that
// came in the meantime.
func (s *Session) tellRoots() {
	for {
		changes := s.untold.Load()
		if err := s.NotifyRootsListChanged(s.core.Context()); err != nil && s.core.Context().Err() == nil {
			s.core.Logger().Warn("a server was not told that the roots have changed", "server", s.name, "error", err)
		}
		if s.untold.Add(-changes) == 0 {
			return
		}
	}
}

// get gives the roots, and whether they are declared.
func (r *roots) get() ([]*mcp.Root, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.list, r.list != nil
}

// listRoots answers a server that asks for the roots.
func (c *Client) listRoots(context.Context, *Request[*mcp.ListRootsParams]) (*mcp.ListRootsResult, error) {
	list, _ := c.roots.get()
	return &mcp.ListRootsResult{Roots: list}, nil
}
