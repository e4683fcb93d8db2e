package gateway

import "time"

// SetRest says how long a session has to be unused before it makes room for another one.
func (g *Gateway) SetRest(d time.Duration) { g.rest = d }
