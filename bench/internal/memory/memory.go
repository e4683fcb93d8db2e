// Package memory is the echo server without a network and without a process of its own: what it takes
// of the processors is little, so that what a client does with them can be seen.
package memory

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/caisson-dev/caisson/host-go/bench/internal/catalog"
)

const host = "memory"

// URL is where it has so many tools, 1 or 100, and speaks one revision of the protocol, or the newest.
func URL(tools int, revision string) string {
	return fmt.Sprintf("http://%s/%d/%s", host, tools, revision)
}

// Serves says whether it is what a URL of a server leads to.
func Serves(url string) bool { return strings.HasPrefix(url, "http://"+host+"/") }

// Transport answers requests at URL, over streamable HTTP with JSON and without sessions.
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

// newest is the revision without a handshake.
const newest = "2026-07-28"

const about = `"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"memory","version":"1"}}`

// lists are the texts of all tools, by their number.
var lists = sync.OnceValue(func() map[string]string {
	texts := map[string]string{}
	for _, n := range []int{1, 100} {
		text, err := json.Marshal(catalog.Tools(n))
		if err != nil {
			panic(err) // Its schemas are no JSON.
		}
		texts[fmt.Sprint(n)] = string(text)
	}
	return texts
})

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
	tools, revision, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	text := `{"jsonrpc":"2.0","id":` + string(q.ID) + "," + q.answer(tools, revision) + "}"
	response.StatusCode = http.StatusOK
	response.Header.Set("Content-Type", "application/json")
	response.ContentLength = int64(len(text))
	response.Body = io.NopCloser(strings.NewReader(text))
	return response, nil
}

// answer is the member that answers the request.
func (q *request) answer(tools, revision string) string {
	modern := revision == "" || revision >= newest
	result := func(members, ofTheNewest string) string {
		if modern {
			members += `,"resultType":"complete",` + ofTheNewest + about
		}
		return `"result":{` + members + "}"
	}
	const cached = `"ttlMs":0,"cacheScope":"private",`
	switch {
	case q.Method == "server/discover" && modern:
		return result(`"supportedVersions":["`+newest+`"],"capabilities":{"tools":{}}`, cached)
	case q.Method == "initialize" && !modern:
		return result(`"protocolVersion":"`+revision+`","capabilities":{"tools":{}},"serverInfo":{"name":"memory","version":"1"}`, "")
	case q.Method == "tools/list":
		return result(`"tools":`+lists()[tools], cached)
	case q.Method == "tools/call":
		message, _ := json.Marshal(q.Params.Arguments.Message) // A string always marshals.
		return result(`"content":[{"type":"text","text":`+string(message)+`}]`, "")
	}
	return `"error":{"code":-32601,"message":"no such method"}`
}
