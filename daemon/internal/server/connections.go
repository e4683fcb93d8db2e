package server

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// tellPause is how long the log says nothing of connections that are refused after it has said something.
const tellPause = 10 * time.Second

// connections are those of callers. Of each network there are so many at most: who may use a Unix socket gets in where
// strangers hold all that TCP may have.
type connections struct {
	log *slog.Logger

	mu   sync.Mutex
	most int
	open map[string]map[net.Conn]bool // by network
	told time.Time
}

func newConnections(most int, log *slog.Logger) *connections {
	return &connections{log: log, most: most, open: map[string]map[net.Conn]bool{}}
}

// set has another bound hold for those that come from now on.
func (c *connections) set(most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most = most
}

// count is how many there are.
func (c *connections) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, of := range c.open {
		n += len(of)
	}
	return n
}

// state is for [http.Server.ConnState]. One that is too many is closed before anything of it is read.
func (c *connections) state(conn net.Conn, state http.ConnState) {
	if state != http.StateNew && state != http.StateClosed && state != http.StateHijacked {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	network := conn.LocalAddr().Network()
	open := c.open[network]
	switch {
	case state != http.StateNew:
		delete(open, conn)
	case len(open) < c.most:
		if open == nil {
			open = map[net.Conn]bool{}
			c.open[network] = open
		}
		open[conn] = true
	default:
		_ = conn.Close()
		if time.Since(c.told) > tellPause {
			c.told = time.Now()
			c.log.Warn("connections are refused: there are as many as callers.maxConnections; raise it, or have programs share connections", "network", network, "open", len(open))
		}
	}
}
