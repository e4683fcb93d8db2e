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
	// URL is where a person could log in, and "" where that is not known.
	URL string
	// Scopes are the scopes that the server asks for, as far as it says.
	Scopes []string
}

// Error says what is wanted.
func (e *RequiredError) Error() string {
	return fmt.Sprintf("the server %s wants authorization, and there is nobody to ask", e.Server)
}

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
