package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// DefaultPort is the port of [Browser] where it names none. It has to be the same in every run, since many
// authorization servers compare the whole redirect URL with the registered one. It lies below the ports
// that systems give out by themselves, and no service is registered for it: 28252 as in RFC 8252, OAuth for
// native apps.
const DefaultPort = 28252

// What a [Browser] waits for, and with.
const (
	// defaultWait is long enough for a second factor and a password manager, and ends.
	defaultWait = 5 * time.Minute
	// portPause lies between two looks at a port that another program holds.
	portPause = 100 * time.Millisecond
	// maxPastes is how often a person may paste what is no callback.
	maxPastes = 10
)

// A Browser has a person log in, in the browser of the machine that the program runs on. It listens on
// 127.0.0.1 for as long as a login takes, and for the callback of that login alone. The zero value is ready
// for a program with a desktop; a program at a terminal sets Notice and Prompt too, so that a person without
// a browser can copy the URL to another machine and paste what comes of it. Without a display and without Notice
// Ask fails with a [*RequiredError]; [OAuth].Device is another way out.
//
// One login at a time holds the port: other logins of the program, and of other programs with the same port,
// wait for their turn.
//
// It is safe for concurrent use. Its fields are not changed while it is used.
type Browser struct {
	// Port is where the callback arrives, and is part of RedirectURL: a client that was registered with
	// another one has to be registered anew. Default: [DefaultPort].
	Port int
	// Wait is how long a person may take to log in, and how long another program may hold the port.
	// Default: 5 minutes.
	Wait time.Duration

	// NoBrowser opens no browser: the person gets the URL by Notice. Default: false; where
	// there is no display, it makes no difference.
	NoBrowser bool
	// Open shows a URL, which is http or https, in a browser. It returns when that is done, or when its
	// context ends, which is at the end of the login. Ask does not wait for it. Default: the browser that the
	// system opens for a URL.
	Open func(ctx context.Context, url string) error

	// Notice tells the person something, in plain text of a few lines: where to log in, above all. The
	// program must show it to that person and to nobody else. Default: there is nobody to tell, and without
	// a browser Ask fails at once with a [*RequiredError].
	Notice func(text string)
	// Prompt gives what the person pastes, without a browser: the address of the page that the browser got
	// to in the end. It is called again when that is not the callback, by one goroutine of a login at a time,
	// and fails with io.EOF when nothing more can be pasted; another error ends the login. It must return when
	// its context ends; Ask does not wait for it. Default: nothing can be pasted, and the callback has to come
	// to the port, such as through an SSH tunnel.
	Prompt func(ctx context.Context) (string, error)
}

// Validate finds what is wrong with it, without listening.
func (b *Browser) Validate() error {
	switch {
	case b.Port < 0 || b.Port > 65535:
		return fmt.Errorf("auth.Browser.Port is %d: set 1 to 65535, or 0 for %d", b.Port, DefaultPort)
	case b.Wait < 0:
		return fmt.Errorf("auth.Browser.Wait is %v: set a time, or 0 for %v", b.Wait, defaultWait)
	}
	return nil
}

// RedirectURL implements [Asker]: http://127.0.0.1:PORT/oauth/callback.
func (b *Browser) RedirectURL() string { return "http://" + b.address() + callbackPath }

func (b *Browser) address() string {
	port := b.Port
	if port == 0 {
		port = DefaultPort
	}
	// The address and no name: a name may lead elsewhere (RFC 8252, section 8.3).
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

func (b *Browser) wait() time.Duration {
	if b.Wait == 0 {
		return defaultWait
	}
	return b.Wait
}

// CanAsk says why no person can be asked to log in; nil where one may be. See [Asker].
func (b *Browser) CanAsk() error {
	if b.Notice != nil {
		return nil
	}
	return b.browserless()
}

// Ask implements [Asker]. Beside a [*RequiredError] it fails with a [*LoginError]. What it gives begins with
// RedirectURL, and has the state of the request, and a code or an error.
func (b *Browser) Ask(ctx context.Context, request AskRequest) (callback string, err error) {
	fail := func(step string, err error) (string, error) {
		return "", &LoginError{Server: request.Server, Step: step, Err: err}
	}
	if err := b.Validate(); err != nil {
		return fail(LoginPrepare, err)
	}
	if err := checkLogin(request); err != nil {
		return fail(LoginPrepare, err)
	}
	none := b.browserless()
	if none != nil && b.Notice == nil {
		return "", required(request, fmt.Errorf("%w; %s", none, headless))
	}

	// The listener comes before the browser: nobody else can get the callback, and it finds somebody.
	turn, err := takeTurn(ctx, b.address())
	if err != nil {
		return fail(LoginListen, err)
	}
	defer turn()
	listener, err := b.listen(ctx)
	if err != nil {
		return fail(LoginListen, err)
	}
	waiting := awaitCallback(listener, request.State)
	defer waiting.close()

	l := &login{Browser: b, request: request, callback: waiting}
	query, err := l.run(ctx, none)
	if err != nil {
		return "", err
	}
	return b.RedirectURL() + "?" + query, nil
}

// headless is what helps where there is no browser.
const headless = "auth.Browser.Notice shows the URL, auth.Browser.Prompt takes the address that the browser gets to on another machine, and auth.OAuth.Device shows a code to enter on another device"

// browserless says why there is no browser to open; nil where there may be one.
func (b *Browser) browserless() error {
	switch {
	case b.NoBrowser:
		return errors.New("no browser is to be opened")
	case b.Open != nil:
		return nil
	}
	_, err := opener()
	return err
}

// notice tells the person something, where there is somebody to tell.
func (b *Browser) notice(format string, args ...any) {
	if b.Notice != nil {
		b.Notice(fmt.Sprintf(format, args...))
	}
}

// checkLogin fails unless a request can be shown to a person: the URL goes to another program and to a
// terminal. No error has the URL in it.
func checkLogin(request AskRequest) error {
	if request.State == "" {
		return errors.New("there is no state, so that no callback can be told from another")
	}
	const why = "the URL to log in at %s: this comes from the authorization server's metadata, or from AuthURL"
	if len(request.URL) > maxURLBytes {
		return fmt.Errorf(why, fmt.Sprintf("has more than %d bytes", maxURLBytes))
	}
	odd := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>\\`", r) }
	u, err := url.Parse(request.URL)
	switch {
	case err != nil || strings.ContainsFunc(request.URL, odd):
		return fmt.Errorf(why, "is not a URL")
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return fmt.Errorf(why, "is not one of https or http")
	case u.User != nil:
		return fmt.Errorf(why, "names a user, which makes it look like another server's")
	}
	return nil
}

// required has no URL: nobody listens for what would come back.
func required(request AskRequest, err error) error {
	return &RequiredError{Server: request.Server, Issuer: request.Issuer, Scopes: request.Scopes, Resource: request.Resource, Err: err}
}

// A login is one person's, once the listener listens.
type login struct {
	*Browser
	request  AskRequest
	callback *callback
}

// A paste is what [Browser.Prompt] gave.
type paste struct {
	text string
	err  error
}

var errUnanswered = errors.New("nobody logged in")

// run shows the URL and gives the query of the callback. none is why there is no browser.
func (l *login) run(ctx context.Context, none error) (query string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, l.wait(), errUnanswered)
	defer cancel()
	var opened chan error
	var pasted chan paste
	if none != nil {
		l.noticeURL(none)
		pasted = l.prompt(ctx)
	} else {
		l.notice("A browser opens to log in to %q. If none does, open this address:\n\n%s\n", l.request.Server, l.request.URL)
		opened = l.open(ctx)
	}
	for pastes := 1; ; {
		select {
		case query := <-l.callback.query:
			return query, nil

		case err := <-opened:
			opened = nil
			if err == nil || ctx.Err() != nil {
				continue // Whether a person sees the browser, nobody knows.
			}
			err = fmt.Errorf("the browser did not open: %w", err)
			if l.Notice == nil {
				return "", required(l.request, fmt.Errorf("%w; %s", err, headless))
			}
			l.noticeURL(err)
			pasted = l.prompt(ctx)

		case p := <-pasted:
			pasted = nil
			switch {
			case ctx.Err() != nil || errors.Is(p.err, io.EOF):
				continue // The callback may come nevertheless.
			case p.err != nil:
				return "", l.failed(LoginPaste, p.err)
			}
			query, err := l.callback.parse(p.text)
			switch {
			case err == nil:
				return query, nil
			case pastes == maxPastes:
				return "", l.failed(LoginPaste, fmt.Errorf("%w; that was pasted %d times: log in again", err, pastes))
			}
			pastes++
			l.notice("That is not it: %v.\n", err)
			pasted = l.prompt(ctx)

		case <-ctx.Done():
			select {
			case query := <-l.callback.query: // It came just in time.
				return query, nil
			default:
			}
			if err := context.Cause(ctx); !errors.Is(err, errUnanswered) {
				return "", l.failed(LoginWait, err)
			}
			return "", l.failed(LoginWait, fmt.Errorf("%w in %v; log in again, or allow for more time", errUnanswered, l.wait()))
		}
	}
}

func (l *login) failed(step string, err error) error {
	return &LoginError{Server: l.request.Server, Step: step, Err: err}
}

// noticeURL has the person open the URL by hand.
func (l *login) noticeURL(none error) {
	text := fmt.Sprintf("To log in to %q, open this address in a browser (%v):\n\n%s\n", l.request.Server, none, l.request.URL)
	if l.Prompt != nil {
		text += fmt.Sprintf("\nAfterwards the browser goes to %s. If it runs on another machine, that page does not load: copy its whole address from the browser, and paste it here.\n", l.RedirectURL())
	}
	l.Notice(text)
}

// open opens the browser, and gives how that went.
func (l *login) open(ctx context.Context) chan error {
	opened := make(chan error, 1)
	show := l.Open
	if show == nil {
		show = openBrowser
	}
	go func() { opened <- show(ctx, l.request.URL) }()
	return opened
}

// prompt asks for a paste, once; nil where nothing can be pasted.
func (l *login) prompt(ctx context.Context) chan paste {
	if l.Prompt == nil {
		return nil
	}
	pasted := make(chan paste, 1)
	go func() {
		text, err := l.Prompt(ctx)
		pasted <- paste{text, err}
	}()
	return pasted
}
