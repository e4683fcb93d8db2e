package storetest

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// StartCluster starts servers with JetStream that are one cluster and end with the test. It returns when they have a leader.
func StartCluster(t testing.TB, n int) []*NATS {
	t.Helper()
	var at []*net.TCPAddr
	var routes []*url.URL
	var ports []net.Listener
	for range n { // Each server has to know all others before it starts.
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, free.Addr().(*net.TCPAddr))
		routes = append(routes, &url.URL{Scheme: "nats", Host: free.Addr().String()})
		ports = append(ports, free)
	}
	for _, free := range ports { // No two are the same, as all were taken at once.
		_ = free.Close()
	}
	var all []*NATS
	for i := range n {
		all = append(all, Start(t, func(o *server.Options) {
			o.ServerName, o.Routes = fmt.Sprintf("nats-%d", i), routes
			o.Cluster = server.ClusterOpts{Name: "test", Host: at[i].IP.String(), Port: at[i].Port}
		}))
	}
	Until(t, func() bool {
		for _, n := range all {
			if n.server.JetStreamIsLeader() && len(n.server.JetStreamClusterPeers()) == len(all) {
				return true
			}
		}
		return false
	})
	return all
}

// URLs are where servers listen, as one address.
func URLs(all []*NATS) string {
	var urls []string
	for _, n := range all {
		urls = append(urls, n.URL())
	}
	return strings.Join(urls, ",")
}
