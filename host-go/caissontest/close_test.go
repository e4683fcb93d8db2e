package caissontest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// A cleaner runs the end of a test when it is asked to.
type cleaner struct {
	testing.TB
	cleanup  func()
	reported string
}

func (c *cleaner) Cleanup(f func()) { c.cleanup = f }

func (c *cleaner) Errorf(format string, args ...any) { c.reported += fmt.Sprintf(format, args...) }

// TestStuckHandler ends a test with a handler that does not return. After that the server accepts no client.
func TestStuckHandler(t *testing.T) {
	t.Parallel()
	for _, returns := range []bool{true, false} {
		own := &cleaner{TB: t}
		server, stuck := NewServer(own), make(chan struct{})
		if !returns {
			server.patience = 0
		}
		server.Handle("x", func(call *Call) (any, error) {
			if returns {
				return nil, call.Wait(stuck)
			}
			<-stuck
			return nil, nil
		})
		client, err := server.Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		id, _ := jsonrpc.MakeID("1")
		if err := client.Write(t.Context(), &jsonrpc.Request{ID: id, Method: "x"}); err != nil {
			t.Fatal(err)
		}
		own.cleanup()
		if found := strings.Contains(own.reported, "the handler of x does not return"); found == returns {
			t.Errorf("the test was told %q", own.reported)
		}
		close(stuck)
		server.running.Wait()
		if _, err := client.Read(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("a read gives %v", err)
		}
		if err := client.Write(t.Context(), &jsonrpc.Request{ID: id, Method: "x"}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("a write gives %v", err)
		}
		if _, err := server.Connect(t.Context()); err == nil {
			t.Error("a server of a test that has ended takes a client")
		}
	}
}
