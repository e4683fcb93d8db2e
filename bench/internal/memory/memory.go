// Package memory is the echo server without a network and without a process of its own: what it takes
// of the processors is little, so that what a client does with several of them can be seen.
package memory

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// URL is where it is.
const URL = "http://memory/"

// Transport answers requests at URL, over streamable HTTP of revision 2026-07-28 with JSON.
type Transport struct{}

type request struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		Arguments struct {
			Message string `json:"message"`
		} `json:"arguments"`
	} `json:"params"`
}

const about = `"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"memory","version":"1"}}`

// RoundTrip implements [http.RoundTripper].
func (Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	response := &http.Response{
		StatusCode: http.StatusAccepted, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Request: r,
	}
	if r.Method != http.MethodPost {
		response.StatusCode = http.StatusMethodNotAllowed
		return response, nil
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var q request
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, err
	}
	if q.ID == nil {
		return response, nil
	}
	text := `{"jsonrpc":"2.0","id":` + string(q.ID) + "," + q.answer() + "}"
	response.StatusCode = http.StatusOK
	response.Header.Set("Content-Type", "application/json")
	response.ContentLength = int64(len(text))
	response.Body = io.NopCloser(strings.NewReader(text))
	return response, nil
}

// answer is the member that answers the request.
func (q *request) answer() string {
	switch q.Method {
	case "server/discover":
		return `"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private",` + about + `}`
	case "tools/list":
		return `"result":{"resultType":"complete","tools":[{"name":"echo","inputSchema":{"type":"object"}}],"ttlMs":0,"cacheScope":"private",` + about + `}`
	case "tools/call":
		message, _ := json.Marshal(q.Params.Arguments.Message) // A string always marshals.
		return `"result":{"resultType":"complete","content":[{"type":"text","text":` + string(message) + `}],` + about + `}`
	}
	return `"error":{"code":-32601,"message":"no such method"}`
}
