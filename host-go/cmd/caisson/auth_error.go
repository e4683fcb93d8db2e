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

// invalidClient is OAuth's code for a client that the authorization server does not take (RFC 6749, section 5.2).
const invalidClient = "invalid_client"

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
	person, _ := server.Auth.(*auth.OAuth)
	unregistered := person != nil && person.ClientID == "" && strings.Contains(e.Message, registersNobody)
	// Who would log in with the same client again would be refused again.
	sameClient := person != nil && person.ClientID != "" && refused != nil && refused.Code == invalidClient
	if logins != nil && !unregistered && !sameClient {
		e.login = logins.words(f, server, e)
	}
	if e.Remedy = f.loginRemedy(server, e, logins); logins != nil && unregistered {
		e.Remedy = fmt.Sprintf("have a client registered there, with the redirect URI %s, and log in with '%s --client-id ID'", logins.asker.RedirectURL(), f.loginCommand(e.Server))
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
		return "leave out the Authorization header, and log in with '" + f.loginCommand(e.Server) + "'; or give a header that the server takes"
	case kind == insteadToken:
		return "give another token: it is \"auth\" of the server in " + f.server.file
	case kind == insteadNone:
		return "leave out \"oauth\" of the server in " + f.server.file + ", which keeps it from a login, and log in; or give an Authorization header"
	case e.login == "":
		return f.machineRemedy(server, e, logins)
	case e.Kind == loginScope:
		return "ask for the scopes too, with --scope: '" + e.login + "'"
	}
	if !logins.app.person() {
		return "log in with '" + e.login + "' at a terminal; elsewhere add --wait-for-auth 300, and have somebody open the address, which is on standard error"
	}
	return "log in with '" + e.login + "'"
}

// machineRemedy says what helps where no person logs in, or where the same client would be refused again: to change
// what the client proves who it is by.
func (f *sessionFlags) machineRemedy(server *caisson.Server, e *loginError, logins *logins) string {
	var (
		source  *auth.SourceError
		refused *auth.RefusedError
	)
	_, person := server.Auth.(*auth.OAuth)
	switch {
	case errors.As(e.err, &source):
		return source.Source + ": " + source.Remedy
	case person && (!errors.As(e.err, &refused) || refused.Code != invalidClient):
		return "log in with '" + f.loginCommand(e.Server) + "', and with the flags of the last login"
	}
	if logins != nil && logins.settings.ClientID != "" {
		if e.Kind == loginScope {
			return "ask for the scopes too, with --scope of '" + f.loginCommand(e.Server) + "'"
		}
		return "check --client-id and --client-secret of '" + f.loginCommand(e.Server) + "'"
	}
	var what string
	place := "\"auth\""
	switch server.Auth.(type) {
	case *auth.OAuth:
		what, place = "clientId and clientSecret", "\"oauth\" or \"auth\""
	case *auth.ClientCredentials:
		what = "clientId, and clientSecret or privateKey"
	case *auth.WorkloadIdentity:
		what = "assertion, and clientId where the authorization server wants one"
	case *auth.EnterpriseManaged:
		what = "idToken, and the clients at the identity provider and at the authorization server"
	default:
		return ""
	}
	if e.Kind == loginScope {
		what = "scopes"
	}
	return "check " + what + ": they are in " + place + " of the server in " + f.server.file
}

// loginCommand is the command that logs in to a server of the same file.
func (f *sessionFlags) loginCommand(server string) string {
	command := "caisson auth login " + quoted(server)
	if f.server.config != "" {
		command += " --config " + quoted(f.server.config)
	}
	return command
}

// words are the command that helps; "" for none.
func (l *logins) words(f *sessionFlags, server *caisson.Server, e *loginError) string {
	method, person := server.Auth.(*auth.OAuth)
	if !person {
		return ""
	}
	command := f.loginCommand(e.Server)
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
