package auth

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// listening is a callback that is waited for, on a port of the test's own.
func listening(t testing.TB) *callback {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := awaitCallback(listener, theState)
	t.Cleanup(c.close)
	return c
}

// send sends what no client library would, and gives the answer. HOST stands for the listener's.
func send(t testing.TB, c *callback, text string) (response *http.Response, body string) {
	t.Helper()
	conn, err := net.Dial("tcp4", c.host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	go func() { _, _ = io.WriteString(conn, strings.ReplaceAll(text, "HOST", c.host)) }()
	method, _, _ := strings.Cut(text, " ")
	response, err = http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	// Who sends what is not read may lose the end of the answer.
	if err != nil && response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Fatal(err)
	}
	return response, string(read)
}

// get is a request as a browser sends it at the end of a login.
func get(target string, headers ...string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: HOST\r\n" + strings.Join(append(headers, "\r\n"), "\r\n")
}

// right is the query of the callback.
const right = "?code=" + theCode + "&state=" + theState

// What is not the callback gets a page, and the right one is waited for nevertheless.
func TestHostileCallbacks(t *testing.T) {
	port := func(c *callback) string { _, port, _ := net.SplitHostPort(c.host); return port }
	path := callbackPath
	long := strings.Repeat("x", 4*maxURLBytes)
	for name, test := range map[string]struct {
		text   string
		status int
	}{
		"wrong state":            {get(path + "?code=a&state=other"), 400},
		"a state that begins so": {get(path + right[:len(right)-1]), 400},
		"a longer state":         {get(path + right + "x"), 400},
		"other letters":          {get(path + "?code=a&state=" + strings.ToUpper(theState)), 400},
		"no state":               {get(path + "?code=a"), 400},
		"no query":               {get(path), 400},
		"two states":             {get(path + right + "&state=other"), 400},
		"the state twice":        {get(path + right + "&state=" + theState), 400},
		"an error without state": {get(path + "?error=access_denied&error_description=" + url.QueryEscape("<b>call 555</b>")), 400},
		"no code":                {get(path + "?state=" + theState), 400},
		"an empty code":          {get(path + "?code=&state=" + theState), 400},
		"two codes":              {get(path + right + "&code=b"), 400},
		"a code and an error":    {get(path + right + "&error=access_denied"), 400},
		"a wrong escape":         {get(path + right + "&x=%zz"), 400},
		"a semicolon":            {get(path + "?code=a;state=" + theState), 400},

		"another host":             {strings.Replace(get(path+right), "HOST", "evil.example", 1), 400},
		"another host, the port":   {strings.Replace(get(path+right), "HOST", "evil.example:PORT", 1), 400},
		"another port":             {strings.Replace(get(path+right), "HOST", "127.0.0.1:1", 1), 400},
		"no port":                  {strings.Replace(get(path+right), "HOST", "127.0.0.1", 1), 400},
		"a host that ends so":      {strings.Replace(get(path+right), "HOST", "x.localhost:PORT", 1), 400},
		"another loopback":         {strings.Replace(get(path+right), "HOST", "127.0.0.2:PORT", 1), 400},
		"IPv6":                     {strings.Replace(get(path+right), "HOST", "[::1]:PORT", 1), 400},
		"no host":                  {"GET " + path + right + " HTTP/1.0\r\n\r\n", 400},
		"two hosts":                {get(path+right, "Host: evil.example"), 400},
		"a proxy's request":        {get("http://evil.example" + path + right), 400},
		"another host's elsewhere": {strings.Replace(get("/secret"), "HOST", "evil.example", 1), 400},

		"POST":                    {"POST " + path + right + " HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\n\r\na=b", 405},
		"HEAD":                    {"HEAD " + path + right + " HTTP/1.1\r\nHost: HOST\r\n\r\n", 405},
		"OPTIONS":                 {"OPTIONS " + path + right + " HTTP/1.1\r\nHost: HOST\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\nAccess-Control-Request-Private-Network: true\r\n\r\n", 405},
		"PUT":                     {"PUT " + path + right + " HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\n\r\n", 405},
		"a long body without end": {"POST " + path + right + " HTTP/1.1\r\nHost: HOST\r\nContent-Length: 999999999999\r\n\r\n" + long, 405},

		"a page's fetch":              {get(path+right, "Origin: https://evil.example"), 400},
		"a page's fetch without cors": {get(path+right, "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: empty"), 400},
		"a frame":                     {get(path+right, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"), 400},
		"an image":                    {get(path+right, "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"), 400},
		"two origins":                 {get(path+right, "Origin: null", "Origin: https://evil.example"), 400},

		"the root":            {get("/" + right), 404},
		"favicon":             {get("/favicon.ico"), 404},
		"a folder":            {get(path + "/" + right), 404},
		"dots":                {get("/oauth/../oauth/callback" + right), 404},
		"dots out":            {get("/../../../etc/passwd"), 404},
		"encoded dots":        {get("/oauth/%2e%2e/oauth/callback" + right), 404},
		"two slashes":         {get("//oauth/callback" + right), 404},
		"an encoded slash":    {get("/oauth%2fcallback" + right), 404},
		"an encoded letter":   {get("/oauth/call%62ack" + right), 404},
		"an encoded question": {get(path + "%3fcode=a&state=" + theState), 404},
		"capitals":            {get("/OAuth/Callback" + right), 404},

		"a huge query":  {get(path + right + "&x=" + long), 431},
		"a huge header": {get(path+right, "X: "+long), 431},
		"no HTTP":       {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := listening(t)
			response, body := send(t, c, strings.ReplaceAll(test.text, "PORT", port(c)))
			if response.StatusCode != test.status {
				t.Errorf("it is answered with %s", response.Status)
			}
			if response.Header.Get("Content-Security-Policy") != "" {
				checkPage(t, response, body)
			}
			if strings.Contains(body, "555") {
				t.Errorf("the page shows what anybody may say:\n%s", body)
			}
			select {
			case query := <-c.query:
				t.Fatalf("the login took %q", query)
			default:
			}

			response, _ = send(t, c, get(path+right))
			if response.StatusCode != 200 {
				t.Errorf("afterwards, the right one is answered with %s", response.Status)
			}
			if got := <-c.query; got != right[1:] {
				t.Errorf("afterwards, the right one gives %q", got)
			}
		})
	}
}

// checkPage finds what a page must have, and must not.
func checkPage(t testing.TB, response *http.Response, body string) {
	t.Helper()
	for name, part := range map[string]string{
		"Content-Type":               "text/html; charset=utf-8",
		"Content-Security-Policy":    "default-src 'none'; style-src 'sha256-",
		"Referrer-Policy":            "no-referrer",
		"Cache-Control":              "no-store",
		"X-Content-Type-Options":     "nosniff",
		"X-Frame-Options":            "DENY",
		"Cross-Origin-Opener-Policy": "same-origin",
		"Connection":                 "close",
	} {
		value := response.Header.Get(name)
		if name == "Connection" && response.Close {
			value = "close" // ReadResponse takes it away.
		}
		if !strings.HasPrefix(value, part) {
			t.Errorf("the header %s is %q", name, value)
		}
	}
	if response.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("other pages may read it")
	}
	if response.Request.Method != http.MethodHead && !strings.Contains(body, "close this tab") {
		t.Errorf("it does not say whether the tab can be closed:\n%s", body)
	}
	for _, text := range []string{theState, theCode, "<script", "<b>", "src=", "href=", "http"} {
		if strings.Contains(body, text) {
			t.Errorf("it has %q:\n%s", text, body)
		}
	}
}

// The callback is taken as it comes, and the page says how it went.
func TestCallback(t *testing.T) {
	refused := "?error=access_denied&error_description=" + url.QueryEscape("<script>alert(1)</script>\x1b[31m\u202e"+strings.Repeat("é", 1000)) + "&state=" + theState
	for name, test := range map[string]struct {
		text, query, says string
	}{
		"granted":            {get(callbackPath + right), right, "<h1>Done</h1>"},
		"with more":          {get(callbackPath + right + "&iss=https%3A%2F%2Fa.example&session_state=x"), right + "&iss=https%3A%2F%2Fa.example&session_state=x", "<h1>Done</h1>"},
		"refused":            {get(callbackPath + "?error=access_denied&state=" + theState), "?error=access_denied&state=" + theState, "access_denied"},
		"refused, with HTML": {get(callbackPath + refused), refused, "access_denied: &lt;script&gt;alert(1)&lt;/script&gt; [31m " + strings.Repeat("é", 200)},
		"HTML in the code":   {get(callbackPath + "?error=%3Cscript%3E&state=" + theState), "?error=%3Cscript%3E&state=" + theState, "&lt;script&gt;"},
		"by name":            {strings.Replace(get(callbackPath+right), "HOST", "LocalHost:PORT", 1), right, "<h1>Done</h1>"},
		"of a browser":       {get(callbackPath+right, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-User: ?1", "Sec-Fetch-Dest: document"), right, "<h1>Done</h1>"},
		"after a form":       {get(callbackPath+right, "Origin: null"), right, "<h1>Done</h1>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := listening(t)
			_, port, _ := net.SplitHostPort(c.host)
			response, body := send(t, c, strings.ReplaceAll(test.text, "PORT", port))
			if response.StatusCode != 200 || !strings.Contains(body, test.says) || len(body) > 4096 {
				t.Errorf("%s\n%s", response.Status, body)
			}
			checkPage(t, response, body)
			if got := "?" + <-c.query; got != test.query {
				t.Errorf("it gives %q", got)
			}
		})
	}
}

// The second of two callbacks changes nothing.
func TestCallbackTwice(t *testing.T) {
	t.Parallel()
	c := listening(t)
	send(t, c, get(callbackPath+right))
	for _, query := range []string{right, "?code=another&state=" + theState, "?error=access_denied&state=" + theState} {
		response, body := send(t, c, get(callbackPath+query))
		if response.StatusCode != 200 || !strings.Contains(body, "<h1>Already done</h1>") {
			t.Errorf("%s\n%s", response.Status, body)
		}
		checkPage(t, response, body)
	}
	if got := <-c.query; got != right[1:] {
		t.Errorf("it gives %q", got)
	}
	select {
	case query := <-c.query:
		t.Errorf("it gives %q too", query)
	default:
	}
}

// Connections that say nothing, or do not come to an end, are bounded in number and in time, and the callback
// comes through after that.
func TestSlowConnections(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	counting := &countingListener{Listener: listener}
	c := awaitCallback(counting, theState)
	t.Cleanup(c.close)
	for i := range maxConnections + 8 {
		conn, err := net.Dial("tcp4", c.host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%2 == 0 {
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nX: ", callbackPath+right, c.host)
		}
	}
	response, _ := send(t, c, get(callbackPath+right))
	if got := <-c.query; response.StatusCode != 200 || got != right[1:] {
		t.Errorf("%s, and it gives %q", response.Status, got)
	}
	if most := counting.most.Load(); most > maxConnections {
		t.Errorf("%d connections were served at once", most)
	}
}

// A countingListener knows how many of its connections were open at once.
type countingListener struct {
	net.Listener
	open, most atomic.Int32
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if n := l.open.Add(1); n > l.most.Load() { // One goroutine accepts.
		l.most.Store(n)
	}
	return &countedConn{Conn: conn, l: l}, nil
}

type countedConn struct {
	net.Conn
	l    *countingListener
	once sync.Once
}

func (c *countedConn) Close() error {
	c.once.Do(func() { c.l.open.Add(-1) })
	return c.Conn.Close()
}

// Closing ends connections that are open, whatever state they are in.
func TestCloseWithConnections(t *testing.T) {
	t.Parallel()
	c := listening(t)
	var open []net.Conn
	for _, text := range []string{"", "GET", get(callbackPath)[:20], "POST " + callbackPath + " HTTP/1.1\r\nHost: " + c.host + "\r\nContent-Length: 100\r\n\r\n"} {
		conn, err := net.Dial("tcp4", c.host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, text)
		open = append(open, conn)
	}
	c.close()
	for _, conn := range open {
		_ = conn.SetDeadline(time.Now().Add(patience))
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, net.ErrClosed) || isTimeout(err) {
			t.Errorf("a connection is open: %v", err)
		}
	}
	if conn, err := net.Dial("tcp4", c.host); err == nil {
		conn.Close()
		t.Error("it listens")
	}
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// A page that was asked for is whole, however soon the listener closes after it.
func TestPageBeforeTheEnd(t *testing.T) {
	t.Parallel()
	for range 200 {
		c := listening(t)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			<-c.query
			c.close()
		}()
		page, err := visit("http://" + c.host + callbackPath + right)
		if err != nil || !strings.HasSuffix(page, "</p>\n") {
			t.Fatalf("%v\n%s", err, page)
		}
		<-ended
	}
}

// The page is out, and whole, when the query comes.
func TestPageIsFlushed(t *testing.T) {
	t.Parallel()
	c := listening(t)
	for _, query := range []string{right, "?error=x&state=" + theState} {
		c.done.Store(false)
		w := &flushed{ResponseRecorder: httptest.NewRecorder(), late: func() bool { return len(c.query) > 0 }}
		c.answer(w, query[1:])
		<-c.query
		if length := w.Header().Get("Content-Length"); w.length == 0 || length != strconv.Itoa(w.length) || w.length != w.Body.Len() {
			t.Errorf("%d of %d bytes are out, and it says %s", w.length, w.Body.Len(), length)
		}
	}
}

// A flushed recorder knows how much was out before the login was over.
type flushed struct {
	*httptest.ResponseRecorder
	late   func() bool
	length int
}

func (w *flushed) FlushError() error {
	if !w.late() {
		w.length = w.Body.Len()
	}
	return nil
}

// What is pasted is checked as what a browser brings.
func TestPaste(t *testing.T) {
	t.Parallel()
	c := listening(t)
	_, port, _ := net.SplitHostPort(c.host)
	for _, text := range []string{
		"http://HOST/oauth/callback" + right,
		"  \"http://HOST/oauth/callback" + right + "\"\r\n",
		"<http://HOST/oauth/callback" + right + ">",
		"HOST/oauth/callback" + right,
		"http://localhost:PORT/oauth/callback" + right,
		"http://HOST/oauth/callback" + right + "#_=_",
	} {
		text = strings.NewReplacer("HOST", c.host, "PORT", port).Replace(text)
		if got, err := c.parse(text); err != nil || got != right[1:] {
			t.Errorf("%q gives %q, %v", text, got, err)
		}
	}
	for text, want := range map[string]error{
		"":                                    errCallback,
		theCode:                               errCallback,
		right[1:]:                             errCallback,
		right:                                 errCallback,
		"https://HOST/oauth/callback" + right: errCallback,
		"http://evil.example/oauth/callback" + right:                            errCallback,
		"http://HOST@evil.example/oauth/callback" + right:                       errCallback,
		"http://user@HOST/oauth/callback" + right:                               errCallback,
		"http://127.0.0.1:1/oauth/callback" + right:                             errCallback,
		"http://HOST/oauth/callback/" + right:                                   errCallback,
		"http://HOST/oauth/call%62ack" + right:                                  errCallback,
		"http://HOST/oauth/../oauth/callback" + right:                           errCallback,
		"http://HOST/oauth/callback" + right + "&x=%zz":                         errCallback,
		"http://HOST/oauth/callback" + right + "\x00":                           errCallback,
		"http://HOST/oauth/callback" + right + strings.Repeat("x", maxURLBytes): errCallback,
		"http://HOST/oauth/callback" + right + " http://HOST/oauth/callback":    errState,
		"http://HOST/oauth/callback":                                            errState,
		"http://HOST/oauth/callback#" + right[1:]:                               errState,
		"http://HOST/oauth/callback?code=a&state=other":                         errState,
		"http://HOST/oauth/callback?error=access_denied":                        errState,
		"http://HOST/oauth/callback?state=" + theState:                          errQuery,
		"http://HOST/oauth/callback" + right + "&error=access_denied":           errQuery,
	} {
		text = strings.ReplaceAll(text, "HOST", c.host)
		got, err := c.parse(text)
		if !errors.Is(err, want) || got != "" {
			t.Errorf("%.80q gives %q, %v", text, got, err)
		}
		discreet(t, err)
	}
}

// A browser leaves out the port of http.
func TestPortOfHTTP(t *testing.T) {
	t.Parallel()
	c := &callback{state: theState, host: "127.0.0.1:80"}
	for host, ok := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:80": true, "localhost": true, "LOCALHOST:80": true,
		"127.0.0.1:81": false, "127.0.0.1.evil.example": false, "evil.example": false, "evil.example:80": false, "[::1]": false, "": false,
	} {
		if c.isHost(host) != ok {
			t.Errorf("%q is taken: %v", host, !ok)
		}
		if c := (&callback{host: "127.0.0.1:28252"}); c.isHost(host) {
			t.Errorf("%q is taken for another port", host)
		}
	}
	for _, text := range []string{"http://127.0.0.1", "127.0.0.1", "http://localhost:80"} {
		if got, err := c.parse(text + callbackPath + right); err != nil || got != right[1:] {
			t.Errorf("%s gives %q, %v", text, got, err)
		}
	}
}

// It listens for this machine alone.
func TestLoopback(t *testing.T) {
	t.Parallel()
	c := listening(t)
	_, port, _ := net.SplitHostPort(c.host)
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		ip := address.(*net.IPNet).IP
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(ip.String(), port), patience)
		if err == nil {
			conn.Close()
		}
		if (err == nil) != ip.Equal(net.IPv4(127, 0, 0, 1)) {
			t.Errorf("at %v: %v", ip, err)
		}
	}
}
