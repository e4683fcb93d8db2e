package caisson_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// TestTaskOfServerThatGoes shows that a call that has become a task does not fail as one of which nothing was sent, when
// nobody is at the address any more.
func TestTaskOfServerThatGoes(t *testing.T) {
	t.Parallel()
	var server *httptest.Server
	gone := make(chan struct{})
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
		}
		_ = json.NewDecoder(r.Body).Decode(&request)
		result := `{"resultType":"complete","ttlMs":0,"cacheScope":"private","supportedVersions":["2026-07-28"],"capabilities":{"tools":{},"extensions":{"io.modelcontextprotocol/tasks":{}}},"serverInfo":{"name":"s","version":"1"}}`
		if request.Method == "tools/call" {
			result = `{"resultType":"task","taskId":"1","status":"working","createdAt":"2026-01-01T00:00:00Z","lastUpdatedAt":"2026-01-01T00:00:00Z","ttlMs":null,"pollIntervalMs":200}`
			w.Header().Set("Connection", "close")
			go func() {
				server.Close() // It waits for this answer, and takes nobody any more.
				close(gone)
			}()
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":` + string(request.ID) + `,"result":` + result + `}`))
	}))
	s := connect(t, sharedRuntime(t), caisson.Server{Name: "s", URL: server.URL})
	_, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "x"})
	wantCode(t, err, caisson.CodeTransport)
	<-gone
}
