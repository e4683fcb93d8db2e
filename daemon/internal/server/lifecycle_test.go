package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/pool"
)

// stdioVariable has this program be an MCP server over standard input and output.
const stdioVariable = "CAISSOND_TEST_STDIO"

func TestMain(m *testing.M) {
	if os.Getenv(stdioVariable) != "" {
		server := mcp.NewServer(&mcp.Implementation{Name: "stdio", Version: "1"}, nil)
		mcp.AddTool(server, &mcp.Tool{Name: "pid"}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: os.Getenv("WHO")}}}, nil, nil
		})
		_ = server.Run(context.Background(), &mcp.StdioTransport{})
		return
	}
	os.Exit(m.Run())
}

// TestStdio calls a command, of the configuration and of somebody who may name one.
func TestStdio(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d := start(t, "mcpServers: {cmd: {command: "+program+", env: {"+stdioVariable+": '1', WHO: configured}}}\n")
	ctx := t.Context()
	r, err := d.mcp(d.token("alice")).CallTool(ctx, connect.NewRequest(&caissonv1.CallToolRequest{Target: byServer("cmd"), Name: "pid"}))
	if err != nil || echo(t, r.Msg.GetResult()) != "configured" {
		t.Fatalf("%v, %v", r, err)
	}
	inline := func(name string) *connect.Request[caissonv1.ConnectRequest] {
		return connect.NewRequest(&caissonv1.ConnectRequest{Of: &caissonv1.ConnectRequest_Inline{Inline: &caissonv1.InlineServer{
			Name: name, Command: program, Env: map[string]string{stdioVariable: "1", "WHO": "inline"},
		}}})
	}
	for _, name := range []string{"alice", "urls"} {
		if _, err := d.mcp(d.token(name)).Connect(ctx, inline("mine")); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("%s starts a command: %v", name, err)
		}
	}
	commands := d.mcp(d.token("commands"))
	if _, err := commands.Connect(ctx, inline("cmd")); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("under the name of another server: %v", err)
	}
	c, err := commands.Connect(ctx, inline("mine"))
	if err != nil {
		t.Fatal(err)
	}
	r, err = commands.CallTool(ctx, connect.NewRequest(&caissonv1.CallToolRequest{Target: bySession(c.Msg.GetSession().GetId()), Name: "pid"}))
	if err != nil || echo(t, r.Msg.GetResult()) != "inline" {
		t.Errorf("%v, %v", r, err)
	}
	if _, err := commands.Disconnect(ctx, connect.NewRequest(&caissonv1.DisconnectRequest{Session: c.Msg.GetSession().GetId()})); err != nil {
		t.Error(err)
	}
}

// TestGRPC calls with grpc-go: a unary call, a stream, the health, and the details of an error.
func TestGRPC(t *testing.T) {
	d := start(t, servers("up", newUpstream(t).url))
	conn, err := grpc.NewClient(strings.TrimPrefix(d.url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	health, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{Service: caissonv1connect.McpServiceName})
	if err != nil || health.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("the health is %v, %v", health, err)
	}
	request := &caissonv1.CallToolRequest{Target: byServer("up"), Name: "echo", Arguments: []byte(`{"text":"hello"}`)}
	response := &caissonv1.CallToolResponse{}
	if err := conn.Invoke(t.Context(), caissonv1connect.McpServiceCallToolProcedure, request, response); status.Code(err) != codes.Unauthenticated {
		t.Errorf("without a token: %v", err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+d.token("alice"))
	if err := conn.Invoke(ctx, caissonv1connect.McpServiceCallToolProcedure, request, response); err != nil || echo(t, response.GetResult()) != "hello" {
		t.Errorf("%v, %v", response, err)
	}
	err = conn.Invoke(ctx, caissonv1connect.McpServiceReadResourceProcedure, &caissonv1.ReadResourceRequest{Target: byServer("up"), Uri: "x:y"}, &caissonv1.ReadResourceResponse{})
	details := status.Convert(err).Details()
	if len(details) != 1 {
		t.Fatalf("%v has the details %v", err, details)
	}
	if e, ok := details[0].(*caissonv1.Error); !ok || e.GetCode() != caissonv1.Code_CODE_RPC || !strings.Contains(string(e.GetRpcError()), `"code"`) {
		t.Errorf("the detail is %v", details[0])
	}
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, caissonv1connect.McpServiceCallToolStreamProcedure)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(stream.SendMsg(&caissonv1.CallToolStreamRequest{Target: byServer("up"), Name: "progress"}), stream.CloseSend()); err != nil {
		t.Fatal(err)
	}
	n := 0
	for {
		m := &caissonv1.CallToolStreamResponse{}
		if err := stream.RecvMsg(m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 4 {
		t.Errorf("the stream has %d messages", n)
	}
}

// TestDrain shows that a daemon that drains answers what it has, and takes nothing new.
func TestDrain(t *testing.T) {
	release, begun := make(chan struct{}), make(chan struct{})
	up := newUpstream(t)
	mcp.AddTool(up.server, &mcp.Tool{Name: "wait"}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
		close(begun)
		<-release
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "waited"}}}, nil, nil
	})
	d := start(t, servers("up", up.url, "other", up.url))
	alice := d.mcp(d.token("alice"))
	ctx := t.Context()
	type answer struct {
		r   *connect.Response[caissonv1.CallToolResponse]
		err error
	}
	ended := make(chan answer, 1)
	go func() {
		r, err := alice.CallTool(ctx, connect.NewRequest(&caissonv1.CallToolRequest{Target: byServer("up"), Name: "wait"}))
		ended <- answer{r, err}
	}()
	<-begun
	changes, err := alice.Subscribe(ctx, connect.NewRequest(&caissonv1.SubscribeRequest{Target: byServer("up"), Tools: true}))
	if err != nil || !changes.Receive() {
		t.Fatalf("%v, %v", err, changes.Err())
	}
	defer changes.Close()
	drained, err := d.admin(d.token("owner")).Drain(ctx, connect.NewRequest(&caissonv1.DrainRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	if n := drained.Msg.GetCalls(); n != 2 || drained.Msg.GetRuns() != 0 { // The tool's and the subscription.
		t.Errorf("%d calls and %d runs are underway", n, drained.Msg.GetRuns())
	}
	if changes.Receive() || connect.CodeOf(changes.Err()) != connect.CodeUnavailable {
		t.Errorf("the subscription ends with %v", changes.Err())
	}
	if _, _, err := d.pool.Use(ctx, "bob", pool.Target{Server: "other"}); err == nil {
		t.Error("a session is made while the daemon drains")
	}
	close(release)
	a := <-ended
	if a.err != nil || echo(t, a.r.Msg.GetResult()) != "waited" {
		t.Errorf("what was underway: %v, %v", a.r, a.err)
	}
	if err := d.stop(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	if _, err := http.Get(d.url + "/health"); err == nil {
		t.Error("it still listens")
	}
}

// TestReload shows that servers come and go with the configuration, and that one with a mistake changes nothing.
func TestReload(t *testing.T) {
	up := newUpstream(t)
	d := start(t, servers("up", up.url))
	ctx := t.Context()
	alice := d.mcp(d.token("alice"))
	list := func(server string) error {
		_, err := alice.ListTools(ctx, connect.NewRequest(&caissonv1.ListToolsRequest{Target: byServer(server)}))
		return err
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(filepath.Dir(d.tokens), "caisson.yaml"), []byte("listen: 127.0.0.1:0\naccess: {tokens: tokens.json}\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := list("up"); err != nil {
		t.Fatal(err)
	}
	write(servers("up", up.url, "more", up.url))
	if err := d.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	if err := list("more"); err != nil {
		t.Errorf("a server that has come: %v", err)
	}
	if n := d.pool.Count(); n != 2 {
		t.Errorf("%d sessions: the one with a server that has not changed goes on", n)
	}
	write("nonsense: true\n")
	if err := d.Reload(ctx); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("a mistake: %v", err)
	}
	if err := list("more"); err != nil {
		t.Errorf("after a mistake: %v", err)
	}
	write(servers("up", up.url))
	if err := d.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	if err := list("more"); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("a server that has gone: %v", err)
	}
	if n := d.pool.Count(); n != 1 {
		t.Errorf("%d sessions are left", n)
	}
}

// TestRuns submits scripts that outlive the call, to a daemon with a store and to one without.
func TestRuns(t *testing.T) {
	for name, store := range map[string]string{"with a store": "", "without": "store: none\n"} {
		t.Run(name, func(t *testing.T) { testRuns(t, store) })
	}
}

func testRuns(t *testing.T, store string) {
	d := start(t, store+servers("up", newUpstream(t).url))
	ctx := t.Context()
	alice, bob := d.scripts(d.token("alice")), d.scripts(d.token("bob"))
	submit := func(key, source string) *caissonv1.Run {
		t.Helper()
		return submitRun(t, alice, &caissonv1.SubmitRunRequest{IdempotencyKey: key, Script: &caissonv1.Script{Source: source, Servers: []string{"up"}}})
	}
	const later = "return await tools.up.echo({text: 'later'})"
	run := submit("once", later)
	if again := submit("once", later); again.GetId() != run.GetId() {
		t.Error("the same key is another run")
	}
	_, err := alice.SubmitRun(ctx, connect.NewRequest(&caissonv1.SubmitRunRequest{IdempotencyKey: "once", Script: &caissonv1.Script{Source: "return 2"}}))
	if connect.CodeOf(err) != connect.CodeAlreadyExists || codeOf(t, err) != caissonv1.Code_CODE_INVALID_ARGUMENT {
		t.Errorf("the same key with another script: %v", err)
	}
	if done := watchRun(t, alice, run.GetId()); done.GetState() != caissonv1.RunState_RUN_STATE_ENDED || string(done.GetOutcome().GetValue()) != `"later"` {
		t.Errorf("the run is %v", done)
	}
	long := submit("", "await new Promise(resolve => setTimeout(resolve, 50000))")
	for name, err := range map[string]error{
		"GetRun":    second(bob.GetRun(ctx, connect.NewRequest(&caissonv1.GetRunRequest{Id: long.GetId()}))),
		"CancelRun": second(bob.CancelRun(ctx, connect.NewRequest(&caissonv1.CancelRunRequest{Id: long.GetId()}))),
	} {
		if connect.CodeOf(err) != connect.CodeNotFound {
			t.Errorf("%s by somebody else: %v", name, err)
		}
	}
	r, err := alice.CancelRun(ctx, connect.NewRequest(&caissonv1.CancelRunRequest{Id: long.GetId()}))
	if err != nil || r.Msg.GetRun().GetState() != caissonv1.RunState_RUN_STATE_CANCELLED {
		t.Errorf("%v, %v", r, err)
	}
	listed, err := alice.ListRuns(ctx, connect.NewRequest(&caissonv1.ListRunsRequest{}))
	if err != nil || len(listed.Msg.GetRuns()) != 2 || listed.Msg.GetRuns()[0].GetId() != long.GetId() {
		t.Errorf("%v, %v", listed, err)
	}
}

// TestManyServers refuses the names of servers that there are not, before anything is made of each.
func TestManyServers(t *testing.T) {
	d := start(t, "")
	many := make([]string, 10_000)
	for i := range many {
		many[i] = fmt.Sprint("none", i)
	}
	_, err := d.scripts(d.token("alice")).RunScript(t.Context(), connect.NewRequest(&caissonv1.RunScriptRequest{Script: &caissonv1.Script{Source: "1", Servers: many}}))
	if connect.CodeOf(err) != connect.CodeInvalidArgument || len(err.Error()) > 1000 {
		t.Errorf("%.1000v", err)
	}
	subscribed, err := d.mcp(d.token("alice")).Subscribe(t.Context(), connect.NewRequest(&caissonv1.SubscribeRequest{Target: byServer("none"), Resources: many}))
	if err == nil {
		subscribed.Receive()
		err = subscribed.Err()
	}
	if connect.CodeOf(err) != connect.CodeResourceExhausted {
		t.Errorf("%v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestFolders calls a function of a module, and a script that is a tool.
func TestFolders(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"area.js":  "export function area(w, h) { return w * h }",
		"twice.js": "/* ---\ndescription: Says it twice.\ninputSchema: {properties: {text: {type: string}}, required: [text]}\ntools: {up: [echo]}\n--- */\nconst r = await tools.up.echo({text: input.text}); return r + r",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := start(t, servers("up", newUpstream(t).url)+"scripts: {modules: "+folder+", tools: {mine: "+folder+"}}\n")
	ctx := t.Context()
	alice := d.scripts(d.token("alice"))
	f, err := alice.RunFunction(ctx, connect.NewRequest(&caissonv1.RunFunctionRequest{Module: "area", Function: "area", Args: []byte("[3,4]")}))
	if err != nil || string(f.Msg.GetOutcome().GetValue()) != "12" {
		t.Errorf("%v, %v", f, err)
	}
	r, err := alice.RunTool(ctx, connect.NewRequest(&caissonv1.RunToolRequest{Source: "mine", Name: "twice", Arguments: []byte(`{"text":"a"}`)}))
	if err != nil || echo(t, r.Msg.GetResult()) != "aa" {
		t.Errorf("%v, %v", r, err)
	}
	if _, err := alice.RunTool(ctx, connect.NewRequest(&caissonv1.RunToolRequest{Source: "none", Name: "twice"})); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("a source that there is not: %v", err)
	}
}

// TestDependencies shows that who embeds the client links nothing of the daemon.
func TestDependencies(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "github.com/caisson-dev/caisson/host-go/caisson")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "github.com/caisson-dev/caisson/host-go/internal/engine\n") {
		t.Fatal("the list is not that of the package")
	}
	for line := range strings.Lines(string(out)) {
		for _, heavy := range []string{"connectrpc.com/", "google.golang.org/grpc", "google.golang.org/protobuf", "github.com/nats-io/", "github.com/prometheus/", "github.com/caisson-dev/caisson/daemon"} {
			if strings.HasPrefix(line, heavy) {
				t.Errorf("the package caisson links %s", line)
			}
		}
	}
}
