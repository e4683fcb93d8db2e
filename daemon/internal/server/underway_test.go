package server

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

// TestUnderway has a principal wait for as many scripts as it may, one of each kind: a further one of any kind is refused, and
// nothing else is, and there is room again when one has ended, or its caller has given up.
func TestUnderway(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"wait.js": "export async function wait() { return await tools.up.effect({}) }",
		"tool.js": "/* ---\ndescription: Waits.\ninputSchema: {type: object}\ntools: {up: [effect]}\n--- */\nreturn await tools.up.effect({})",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	up := newUpstream(t)
	e := addEffects(up)
	m, err := NewMetrics()
	if err != nil {
		t.Fatal(err)
	}
	d := startWith(t, servers("up", up.url)+"scripts: {maxPerPrincipal: 3, modules: "+folder+", tools: {mine: "+folder+"}}\n", Options{Telemetry: caisson.Telemetry{MeterProvider: m.Provider}})
	if err := m.Watch(d.Server); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]func(context.Context, caissonv1connect.ScriptServiceClient) error{
		"run script": func(ctx context.Context, c caissonv1connect.ScriptServiceClient) error {
			_, err := c.RunScript(ctx, connect.NewRequest(&caissonv1.RunScriptRequest{Script: effectScript()}))
			return err
		},
		"run function": func(ctx context.Context, c caissonv1connect.ScriptServiceClient) error {
			_, err := c.RunFunction(ctx, connect.NewRequest(&caissonv1.RunFunctionRequest{Module: "wait", Function: "wait", Servers: []string{"up"}}))
			return err
		},
		"run tool": func(ctx context.Context, c caissonv1connect.ScriptServiceClient) error {
			_, err := c.RunTool(ctx, connect.NewRequest(&caissonv1.RunToolRequest{Source: "mine", Name: "tool"}))
			return err
		},
	}
	alice, bob := d.scripts(d.token("alice")), d.scripts(d.token("bob"))
	underway := func() float64 { return m.measured(t, "caisson_scripts_underway", prometheus.Labels{}) }
	ended := make(chan error, 10)
	giveUps := map[string]context.CancelFunc{}
	for step, run := range kinds {
		ctx, giveUp := context.WithCancel(t.Context())
		defer giveUp()
		giveUps[step] = giveUp
		go func() { ended <- run(ctx, alice) }()
		<-e.begun
	}
	if n := underway(); n != 3 {
		t.Errorf("%v are underway", n)
	}
	for step, run := range kinds {
		err := run(t.Context(), alice)
		if of := detail(t, err); connect.CodeOf(err) != connect.CodeResourceExhausted || of.GetCode() != caissonv1.Code_CODE_LIMIT || of.GetStep() != step || !strings.Contains(err.Error(), "scripts.maxPerPrincipal") {
			t.Errorf("one too many, %s: %v", step, err)
		}
	}
	if status, text := d.post(client(d.token("alice")), "/run-script", `{"source":"return 1"}`); status != http.StatusTooManyRequests || !strings.Contains(text, `"code":"LIMIT"`) {
		t.Errorf("by a plain path: %d %s", status, text)
	}
	if n := m.measured(t, "caisson_scripts_refused_total", prometheus.Labels{}); n != 4 {
		t.Errorf("%v were refused", n)
	}
	one := &caissonv1.Script{Source: "return 1"}
	small := func(c caissonv1connect.ScriptServiceClient) error {
		_, err := c.RunScript(t.Context(), connect.NewRequest(&caissonv1.RunScriptRequest{Script: one}))
		return err
	}
	if err := small(bob); err != nil {
		t.Errorf("somebody else's: %v", err)
	}
	if run := watchRun(t, alice, submitRun(t, alice, &caissonv1.SubmitRunRequest{Script: one}).GetId()); string(run.GetOutcome().GetValue()) != "1" {
		t.Errorf("one that is submitted: %v", run)
	}
	giveUps["run tool"]()
	if err := <-ended; connect.CodeOf(err) != connect.CodeCanceled {
		t.Errorf("the caller has given up: %v", err)
	}
	storetest.Until(t, func() bool { return underway() == 2 })
	if err := small(alice); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
	close(e.release)
	for range 2 {
		if err := <-ended; err != nil {
			t.Errorf("one that was underway: %v", err)
		}
	}
	storetest.Until(t, func() bool { return underway() == 0 })
}
