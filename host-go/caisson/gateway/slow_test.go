package gateway

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// slowServer serves with times so short that a client that does nothing has soon used them up.
func slowServer(t *testing.T, handler http.HandlerFunc) (address string) {
	t.Helper()
	server := httptest.NewServer(hurry(handler, 300*time.Millisecond, 300*time.Millisecond))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func dial(t *testing.T, address, request string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestSlowBodies has clients begin a body and not go on. Whether the handler reads it or refuses the request, the
// connection ends.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	for what, handler := range map[string]http.HandlerFunc{
		"read":    func(_ http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body) },
		"refused": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) },
	} {
		for _, length := range []string{"Content-Length: 1000", "Transfer-Encoding: chunked"} {
			conn := dial(t, slowServer(t, handler), "POST / HTTP/1.1\r\nHost: localhost\r\n"+length+"\r\n\r\n5\r\nab")
			if _, err := io.ReadAll(conn); err != nil { // It waits for the end of the connection.
				t.Logf("%s, %s: %v", what, length, err)
			}
		}
	}
}

// TestSlowReaders has a client not read its answer: the handler, which would write for ever, gets an error.
func TestSlowReaders(t *testing.T) {
	t.Parallel()
	over := make(chan error, 1)
	dial(t, slowServer(t, func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				over <- err
				return
			}
		}
	}), "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if err := <-over; err == nil {
		t.Error("it has no error")
	}
}

// TestPatientClients has a request whose handler takes longer than any of the times, between two parts of its answer, and
// further ones on the same connection. None of them ends early.
func TestPatientClients(t *testing.T) {
	t.Parallel()
	const more = 600 * time.Millisecond
	address := slowServer(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		for range 3 {
			fmt.Fprintf(w, "%s ", body)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(more):
			case <-r.Context().Done():
				t.Error("the request was ended")
			}
		}
	})
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	for range 2 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address, strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if string(text) != "hello hello hello " || err != nil {
			t.Errorf("the answer is %q, %v", text, err)
		}
		time.Sleep(more)
	}
}
