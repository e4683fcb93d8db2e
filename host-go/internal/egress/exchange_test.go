package egress

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/without"
)

// serve starts a server on loopback and a session that is granted it.
func serve(t testing.TB, handler http.HandlerFunc, opts Options) (*Broker, *recorder, string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	s, sink := start(t, Grant{Server: "test", URL: mustParse(t, server.URL)}, opts)
	return s, sink, server.URL
}

// do does one exchange, and returns its events and its error.
func do(t testing.TB, s *Broker, sink *recorder, id uint32, req Request) ([]event, *Error) {
	t.Helper()
	switch err := s.HTTPStart(ref(id), req, Sending{Asked: true}); refused := err.(type) {
	case nil:
		return sink.ended(t, ref(id))
	case *Error:
		return nil, refused
	default:
		t.Fatal(err)
		return nil, nil
	}
}

func get(url string) Request { return Request{Method: "GET", URL: url} }

func post(url, body string) Request { return Request{Method: "POST", URL: url, Body: &body} }

func TestExchange(t *testing.T) {
	s, sink, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Add("Mcp-Two", "one")
		w.Header().Add("Mcp-Two", "two")
		w.Header().Set("Mcp-Latin", "caf\xe9")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s %s %q %d", r.Method, r.URL, r.Header.Get("X-Core"), body, r.ContentLength)
	}, Options{})
	request := post(url+"/a?b=c", "héllo")
	request.Header = [][2]string{{"x-core", "yes"}}
	events, err := do(t, s, sink, 1, request)
	noError(t, err)
	head := events[0]
	if head.kind != "head" || head.status != http.StatusTeapot {
		t.Fatalf("first event: %+v", head)
	}
	for _, want := range [][2]string{{"mcp-two", "one"}, {"mcp-two", "two"}, {"mcp-latin", "caf\uFFFD"}, {"content-type", "text/plain; charset=utf-8"}} {
		if !slices.Contains(head.header, want) {
			t.Errorf("no %q in %q", want, head.header)
		}
	}
	if !slices.IsSortedFunc(head.header, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) }) {
		t.Errorf("not sorted: %q", head.header)
	}
	if got, want := string(bodyOf(events)), `POST /a?b=c yes "héllo" 6`; got != want {
		t.Errorf("body %s, want %s", got, want)
	}
}

func TestExchangeWithoutBody(t *testing.T) {
	s, sink, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "99")
		if r.Method != http.MethodHead {
			w.Header().Del("Content-Length")
			w.WriteHeader(http.StatusAccepted)
		}
	}, Options{MaxMessage: 10})
	for i, method := range []string{"GET", "HEAD", "DELETE", "POST"} {
		events, err := do(t, s, sink, uint32(i), Request{Method: method, URL: url})
		noError(t, err)
		if len(events) != 1 || events[0].kind != "head" {
			t.Errorf("%s: %+v", method, events)
		}
	}
}

func TestHTTP2(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", r.Proto, body)
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that turn out not to be needed
	server.StartTLS()
	defer server.Close()
	transport := NewTransport(false)
	defer transport.CloseIdleConnections()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}

	s, sink := start(t, Grant{URL: mustParse(t, server.URL)}, Options{Transport: transport})
	for id := range uint32(8) {
		if err := s.HTTPStart(ref(id), post(server.URL, fmt.Sprint(id)), Sending{Asked: true}); err != nil {
			t.Fatal(err)
		}
	}
	for id := range uint32(8) {
		events, err := sink.ended(t, ref(id))
		noError(t, err)
		if got, want := string(bodyOf(events)), fmt.Sprintf("HTTP/2.0 %d", id); got != want {
			t.Errorf("body %q, want %q", got, want)
		}
	}
}

// An event reaches the sink as soon as the server has flushed it: the server does not go on before.
func TestEventsArriveAtOnce(t *testing.T) {
	seen := make(chan struct{})
	for _, compressed := range []bool{false, true} {
		s, sink, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			flush := http.NewResponseController(w).Flush
			var out io.Writer = w
			if compressed {
				w.Header().Set("Content-Encoding", "gzip")
				zip := gzip.NewWriter(w)
				defer zip.Close()
				out, flush = zip, func() error { zip.Flush(); return http.NewResponseController(w).Flush() }
			}
			for i := range 3 {
				fmt.Fprintf(out, "data: %d\n\n", i)
				flush()
				select {
				case <-seen:
				case <-r.Context().Done():
				}
			}
		}, Options{})
		if err := s.HTTPStart(ref(1), get(url), Sending{Asked: true}); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			want := fmt.Sprintf("data: %d\n\n", i)
			sink.until(t, ref(1), func(events []event) bool { return strings.HasSuffix(string(bodyOf(events)), want) })
			seen <- struct{}{}
		}
		_, err := sink.ended(t, ref(1))
		noError(t, err)
	}
}

// gate is a Sink whose HTTPBody blocks until it is opened.
type gate struct {
	*recorder
	entered chan struct{} // gets one for each HTTPBody
	open    chan struct{}
}

func newGate() *gate {
	return &gate{newRecorder(), make(chan struct{}, 1<<16), make(chan struct{})}
}

func (g *gate) HTTPBody(ref Ref, chunk []byte) {
	g.entered <- struct{}{}
	<-g.open
	g.recorder.HTTPBody(ref, chunk)
}

// While the sink blocks nothing is read, so the server's writes come to a stand.
func TestBackPressure(t *testing.T) {
	stalled := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		block := make([]byte, 1<<20)
		for range 1 << 10 { // more than any socket buffers
			control.SetWriteDeadline(time.Now().Add(time.Second))
			if _, err := w.Write(block); err != nil {
				stalled <- err
				return
			}
		}
		stalled <- nil
	}))
	defer server.Close()
	sink := newGate()
	s := NewBroker(Grant{URL: mustParse(t, server.URL)}, sink, Options{MaxMessage: 2 << 30})
	defer s.Close()
	if err := s.HTTPStart(ref(1), get(server.URL), Sending{Asked: true}); err != nil {
		t.Fatal(err)
	}
	if err := <-stalled; err == nil {
		t.Error("the server wrote all of its body while the sink blocked")
	}
	if n := len(sink.entered); n != 1 {
		t.Errorf("%d calls while the first one blocked", n)
	}
	close(sink.open)
	_, err := sink.ended(t, ref(1))
	wantError(t, err, Transport, "broke off")
}

func TestLimits(t *testing.T) {
	const limit = 256 << 10
	event := "data: " + strings.Repeat("x", limit/4) + "\n\n"
	zipped := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		io.WriteString(w, text)
		w.Close()
		return b.String()
	}
	bomb := zipped(strings.Repeat("\x00", 4<<20))
	for _, test := range []struct {
		name     string
		kind     string
		encoding string
		declared bool
		body     string
		bytes    int    // delivered; -1 is any number up to the limit
		limited  string // what the error names
	}{
		{"whole body", "application/json", "", false, strings.Repeat("x", limit), limit, ""},
		{"whole body declared", "application/json", "", true, strings.Repeat("x", limit), limit, ""},
		{"body too large", "application/json", "", false, strings.Repeat("x", limit+1), limit, "response body"},
		{"body too large declared", "application/json", "", true, strings.Repeat("x", limit+1), 0, "response body"},
		{"many events", "text/event-stream; charset=utf-8", "", false, strings.Repeat(event, 40), 40 * len(event), ""},
		{"event too large", "text/event-stream", "", false, event + strings.Repeat("y", limit+1), len(event) + limit, "event"},
		{"events of another type", "text/plain", "", false, strings.Repeat(event, 40), limit, "response body"},
		{"compressed", "application/json", "gzip", false, zipped("hello"), 5, ""},
		{"bomb", "application/json", "gzip", false, bomb, limit, "response body"},
		{"bomb of an event", "text/event-stream", "gzip", true, bomb, limit, "event"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, sink, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", test.kind)
				if test.encoding != "" {
					w.Header().Set("Content-Encoding", test.encoding)
				}
				if test.declared {
					w.Header().Set("Content-Length", fmt.Sprint(len(test.body)))
				} else {
					http.NewResponseController(w).Flush()
				}
				io.WriteString(w, test.body)
			}, Options{MaxMessage: limit})
			request := get(url)
			request.Header = [][2]string{{"accept-encoding", "br, gzip"}} // the host's, not the core's
			events, err := do(t, s, sink, 1, request)
			if got := len(bodyOf(events)); got != test.bytes {
				t.Errorf("%d bytes delivered, want %d", got, test.bytes)
			}
			for _, e := range events[1:] {
				if len(e.chunk) < 1 || len(e.chunk) > 64<<10 {
					t.Errorf("a chunk of %d bytes", len(e.chunk))
				}
			}
			if test.limited == "" {
				noError(t, err)
			} else {
				wantError(t, err, Limit, "the "+test.limited+" is larger than the limit of 262144 bytes", "ClientOptions.MaxMessageBytes")
			}
		})
	}
}

// Many exchanges at once, each with its own answer, on connections that are used again.
func TestManyExchanges(t *testing.T) {
	const n = 64
	var together sync.WaitGroup
	together.Add(n)
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/together" {
			together.Done()
			together.Wait()
		}
		w.Write(body)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	s, sink := start(t, Grant{URL: mustParse(t, server.URL)}, Options{})
	for id := range uint32(n) {
		if err := s.HTTPStart(ref(id), post(server.URL+"/together", fmt.Sprint(id)), Sending{Asked: true}); err != nil {
			t.Fatal(err)
		}
	}
	for id := range uint32(n) {
		events, err := sink.ended(t, ref(id))
		noError(t, err)
		if got, want := string(bodyOf(events)), fmt.Sprint(id); got != want {
			t.Errorf("body %q, want %q", got, want)
		}
	}
	for id := uint32(n); id < 4*n; id++ {
		_, err := do(t, s, sink, id, post(server.URL, "again"))
		noError(t, err)
	}
	if got := connections.Load(); got > n {
		t.Errorf("%d connections for never more than %d exchanges at once", got, n)
	}
}

// TestWholeResponse tells of small bodies at once, and of streams, large bodies and broken ones as
// they come.
func TestWholeResponse(t *testing.T) {
	const room = 64 << 10
	for _, test := range []struct {
		name, kind string
		size       int
		breaks     bool
		whole      bool
	}{
		{"empty", "application/json", 0, false, true},
		{"small", "application/json", 100, false, true},
		{"as large as it may be", "application/json", room - 1, false, true},
		{"larger", "application/json", room + 2, false, false},
		{"several buffers", "text/plain", 5*room + 7, false, false},
		{"a stream", "text/event-stream; charset=utf-8", 100, false, false},
		{"broken", "application/json", 100, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := strings.Repeat("é", test.size)[:test.size&^1]
			s, sink, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", test.kind)
				if test.breaks {
					w.Header().Set("Content-Length", "1000")
				}
				_, _ = io.WriteString(w, body)
			}, Options{})
			events, err := do(t, s, sink, 1, post(url, ""))
			if test.breaks {
				wantError(t, err, Transport, "broke off")
			} else {
				noError(t, err)
			}
			if got := string(bodyOf(events)); got != body {
				t.Errorf("%d bytes came, of %d", len(got), len(body))
			}
			want := test.whole && !without.WholeResponses
			if whole := slices.Contains(sink.whole, ref(1)); whole != want {
				t.Errorf("it came whole: %v, want %v", whole, want)
			}
		})
	}
}

// TestHeadWithoutEnd tells of the head while the body goes on: of what answers a GET, whatever its type,
// and of what answers a POST and is no answer.
func TestHeadWithoutEnd(t *testing.T) {
	for _, kind := range []string{"text/plain", "application/json", "text/event-stream"} {
		s, sink, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, "once")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, Options{})
		for id, request := range []Request{get(url), post(url, "")} {
			if request.Method == http.MethodPost && kind == "application/json" {
				continue
			}
			ref := ref(uint32(id + 1))
			if err := s.HTTPStart(ref, request, Sending{}); err != nil {
				t.Fatal(err)
			}
			sink.until(t, ref, func(events []event) bool { return len(events) > 0 && events[0].kind == "head" })
			s.HTTPAbort(ref)
		}
	}
}

// TestTemplate sends a request several times, with other bodies.
func TestTemplate(t *testing.T) {
	s, sink, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.URL, r.Header.Values("X-Core"), body)
	}, Options{})
	request := post(url+"/a?b=c", "ignored")
	request.Header = [][2]string{{"x-core", "yes"}}
	template := s.Template(request)
	for id := range uint32(3) {
		body := fmt.Sprint("number ", id)
		if err := s.HTTPPost(ref(id), template, &body, Sending{Asked: true}); err != nil {
			t.Fatal(err)
		}
		events, err := sink.ended(t, ref(id))
		noError(t, err)
		if got, want := string(bodyOf(events)), "POST /a?b=c [yes] "+body; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for i, wrong := range []Request{{Method: "CONNECT", URL: url}, {Method: "POST", URL: "http://elsewhere.invalid/"}, {Method: "P OST", URL: url}} {
		id := uint32(10 + i)
		wantRefused(t, s.HTTPPost(ref(id), s.Template(wrong), nil, Sending{Asked: true}), Refused)
	}
}
