package auth

import (
	"fmt"
	"strings"
)

// A RequiredError says that a server wants authorization, and that nobody can be asked for it. It is the
// cause of an error with CodeAuthorizationRequired.
type RequiredError struct {
	// Server is the server's name.
	Server string
	// URL is where a person could log in: of an [Asker] whose RedirectURL is heard at also after Ask has returned. It
	// is "" where there is none, and where nobody would hear what comes back.
	URL string
	// Issuer is the authorization server's issuer, as far as it is known.
	Issuer string
	// Scopes are the scopes that the server asks for, as far as it says.
	Scopes []string
	// Resource is what the token would be for (RFC 8707), and ResourceMetadata where the server says that its
	// metadata is (RFC 9728, section 5.1); both as far as it is known.
	Resource, ResourceMetadata string
	// Err is why nobody can be asked; nil where nobody was to be.
	Err error
}

// Error says what is wanted, without the URL.
func (e *RequiredError) Error() string {
	text := fmt.Sprintf("the server %s wants authorization, and there is nobody to ask", e.Server)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives why nobody can be asked.
func (e *RequiredError) Unwrap() error { return e.Err }

// The steps of a login in which it can fail.
const (
	// LoginPrepare: the request, or the options, are wrong.
	LoginPrepare = "prepare"
	// LoginListen: the port for the callback is not to be had.
	LoginListen = "listen"
	// LoginWait: nobody logged in in time, or the caller gave up.
	LoginWait = "wait"
	// LoginPaste: what was pasted is no callback.
	LoginPaste = "paste"
)

// A LoginError says why a [Browser] got no answer from a person. Where the caller's context ended, it wraps
// the cause of that.
type LoginError struct {
	// Server is the server's name.
	Server string
	// Step is where it failed: one of the constants above.
	Step string
	// Err is the cause, and what helps. It has no secret and no URL of the login.
	Err error
}

// Error names the server, the step and the cause.
func (e *LoginError) Error() string {
	return fmt.Sprintf("log in to the server %s: %s: %v", e.Server, e.Step, e.Err)
}

// Unwrap gives the cause.
func (e *LoginError) Unwrap() error { return e.Err }

// A SourceError says why a file, a variable or a command gave no token.
type SourceError struct {
	// Source names it, such as "the file /run/token".
	Source string
	// Remedy is what to do.
	Remedy string
	// Err is the cause. It has nothing of the token.
	Err error
}

// Error names the source, the cause and the remedy.
func (e *SourceError) Error() string {
	return fmt.Sprintf("%s gives no token: %v; %s", e.Source, e.Err, e.Remedy)
}

// Unwrap gives the cause.
func (e *SourceError) Unwrap() error { return e.Err }

// A ScopeError says that a server demands scopes that [Common].Scopes does not have.
type ScopeError struct {
	// Server is the server's name.
	Server string
	// Scopes are the scopes that were not asked for.
	Scopes []string
}

// Error names the scopes.
func (e *ScopeError) Error() string {
	return fmt.Sprintf("the server %s demands the scope %s, which is not to be asked for", e.Server, strings.Join(e.Scopes, " "))
}

// An UnavailableError says that an endpoint of the authorization server could not be asked, or could not answer:
// nobody has refused anything, and what is kept of a login is still good. It is the cause of an error with
// CodeConnect, CodeTransport or CodeHTTP.
type UnavailableError struct {
	// Server is the server's name.
	Server string
	// URL is the endpoint's, without its query.
	URL string
	// Status is the status of the answer; 0 where none came.
	Status int
	// Err is why none came; nil where one did.
	Err error
}

// Error names the endpoint, and the status or the cause.
func (e *UnavailableError) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("the authorization server cannot answer: %s: HTTP %d", e.URL, e.Status)
	}
	return fmt.Sprintf("the authorization server cannot be asked: %s: %v", e.URL, e.Err)
}

// Unwrap gives why no answer came.
func (e *UnavailableError) Unwrap() error { return e.Err }

// A RefusedError says that the authorization server, or the person, refused (RFC 6749, sections 4.1.2.1
// and 5.2).
type RefusedError struct {
	// Server is the server's name.
	Server string
	// Code is the error code, such as "access_denied" or "invalid_grant".
	Code string
	// Description is what the authorization server says of it, shortened; "" for nothing.
	Description string
}

// Error gives the code and the description.
func (e *RefusedError) Error() string {
	if e.Description == "" {
		return "the authorization server refused: " + e.Code
	}
	return fmt.Sprintf("the authorization server refused: %s: %s", e.Code, e.Description)
}
