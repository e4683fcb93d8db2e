package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// TestAbandonedDrains has a request share the session of a call that its client gives up. The request is answered, in
// the session that it began in, while others already have a new one.
func TestAbandonedDrains(t *testing.T) {
	for _, up := range eras {
		t.Run(up, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			server := &broken{Server: newUpstream(t, up)}
			listing, release := make(chan struct{}, 100), make(chan struct{})
			server.Handle("prompts/list", func(call *caissontest.Call) (any, error) {
				listing <- struct{}{}
				if err := call.Wait(release); err != nil {
					return nil, err
				}
				answer := `{"prompts":[{"name":"late"}]}`
				if up == newest {
					answer = `{"prompts":[{"name":"late"}],"resultType":"complete","ttlMs":0,"cacheScope":"private"}`
				}
				return json.RawMessage(answer), nil
			})
			g := newGateway(t, caisson.ServerMap{"s": {Transport: server}}, nil)
			session := connectTo(t, g, "/mcp", newest, "http", person())
			calling, giveUp := context.WithCancel(ctx)
			called := make(chan error, 1)
			go func() {
				_, err := session.CallTool(calling, &mcp.CallToolParams{Name: "s__slow"})
				called <- err
			}()
			for {
				call, err := server.Await(ctx, "tools/call")
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(call.Params), `"slow"`) {
					break
				}
			}
			listed := make(chan error, 1)
			go func() {
				list, err := session.ListPrompts(ctx, nil)
				if err == nil && (len(list.Prompts) != 1 || list.Prompts[0].Name != "s__late") {
					err = fmt.Errorf("the list is %v", list.Prompts)
				}
				listed <- err
			}()
			<-listing
			giveUp()
			if err := <-called; err == nil {
				t.Error("a call that was given up has a result")
			}
			for server.attempts.Load() < 2 { // Until others have a session in its place.
				if ctx.Err() != nil {
					t.Fatal("there is no new session")
				}
			}
			result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "s__form"})
			_ = textOf(t, result, err)
			select {
			case err := <-listed:
				t.Fatalf("the list has ended early: %v", err)
			default:
			}
			close(release)
			if err := <-listed; err != nil {
				t.Errorf("a request that shared the session gets %v", err)
			}
		})
	}
}
