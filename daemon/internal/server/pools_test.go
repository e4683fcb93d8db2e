package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/config"
)

// counting is an MCP server over HTTP that can go, and that counts the calls of its tool.
func counting(t *testing.T) (server *httptest.Server, calls *atomic.Int64) {
	t.Helper()
	calls = &atomic.Int64{}
	of := mcp.NewServer(&mcp.Implementation{Name: "counting", Version: "1"}, nil)
	mcp.AddTool(of, &mcp.Tool{Name: "count"}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
		calls.Add(1)
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "counted"}}}, nil, nil
	})
	server = httptest.NewServer(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return of }, nil))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server, calls
}

// TestFallback shows that a call goes to an equivalent server when the one of its session has gone, and that the one that
// has gone is then not called for a while.
func TestFallback(t *testing.T) {
	a, callsOfA := counting(t)
	b, callsOfB := counting(t)
	d := start(t, servers("a", a.URL, "b", b.URL)+"pools: {any: {servers: [a, b], stateless: true}}\nhealth: {failures: 1, pause: 1h}\n")
	alice := d.mcp(d.token("alice"))
	count := func(server string) error {
		_, err := alice.CallTool(t.Context(), connect.NewRequest(&caissonv1.CallToolRequest{Target: byServer(server), Name: "count"}))
		return err
	}
	if err := count("any"); err != nil || callsOfA.Load() != 1 {
		t.Fatalf("%v, %d calls", err, callsOfA.Load())
	}
	a.CloseClientConnections()
	a.Close()
	for n := range int64(3) {
		if err := count("any"); err != nil || callsOfB.Load() != n+1 {
			t.Errorf("after its end: %v, %d calls", err, callsOfB.Load())
		}
	}
	state := func() *caissonv1.ConfiguredServer {
		listed, err := d.admin(d.token("owner")).ListServers(t.Context(), connect.NewRequest(&caissonv1.ListServersRequest{}))
		if err != nil {
			t.Fatal(err)
		}
		if sets := listed.Msg.GetSets(); len(sets) != 1 || sets[0].GetName() != "any" || !slices.Equal(sets[0].GetServers(), []string{"a", "b"}) {
			t.Errorf("the sets are %v", sets)
		}
		return listed.Msg.GetServers()[0]
	}
	for deadline := time.Now().Add(time.Minute); state().GetReopens() == nil; { // A ping says that it has gone.
		if time.Now().After(deadline) {
			t.Fatalf("the server that has gone is still called: %v", state())
		}
	}
	err := count("a")
	if e := detail(t, err); connect.CodeOf(err) != connect.CodeUnavailable || e.GetCode() != caissonv1.Code_CODE_CONNECT || e.GetServer() != "a" {
		t.Errorf("a call of the one that has gone: %v, %v", err, e)
	}
	var failed *connect.Error
	if errors.As(err, &failed); !slices.ContainsFunc(failed.Details(), func(d *connect.ErrorDetail) bool {
		value, err := d.Value()
		retry, ok := value.(*errdetails.RetryInfo)
		return err == nil && ok && retry.GetRetryDelay().AsDuration() > 0
	}) {
		t.Errorf("nothing says when it may be called again: %v", failed.Details())
	}
	if callsOfA.Load() != 1 {
		t.Errorf("a tool was called %d times there", callsOfA.Load())
	}
}

// TestPoolSettings shows what of a pool follows from the policy and from who may call.
func TestPoolSettings(t *testing.T) {
	line, _ := withPolicy(t, "  a: {stateless: true, tools: [count]}\n  b: {tools: [count]}\n")
	a, _ := counting(t)
	d := start(t, line+"access: {tokens: tokens.json, scopes: {\"*\": [], \"tls:robot\": [caisson:mcp]}}\n"+servers("a", a.URL, "b", a.URL))
	settings := func(pool string, p config.Pool) (warm []string, stateless bool, err error) {
		f := *d.file
		f.Pools = map[string]config.Pool{pool: p}
		all, err := Pools(&f, d.pool.Policy(), d.tokens)
		return all[pool].Warm, all[pool].Stateless, err
	}
	for pool, servers := range map[string]config.Words{"a": nil, "any": {"a"}} {
		if _, stateless, err := settings(pool, config.Pool{Servers: servers, Instances: 2}); err != nil || !stateless {
			t.Errorf("%s: %v, %v", pool, stateless, err)
		}
	}
	for pool, servers := range map[string]config.Words{"b": nil, "any": {"a", "b"}} {
		if _, _, err := settings(pool, config.Pool{Servers: servers, Instances: 2}); err == nil || !strings.Contains(err.Error(), "pools."+pool+".instances") {
			t.Errorf("several instances of a server with state, as %s: %v", pool, err)
		}
	}
	warm, _, err := settings("a", config.Pool{Warm: config.Warm{All: true}})
	if err != nil || len(warm) != len(people)+1 || !slices.Contains(warm, "alice") || !slices.Contains(warm, "tls:robot") || slices.Contains(warm, "*") {
		t.Errorf("the warm ones are %q, %v", warm, err)
	}
}
