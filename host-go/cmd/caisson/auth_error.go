package main

import (
	"errors"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// A loginError is a want of authorization. Its members are for a program, which gets them as a line of JSON.
type loginError struct {
	// Kind is one of the constants below.
	Kind    string   `json:"error"`
	Server  string   `json:"server"`
	URL     string   `json:"url"` // the server's, without its query
	Scopes  []string `json:"scopes"`
	Login   string   `json:"login,omitempty"` // the command that logs in
	Message string   `json:"message"`

	err error
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

// explainLogin says how to log in, where an error is a want of authorization.
func (f *sessionFlags) explainLogin(err error, server *caisson.Server) error {
	if caisson.CodeOf(err) != caisson.CodeAuthorizationRequired {
		return err
	}
	e := &loginError{
		Kind: loginRequired, Server: server.Name, URL: address(server), Scopes: []string{}, err: err,
		Message: strings.TrimPrefix(err.Error(), "caisson: "),
	}
	if e.Server == "" {
		e.Server = e.URL
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
	if _, person := server.Auth.(*auth.OAuth); person && loginable(server) {
		e.Login = "caisson auth login " + quoted(e.Server)
		if f.server.config != "" {
			e.Login += " --config " + quoted(f.server.config)
		}
		if f.store.chosen {
			e.Login += " --store " + quoted(f.store.place)
		}
	}
	return e
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
