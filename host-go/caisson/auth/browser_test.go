package auth

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// inProcess opens a URL as a browser does.
func inProcess(_ context.Context, url string) error {
	_, err := visit(url)
	return err
}

// The system's own way to open a URL is used, and the login is over when the browser comes back.
func TestBrowser(t *testing.T) {
	desktop(t, "browser")
	b := &Browser{Port: freePort(t)}
	got, err := b.Ask(testContext(t), request(b, authorizationServer(t)))
	if err != nil || got != granted(b) {
		t.Errorf("%q, %v", got, err)
	}
}

// The variable BROWSER names a program that opens URLs, with or without a display.
func TestBrowserVariable(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("the system opens URLs by itself")
	}
	t.Setenv("BROWSER", program(t, "browser"))
	t.Setenv("DISPLAY", "")
	t.Setenv("WAYLAND_DISPLAY", "")
	t.Setenv("PATH", "")
	b := &Browser{Port: freePort(t)}
	got, err := b.Ask(testContext(t), request(b, authorizationServer(t)))
	if err != nil || got != granted(b) {
		t.Errorf("%q, %v", got, err)
	}
}

// A browser that is still there at the end of the login goes on.
func TestBrowserStays(t *testing.T) {
	desktop(t, "browser-stays")
	stay := newStay(t)
	b := &Browser{Port: freePort(t)}
	got, err := b.Ask(testContext(t), request(b, authorizationServer(t)))
	if err != nil || got != granted(b) {
		t.Errorf("%q, %v", got, err)
	}
	conn := stay.await(t)
	reader := bufio.NewReader(conn)
	line, err := reader.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(line)); err != nil || !detached(pid) {
		t.Errorf("the process %q, %v, is interrupted together with this one", line, err)
	}
	fmt.Fprintln(conn, "there?")
	if line, err := reader.ReadString('\n'); err != nil || line != "there?\n" {
		t.Errorf("the browser says %q, %v", line, err)
	}
}

// Without a browser and without anybody to tell, it fails at once, and does not listen.
func TestNobody(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T, *Browser){
		"not wanted": func(_ *testing.T, b *Browser) { b.NoBrowser = true },
		"fails":      func(t *testing.T, _ *Browser) { desktop(t, "browser-fails") },
		"a function fails": func(_ *testing.T, b *Browser) {
			b.Open = func(context.Context, string) error { return errors.New("exit status 3") }
		},
		"no display": func(t *testing.T, _ *Browser) {
			desktop(t, "browser")
			if runtime.GOOS == "darwin" {
				t.Skip("there is always one")
			}
			t.Setenv("DISPLAY", "")
		},
		"SSH": func(t *testing.T, _ *Browser) {
			desktop(t, "browser")
			if runtime.GOOS != "darwin" {
				t.Skip("the display may be the person's")
			}
			t.Setenv("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22")
		},
		"no opener": func(t *testing.T, _ *Browser) { desktop(t, "browser"); t.Setenv("PATH", t.TempDir()) },
	} {
		t.Run(name, func(t *testing.T) {
			b := &Browser{Port: freePort(t)}
			prepare(t, b)
			ask := request(b, authorizationServer(t))
			ask.Scopes = []string{"read"}
			got, err := b.Ask(testContext(t), ask)
			var e *RequiredError
			if got != "" || !errors.As(err, &e) || e.URL != "" || e.Server != "s" || e.Scopes[0] != "read" || e.Err == nil {
				t.Fatalf("%q, %v", got, err)
			}
			for _, way := range []string{"auth.Browser.Notice", "auth.Browser.Prompt", "auth.OAuth.Device"} {
				if !strings.Contains(err.Error(), way) {
					t.Errorf("it does not name %s: %v", way, err)
				}
			}
			if strings.HasSuffix(name, "fails") != strings.Contains(err.Error(), "exit status 3") {
				t.Error(err)
			}
			if opens := strings.HasSuffix(name, "fails"); opens != (b.CanAsk() == nil) {
				t.Errorf("beforehand it says %v", b.CanAsk())
			}
			discreet(t, err)
			isFree(t, b)
		})
	}
}

// isFree waits until nobody listens on a browser's port: a process that another test starts has every
// listener of this one until it becomes another program.
func isFree(t testing.TB, b *Browser) {
	t.Helper()
	ctx := testContext(t)
	for {
		listener, err := net.Listen("tcp4", b.address())
		if err == nil {
			listener.Close()
			return
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
}

// Without a browser, what is pasted or what comes to the port ends the login, whichever is first.
func TestWithoutBrowser(t *testing.T) {
	t.Parallel()
	server := authorizationServer(t)
	for name, test := range map[string]struct {
		fails  bool     // opening the browser fails; otherwise none is wanted
		pastes []string // then io.EOF
		comes  bool     // the browser comes back to the port
		notice int
	}{
		"pasted":                   {pastes: []string{"URL"}, notice: 1},
		"pasted after an error":    {fails: true, pastes: []string{"URL"}, notice: 2},
		"pasted at the third time": {pastes: []string{"", theCode, "URL"}, notice: 3},
		"nothing to paste":         {pastes: nil, comes: true, notice: 1},
		"not pasted, it comes":     {fails: true, pastes: []string{"something"}, comes: true, notice: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told := newNotices()
			b := &Browser{Port: freePort(t), NoBrowser: !test.fails, Notice: told.add}
			b.Open = func(context.Context, string) error { return errors.New("it is broken") }
			ask := request(b, server)
			pastes := test.pastes
			ended := make(chan struct{})
			b.Prompt = func(ctx context.Context) (string, error) {
				if len(pastes) > 0 {
					text := strings.Replace(pastes[0], "URL", "\t"+granted(b)+"\n", 1)
					pastes = pastes[1:]
					return text, nil
				}
				if test.comes {
					go func() {
						defer close(ended)
						if err := inProcess(ctx, ask.URL); err != nil {
							t.Error(err)
						}
					}()
				}
				return "", io.EOF
			}
			got, err := b.Ask(testContext(t), ask)
			if err != nil || got != granted(b) {
				t.Errorf("%q, %v", got, err)
			}
			if test.comes {
				<-ended
			}
			isFree(t, b)
			text := told.all()
			if len(told.texts) != test.notice || !strings.Contains(text, "\n"+ask.URL+"\n") || !strings.Contains(text, b.RedirectURL()) {
				t.Errorf("it says, %d times:\n%s", len(told.texts), text)
			}
			if test.fails != strings.Contains(text, "it is broken") || strings.Contains(text, theCode) {
				t.Errorf("it says:\n%s", text)
			}
		})
	}
}

// A prompt ends with the login, when the callback comes first.
func TestPromptEnds(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	b := &Browser{Port: freePort(t), NoBrowser: true, Notice: func(string) {}}
	ask := request(b, authorizationServer(t))
	b.Prompt = func(ctx context.Context) (string, error) {
		go func() { ended <- inProcess(ctx, ask.URL) }()
		<-ctx.Done()
		ended <- nil
		return "", ctx.Err()
	}
	if got, err := b.Ask(testContext(t), ask); err != nil || got != granted(b) {
		t.Errorf("%q, %v", got, err)
	}
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// Each way in which a login comes to nothing is an error with its step and cause, and leaves nothing.
func TestLoginFails(t *testing.T) {
	t.Parallel()
	server := authorizationServer(t)
	broken := errors.New("the terminal is broken")
	gone := errors.New("the program has something else to do")
	for name, test := range map[string]struct {
		change func(b *Browser, ask *AskRequest, cancel context.CancelCauseFunc)
		step   string
		is     error
		says   string
	}{
		"nobody comes": {func(b *Browser, _ *AskRequest, _ context.CancelCauseFunc) { b.Wait = time.Millisecond }, LoginWait, errUnanswered, "nobody logged in in 1ms"},
		"given up": {func(b *Browser, _ *AskRequest, cancel context.CancelCauseFunc) {
			b.Open = func(context.Context, string) error { cancel(gone); return nil }
		}, LoginWait, gone, ""},
		"given up before": {func(_ *Browser, _ *AskRequest, cancel context.CancelCauseFunc) { cancel(gone) }, LoginListen, gone, ""},
		"the prompt fails": {func(b *Browser, _ *AskRequest, _ context.CancelCauseFunc) {
			b.NoBrowser = true
			b.Prompt = func(context.Context) (string, error) { return "", broken }
		}, LoginPaste, broken, ""},
		"only nonsense": {func(b *Browser, _ *AskRequest, _ context.CancelCauseFunc) {
			b.NoBrowser = true
			b.Prompt = func(context.Context) (string, error) { return theCode, nil }
		}, LoginPaste, errCallback, "pasted 10 times"},
		"no port":     {func(b *Browser, _ *AskRequest, _ context.CancelCauseFunc) { b.Port = 65536 }, LoginPrepare, nil, "set 1 to 65535"},
		"less than 0": {func(b *Browser, _ *AskRequest, _ context.CancelCauseFunc) { b.Port = -1 }, LoginPrepare, nil, "set 1 to 65535"},
		"no time":     {func(b *Browser, _ *AskRequest, _ context.CancelCauseFunc) { b.Wait = -1 }, LoginPrepare, nil, "Wait"},
		"no state":    {func(_ *Browser, ask *AskRequest, _ context.CancelCauseFunc) { ask.State = "" }, LoginPrepare, nil, "no state"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(testContext(t))
			defer cancel(nil)
			b := &Browser{Port: freePort(t), Notice: func(string) {}, Open: func(context.Context, string) error { return nil }}
			ask := request(b, server)
			test.change(b, &ask, cancel)
			got, err := b.Ask(ctx, ask)
			var e *LoginError
			if got != "" || !errors.As(err, &e) || e.Server != "s" || e.Step != test.step || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("%q, %v", got, err)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Error(err)
			}
			discreet(t, err)
			if test.step != LoginPrepare {
				isFree(t, b)
			}
		})
	}
}

// No other program and no terminal gets what is no plain URL.
func TestOddURLs(t *testing.T) {
	t.Parallel()
	b := &Browser{
		Port:   freePort(t),
		Open:   func(context.Context, string) error { t.Error("it is opened"); return nil },
		Notice: func(string) { t.Error("it is shown") },
	}
	for _, url := range []string{
		"", "-x", "/authorize", "//a.example/", "javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "vbscript:x",
		"ftp://a.example/", "mailto:a@a.example", "https:", "https://", "https://:443/", "https:a.example", "C:\\x.exe", "\\\\a\\b",
		"https://good.example@evil.example/", "https://u:p@a.example/",
		"https://a.example/ x", "https://a.example/\n", "https://a.example/\x1b[2J", "https://a.example/\"", "https://a.example/`id`",
		"https://a.example/<x>", "https://a.example/a\\b", "https://a.example/é", "https://a.example/\u202e", "https://a.example/\x00", "https://a.example/\x7f",
		"https://a.example/%zz\x00", "https://a.example/?" + strings.Repeat("x", maxURLBytes),
	} {
		_, err := b.Ask(testContext(t), AskRequest{Server: "s", URL: url, State: theState})
		var e *LoginError
		if !errors.As(err, &e) || e.Step != LoginPrepare {
			t.Errorf("%.80q: %v", url, err)
			continue
		}
		if len(url) > 10 && strings.Contains(err.Error(), url[:10]) || len(err.Error()) > 300 {
			t.Errorf("%.80q is in the error: %v", url, err)
		}
	}
	for _, url := range []string{"https://a.example", "http://127.0.0.1:1/a?b=c&d=%22#e", "HTTPS://A.example/?x={a|b}^'$(id);~"} {
		if err := checkLogin(AskRequest{URL: url, State: theState}); err != nil {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// While another program has the port, a login waits, and says so once.
func TestPortIsHeld(t *testing.T) {
	path := program(t, "holds-port")
	told := newNotices()
	b := &Browser{Port: freePort(t), Notice: told.add, Open: inProcess}
	holder := exec.Command(path, b.address())
	holder.Stderr = os.Stderr
	hold, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = hold.Close()
		_ = holder.Wait()
	}()
	if line, err := bufio.NewReader(output).ReadString('\n'); err != nil {
		t.Fatalf("%q, %v", line, err)
	}

	// It ends when it takes too long, for whatever reason.
	short := *b
	short.Wait = 3 * portPause
	_, err = short.Ask(testContext(t), request(b, authorizationServer(t)))
	var e *LoginError
	if !errors.As(err, &e) || e.Step != LoginListen || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), b.address()) {
		t.Fatal(err)
	}
	told.await(t)
	if text := told.all(); len(told.texts) != 1 || !strings.Contains(text, b.address()) {
		t.Fatalf("it says:\n%s", text)
	}

	go func() {
		told.await(t)
		_ = hold.Close()
	}()
	got, err := b.Ask(testContext(t), request(b, authorizationServer(t)))
	if err != nil || got != granted(b) {
		t.Errorf("%q, %v", got, err)
	}
	if len(told.texts) != 3 || !strings.Contains(told.texts[2], "A browser opens") {
		t.Errorf("it says:\n%s", told.all())
	}
}

// A port that can never be had is an error at once.
func TestPortIsForbidden(t *testing.T) {
	if _, err := net.Listen("tcp4", "127.0.0.1:1"); err == nil || errors.Is(err, errInUse) {
		t.Skip("every port is free to this user")
	}
	b := &Browser{Port: 1, Open: inProcess}
	_, err := b.Ask(testContext(t), request(b, authorizationServer(t)))
	var e *LoginError
	if !errors.As(err, &e) || e.Step != LoginListen || !strings.Contains(err.Error(), "choose another port") {
		t.Error(err)
	}
}

// Many logins of a program come one after the other, and each gets its own callback. No other program holds
// the port: it can take however long it takes.
func TestManyLogins(t *testing.T) {
	t.Parallel()
	server := authorizationServer(t)
	port := freePort(t)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			told := newNotices()
			b := &Browser{Port: port, Open: inProcess, Notice: told.add}
			ask := request(b, server)
			ask.State = "state" + strconv.Itoa(i)
			ask.URL = strings.Replace(ask.URL, theState, ask.State, 1)
			got, err := b.Ask(testContext(t), ask)
			if err != nil || !strings.HasSuffix(got, "&state="+ask.State) {
				t.Errorf("%q, %v", got, err)
			}
			if strings.Contains(told.all(), "Another program") {
				t.Errorf("it says:\n%s", told.all())
			}
		})
	}
	group.Wait()
}

// A login that waits for another one of the program ends with its context.
func TestTurnEnds(t *testing.T) {
	t.Parallel()
	b := &Browser{Port: freePort(t)}
	ctx, cancel := context.WithCancel(testContext(t))
	server := authorizationServer(t)
	b.Open = func(context.Context, string) error {
		ended, end := context.WithCancel(ctx)
		end()
		_, err := b.Ask(ended, request(b, server))
		var e *LoginError
		if !errors.As(err, &e) || e.Step != LoginListen || !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		cancel()
		return nil
	}
	if _, err := b.Ask(ctx, request(b, server)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Several programs that log in at the same moment all get their own callback.
func TestManyPrograms(t *testing.T) {
	path := program(t, "logs-in")
	server := authorizationServer(t)
	b := &Browser{Port: freePort(t)}
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			var stderr bytes.Buffer
			cmd := exec.CommandContext(testContext(t), path, strconv.Itoa(b.Port), server.URL)
			cmd.Stderr = &stderr
			output, err := cmd.Output()
			if err != nil || string(output) != granted(b)+"\n" {
				t.Errorf("%q, %v\n%s", output, err, stderr.String())
			}
		})
	}
	group.Wait()
}

// What is registered stays the same.
func TestRedirectURL(t *testing.T) {
	t.Parallel()
	for port, want := range map[int]string{0: "http://127.0.0.1:28252/oauth/callback", 3334: "http://127.0.0.1:3334/oauth/callback"} {
		if got := (&Browser{Port: port}).RedirectURL(); got != want {
			t.Errorf("%d: %s", port, got)
		}
	}
	if err := (&OAuth{Ask: &Browser{}}).Validate(); err != nil {
		t.Error(err)
	}
	for name, wrong := range map[string]bool{"audience": false, "prompt": false, "redirect_uri": true, "scope": true, "request_uri": true} {
		err := (&OAuth{AuthorizeParams: url.Values{name: {"the-value"}}}).Validate()
		if (err != nil) != wrong || err != nil && (strings.Contains(err.Error(), "the-value") || !strings.Contains(err.Error(), name)) {
			t.Errorf("with the parameter %s: %v", name, err)
		}
	}
	if err := (&OAuth{Ask: &Browser{Port: 65536}}).Validate(); err == nil {
		t.Error("a port that is none is taken")
	}
}
