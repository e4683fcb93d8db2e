package caisson

import "github.com/caisson-dev/caisson/host-go/internal/authorization"

// Configure sets the clocks of the authorizations of a client.
func (c *Client) Configure(configure func(*authorization.Config)) { c.authorizing = configure }

// Inspect has a function look at the memory of each session's core after each batch of events.
func (c *Client) Inspect(inspect func(memories [][]byte)) { c.inspect = inspect }
