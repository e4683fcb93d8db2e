package client

import (
	"net/http"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// TestLocal shows that a token goes in plain text nowhere but to this machine, whatever stands before another address.
func TestLocal(t *testing.T) {
	for target, want := range map[string]bool{
		"127.0.0.1:1": true, "[::1]:1": true, "localhost:1": true, "unix:/a": true, "unix:///a": true, "unix-abstract:a": true,
		"dns:///localhost:1": true, "passthrough:///127.0.0.1:1": true, "127.0.0.1:1,localhost:2": true, "unix:/a,127.0.0.1:1": true,
		"example.com:1": false, "127.0.0.1:1,example.com:2": false, "unix:/a,example.com:1": false, "unix-abstract:a,192.0.2.1:1": false,
		"dns:///example.com:1": false, "dns://192.0.2.1/localhost:1": false, "localhost.example.com:1": false,
	} {
		if local(target) != want {
			t.Errorf("%s counts as this machine: %v", target, !want)
		}
	}
}

// TestInline shows that all of an inline server goes to the daemon, or nothing.
func TestInline(t *testing.T) {
	in := inline(&caisson.Server{Name: "s", URL: "https://example.com", Headers: http.Header{"x-small": {"1", "2"}, "X-Large": {"3"}}})
	if h := in.GetHeaders(); len(h) != 2 || h["x-small"] != "1, 2" || h["X-Large"] != "3" {
		t.Errorf("the headers are %v", h)
	}
	c, err := Dial("127.0.0.1:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for what, s := range map[string]*caisson.Server{
		"Auth":             {URL: "https://example.com", Auth: &auth.None{}},
		"HTTPTransport":    {URL: "https://example.com", HTTPTransport: http.DefaultTransport},
		"ProtocolVersions": {URL: "https://example.com", ProtocolVersions: []string{"2025-06-18"}},
		"InheritEnv":       {Command: "x", InheritEnv: true},
		"Dir":              {Command: "x", Dir: "/"},
	} {
		if _, err := c.Connect(t.Context(), &ConnectRequest{Inline: s}); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestQueue shows that what waits for a slow handler is bounded, in number and in bytes, and that the oldest is dropped.
func TestQueue(t *testing.T) {
	for name, test := range map[string]struct{ bytes, first, left int }{
		"number":       {1, 5, maxQueued},
		"bytes":        {maxQueuedBytes / 10, maxQueued + 5 - 10, 10},
		"one too much": {maxQueuedBytes + 1, maxQueued + 4, 1},
	} {
		q, ran := newQueue(), []int{}
		for i := range maxQueued + 5 {
			q.push(test.bytes, func() { ran = append(ran, i) })
		}
		if !q.run() || len(ran) != test.left || ran[0] != test.first {
			t.Errorf("%s: %d are left, from %d on", name, len(ran), ran[0])
		}
		if q.close(); q.run() {
			t.Errorf("%s: it goes on after its end", name)
		}
	}
}
