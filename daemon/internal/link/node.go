package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// maxLinks bounds the connections that other daemons have with one.
const maxLinks = 4096

const (
	service  = "caissond"
	version  = "1.0.0" // of what goes over the subjects
	endpoint = "open"
)

// subject is where a daemon is asked to open a connection.
func subject(node string) string { return "caisson.v1.node." + node + ".open" }

// A Node is a daemon that others can connect with, and that connects with others. It is a net.Listener for those, and
// safe for concurrent use. End it. When the connection with NATS is lost, all of its connections end: something may be missing.
type Node struct {
	// Name is the daemon's. A DNS label.
	Name string

	nats     *nats.Conn
	service  micro.Service
	accepted chan net.Conn
	closed   chan struct{} // when it takes no new connections
	close    func()
	ended    chan struct{} // when it has none any more
	end      func()

	mu   sync.Mutex
	ends map[*end]bool // whether the other daemon has opened it
	from int           // how many others have opened
}

// Listen has a daemon be there for others, as a micro service of NATS. End it.
func Listen(conn *nats.Conn, name string) (*Node, error) {
	n := &Node{Name: name, nats: conn, accepted: make(chan net.Conn), closed: make(chan struct{}), ended: make(chan struct{}), ends: map[*end]bool{}}
	var err error
	n.service, err = micro.AddService(conn, micro.Config{
		Name: service, Version: version, Description: "A daemon of Caisson, for the others", Metadata: map[string]string{"node": name},
	})
	if err != nil {
		return nil, err
	}
	err = n.service.AddEndpoint(endpoint, micro.HandlerFunc(n.open), micro.WithEndpointSubject(subject(name)))
	if err == nil {
		err = conn.FlushTimeout(openWait) // From now on it is found.
	}
	if err != nil {
		return nil, errors.Join(err, n.service.Stop())
	}
	lost := conn.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	n.close = sync.OnceFunc(func() {
		close(n.closed)
		_ = n.service.Stop() // The connection may be lost.
	})
	n.end = sync.OnceFunc(func() {
		n.close()
		close(n.ended)
		conn.RemoveStatusListener(lost)
		n.drop()
	})
	go func() {
		for {
			select {
			case <-n.ended:
				return
			case <-lost:
				n.drop()
			}
		}
	}()
	return n, nil
}

// drop ends all connections.
func (n *Node) drop() {
	n.mu.Lock()
	var all []*end
	for e := range n.ends {
		all = append(all, e)
	}
	n.mu.Unlock()
	for _, e := range all {
		e.close(true)
	}
}

// add makes an end that counts.
func (n *Node) add(opened bool) (*end, net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if opened && n.from >= maxLinks {
		return nil, nil, fmt.Errorf("%d connections of other daemons are open, which is the most", n.from)
	}
	e, conn, err := newEnd(n.nats, n.remove)
	if err != nil {
		return nil, nil, err
	}
	n.ends[e] = opened
	if opened {
		n.from++
	}
	return e, conn, nil
}

func (n *Node) remove(e *end) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ends[e] {
		n.from--
	}
	delete(n.ends, e)
}

// open answers who wants a connection.
func (n *Node) open(r micro.Request) {
	peer := string(r.Data())
	if peer == "" || strings.ContainsAny(peer, "*> \t\r\n") {
		_ = r.Error("400", "the subject of the other end is missing", nil) // It may be gone.
		return
	}
	e, conn, err := n.add(true)
	if err != nil {
		_ = r.Error("429", err.Error(), nil)
		return
	}
	e.begin(peer)
	if err := r.Respond([]byte(e.own)); err != nil {
		e.close(false)
		return
	}
	select {
	case n.accepted <- conn:
	case <-n.closed:
		e.close(true)
	}
}

// Accept implements [net.Listener].
func (n *Node) Accept() (net.Conn, error) {
	select {
	case conn := <-n.accepted:
		return conn, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Addr implements [net.Listener].
func (n *Node) Addr() net.Addr { return address(n.Name) }

// End ends all connections, and takes no new ones.
func (n *Node) End() { n.end() }

// Close implements [net.Listener]: it takes no new connections. Those that are there go on.
func (n *Node) Close() error {
	n.close()
	return nil
}

// Dial connects with another daemon. The error is a [*DialError].
func (n *Node) Dial(ctx context.Context, name string) (net.Conn, error) {
	e, conn, err := n.add(false)
	if err != nil {
		return nil, &DialError{Node: name, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	m, err := n.nats.RequestWithContext(ctx, subject(name), []byte(e.own))
	if err == nil && m.Header.Get(micro.ErrorHeader) != "" {
		err = errors.New(m.Header.Get(micro.ErrorHeader))
	}
	if err != nil {
		e.close(false)
		return nil, &DialError{Node: name, Absent: errors.Is(err, nats.ErrNoResponders), Err: err}
	}
	e.begin(string(m.Data))
	return conn, nil
}
