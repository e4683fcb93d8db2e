package caisson_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// BenchmarkIsolation measures, in this process and in workers, a script that returns a number, a session that is opened
// and closed, and a call of a session; and what a worker with a session has in memory.
func BenchmarkIsolation(b *testing.B) {
	server := httptest.NewServer(demoserver.Handler(false, false))
	defer server.Close()
	for _, isolation := range []caisson.Isolation{caisson.IsolationSandbox, caisson.IsolationProcess} {
		r := newRuntime(b, caisson.RuntimeOptions{Isolation: isolation, CompileFirst: true})
		connect := func(b *testing.B) *caisson.Session {
			session, err := r.Connect(b.Context(), caisson.Server{URL: server.URL})
			if err != nil {
				b.Fatal(err)
			}
			return session
		}
		b.Run("script/"+string(isolation), func(b *testing.B) {
			for b.Loop() {
				if _, err := r.RunScript(b.Context(), caisson.Script{Source: "1+1"}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("session/"+string(isolation), func(b *testing.B) {
			for b.Loop() {
				_ = connect(b).Close()
			}
		})
		b.Run("call/"+string(isolation), func(b *testing.B) {
			session := connect(b)
			defer session.Close()
			params := &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"message": "hi"}}
			for b.Loop() {
				if _, err := session.CallTool(b.Context(), params); err != nil {
					b.Fatal(err)
				}
			}
			if isolation == caisson.IsolationProcess {
				most := 0.0
				for _, pid := range caisson.WorkerPIDs(r) {
					most = max(most, pss(b, pid))
				}
				b.ReportMetric(most, "pss-MB/worker")
			}
		})
	}
}

// pss is the memory of a process, in MB; what several share is divided among them.
func pss(b *testing.B, pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "Pss:" {
			kilobytes, err := strconv.Atoi(fields[1])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kilobytes) / 1000
		}
	}
	b.Fatal("the kernel does not say")
	return 0
}
