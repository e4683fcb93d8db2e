package gateway_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// A broken server is one whose connections can be refused.
type broken struct {
	*caissontest.Server
	refuse   atomic.Bool
	attempts atomic.Int32
}

func (b *broken) Connect(ctx context.Context) (mcp.Connection, error) {
	b.attempts.Add(1)
	if b.refuse.Load() {
		return nil, errors.New("it is down")
	}
	return b.Server.Connect(ctx)
}

func tools(ctx context.Context, t testing.TB, session *mcp.ClientSession) []string {
	t.Helper()
	list, err := session.ListTools(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	return names
}

// lines are what a log has said.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) count(words string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), words)
}

// TestFailure shows that a server that goes takes only its own tools with it, that clients are told, and that it comes
// back.
func TestFailure(t *testing.T) {
	everyWay(t, func(t *testing.T, up, down, transport string) {
		ctx := testContext(t)
		good := newUpstream(t, up)
		bad := &broken{Server: newUpstream(t, up)}
		var said lines
		g := newGateway(t, caisson.ServerMap{"good": good.Caisson(), "bad": {Transport: bad}}, &gateway.Options{
			MinBackoff: time.Millisecond, MaxBackoff: 10 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(&said, nil)),
		})
		changed := make(chan struct{}, 1000)
		session := connectTo(t, g, "/mcp", down, transport, &mcp.ClientOptions{
			ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { changed <- struct{}{} },
		})
		has := func(name string) bool { return slices.Contains(tools(ctx, t, session), name) }
		if !has("good__rich") || !has("bad__rich") {
			t.Fatal("the tools are not there")
		}
		bad.refuse.Store(true)
		bad.End()
		for has("bad__rich") {
			select {
			case <-changed:
			case <-ctx.Done():
				t.Fatal("the client is not told that the server's tools have gone")
			}
		}
		if !has("good__rich") {
			t.Error("the other server's tools have gone too")
		}
		if _, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "bad__rich"}); err == nil || strings.Contains(err.Error(), "it is down") || !strings.Contains(err.Error(), "bad: ") {
			t.Errorf("a tool of a server that is down gets %v", err)
		}
		for before := bad.attempts.Load(); bad.attempts.Load() < before+20 && ctx.Err() == nil; {
			time.Sleep(time.Millisecond)
		}
		if n := said.count("a server cannot be reached"); n == 0 || n > 4 {
			t.Errorf("the log says %d times that the server cannot be reached", n)
		}
		bad.refuse.Store(false)
		for !has("bad__rich") {
			select {
			case <-changed:
			case <-ctx.Done():
				t.Fatal("the client is not told that the server is back")
			}
		}
	})
}

// TestReload shows that a reload ends only the sessions that are concerned.
func TestReload(t *testing.T) {
	everyWay(t, func(t *testing.T, up, down, transport string) {
		ctx := testContext(t)
		stays, goes, comes := &broken{Server: newUpstream(t, up)}, &broken{Server: newUpstream(t, up)}, &broken{Server: newUpstream(t, up)}
		g := newGateway(t, caisson.ServerMap{"stays": {Transport: stays}, "goes": {Transport: goes}}, nil)
		changed := make(chan struct{}, 1000)
		session := connectTo(t, g, "/mcp", down, transport, &mcp.ClientOptions{
			ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { changed <- struct{}{} },
		})
		_ = tools(ctx, t, session)
		before := stays.attempts.Load()
		if err := g.Reload(caisson.ServerMap{"a__b": {Transport: comes}}); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
			t.Errorf("a wrong name gets %v", err)
		}
		for {
			if err := g.Reload(caisson.ServerMap{"stays": {Transport: stays}, "comes": {Transport: comes}}); err != nil {
				t.Fatal(err)
			}
			select {
			case <-changed:
			case <-time.After(100 * time.Millisecond): // The client was not yet listening.
				if err := g.Reload(caisson.ServerMap{"stays": {Transport: stays}, "goes": {Transport: goes}}); err != nil {
					t.Fatal(err)
				}
				continue
			case <-ctx.Done():
				t.Fatal("the client is not told")
			}
			break
		}
		names := tools(ctx, t, session)
		if slices.Contains(names, "goes__rich") || !slices.Contains(names, "comes__rich") || !slices.Contains(names, "stays__rich") {
			t.Errorf("the tools are %v", names)
		}
		if now := stays.attempts.Load(); now != before {
			t.Errorf("the server that stays was connected with %d times more", now-before)
		}
	})
}
