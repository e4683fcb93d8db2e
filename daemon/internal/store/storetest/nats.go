// Package storetest starts NATS servers for tests, on loopback and in the process of the test.
package storetest

import (
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A NATS is a server with JetStream.
type NATS struct {
	// Options are what it is started with. Restart takes them again.
	Options server.Options
	t       testing.TB
	server  *server.Server
}

// Start starts a server that ends with the test. Change, which may be nil, changes its options.
func Start(t testing.TB, change func(*server.Options)) *NATS {
	t.Helper()
	n := &NATS{t: t, Options: server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
		JetStreamMaxStore: 4 << 30, JetStreamMaxMemory: 1 << 20,
	}}
	if change != nil {
		change(&n.Options)
	}
	n.Restart()
	u, err := url.Parse(n.URL())
	if err != nil {
		t.Fatal(err)
	}
	if n.Options.Port, err = strconv.Atoi(u.Port()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Stop)
	return n
}

// URL is where it listens.
func (n *NATS) URL() string { return n.server.ClientURL() }

// Stop ends it, and waits for its end.
func (n *NATS) Stop() {
	n.server.Shutdown()
	n.server.WaitForShutdown()
}

// Restart starts it, with the folder and at the port that it had.
func (n *NATS) Restart() {
	n.t.Helper()
	options := n.Options
	s, err := server.NewServer(&options)
	if err != nil {
		n.t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		n.t.Fatal("the NATS server does not start")
	}
	n.server = s
}
