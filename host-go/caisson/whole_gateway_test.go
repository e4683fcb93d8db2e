package caisson_test

import (
	"net/http/httptest"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/internal/race"
)

// TestWholeThroughGateway goes over everything that TestWhole does with a gateway before each server, in both eras on
// both sides. Where both sides speak one revision, results are compared with those of the server itself.
func TestWholeThroughGateway(t *testing.T) {
	t.Parallel()
	for _, server := range wholeServers {
		t.Run(server.name, func(t *testing.T) {
			if race.Enabled && server.name != "Go SDK" {
				t.Skip("the same code of ours as with the Go SDK's server, many times slower")
			}
			h := &received{changed: make(chan struct{}, 1)}
			r := newClient(t, caisson.ClientOptions{Handlers: wholeHandlers(h)})
			for _, up := range []string{"2025-11-25", modern} {
				for _, down := range []string{"2025-11-25", modern} {
					for _, transport := range []caisson.TransportType{caisson.TransportStdio, caisson.TransportHTTP} {
						t.Run(up+" "+down+" "+string(transport), func(t *testing.T) {
							server.skip(t, "connect", transport, up)
							at := server.start(t, transport, up)
							at.ProtocolVersions = []string{up}
							g, err := gateway.New(sharedRuntime(t), caisson.ServerMap{"whole": at}, &gateway.Options{Logger: testLogger(t)})
							if err != nil {
								t.Fatal(err)
							}
							t.Cleanup(func() { _ = g.Close() })
							listener := httptest.NewServer(g.Handler())
							t.Cleanup(func() { listener.CloseClientConnections(); listener.Close() })
							through := caisson.Server{URL: listener.URL + "/servers/whole", ProtocolVersions: []string{down}}
							w := &whole{T: t, server: &server, transport: transport, revision: down, upstream: up, received: h}
							// The server may log on another stream than the one of the result, and later. Then there is
							// no request any more with which it could go to a client of 2026-07-28.
							w.lateLogs = up != modern && down == modern && transport == caisson.TransportHTTP
							w.session = connect(t, r, through)
							if up == down {
								w.theirs = goClientIn(t, at, up)
							} else {
								w.theirs = goClientIn(t, through, down)
							}
							w.run()
						})
					}
				}
			}
		})
	}
}
