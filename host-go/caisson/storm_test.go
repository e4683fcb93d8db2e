package caisson_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// TestPingStorm has a server send a thousand pings and read no answer: they take few connections, and
// the program's calls go on as before.
func TestPingStorm(t *testing.T) {
	t.Parallel()
	var held, most atomic.Int64
	over := make(chan struct{})
	rest := handshake(func(w http.ResponseWriter, m message) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, text, m.ID, "fine")
	})
	local := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Header().Set("Content-Type", "text/event-stream")
			for i := range 1000 {
				_, _ = fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":\"p%d\",\"method\":\"ping\"}\n\n", i)
			}
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		body, _ := io.ReadAll(r.Body)
		var m message
		if _ = json.Unmarshal(body, &m); m.Method == "" && m.ID != nil {
			n := held.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			select {
			case <-over:
			case <-r.Context().Done():
			}
			held.Add(-1)
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		rest.ServeHTTP(w, r)
	}))
	t.Cleanup(local.Close)
	s := connect(t, newClient(t, caisson.ClientOptions{Limits: caisson.Limits{MaxGuestTime: patience}}), caisson.Server{URL: local.URL, ProtocolVersions: []string{"2025-11-25"}})
	for begin := time.Now(); most.Load() < 32; time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > patience {
			t.Fatalf("%d pings are answered at once", most.Load())
		}
	}
	var all sync.WaitGroup
	for range 2 * inFlight {
		all.Go(func() {
			if _, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "any"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	// The stream itself is one of those that are not the program's.
	if n := most.Load(); n > 64 {
		t.Errorf("%d answers were on their way at once", n)
	}
	close(over)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
