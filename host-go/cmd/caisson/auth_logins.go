package main

import (
	"context"
	"strings"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
	"github.com/caisson-dev/caisson/host-go/internal/authorization"
)

// logins are how a command logs in.
type logins struct {
	app   *app
	store *loginStore
	// settings are those of 'auth login'; nil takes what was kept with the login.
	settings *loginSettings
	// told says that the settings are those of this command.
	told bool
	// kept is where the settings are in the store.
	kept string
	// all has a logout end all logins at the server's address.
	all bool
	// found says that the store shows no other login than the server's own, whose secret is not there.
	found bool
	asker loginAsker
	// show says each step.
	show bool
	// device says that the person may enter a code on another device.
	device bool
	coded  deviceLogin
}

// What a server has in place of a login.
const (
	insteadHeader = "header" // an Authorization header
	insteadToken  = "token"  // a token of the user's
	insteadNone   = "none"   // nothing, on purpose
)

// insteadOfLogin is what a server on the network has in place of a login; "" for one that may have a login.
func insteadOfLogin(server *caisson.Server) string {
	for name := range server.Headers {
		if strings.EqualFold(name, "Authorization") {
			return insteadHeader
		}
	}
	switch server.Auth.(type) {
	case *auth.Bearer:
		return insteadToken
	case *auth.None:
		return insteadNone
	}
	return ""
}

// loginable reports whether a server may have a login.
func loginable(server *caisson.Server) bool { return server.URL != "" && insteadOfLogin(server) == "" }

// newLogins opens the store for a server. Nil says that the server has no login. A store that cannot be used is an
// error where strict is set or the user has named the store; elsewhere logins end with the command.
func (f *storeFlag) newLogins(ctx context.Context, a *app, k *asker, server *caisson.Server, strict bool) (*logins, error) {
	if !loginable(server) {
		return nil, nil
	}
	l := &logins{app: a, asker: loginAsker{asker: k}, kept: settingsKey(server)}
	l.store = f.open()
	var err error
	l.settings, err = loadSettings(ctx, l.store, server)
	switch {
	case err == nil:
		return l, nil
	case strict, f.chosen, ctx.Err() != nil:
		return nil, err
	}
	a.err.Say("logins cannot be kept, and those that were cannot be used: %v; --store names another place", err)
	l.store, l.settings = memoryLogins(), &loginSettings{}
	return l, nil
}

// prepare makes the server's way to authorize complete.
func (l *logins) prepare(ctx context.Context, server *caisson.Server, lenient bool) error {
	method, err := l.settings.apply(ctx, server.Auth, server.Name)
	if err != nil && lenient {
		l.app.err.Say("%s", strings.TrimPrefix(err.Error(), "caisson: "))
		method, err = l.settings.method(server.Auth, "", server.Name)
	}
	if err != nil {
		return err
	}
	if l.device {
		if err := checkDevice(method, server.Name); err != nil {
			return err
		}
	}
	var store auth.Store = l.store
	if lenient && authorization.Check(method) != nil { // Its secret is not there.
		if !l.all {
			store, l.found = oneKey{l.store, loginKey(server, method)}, true
		}
		method = &auth.OAuth{}
	}
	method, common := authorization.Copy(method)
	if common != nil {
		common.Store, common.OnEvent = store, l.hear
	}
	if m, ok := method.(*auth.OAuth); ok {
		l.asker.browser = &auth.Browser{}
		if configured, ok := m.Ask.(*auth.Browser); ok {
			l.asker.browser.Port = configured.Port
		}
		m.Ask = &l.asker
		if l.device && l.asker.CanAsk() == nil {
			m.Device = l.showCode
		}
	}
	server.Auth = method
	return nil
}

// checkDevice says that --device-code is for a person, where the client logs in as itself.
func checkDevice(method auth.Method, server string) error {
	if _, person := method.(*auth.OAuth); person {
		return nil
	}
	return &caisson.Error{
		Code: caisson.CodeInvalidArgument, Server: server, Step: "auth",
		Message: "--device-code is for the login of a person, and the server has another way to authorize, in the configuration or kept from its last login: leave the flag out, or change that way",
	}
}

// hear says a step.
func (l *logins) hear(e auth.Event) {
	if e.Kind == auth.EventGranted || e.Kind == auth.EventRefused {
		l.coded.end()
	}
	if !l.show {
		l.app.logger().Debug("authorization", "step", string(e.Kind), "server", e.Server, "issuer", e.Issuer, "method", e.Method, "url", e.URL, "status", e.Status)
		return
	}
	switch e.Kind {
	case auth.EventRequest:
		l.app.logger().Debug("authorization", "method", e.Method, "url", e.URL, "status", e.Status)
	case auth.EventDiscovered:
		l.app.err.Say("%s: the authorization server is %s", e.Server, e.Issuer)
	case auth.EventRegistered:
		l.app.err.Say("%s: registered there as the client %s", e.Server, e.ClientID)
	case auth.EventAsked:
		l.app.err.Say("%s: a person is asked to log in%s", e.Server, forScopes(e.Scopes))
	case auth.EventGranted:
		l.app.err.Say("%s: granted%s%s", e.Server, forScopes(e.Scopes), until(e.Expiry))
	case auth.EventRefreshed:
		l.app.err.Say("%s: refreshed%s%s", e.Server, forScopes(e.Scopes), until(e.Expiry))
	case auth.EventSteppedUp:
		l.app.err.Say("%s: more is demanded%s", e.Server, forScopes(e.Scopes))
	case auth.EventRefused, auth.EventUnsaved: // The error of the command says why, or the log.
	}
}

func forScopes(scopes []string) string {
	if len(scopes) == 0 {
		return ""
	}
	return ", for " + strings.Join(scopes, " ")
}

func until(expiry time.Time) string {
	if expiry.IsZero() {
		return ""
	}
	return ", until " + expiry.Local().Format(time.RFC3339)
}

// person reports whether there is one to ask.
func (a *app) person() bool { return a.err.Person && terminal.IsTerminal(a.in) }
