package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/fieldname"
)

// A loginError is a want of authorization. Its members are for a program, which gets them as a line of JSON.
type loginError struct {
	// Kind is one of the constants below.
	Kind    string   `json:"error"`
	Server  string   `json:"server"`
	URL     string   `json:"url"` // the server's, without its query
	Scopes  []string `json:"scopes"`
	Login   string   `json:"login,omitempty"`  // the command that logs in, with or without a terminal
	Remedy  string   `json:"remedy,omitempty"` // what to do, for a person
	Message string   `json:"message"`

	login string // the command at a terminal
	err   error
}

// What a want of authorization is.
const (
	loginRequired = "authorization_required"
	// loginRefused: the authorization server, or the person, has refused.
	loginRefused = "authorization_refused"
	// loginScope: the server demands a scope that is not to be asked for.
	loginScope = "scope_refused"
)

func (e *loginError) Error() string { return e.err.Error() }
func (e *loginError) Unwrap() error { return e.err }

// registersNobody is how the SDK says that a client has to be registered beforehand.
const registersNobody = "does not support dynamic client registration"

// explainLogin says what to do, where an error is a want of authorization. logins is nil for a server that has none.
func (f *sessionFlags) explainLogin(err error, server *caisson.Server, logins *logins) error {
	if caisson.CodeOf(err) != caisson.CodeAuthorizationRequired {
		return err
	}
	e := &loginError{
		Kind: loginRequired, Server: nameOf(server), URL: address(server), Scopes: []string{}, err: err,
		Message: fieldname.AtCommandLine(strings.TrimPrefix(err.Error(), "caisson: ")),
	}
	var (
		required *auth.RequiredError
		refused  *auth.RefusedError
		scope    *auth.ScopeError
	)
	switch {
	case errors.As(err, &scope):
		e.Kind, e.Scopes = loginScope, scope.Scopes
	case errors.As(err, &refused):
		e.Kind = loginRefused
	case errors.As(err, &required) && required.Scopes != nil:
		e.Scopes = required.Scopes
	}
	unregistered := strings.Contains(e.Message, registersNobody)
	if logins != nil && !unregistered {
		e.login = logins.words(f, server, e)
	}
	if e.Remedy = f.loginRemedy(server, e, logins); logins != nil && unregistered {
		e.Remedy = fmt.Sprintf("have a client registered there, with the redirect URI %s, and log in with 'caisson auth login %s --client-id ID'", logins.asker.RedirectURL(), quoted(e.Server))
	}
	if e.login != "" {
		e.Login = e.login + " --wait-for-auth 300"
	}
	return e
}

// loginRemedy says what helps.
func (f *sessionFlags) loginRemedy(server *caisson.Server, e *loginError, logins *logins) string {
	switch kind := insteadOfLogin(server); {
	case kind == insteadHeader:
		return "leave out the Authorization header, and log in with 'caisson auth login " + quoted(e.Server) + "'; or give a header that the server takes"
	case kind == insteadToken:
		return "give another token: it is \"auth\" of the server in " + f.server.file
	case kind == insteadNone:
		return "leave out \"oauth\" of the server in " + f.server.file + ", which keeps it from a login, and log in; or give an Authorization header"
	case e.login == "":
		return ""
	case e.Kind == loginScope:
		return "ask for the scopes too, with --scope: '" + e.login + "'"
	}
	if !logins.app.person() {
		return "log in with '" + e.login + "' at a terminal; elsewhere add --wait-for-auth 300, and have somebody open the address, which is on standard error"
	}
	return "log in with '" + e.login + "'"
}

// words are the command that helps; "" for none.
func (l *logins) words(f *sessionFlags, server *caisson.Server, e *loginError) string {
	method, person := server.Auth.(*auth.OAuth)
	if !person {
		return ""
	}
	command := "caisson auth login " + quoted(e.Server)
	if f.server.config != "" {
		command += " --config " + quoted(f.server.config)
	}
	if f.store.chosen {
		command += " --store " + quoted(f.store.place)
	}
	if f.private {
		command += " --private-addresses"
	}
	settings := *l.settings
	if e.Kind == loginScope {
		settings.Scopes = slices.Compact(slices.Sorted(slices.Values(slices.Concat(method.Scopes, e.Scopes))))
	}
	if l.told || e.Kind == loginScope { // Others are kept with the login.
		flags, whole := settings.flags()
		if !whole {
			return ""
		}
		command += flags
	}
	if l.device {
		command += " --device-code"
	}
	if l.asker.noBrowser {
		command += " --no-browser"
	}
	return command
}

// quoted makes a word of a command line, for a shell.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+=,", r)
	}
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
