package caisson_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// fuzzPatience is until when a call has to settle by itself.
const fuzzPatience = time.Minute

var (
	fuzzNet   fuzzNetwork
	fuzzHosts atomic.Int64
	// One client has all sessions of a process.
	fuzzClient = sync.OnceValues(func() (*caisson.Client, error) {
		r, err := shared()
		if err != nil {
			return nil, err
		}
		return r.NewClient(&caisson.ClientOptions{
			Limits:        caisson.Limits{RetryBudget: -1},
			HTTPTransport: &http.Transport{DialContext: fuzzNet.dial, DisableKeepAlives: true},
		})
	})
)

// FuzzServer has a server send bytes where the protocol has a message, to the real core: each call
// settles, and a result that comes is one that the server sent.
func FuzzServer(f *testing.F) {
	for place, seeds := range fuzzSeeds {
		for _, seed := range seeds {
			f.Add(uint8(place), []byte(seed))
			if place == fuzzEvents {
				f.Add(uint8(fuzzSSE), []byte(seed))
			}
		}
	}
	f.Fuzz(func(t *testing.T, place uint8, data []byte) {
		if len(data) > 64<<10 {
			return
		}
		c, err := fuzzClient()
		if err != nil {
			t.Fatal(err)
		}
		s := &fuzzServer{place: fuzzPlace(place) % fuzzPlaces, data: data, value: fmt.Sprintf("value-%d", fuzzHosts.Add(1)), sse: make(chan string), over: make(chan struct{})}
		defer close(s.over)
		session, err := c.Connect(fuzzContext(t), s.server(t))
		if err != nil {
			settled(t, s, "connect", err)
			return
		}
		defer func() { _ = session.Close() }()
		if s.place == fuzzPage {
			raw, err := session.Request(fuzzContext(t), "tools/list", nil)
			s.judge(t, "tools/list", raw, err)
			_, err = session.ListTools(fuzzContext(t), nil)
			settled(t, s, "tools/list", err)
		}
		raw, err := session.Request(fuzzContext(t), "tools/call", map[string]any{"name": "any", "arguments": map[string]any{}})
		s.judge(t, "tools/call", raw, err)
		settled(t, s, "ping", session.Ping(fuzzContext(t), nil))
	})
}

func fuzzContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), fuzzPatience)
	t.Cleanup(cancel)
	return ctx
}

// server starts it.
func (s *fuzzServer) server(t *testing.T) caisson.Server {
	if s.place == fuzzLines {
		s.data = bytes.ReplaceAll(s.data, []byte{0}, nil) // No environment has that.
		s.value = "value"
		server := childServer(t, "fuzz")
		server.Env[fuzzInput] = string(s.data)
		return server
	}
	host := fmt.Sprintf("h%d.test", fuzzHosts.Add(1))
	t.Cleanup(fuzzNet.add(host+":80", s))
	if s.place == fuzzSSE {
		return caisson.Server{URL: "http://" + host + "/sse", Type: caisson.TransportSSE}
	}
	return caisson.Server{URL: "http://" + host + "/mcp", Type: caisson.TransportHTTP}
}

// settled checks that an operation has ended by itself, and with an error of ours.
func settled(t *testing.T, s *fuzzServer, step string, err error) {
	t.Helper()
	var e *caisson.Error
	switch {
	case err == nil:
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &e) && e.Code == caisson.CodeTimeout:
		t.Errorf("%s does not settle: %v\nsent: %q", step, err, s.all())
	case !errors.As(err, &e):
		t.Errorf("%s gives an error of another type: %v", step, err)
	case e.Code == caisson.CodeTrap || e.Code == caisson.CodeInternal && !strings.Contains(err.Error(), "nest"):
		t.Errorf("%s: %v\nsent: %q", step, err, s.all())
	}
}

// judge checks that a result which came was sent.
func (s *fuzzServer) judge(t *testing.T, step string, raw json.RawMessage, err error) {
	t.Helper()
	settled(t, s, step, err)
	if err != nil {
		return
	}
	if !json.Valid(raw) {
		t.Errorf("%s gives no JSON: %q\nsent: %q", step, raw, s.all())
	}
	for _, text := range s.texts() {
		if strings.Contains(text, string(raw)) {
			return
		}
	}
	t.Errorf("%s gives what was not sent: %q\nsent: %q", step, raw, s.all())
}

// all is what of the input has been sent.
func (s *fuzzServer) all() string {
	if s.place == fuzzLines {
		return spelled(s.data, "1", s.value)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent.String()
}

var (
	lineEnds  = regexp.MustCompile("\r\n?|\n")
	dataLines = regexp.MustCompile("(?m)^data: ?")
)

// texts are the ways to read what was sent: as it is, and as the data of events; and what the honest
// answers have.
func (s *fuzzServer) texts() []string {
	all := strings.ToValidUTF8(s.all(), "\uFFFD")
	events := dataLines.ReplaceAllString(lineEnds.ReplaceAllString(all, "\n"), "")
	honest := s.honest(message{Method: "tools/call"}) + s.honest(message{Method: "tools/list"})
	return []string{all, events, honest}
}
