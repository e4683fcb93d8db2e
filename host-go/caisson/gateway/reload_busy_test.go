package gateway_test

import (
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// TestReloadUnderCalls takes a server away while it works on a call, at both endpoints that it has. The reload does not
// wait for the server, and the calls end.
func TestReloadUnderCalls(t *testing.T) {
	everyWay(t, func(t *testing.T, up, down, transport string) {
		ctx := testContext(t)
		server := caissontest.NewServer(t, up)
		begun, forever := make(chan struct{}, 2), make(chan struct{})
		defer close(forever)
		server.AddTool(&mcp.Tool{Name: "stuck"}, func(*caissontest.Call) (any, error) {
			begun <- struct{}{}
			<-forever // It does not hear that the call is cancelled, either.
			return caissontest.Text("done"), nil
		})
		g := newGateway(t, caisson.ServerMap{"s": server.Caisson()}, nil)
		ended := make(chan error, 2)
		for path, tool := range map[string]string{"/servers/s": "stuck", "/mcp": "s__stuck"} {
			session := connectTo(t, g, path, down, transport, nil)
			go func() {
				_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: tool})
				ended <- err
			}()
			<-begun
		}
		reloaded := make(chan error, 1)
		go func() { reloaded <- g.Reload(caisson.ServerMap{}) }()
		select {
		case err := <-reloaded:
			if err != nil {
				t.Error(err)
			}
		case <-ctx.Done():
			t.Fatal("the reload waits for the server")
		}
		for range 2 {
			if err := <-ended; err == nil || ctx.Err() != nil {
				t.Errorf("the call has ended with %v", err)
			}
		}
	})
}
