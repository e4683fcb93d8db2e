package gateway_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// TestToolName holds names, which clients' settings have: they stay from version to version.
func TestToolName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ server, own, want string }{
		{"github", "search_repositories", "github__search_repositories"},
		{"s", "a.b-c", "s__a.b-c"},
		{"s", "a.b/c", "s__a.b-c_90bbf8ae"},
		{"s", strings.Repeat("a", 61), "s__" + strings.Repeat("a", 61)},
		{"s", strings.Repeat("a", 70), "s__" + strings.Repeat("a", 52) + "_6388944c"},
		{strings.Repeat("s", 40), strings.Repeat("a", 30), strings.Repeat("s", 40) + "__" + strings.Repeat("a", 13) + "_"},
		{"s", "名", "s__-_"},
	} {
		got := gateway.ToolName(c.server, c.own)
		if !strings.HasPrefix(got, c.want) || strings.HasSuffix(c.want, "_") != (got != c.want) || len(got) > 64 {
			t.Errorf("%s of %s is %s", c.own, c.server, got)
		}
		if strings.Trim(got, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") != "" {
			t.Errorf("%q has other characters", got)
		}
	}
}

// TestCollisions has two names that come out as one: both are left out, the log says so, and neither is called. Servers
// have no names whose tools could have those of another one's.
func TestCollisions(t *testing.T) {
	everyWay(t, func(t *testing.T, up, down, transport string) {
		server := caissontest.NewServer(t, up)
		var prompts []any
		for _, name := range []string{"a.b/c", "a.b-c_90bbf8ae", "own"} {
			server.AddTool(&mcp.Tool{Name: name}, says("called"))
			prompts = append(prompts, map[string]any{"name": name})
		}
		server.Handle("prompts/list", func(*caissontest.Call) (any, error) { return map[string]any{"prompts": prompts}, nil })
		var mu sync.Mutex
		var logged bytes.Buffer
		g := newGateway(t, caisson.ServerMap{"s": server.Caisson()}, &gateway.Options{Logger: slog.New(slog.NewTextHandler(&lockedWriter{&mu, &logged}, nil))})
		session, ctx := connectTo(t, g, "/mcp", down, transport, nil), testContext(t)
		if got := strings.Join(tools(ctx, t, session), " "); got != "s__own" {
			t.Errorf("the tools are %s", got)
		}
		list, err := session.ListPrompts(ctx, nil)
		if err != nil || len(list.Prompts) != 1 || list.Prompts[0].Name != "s__own" {
			t.Errorf("the prompts are %+v, %v", list, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, want := range []string{"level=ERROR", "two tools get the same name", "two prompts get the same name", "s__a.b-c_90bbf8ae"} {
			if !strings.Contains(logged.String(), want) {
				t.Errorf("the log lacks %q: %s", want, logged.String())
			}
		}
	})
	for _, name := range []string{"a__b", "_a", "a_", "a b", strings.Repeat("s", 41)} {
		g, err := gateway.New(runtime(t), caisson.ServerMap{name: caissontest.NewServer(t).Caisson()}, nil)
		if !errors.Is(err, caisson.CodeInvalidArgument) {
			t.Errorf("a server with the name %q: %v", name, err)
		}
		if err == nil {
			_ = g.Close()
		}
	}
}
