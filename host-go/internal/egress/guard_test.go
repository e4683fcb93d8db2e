package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestReservedAddresses(t *testing.T) {
	for _, text := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "100.100.100.200", "127.0.0.1", "127.255.255.254",
		"169.254.169.254", "169.254.0.1", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1",
		"192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255",
		"240.0.0.1", "255.255.255.255", "168.63.129.16",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::10.0.0.1", "::ffff:0:10.0.0.1",
		"64:ff9b::127.0.0.1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::",
		"2001:0:4136:e378::1", "2001:2::1", "2001:10::1", "2001:db8::1", "3fff::1", "5f00::1", "100::1", "fc00::1", "fd00:ec2::254",
		"fd20:ce::254", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "ff02::1", "ff0e::1",
		"2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:127.0.0.1",
	} {
		if reserved(netip.MustParseAddr(text)) == "" {
			t.Errorf("%s is let pass", text)
		}
	}
	for _, text := range []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
		"172.15.255.255", "172.32.0.0", "192.167.255.255", "198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.17",
		"2606:4700::1111", "2a00:1450::1", "64:ff9b::8.8.8.8", "2002:808:808::1", "::ffff:8.8.8.8", "2606:4700::5efe:8.8.8.8",
	} {
		if what := reserved(netip.MustParseAddr(text)); what != "" {
			t.Errorf("%s is %s", text, what)
		}
	}
}

// nameServer answers every question on loopback with the addresses of the moment.
func nameServer(t *testing.T, addresses *atomic.Value) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-done })
	go func() {
		defer close(done)
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			question := m.Questions[0]
			for _, address := range addresses.Load().([]netip.Addr) {
				head := dnsmessage.ResourceHeader{Name: question.Name, Class: question.Class, Type: question.Type}
				switch {
				case address.Is4() && question.Type == dnsmessage.TypeA:
					m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: address.As4()}})
				case address.Is6() && question.Type == dnsmessage.TypeAAAA:
					m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: address.As16()}})
				}
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// guarded is the transport of the product, with names as a name server of the test's has them.
func guarded(resolver *net.Resolver, private bool) *http.Transport {
	transport := NewTransport(private)
	own := &guard{private: private}
	own.dialer.Resolver = resolver
	transport.Proxy, transport.DialContext = own.proxy, own.DialContext
	return transport
}

// A name of the public DNS does not lead to an address that is none of the internet's, at the first
// connection or at a later one; a name of the own network does, and what was configured as an address.
func TestNameThatLeadsElsewhere(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("Authorization"))
	}))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	var addresses atomic.Value
	resolver := nameServer(t, &addresses)
	for _, test := range []struct {
		host, to string
		private  bool
		refused  string // a part of the error; "" for a connection
	}{
		{"server.example", "127.0.0.1", false, "which is a loopback address"},
		{"server.example.", "127.0.0.1", false, "which is a loopback address"},
		{"localhost.example", "127.0.0.1", false, "a loopback address"},
		{"127.0.0.1.example", "127.0.0.1", false, "a loopback address"},
		{"internal.example", "::ffff:127.0.0.1", false, "a loopback address"},
		{"server.example", "10.0.0.1", false, "which is a private address"},
		{"server.example", "169.254.169.254", false, "a cloud's metadata"},
		{"server.example", "::1", false, "a loopback address"},
		{"server.example", "fd00::1", false, "a private address"},
		{"server.example", "64:ff9b::7f00:1", false, "a loopback address"},
		{"server.example", "2002:7f00:1::", false, "a loopback address"},
		{"server.local", "169.254.169.254", false, "a cloud's metadata"},
		{"metadata.google.internal", "169.254.169.254", false, "a cloud's metadata"},
		{"container", "fd00:ec2::254", false, "a cloud's metadata"},
		{"server.example", "127.0.0.1", true, ""},
		{"server.local", "127.0.0.1", false, ""},
		{"SERVER.Internal", "127.0.0.1", false, ""},
		{"server.localhost", "127.0.0.1", false, ""},
		{"server.home.arpa", "127.0.0.1", false, ""},
		{"container", "127.0.0.1", false, ""},
		{"127.0.0.1", "8.8.8.8", false, ""}, // no name
	} {
		t.Run(fmt.Sprint(test.host, " at ", test.to), func(t *testing.T) {
			addresses.Store([]netip.Addr{netip.MustParseAddr(test.to)})
			transport := guarded(resolver, test.private)
			defer transport.CloseIdleConnections()
			address := "http://" + net.JoinHostPort(test.host, port)
			s, sink := start(t, Grant{Server: "files", URL: mustParse(t, address), Header: http.Header{"Authorization": {"Bearer t"}}}, Options{Transport: transport})
			events, err := do(t, s, sink, 1, get(address))
			if test.refused != "" {
				wantError(t, err, Refused, `server "files"`, "the name ", test.refused, "ClientOptions.PrivateAddresses")
				return
			}
			noError(t, err)
			if got := string(bodyOf(events)); got != "Bearer t" {
				t.Errorf("body %q", got)
			}
		})
	}
}

// Of several addresses only those are tried that may be; and a name that was good may turn.
func TestNameThatTurns(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	var addresses atomic.Value
	own := &guard{}
	own.dialer.Resolver = nameServer(t, &addresses)
	dial := func(host string, at ...string) error {
		var all []netip.Addr
		for _, text := range at {
			all = append(all, netip.MustParseAddr(text))
		}
		addresses.Store(all)
		conn, err := own.DialContext(context.Background(), "tcp", net.JoinHostPort(host, port))
		if err == nil {
			conn.Close()
		}
		return err
	}
	var refused *Error
	for _, at := range [][]string{{"127.0.0.1"}, {"127.0.0.1", "::1"}, {"10.0.0.1", "127.0.0.1", "fd00::1"}} {
		if err := dial("server.example", at...); !errors.As(err, &refused) || refused.Kind != Refused {
			t.Errorf("%v: %v", at, err)
		}
	}
	if err := dial("container", "169.254.169.254", "127.0.0.1"); err != nil {
		t.Errorf("with one address that may be: %v", err)
	}
}

// A proxy is where the user says, and what it connects to is its own affair.
func TestProxyAtPrivateAddress(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "proxied %s", r.URL) }))
	defer proxy.Close()
	_, port, _ := net.SplitHostPort(proxy.Listener.Addr().String())
	var addresses atomic.Value
	addresses.Store([]netip.Addr{netip.MustParseAddr("127.0.0.1")})
	own := &guard{}
	own.dialer.Resolver = nameServer(t, &addresses)
	transport := NewTransport(false)
	defer transport.CloseIdleConnections()
	transport.DialContext = own.DialContext
	transport.Proxy = func(*http.Request) (*url.URL, error) {
		u := mustParse(t, "http://proxy.example:"+port)
		own.allowProxy(u)
		return u, nil
	}
	s, sink := start(t, Grant{URL: mustParse(t, "http://server.example")}, Options{Transport: transport})
	events, err := do(t, s, sink, 1, get("http://server.example/x"))
	noError(t, err)
	if got := string(bodyOf(events)); got != "proxied http://server.example/x" {
		t.Errorf("body %q", got)
	}
	s, sink = start(t, Grant{URL: mustParse(t, "http://proxy.example:"+port)}, Options{Transport: guarded(own.dialer.Resolver, false)})
	_, err = do(t, s, sink, 1, get("http://proxy.example:"+port))
	wantError(t, err, Refused, "a loopback address")
}

// A proxy's URL that is not valid is not quoted: it may have a password in it.
func TestProxyIsNotQuoted(t *testing.T) {
	command := child(t, "get http://server.invalid/x")
	command.Env = append(command.Env, "HTTP_PROXY=http://u:s3cret@[::1", "http_proxy=", "NO_PROXY=", "no_proxy=", "REQUEST_METHOD=")
	s, sink := start(t, Grant{Command: command}, unhurried)
	if err := s.PipeOpen(ref(1)); err != nil {
		t.Fatal(err)
	}
	events, _ := sink.ended(t, ref(1))
	if got := strings.Join(messagesOf(events), "\n"); strings.Contains(got, "s3cret") || !strings.Contains(got, "HTTP_PROXY") {
		t.Errorf("it says %q", got)
	}
}
