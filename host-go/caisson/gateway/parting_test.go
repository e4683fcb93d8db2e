package gateway_test

import (
	"context"
	"io"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
)

// TestClientThatDoesNotRead has a client over a pair of streams read nothing of what it is sent. Its session ends all the
// same: with the context, with the gateway, and when the client sends no more.
func TestClientThatDoesNotRead(t *testing.T) {
	for what, end := range map[string]func(stop context.CancelFunc, g *gateway.Gateway, in *io.PipeWriter){
		"the context":  func(stop context.CancelFunc, _ *gateway.Gateway, _ *io.PipeWriter) { stop() },
		"the gateway":  func(_ context.CancelFunc, g *gateway.Gateway, _ *io.PipeWriter) { _ = g.Close() },
		"end of input": func(_ context.CancelFunc, _ *gateway.Gateway, in *io.PipeWriter) { _ = in.Close() },
		"all of a sudden": func(stop context.CancelFunc, g *gateway.Gateway, in *io.PipeWriter) {
			stop()
			_ = in.CloseWithError(io.ErrUnexpectedEOF)
			_ = g.Close()
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			upstream := &broken{Server: newUpstream(t, older)}
			g := newGateway(t, caisson.ServerMap{"s": {Transport: upstream}}, nil)
			ctx, stop := context.WithCancel(testContext(t))
			defer stop()
			fromClient, in := io.Pipe()
			out, toClient := io.Pipe()
			t.Cleanup(func() { _ = out.Close() })
			ran := make(chan error, 1)
			go func() { ran <- g.Run(ctx, &mcp.IOTransport{Reader: fromClient, Writer: toClient}) }()
			reader := make([]byte, 1)
			if _, err := io.WriteString(in, hello+"\n"); err != nil {
				t.Fatal(err)
			}
			if _, err := out.Read(reader); err != nil { // The answer has begun, and waits.
				t.Fatal(err)
			}
			end(stop, g, in)
			select {
			case <-ran:
			case <-testContext(t).Done():
				t.Fatal("Run goes on")
			}
			if err := g.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
