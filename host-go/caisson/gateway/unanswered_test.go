package gateway_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
)

// TestUnanswered shows that a question that a client of an older revision does not answer holds up neither the end of
// its session, nor that of the gateway, nor the server for ever.
func TestUnanswered(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, g *gateway.Gateway, url, id string){
		"the session ends": func(t *testing.T, _ *gateway.Gateway, url, id string) {
			request, err := http.NewRequestWithContext(testContext(t), http.MethodDelete, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Mcp-Session-Id", id)
			request.Header.Set("Mcp-Protocol-Version", older)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != http.StatusNoContent {
				t.Errorf("the end of the session gets %s", response.Status)
			}
		},
		"the gateway ends": func(_ *testing.T, g *gateway.Gateway, _, _ string) { _ = g.Close() },
		"the time is over": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			options := &gateway.Options{HoldTimeout: time.Hour}
			if end == nil {
				options.HoldTimeout = time.Millisecond
			}
			g := newGateway(t, caisson.ServerMap{"s": newUpstream(t, older).Caisson()}, options)
			listener := httptest.NewServer(g.Handler())
			over, asked := make(chan struct{}), make(chan struct{}, 1)
			person := person()
			person.ElicitationHandler = func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
				asked <- struct{}{}
				<-over
				return &mcp.ElicitResult{Action: "cancel"}, nil
			}
			session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, person).
				Connect(ctx, &mcp.StreamableClientTransport{Endpoint: listener.URL + "/mcp", MaxRetries: -1}, &mcp.ClientSessionOptions{ProtocolVersion: older})
			if err != nil {
				t.Fatal(err)
			}
			called := make(chan error, 1)
			go func() {
				result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "s__form"})
				if err == nil && !result.IsError {
					t.Errorf("the call has the result %+v", result)
				}
				called <- err
			}()
			select {
			case <-asked:
			case err := <-called: // A millisecond may be over before the question is sent.
				if end != nil {
					t.Errorf("the call ends before the person is asked: %v", err)
				}
				called <- err
			case <-ctx.Done():
				t.Error("the person is never asked")
			}
			if end != nil {
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					end(t, g, listener.URL+"/mcp", session.ID())
				}()
				select {
				case <-ended:
				case <-ctx.Done():
					t.Error("the end hangs")
				}
				listener.CloseClientConnections()
			}
			select {
			case <-called:
			case <-ctx.Done():
				t.Error("the call hangs")
			}
			close(over)
			_ = session.Close()
			listener.Close()
		})
	}
}
