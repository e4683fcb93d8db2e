package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A spoiler decides by a seed what goes wrong between two parties. What it decides about a message depends on the seed
// and the message, and not on the order in which messages come.
type spoiler struct {
	seed uint64
	rate float64
	over chan struct{} // what waits ends with it
	calm atomic.Bool   // nothing goes wrong any more
	did  *atomic.Int64
	// client is set where the Go SDK's client is on one side: Connect waits for the answer to its GET without any bound.
	client bool

	mu    sync.Mutex
	times map[string]int
	calls map[string]int // how often each call came, by its marker
}

func newSpoiler(seed uint64, rate float64, over chan struct{}, did *atomic.Int64) *spoiler {
	return &spoiler{seed: seed, rate: rate, over: over, did: did, times: map[string]int{}, calls: map[string]int{}}
}

// marker is what says whose a call is; each call has its own.
var marker = regexp.MustCompile(`seed-\d+-client-\d+-call-\d+`)

// at is the chance for what is decided about a message; nil when nothing happens to it.
func (s *spoiler) at(side, method string, text []byte) *rand.Rand {
	key := side + " " + method + " " + string(marker.Find(text))
	s.mu.Lock()
	s.times[key]++
	n := s.times[key]
	s.mu.Unlock()
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(key))
	random := rand.New(rand.NewPCG(s.seed, hash.Sum64()+uint64(n)))
	if s.calm.Load() || random.Float64() >= s.rate {
		return nil
	}
	s.did.Add(1)
	return random
}

func (s *spoiler) came(text []byte) {
	if !bytes.Contains(text, []byte(`"tools/call"`)) || bytes.Contains(text, []byte(`"requestState"`)) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[string(marker.Find(text))]++
}

func (s *spoiler) wait(ctx context.Context, delay time.Duration) {
	select {
	case <-ctx.Done():
	case <-s.over:
	case <-time.After(delay):
	}
}

// silence is how long a party says nothing, before its connection is lost.
const silence = 200 * time.Millisecond

// http spoils what goes to a handler over HTTP, and what comes back.
func (s *spoiler) http(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		random := s.at("http", r.Method, body)
		if random == nil || r.Method == http.MethodDelete {
			s.came(body)
			next.ServeHTTP(w, r)
			return
		}
		var answers []func([]byte) []byte
		switch random.IntN(10) {
		case 0: // Turned away unread.
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		case 1:
			panic(http.ErrAbortHandler)
		case 2:
			w.WriteHeader([]int{400, 403, 500, 502}[random.IntN(4)])
			return
		case 3:
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>")
			return
		case 4:
			if !s.client || r.Method != http.MethodGet {
				s.wait(r.Context(), silence)
			}
			panic(http.ErrAbortHandler)
		case 5:
			s.wait(r.Context(), time.Duration(random.IntN(20))*time.Millisecond)
		case 6: // Read, and not answered.
			w = &cutWriter{ResponseWriter: w}
		case 7:
			w = &cutWriter{ResponseWriter: w, left: 1 + random.IntN(200)}
		case 8:
			answers = append(answers, func(text []byte) []byte { return spoilt(random, text) })
		case 9: // Each event comes twice.
			answers = append(answers, func(text []byte) []byte {
				if bytes.HasSuffix(text, []byte("\n\n")) {
					return bytes.Repeat(text, 2)
				}
				return text
			})
		}
		if len(answers) > 0 {
			w = &changedWriter{ResponseWriter: w, change: answers[0]}
		}
		s.came(body)
		next.ServeHTTP(w, r)
	})
}

var anID = regexp.MustCompile(`"id":("[^"]*"|\d+)`)

// spoilt is a text that is not what it was. It is nobody else's answer.
func spoilt(random *rand.Rand, text []byte) []byte {
	switch random.IntN(5) {
	case 0:
		return bytes.Replace(text, []byte(`"result"`), []byte("\"res\x01ult\""), 1)
	case 1:
		return bytes.Replace(text, []byte(`{"`), []byte(`{`), 1)
	case 2:
		return anID.ReplaceAll(text, []byte(`"id":"nobody"`))
	case 3:
		return bytes.Replace(text, []byte(`"result":{`), []byte(`"result":5,"x":{`), 1)
	default:
		return text[:len(text)/2]
	}
}

// A cutWriter breaks the connection after some bytes of the answer.
type cutWriter struct {
	http.ResponseWriter
	mu   sync.Mutex
	left int
	cut  bool
}

func (w *cutWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *cutWriter) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left == 0 {
		w.end()
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *cutWriter) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		return 0, io.ErrClosedPipe
	}
	if len(text) < w.left {
		w.left -= len(text)
		return w.ResponseWriter.Write(text)
	}
	if w.left > 0 {
		_, _ = w.ResponseWriter.Write(text[:w.left])
	}
	w.end()
	return 0, io.ErrClosedPipe
}

func (w *cutWriter) end() {
	if w.cut {
		return
	}
	w.cut = true
	if connection, _, err := http.NewResponseController(w.ResponseWriter).Hijack(); err == nil {
		_ = connection.Close()
	}
}

func (w *cutWriter) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.cut && w.left > 0 {
		_ = http.NewResponseController(w.ResponseWriter).Flush()
	}
}

// A changedWriter changes what is written.
type changedWriter struct {
	http.ResponseWriter
	change func([]byte) []byte
}

func (w *changedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *changedWriter) WriteHeader(status int) {
	w.Header().Del("Content-Length")
	w.ResponseWriter.WriteHeader(status)
}

func (w *changedWriter) Write(text []byte) (int, error) {
	w.Header().Del("Content-Length") // As long as it has not been sent.
	if _, err := w.ResponseWriter.Write(w.change(text)); err != nil {
		return 0, err
	}
	return len(text), nil
}

func (w *changedWriter) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// pipe spoils what goes over the connections of a transport. A message to the server is delayed or lost with the
// connection; one to the client is lost, late, doubled, or an answer to nobody.
func (s *spoiler) pipe(transport mcp.Transport) mcp.Transport {
	return &spoiltTransport{Transport: transport, spoiler: s}
}

type spoiltTransport struct {
	mcp.Transport
	spoiler *spoiler
}

func (t *spoiltTransport) Connect(ctx context.Context) (mcp.Connection, error) {
	connection, err := t.Transport.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &spoiltConnection{Connection: connection, spoiler: t.spoiler}, nil
}

type spoiltConnection struct {
	mcp.Connection
	spoiler *spoiler
	again   jsonrpc.Message // is to come once more
}

func (c *spoiltConnection) Write(ctx context.Context, message jsonrpc.Message) error {
	text, err := jsonrpc.EncodeMessage(message)
	if err != nil {
		return err
	}
	method := "answer"
	if request, ok := message.(*jsonrpc.Request); ok {
		method = request.Method
	}
	if random := c.spoiler.at("to", method, text); random != nil {
		switch random.IntN(8) {
		case 0:
			_ = c.Close()
			return io.ErrClosedPipe
		case 1: // It is read, and then the connection is lost.
			c.spoiler.came(text)
			_ = c.Connection.Write(ctx, message)
			_ = c.Close()
			return nil
		default:
			c.spoiler.wait(ctx, time.Duration(random.IntN(20))*time.Millisecond)
		}
	}
	c.spoiler.came(text)
	return c.Connection.Write(ctx, message)
}

func (c *spoiltConnection) Read(ctx context.Context) (jsonrpc.Message, error) {
	if again := c.again; again != nil {
		c.again = nil
		return again, nil
	}
	for {
		message, err := c.Connection.Read(ctx)
		if err != nil {
			return nil, err
		}
		text, err := jsonrpc.EncodeMessage(message)
		if err != nil {
			return nil, err
		}
		method := "answer"
		response, answers := message.(*jsonrpc.Response)
		if request, ok := message.(*jsonrpc.Request); ok {
			method = request.Method
		}
		random := c.spoiler.at("from", method, text)
		if random == nil {
			return message, nil
		}
		switch random.IntN(6) {
		case 0: // It is lost, and the connection later.
			time.AfterFunc(silence, func() { _ = c.Close() })
			continue
		case 1:
			c.spoiler.wait(ctx, time.Duration(random.IntN(50))*time.Millisecond)
		case 2:
			if answers {
				c.again = message
			}
		case 3:
			if answers {
				id, _ := jsonrpc.MakeID("nobody")
				return &jsonrpc.Response{ID: id, Result: response.Result, Error: response.Error}, nil
			}
		case 4:
			if answers {
				return &jsonrpc.Response{ID: response.ID, Result: json.RawMessage(`5`)}, nil
			}
		case 5:
			_ = c.Close()
			return nil, io.EOF
		}
		return message, nil
	}
}

// markers are those in a text.
func markers(text string) []string { return marker.FindAllString(strings.TrimSpace(text), -1) }
