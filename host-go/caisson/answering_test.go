package caisson_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// answering is a server on HTTP whose answers a test writes: the JSON text of a result, by method and
// params. It shakes hands in revision 2025-06-18, with every capability for lists.
func answering(t testing.TB, answer func(method string, params json.RawMessage) string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params json.RawMessage `json:"params"`
		}
		if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&m) != nil {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		if m.ID == nil {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		said := `"result":`
		switch m.Method {
		case "initialize":
			said += `{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true},"resources":{},"prompts":{}},"serverInfo":{"name":"scripted","version":"1"}}`
		case "ping":
			said += `{}`
		case "server/discover":
			said = `"error":{"code":-32601,"message":"no such method"}`
		default:
			said += answer(m.Method, m.Params)
		}
		_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":`+string(m.ID)+`,`+said+`}`)
	}))
	t.Cleanup(server.Close)
	return server
}

// answeringSession is a session with a scripted server.
func answeringSession(t testing.TB, r connector, answer func(method string, params json.RawMessage) string) *caisson.Session {
	t.Helper()
	return connect(t, r, caisson.Server{Name: "scripted", URL: answering(t, answer).URL})
}
