package caisson_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
)

// A fuzzPlace is where the bytes of an input stand in what a server sends.
type fuzzPlace uint8

const (
	fuzzLines  fuzzPlace = iota // lines of a command, before its answer
	fuzzBody                    // the JSON body that is the answer
	fuzzEvents                  // an event stream
	fuzzHead                    // a whole HTTP response
	fuzzSSE                     // the stream of HTTP+SSE, before its answer
	fuzzHello                   // the answer to initialize
	fuzzPage                    // the answer to tools/list
	fuzzPlaces
)

// A fuzzServer is one server, whose connections are pipes in this process.
type fuzzServer struct {
	place fuzzPlace
	data  []byte
	value string

	mu   sync.Mutex
	sent strings.Builder // all bytes of the input, as they went out
	sse  chan string     // to the stream of HTTP+SSE
	over chan struct{}   // closed when the input is done with
}

// say gives an input's text for a request, and remembers it.
func (s *fuzzServer) say(id json.RawMessage) string {
	text := spelled(s.data, string(id), s.value)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent.WriteString(text)
	return text
}

// honest answers a request as it should be.
func (s *fuzzServer) honest(m message) string {
	result := `{}`
	switch m.Method {
	case "initialize":
		result = `{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"fuzz","version":"1"}}`
	case "tools/list":
		result = `{"tools":[{"name":"any","inputSchema":{"type":"object"}}]}`
	case "tools/call":
		result = `{"content":[{"type":"text","text":"honest"}]}`
	case "server/discover":
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no such method"}}`, m.ID)
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, m.ID, result)
}

// fuzzNetwork has the servers by their hosts.
type fuzzNetwork struct {
	mu      sync.Mutex
	servers map[string]*fuzzServer
}

func (n *fuzzNetwork) dial(_ context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	s := n.servers[address]
	n.mu.Unlock()
	if s == nil {
		return nil, errors.New("there is no such host: " + address)
	}
	ours, theirs := net.Pipe()
	go s.serve(theirs)
	return ours, nil
}

func (n *fuzzNetwork) add(address string, s *fuzzServer) (remove func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.servers == nil {
		n.servers = map[string]*fuzzServer{}
	}
	n.servers[address] = s
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.servers, address)
	}
}

// serve answers the one request of a connection.
func (s *fuzzServer) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	var m message
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &m)
	head := func(status, contentType string) string {
		return "HTTP/1.1 " + status + "\r\nContent-Type: " + contentType + "\r\nConnection: close\r\n\r\n"
	}
	write := func(text string) { _, _ = io.WriteString(conn, text) }
	attacked := map[fuzzPlace]string{fuzzHello: "initialize", fuzzPage: "tools/list"}[s.place]
	if attacked == "" {
		attacked = "tools/call"
	}
	switch {
	case r.Method == http.MethodGet && s.place == fuzzSSE:
		write(head("200 OK", "text/event-stream") + "event: endpoint\ndata: /messages\n\n")
		for {
			select {
			case text := <-s.sse:
				write(text)
			case <-s.over:
				return
			}
		}
	case r.Method != http.MethodPost:
		write(head("405 Method Not Allowed", "text/plain"))
	case m.ID == nil || m.Method == "":
		write(head("202 Accepted", "text/plain"))
	case s.place == fuzzSSE:
		write(head("202 Accepted", "text/plain"))
		text := "data: " + s.honest(m) + "\n\n"
		if m.Method == attacked {
			text = s.say(m.ID) + "\n\n" + text
		}
		select {
		case s.sse <- text:
		case <-s.over:
		}
	case m.Method != attacked:
		write(head("200 OK", "application/json") + s.honest(m))
	case s.place == fuzzHead:
		write(s.say(m.ID))
	case s.place == fuzzEvents:
		write(head("200 OK", "text/event-stream") + s.say(m.ID))
	default:
		write(head("200 OK", "application/json") + s.say(m.ID))
	}
}

// fuzzInput has the lines of a command, in its environment.
const fuzzInput = "CAISSON_TEST_INPUT"

// serveFuzz is the command: it answers a call with the lines, and then as it should.
func serveFuzz() {
	s := &fuzzServer{data: []byte(os.Getenv(fuzzInput))}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var m message
		if json.Unmarshal(in.Bytes(), &m) != nil || m.ID == nil || m.Method == "" {
			continue
		}
		if m.Method == "tools/call" {
			fmt.Print(spelled(s.data, string(m.ID), "value"), "\n")
		}
		fmt.Println(s.honest(m))
	}
}
