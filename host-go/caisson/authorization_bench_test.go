package caisson_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// A handlerTransport has a handler answer, without a network. It carries no stream: a handler ends first.
type handlerTransport struct{ http.Handler }

func (h handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// BenchmarkToken compares calls with a token that is fresh with calls that have the same token in a configured
// header. The two take turns, call by call: "ratio" is that of the medians.
func BenchmarkToken(b *testing.B) {
	for _, transport := range []string{"HTTP", "memory"} {
		b.Run(transport, func(b *testing.B) {
			server := newAuthServer(b)
			options := caisson.ClientOptions{}
			if transport == "memory" {
				options.HTTPTransport = handlerTransport{server}
			}
			c := newClient(b, options)
			// The revision without a stream of the server's, which a handler would have to end.
			at := caisson.Server{URL: server.URL(), ProtocolVersions: []string{modern}}
			at.Auth = &auth.OAuth{Ask: &auth.Browser{Port: freePort(b), Open: new(browsingPerson).visit}}
			token := connect(b, c, at)
			at.Auth = nil
			for _, access := range server.Tokens() {
				at.Headers = http.Header{"Authorization": {"Bearer " + access}}
			}
			header := connect(b, c, at)

			params := &mcp.CallToolParams{Name: "add", Arguments: addition{1, 2}}
			var times [2][]float64
			one := func(which int, s *caisson.Session) {
				began := time.Now()
				if _, err := s.CallTool(b.Context(), params); err != nil {
					b.Fatal(err)
				}
				times[which] = append(times[which], float64(time.Since(began)))
			}
			for turn := 0; b.Loop(); turn++ {
				if turn%2 == 0 {
					one(0, token)
					one(1, header)
				} else {
					one(1, header)
					one(0, token)
				}
			}
			slices.Sort(times[0])
			slices.Sort(times[1])
			a, h := times[0][len(times[0])/2], times[1][len(times[1])/2]
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(a, "token-ns")
			b.ReportMetric(h, "header-ns")
			b.ReportMetric(a/h, "ratio")
		})
	}
}
