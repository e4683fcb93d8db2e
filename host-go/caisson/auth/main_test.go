package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// childMode says, in the environment of a child process, what this test binary is to be in place of running
// tests; see child.
const childMode = "CAISSON_TEST_CHILD"

func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		if do := Children[mode]; do == nil {
			child(mode)
		} else if err := do(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// Children are further programs: those of the tests from outside.
var Children = map[string]func(args []string) error{}

// patience bounds every wait of a test: far more than anything takes, also on a busy machine with the race
// detector on.
const patience = 2 * time.Minute

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// What is secret in the tests: no error may have it.
const (
	theState = "state-Vq3kQ0"
	theCode  = "code-8hZt1x"
)

// child is another program: a browser, somebody else with the port, or what gives a token.
func child(mode string) {
	check := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(9)
		}
	}
	last := os.Args[len(os.Args)-1]
	switch mode {
	case "browser":
		_, err := visit(last)
		check(err)
	case "browser-fails":
		os.Exit(3)
	case "browser-stays":
		_, err := visit(last)
		check(err)
		conn, err := net.Dial("tcp", os.Getenv("CAISSON_TEST_STAY"))
		check(err)
		fmt.Fprintln(conn, os.Getpid())
		_, _ = io.Copy(conn, conn)
	case "holds-port":
		listener, err := net.Listen("tcp4", last)
		check(err)
		fmt.Println("ready")
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = listener.Close()
	case "logs-in":
		port, err := strconv.Atoi(os.Args[1])
		check(err)
		b := &Browser{Port: port, Open: func(_ context.Context, url string) error { _, err := visit(url); return err }}
		got, err := b.Ask(context.Background(), AskRequest{Server: "s", State: theState, URL: os.Args[2] + "?" + url.Values{"redirect_uri": {b.RedirectURL()}, "state": {theState}}.Encode()})
		check(err)
		fmt.Println(got)
	case "prints":
		fmt.Printf("%s \r\n", last)
	case "fails":
		fmt.Print(last)
		fmt.Fprint(os.Stderr, last)
		os.Exit(5)
	case "endless":
		for {
			if _, err := os.Stdout.Write(bytes.Repeat([]byte("x"), 4096)); err != nil {
				return
			}
		}
	case "hangs":
		fmt.Print(last)
		_, _ = net.Dial("tcp", os.Getenv("CAISSON_TEST_STAY"))
		select {}
	case "leaves-one":
		cmd := exec.Command(os.Args[0], last)
		cmd.Env = append(os.Environ(), childMode+"=stays")
		cmd.Stdout = os.Stdout
		check(cmd.Start())
		fmt.Print(last)
	case "stays":
		conn, err := net.Dial("tcp", os.Getenv("CAISSON_TEST_STAY"))
		check(err)
		_, _ = io.Copy(io.Discard, conn)
	default:
		check(errors.New("no mode " + mode))
	}
}

// visit is what a browser does with a URL: it follows redirects, and shows the last page.
func visit(url string) (page string, err error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	return string(text), err
}

// authorizationServer logs everybody in at once.
func authorizationServer(t testing.TB) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		http.Redirect(w, r, query.Get("redirect_uri")+"?"+url.Values{"code": {theCode}, "state": {query.Get("state")}}.Encode(), http.StatusFound)
	}))
	server.Config.SetKeepAlivesEnabled(false)
	t.Cleanup(server.Close)
	return server
}

// request asks for a login at a server, for a browser.
func request(b *Browser, server *httptest.Server) AskRequest {
	query := url.Values{"redirect_uri": {b.RedirectURL()}, "state": {theState}}
	return AskRequest{Server: "s", URL: server.URL + "/authorize?" + query.Encode(), State: theState}
}

// granted is the callback of a login that went well.
func granted(b *Browser) string {
	return b.RedirectURL() + "?code=" + theCode + "&state=" + theState
}

// ports counts what freePort has given.
var ports atomic.Int32

// freePort gives a port that nobody listens on, and that no system gives to whoever asks for any: a test may
// have nothing else get it meanwhile.
func freePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := 20000 + (os.Getpid()*97+int(ports.Add(1)))%10000
		if listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			listener.Close()
			return port
		}
	}
	t.Fatal("every port is taken")
	return 0
}

// program gives this test binary's path, and has it be a child of a mode in place of running tests.
func program(t testing.TB, mode string) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(childMode, mode)
	return path
}

// desktop has the system's way to open a URL lead to this test binary in a mode.
func desktop(t testing.TB, mode string) {
	t.Helper()
	var name string
	switch runtime.GOOS {
	case "windows":
		t.Skip("rundll32 is Windows' own")
	case "darwin":
		name = "open"
	default:
		name = "xdg-open"
	}
	folder := t.TempDir()
	if err := os.Symlink(program(t, mode), filepath.Join(folder, name)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder)
	t.Setenv("BROWSER", "")
	t.Setenv("DISPLAY", ":77")
	t.Setenv("WAYLAND_DISPLAY", "")
	t.Setenv("SSH_CONNECTION", "")
}

// A stay is where children that stay report, and what they wait for.
type stay struct{ listener net.Listener }

func newStay(t testing.TB) stay {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	t.Setenv("CAISSON_TEST_STAY", listener.Addr().String())
	return stay{listener}
}

// await waits for a child, which ends at the latest when the connection closes.
func (s stay) await(t testing.TB) net.Conn {
	t.Helper()
	conn, err := s.listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// notices are what a person was told.
type notices struct {
	mu    sync.Mutex
	texts []string
	told  chan struct{} // gets one for each, as far as somebody reads
}

func newNotices() *notices { return &notices{told: make(chan struct{}, 100)} }

func (n *notices) add(text string) {
	n.mu.Lock()
	n.texts = append(n.texts, text)
	n.mu.Unlock()
	n.told <- struct{}{}
}

func (n *notices) all() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.texts, "\n---\n")
}

// await waits for the next notice.
func (n *notices) await(t testing.TB) {
	t.Helper()
	select {
	case <-n.told:
	case <-time.After(patience):
		t.Fatal("nothing was told")
	}
}

// discreet fails the test if an error has a secret in it.
func discreet(t testing.TB, err error) {
	t.Helper()
	for _, secret := range []string{theState, theCode} {
		if strings.Contains(fmt.Sprintf("%v %+v", err, err), secret) {
			t.Errorf("the error has %s: %v", secret, err)
		}
	}
}
