package auth

import (
	"crypto/subtle"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"
)

// callbackPath is where the authorization server sends the browser to.
const callbackPath = "/oauth/callback"

// What bounds whoever connects to the listener: any program of the machine, and any page that its browser
// shows.
const (
	// maxURLBytes bounds the URL that is shown, and the one that comes back.
	maxURLBytes = 16 << 10
	// maxConnections are served at once; others wait. A browser needs one, and opens a few to be fast.
	maxConnections = 32
	// connectionTime bounds each connection, from the first byte to the last. They come from this machine.
	connectionTime = 5 * time.Second
)

// A callback waits for the browser to come back from one login.
type callback struct {
	state string
	host  string // that the listener has
	query chan string

	done        atomic.Bool
	server      *http.Server
	connections sync.WaitGroup // that are open
	served      chan struct{}  // closed when nothing listens
}

// awaitCallback serves what comes to a listener, until close.
func awaitCallback(listener net.Listener, state string) *callback {
	c := &callback{state: state, host: listener.Addr().String(), query: make(chan string, 1), served: make(chan struct{})}
	c.server = &http.Server{
		Handler:        c,
		ReadTimeout:    connectionTime,
		WriteTimeout:   connectionTime,
		MaxHeaderBytes: maxURLBytes,
		ErrorLog:       log.New(io.Discard, "", 0), // It would quote requests.
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				c.connections.Add(1)
			case http.StateClosed:
				c.connections.Done()
			}
		},
	}
	c.server.SetKeepAlivesEnabled(false)
	go func() {
		defer close(c.served)
		_ = c.server.Serve(netutil.LimitListener(listener, maxConnections))
	}()
	return c
}

// close ends it, and waits until nothing of it is left. The page for the callback is out by then, since
// ServeHTTP gives the query only afterwards.
func (c *callback) close() {
	_ = c.server.Close()
	<-c.served
	c.connections.Wait()
}

// ServeHTTP answers the browser.
func (c *callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	// A page may have its own name lead to 127.0.0.1, to read what is here (DNS rebinding).
	case !c.isHost(r.Host):
		pageForeign.write(w, http.StatusBadRequest)
	// As it was sent: the same path in other words is another path.
	case r.URL.EscapedPath() != callbackPath:
		pageNotFound.write(w, http.StatusNotFound)
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		pageForeign.write(w, http.StatusMethodNotAllowed)
	case !navigates(r):
		pageForeign.write(w, http.StatusBadRequest)
	default:
		c.answer(w, r.URL.RawQuery)
	}
}

// answer answers what may be the callback, and gives the query of the one that is. The page goes first:
// after the query the listener closes.
func (c *callback) answer(w http.ResponseWriter, query string) {
	values, err := c.check(query)
	switch {
	case errors.Is(err, errState):
		pageForeign.write(w, http.StatusBadRequest)
	case err != nil:
		pageBroken.write(w, http.StatusBadRequest)
	case !c.done.CompareAndSwap(false, true):
		pageTwice.write(w, http.StatusOK)
	default:
		pageOf(values).write(w, http.StatusOK)
		c.query <- query
	}
}

// What a callback lacks.
var (
	errCallback = errors.New("it is not the address of the page that the browser got to after the login: copy the whole of it")
	errState    = errors.New("it belongs to another login: use the address that the browser got to after this one")
	errQuery    = errors.New("it has neither one code nor one error: log in again in the browser")
)

// check fails unless a query is the one of the login that is waited for. No error quotes it.
func (c *callback) check(query string) (url.Values, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, errCallback
	}
	if len(values["state"]) != 1 || subtle.ConstantTimeCompare([]byte(values.Get("state")), []byte(c.state)) != 1 {
		return nil, errState
	}
	// A parameter comes once at most (RFC 6749, section 3.1), and a response either grants or refuses.
	if len(values["code"])+len(values["error"]) != 1 || values.Get("code")+values.Get("error") == "" {
		return nil, errQuery
	}
	return values, nil
}

// parse gives the query of a callback that a person has pasted, once it is checked as one that a browser
// brings.
func (c *callback) parse(text string) (query string, err error) {
	text = strings.Trim(text, " \t\r\n\"'<>")
	if strings.HasPrefix(text, strings.TrimSuffix(c.host, ":80")) { // Some browsers do not show the scheme.
		text = "http://" + text
	}
	if len(text) > maxURLBytes {
		return "", errCallback
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || u.User != nil || !c.isHost(u.Host) || u.EscapedPath() != callbackPath {
		return "", errCallback
	}
	if _, err := c.check(u.RawQuery); err != nil {
		return "", err
	}
	return u.RawQuery, nil
}

// isHost reports whether a request is for this machine by its own name.
func (c *callback) isHost(host string) bool {
	_, port, err := net.SplitHostPort(c.host)
	if port == "80" && !strings.Contains(host, ":") { // A browser leaves it out.
		host = net.JoinHostPort(host, port)
	}
	return err == nil && (host == c.host || strings.EqualFold(host, net.JoinHostPort("localhost", port)))
}

// navigates reports whether a request is a browser's that goes to a page, as at the end of a login, and not
// one that another page makes or embeds. A browser that says nothing of it is believed: the state decides.
func navigates(r *http.Request) bool {
	is := func(name, only string) bool {
		return !slices.ContainsFunc(r.Header.Values(name), func(value string) bool { return value != only })
	}
	// "null" comes after a form that a page has posted elsewhere, from some browsers.
	return is("Origin", "null") && is("Sec-Fetch-Mode", "navigate") && is("Sec-Fetch-Dest", "document")
}
