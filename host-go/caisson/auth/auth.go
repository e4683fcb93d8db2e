// Package auth says how a client proves to a server who it is: the values of Server.Auth and
// ClientOptions.Auth of package caisson.
//
//   - nil: a server that asks for authorization is an error that says what to do.
//   - [Bearer]: a token that the program has, or a function that gives one.
//   - [OAuth]: a person logs in, in a browser.
//   - [ClientCredentials]: the program logs in as itself.
//   - [EnterpriseManaged]: the organization's identity provider vouches for the user.
//   - [WorkloadIdentity]: the platform that the program runs on vouches for the program.
//   - [None]: as nil, also where ClientOptions.Auth has a way.
//
// Tokens and registrations are in memory, for all sessions of a client, unless [Common].Store is set:
// [OpenFileStore] keeps them in one encrypted file for all programs of a user. What comes to nothing is an error
// with CodeAuthorizationRequired, whose cause is one of the errors of this package, such as a [*RequiredError] where
// nobody can be asked, or a [*RefusedError].
//
// The official SDK carries out the protocol, in the sandbox, and no secret is ever there: this process
// keeps tokens, client secrets, authorization codes and keys, and puts each into the one request and the
// one place that it is for. See docs/authorization.md.
package auth

import (
	"context"
	"net/url"
	"time"
)

// A Method is a way to authorize the requests for one server: one of the types that the package comment
// names, by pointer. The values are not changed; several servers may share one. It is safe for concurrent
// use.
type Method interface {
	// Validate finds what is wrong with it, without connecting.
	Validate() error
	method()
}

// Common is what every way but [Bearer] has.
type Common struct {
	// Scopes are the scopes to ask for, and the most that is ever asked for: a server that demands another
	// one is refused with a [*ScopeError]. Where a server gives refresh tokens only for "offline_access", name that
	// too. Default: what the server names, and whatever it demands later.
	Scopes []string
	// Resource is the value of the parameter "resource" (RFC 8707), in place of the one that the server's
	// metadata names. Default: the server's own word.
	Resource string
	// DPoP binds tokens to a key that never leaves this process (RFC 9449). Default: false.
	DPoP bool
	// Rough has switches for servers that do not follow the specification. Default: none.
	Rough Rough

	// Store keeps tokens and registrations, and gives several processes their turn. Default: a store in
	// memory, which all sessions of the client share and which ends with it.
	Store Store
	// Principal is for whom a token is, where one program logs in several users at one server. Default: "".
	Principal string
	// OnEvent hears of each step. It is called in the goroutine that takes the step, by several at once, and
	// must not wait. Default: nobody.
	OnEvent func(Event)
}

// Rough has switches for servers that do not follow the specification. Each is off by default.
type Rough struct {
	// NoResource leaves out the parameter "resource", which some servers refuse.
	NoResource bool
	// ScopeOnRefresh repeats the granted scopes when a token is refreshed, as some servers demand.
	ScopeOnRefresh bool
	// AssumePKCE goes on with an authorization server whose metadata does not say that it knows PKCE, though
	// the specification forbids that. PKCE is used all the same.
	AssumePKCE bool
}

// OAuth has a person log in (specification, basic/authorization; OAuth 2.1, the authorization code grant
// with PKCE). Without any configuration it works with a server that follows the specification: it finds
// the authorization server, and registers where it has to.
type OAuth struct {
	Common
	// ClientID is the client's identifier at the authorization server, where it was registered beforehand.
	// Default: ClientMetadataURL where the server takes it, and a dynamic registration otherwise.
	ClientID string
	// ClientSecret is the client's secret, where the registration has one.
	ClientSecret string
	// ClientMetadataURL is where the client's metadata document is (draft-ietf-oauth-client-id-metadata-document):
	// https, with a path.
	ClientMetadataURL string
	// Issuer is the issuer that ClientID belongs to. It goes to no other. Default: the first authorization
	// server that the server names.
	Issuer string
	// AuthURL and TokenURL are the endpoints of a server that has no metadata. Both or none.
	AuthURL, TokenURL string
	// AuthorizeParams are added to the URL that the person is shown, such as "audience" or "prompt". Those that a
	// login has by itself are refused.
	AuthorizeParams url.Values
	// ClientName is what the person is told of the client, in a dynamic registration. Default: the name of
	// ClientOptions.ClientInfo.
	ClientName string

	// Ask shows a person where to log in, and gives what comes back. Default: nobody can be asked, and a
	// server that wants it fails with a [*RequiredError]; no client is registered then. [Browser] is what most programs want.
	Ask Asker
	// Device shows a person a code that they enter on another device (RFC 8628), where the authorization server
	// has that way; elsewhere, and when Device is nil, Ask is asked. It must not wait for the person: the
	// authorization server is asked for the token until it has one, or until the code expires, which is a
	// [*RefusedError] with "expired_token".
	Device func(ctx context.Context, code DeviceCode)
}

// A DeviceCode is what a person is shown to log in on another device (RFC 8628, section 3.2).
type DeviceCode struct {
	// Server is the server's name.
	Server string
	// UserCode is what the person enters at URL.
	UserCode, URL string
	// CompleteURL has the code in it, for a QR code; "" where there is none.
	CompleteURL string
	// Expiry is when the code ends.
	Expiry time.Time
}

// An Asker has a person log in. It is safe for concurrent use.
type Asker interface {
	// RedirectURL is where the authorization server sends the person's browser afterwards, such as
	// "http://127.0.0.1:28252/oauth/callback". It is registered, so it stays the same from one run to the next.
	RedirectURL() string
	// Ask shows the URL, and gives the URL that the person's browser was sent to in the end, with the code
	// or the error in its query. The context ends when nobody waits any more. Where nobody can be asked, it
	// fails with a [*RequiredError].
	//
	// One that may know that before has the method CanAsk() error too, which gives why, and does not wait: no client
	// is registered then for a login that cannot come.
	Ask(ctx context.Context, request AskRequest) (callback string, err error)
}

// An AskRequest is what a person is asked.
type AskRequest struct {
	// Server is the server's name.
	Server string
	// URL is where to log in. It has a state, which Ask's caller checks.
	URL string
	// State is the state in URL.
	State string
	// Issuer is the authorization server's issuer.
	Issuer string
	// Scopes are the scopes that are asked for.
	Scopes []string
	// Resource is what the token is for (RFC 8707); "" where the server does not say so.
	Resource string
}

// Bearer sends a token that the program has (RFC 6750).
type Bearer struct {
	// Token is the token. Set it or Source.
	Token string
	// Source gives the token. It is asked before the first request, and again when the server refuses the
	// last one. It is called by one goroutine of a session at a time, and gets a context that ends when nobody
	// waits for the token any more.
	Source func(ctx context.Context) (string, error)
}

// ClientCredentials has the program log in as itself (the extension
// io.modelcontextprotocol/oauth-client-credentials; OAuth 2.1, the client credentials grant), by a secret
// or by a signed assertion.
type ClientCredentials struct {
	Common
	// ClientID is the client's identifier.
	ClientID string
	// ClientSecret is its secret. Set it or PrivateKey.
	ClientSecret string
	// PrivateKey signs an assertion in place of a secret (RFC 7523, private_key_jwt): PEM, PKCS #8, or a JWK.
	// One that is no key, or does not fit Algorithm, is an error with CodeInvalidArgument where a client is made or
	// a server is connected with; Validate does not see it.
	PrivateKey []byte
	// Algorithm is that of the signature, such as "ES256". Default: the one that fits the key.
	Algorithm string
	// KeyID is the "kid" of the assertion's header. Default: none.
	KeyID string
	// Issuer is the issuer that the client belongs to. It goes to no other. Default: the first authorization
	// server that the server names.
	Issuer string
	// TokenURL is the token endpoint of a server that has no metadata.
	TokenURL string
}

// EnterpriseManaged has the organization's identity provider vouch for the user (the extension
// io.modelcontextprotocol/enterprise-managed-authorization): it exchanges the user's ID token for an
// assertion (ID-JAG, RFC 8693), and the assertion for a token (RFC 7523).
type EnterpriseManaged struct {
	Common
	// ClientID and ClientSecret are the client's at the server's authorization server.
	ClientID, ClientSecret string
	// Issuer is the issuer that they belong to. Default: the first authorization server that the server names.
	Issuer string
	// IDToken gives the user's ID token. It is called when an assertion is needed.
	IDToken func(ctx context.Context) (string, error)
	// IdentityProvider is the identity provider's issuer, whose metadata names the token endpoint. Set it or
	// IdentityProviderTokenURL.
	IdentityProvider string
	// IdentityProviderTokenURL is its token endpoint.
	IdentityProviderTokenURL string
	// IdentityProviderClientID and IdentityProviderClientSecret are the client's there.
	IdentityProviderClientID, IdentityProviderClientSecret string
}

// WorkloadIdentity has the platform vouch for the program (the extension
// io.modelcontextprotocol/auth/wif; RFC 7523, jwt-bearer).
type WorkloadIdentity struct {
	Common
	// ClientID is the client's identifier, where the authorization server wants one.
	ClientID string
	// Assertion gives the platform's token: see [FromFile], [FromEnvironment] and [FromCommand].
	Assertion func(ctx context.Context) (string, error)
	// Issuer is the issuer that the assertion is for. It goes to no other. Default: the first authorization
	// server that the server names.
	Issuer string
}

// None is no way to authorize: a server that asks for authorization is an error, as without any way. It is for a
// server that ClientOptions.Auth is not for.
type None struct{}

func (*None) method()              {}
func (*OAuth) method()             {}
func (*Bearer) method()            {}
func (*ClientCredentials) method() {}
func (*EnterpriseManaged) method() {}
func (*WorkloadIdentity) method()  {}
