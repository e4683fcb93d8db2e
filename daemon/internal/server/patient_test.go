package server

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestNobodyReads shows that a call ends whose caller does not read what is sent to it, over both versions of HTTP.
func TestNobodyReads(t *testing.T) {
	ended := make(chan error, 1)
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Protocols: protocols, Handler: patient(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for part := make([]byte, 1<<20); ; {
			if _, err := w.Write(part); err != nil {
				ended <- err
				return
			}
			w.(http.Flusher).Flush()
		}
	}), 50*time.Millisecond)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: daemon\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	<-ended
	defer hangUp()
	response, err := client("").Get("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if !strings.HasPrefix(response.Proto, "HTTP/2") {
		t.Errorf("it is %s", response.Proto)
	}
	<-ended
}

// TestReturned shows that what is written after a handler has returned does no harm.
func TestReturned(t *testing.T) {
	late := make(chan http.ResponseWriter, 1)
	server := serveHTTP(t, patient(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { late <- w }), time.Minute))
	response, err := http.Get(server)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	w := <-late
	w.(http.Flusher).Flush()
	if _, err := w.Write([]byte("late")); !errors.Is(err, errReturned) {
		t.Errorf("%v", err)
	}
}
