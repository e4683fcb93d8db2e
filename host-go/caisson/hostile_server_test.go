package caisson_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// The hostile server is a process of its own, so that what it takes is not taken for the client's. It
// shakes hands as a server of 2025-06-18 should, or attacks while it does, and begins its attack with
// the first call of a tool.
const (
	hostileAttack = "CAISSON_TEST_ATTACK"
	hostileOver   = "CAISSON_TEST_OVER"
)

// The ways in which it sends its messages.
const (
	overStdio  = "stdio"
	overJSON   = "JSON"
	overEvents = "events"
	overSSE    = "SSE"
)

// hostileStats are what the server has seen of the client.
type hostileStats struct{ Requests, Connections, Most int64 }

// A peer is what an attack writes to: standard output, the response to the call, or the event stream
// of the older transport.
type peer struct {
	over  string
	raw   func(string) bool // writes bytes; false when nobody reads any more
	gone  <-chan struct{}
	reply http.ResponseWriter // of the call, over HTTP
	token json.RawMessage     // of the call's progress
	whole *sync.Mutex         // held while a message is written, where calls share a stream
}

// hold has the stream for one message, where calls share it.
func (p *peer) hold() (release func()) {
	if p.whole == nil {
		return func() {}
	}
	p.whole.Lock()
	return p.whole.Unlock
}

// begin begins a message that the attack writes in pieces, and gives what ends it: no answer to another
// call stands in the middle of the message.
func (p *peer) begin() (end func()) {
	end = p.hold()
	if p.over == overEvents || p.over == overSSE {
		p.raw("data: ")
	}
	return end
}

// say sends a message of one line.
func (p *peer) say(format string, args ...any) bool {
	text := fmt.Sprintf(format, args...)
	switch p.over {
	case overStdio:
		return p.raw(text + "\n")
	case overJSON:
		return p.raw(text)
	default:
		defer p.hold()()
		return p.raw("data: " + text + "\n\n")
	}
}

// done answers the call.
func (p *peer) done(id json.RawMessage) bool { return p.say(text, id, "done") }

// hostile runs the server, in the child process.
func hostile() {
	attack, over := attacks[os.Getenv(hostileAttack)], os.Getenv(hostileOver)
	if over == overStdio {
		hostileStdio(attack)
		return
	}
	fmt.Println("http://" + hostileHTTP(attack, over))
	select {} // Until it is ended.
}

// greet answers what comes before the call; false for a call.
func (p *peer) greet(attack attack, m message) bool {
	switch {
	case m.Method == "server/discover":
		p.say(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no such method"}}`, m.ID)
	case m.Method == "initialize":
		if attack.early != nil {
			attack.early(p)
		}
		p.say(`{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{},"logging":{}},"serverInfo":{"name":"hostile","version":"1"}}}`, m.ID)
	case m.Method == "ping":
		p.say(`{"jsonrpc":"2.0","id":%s,"result":{}}`, m.ID)
	case m.Method == "tools/list":
		page := `{"tools":[{"name":"any","inputSchema":{"type":"object"}}]}`
		if attack.page != nil {
			page = attack.page()
		}
		p.say(`{"jsonrpc":"2.0","id":%s,"result":%s}`, m.ID, page)
	case m.Method == "tools/call" && m.Params.Name == "any":
		p.token = m.Params.Meta.ProgressToken
		return false
	case m.Method == "tools/call":
		p.done(m.ID)
	}
	return true
}

func hostileStdio(attack attack) {
	gone := make(chan struct{})
	p := &peer{over: overStdio, gone: gone, raw: func(text string) bool {
		_, err := os.Stdout.WriteString(text)
		return err == nil
	}}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			break
		}
		var m message
		if json.Unmarshal(line, &m) == nil && !p.greet(attack, m) {
			attack.call(p, m.ID)
		}
	}
	if attack.late != nil {
		attack.late(p)
	}
}

// hostileHTTP serves streamable HTTP, or HTTP+SSE, and gives where.
func hostileHTTP(attack attack, over string) string {
	var stats hostileStats
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stats" {
			_ = json.NewEncoder(w).Encode(hostileStats{atomic.LoadInt64(&stats.Requests), atomic.LoadInt64(&stats.Connections), atomic.LoadInt64(&stats.Most)})
			return
		}
		atomic.AddInt64(&stats.Requests, 1)
		if over == overSSE {
			hostileSSE(attack, w, r)
		} else {
			hostilePOST(attack, over, w, r)
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			if now := atomic.AddInt64(&stats.Connections, 1); now > atomic.LoadInt64(&stats.Most) {
				atomic.StoreInt64(&stats.Most, now)
			}
		case http.StateClosed, http.StateHijacked:
			atomic.AddInt64(&stats.Connections, -1)
		}
	}
	server.Start()
	return server.Listener.Addr().String()
}

func responder(w http.ResponseWriter, r *http.Request, over, contentType string) *peer {
	w.Header().Set("Content-Type", contentType)
	return &peer{over: over, gone: r.Context().Done(), reply: w, raw: func(text string) bool {
		if _, err := io.WriteString(w, text); err != nil {
			return false
		}
		return over == overJSON || http.NewResponseController(w).Flush() == nil
	}}
}

func hostilePOST(attack attack, over string, w http.ResponseWriter, r *http.Request) {
	var m message
	switch {
	case r.Method == http.MethodDelete && attack.late != nil:
		attack.late(responder(w, r, over, "text/plain"))
	case r.Method != http.MethodPost:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case json.NewDecoder(r.Body).Decode(&m) != nil:
		w.WriteHeader(http.StatusBadRequest)
	case m.Method == "": // An answer, which it takes and does not acknowledge.
		<-r.Context().Done()
	case m.ID == nil:
		w.WriteHeader(http.StatusAccepted)
	case m.Method == "tools/call" && m.Params.Name == "any":
		contentType := "text/event-stream"
		if over == overJSON {
			contentType = "application/json"
		}
		p := responder(w, r, over, contentType)
		p.token = m.Params.Meta.ProgressToken
		attack.call(p, m.ID)
	default:
		w.Header().Set("Mcp-Session-Id", "one")
		if attack.early != nil && m.Method == "initialize" && over == overEvents {
			responder(w, r, over, "text/event-stream").greet(attack, m)
			return
		}
		responder(w, r, overJSON, "application/json").greet(attack, m)
	}
}

// streams are the event streams of HTTP+SSE, by session.
var streams struct {
	sync.Mutex
	of map[string]*peer
}

func hostileSSE(attack attack, w http.ResponseWriter, r *http.Request) {
	streams.Lock()
	p := streams.of[r.URL.RawQuery]
	streams.Unlock()
	var m message
	switch {
	case r.Method == http.MethodGet:
		p := responder(w, r, overSSE, "text/event-stream")
		p.whole = &sync.Mutex{}
		var writing sync.Mutex
		write, ended := p.raw, false
		p.raw = func(text string) bool {
			writing.Lock()
			defer writing.Unlock()
			return !ended && write(text)
		}
		session := "s=" + r.RemoteAddr
		streams.Lock()
		if streams.of == nil {
			streams.of = map[string]*peer{}
		}
		streams.of[session] = p
		streams.Unlock()
		p.raw("event: endpoint\ndata: /messages?" + session + "\n\n")
		<-r.Context().Done()
		writing.Lock() // Who answers a POST must not write to a response that has ended.
		ended = true
		writing.Unlock()
	case r.Method != http.MethodPost || p == nil:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case json.NewDecoder(r.Body).Decode(&m) != nil:
		w.WriteHeader(http.StatusBadRequest)
	case m.Method == "":
		<-r.Context().Done()
	default:
		w.WriteHeader(http.StatusAccepted)
		_ = http.NewResponseController(w).Flush()
		if m.ID != nil && !p.greet(attack, m) {
			attack.call(p, m.ID)
		}
	}
}

// hostileServer starts one, and gives where it is and what it has seen.
func hostileServer(t *testing.T, name, over string) (server caisson.Server, stats func() hostileStats) {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{childMode: "hostile", hostileAttack: name, hostileOver: over}
	if over == overStdio {
		return caisson.Server{Name: "hostile", Command: path, Env: env}, func() hostileStats { return hostileStats{} }
	}
	url := start(t, childCommand(path, env), "http://")
	transport := caisson.TransportHTTP
	if over == overSSE {
		transport = caisson.TransportSSE
	}
	return caisson.Server{Name: "hostile", URL: url + "/mcp", Type: transport}, func() (seen hostileStats) {
		client := http.Client{Timeout: patience}
		defer client.CloseIdleConnections()
		r, err := client.Get(strings.TrimSpace(url) + "/stats")
		if err != nil {
			t.Fatalf("the hostile server is gone: %v", err)
		}
		defer func() { _ = r.Body.Close() }()
		if err := json.NewDecoder(r.Body).Decode(&seen); err != nil {
			t.Fatal(err)
		}
		return seen
	}
}
