package server

import (
	"net/http"
	"testing"

	"connectrpc.com/connect"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

// TestDrainDelay shows that whoever balances can see that a daemon ends, on connections of its own, while calls and new
// sessions go on; and that it does not wait longer where somebody has it drain.
func TestDrainDelay(t *testing.T) {
	d := start(t, "drainDelay: 1h\n"+servers("up", newUpstream(t).url))
	probe := func() int {
		transport := &http.Transport{DisableKeepAlives: true} // As a probe: a connection for each question.
		r, err := (&http.Client{Transport: transport}).Get(d.url + "/health")
		if err != nil {
			t.Fatalf("the port is closed: %v", err)
		}
		_ = r.Body.Close()
		return r.StatusCode
	}
	if code := probe(); code != http.StatusOK {
		t.Fatalf("the health is %d before", code)
	}
	d.end()
	storetest.Until(t, func() bool { return probe() == http.StatusServiceUnavailable })
	check := connect.NewClient[healthv1.HealthCheckRequest, healthv1.HealthCheckResponse](http.DefaultClient, d.url+"/grpc.health.v1.Health/Check")
	r, err := check.CallUnary(t.Context(), connect.NewRequest(&healthv1.HealthCheckRequest{Service: caissonv1connect.McpServiceName}))
	if err != nil || r.Msg.GetStatus() != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("grpc.health.v1 says %v, %v", r, err)
	}
	alice := d.mcp(d.token("alice"))
	if r, err := alice.CallTool(t.Context(), call("echo")); err != nil || echo(t, r.Msg.GetResult()) != "x" {
		t.Errorf("a call in a new session: %v, %v", r, err)
	}
	if _, err := d.admin(d.token("owner")).Drain(t.Context(), connect.NewRequest(&caissonv1.DrainRequest{})); err != nil {
		t.Error(err)
	}
	hangUp()
	if err := d.stop(); err != nil {
		t.Error(err)
	}
}
