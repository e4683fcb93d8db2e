package bearer

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/modelcontextprotocol/go-sdk/auth"

	"github.com/caisson-dev/caisson/host-go/internal/unseen"
)

// algorithms are those of public keys. With "none", or a key that both sides have, anybody could sign who has read
// the public keys.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// maxSubjectBytes bounds the subject of a token, as OpenID Connect does.
const maxSubjectBytes = 255

// claims are those of a JWT that is an access token (RFC 9068, section 2.2).
type claims struct {
	jwt.Claims
	Scope        json.RawMessage `json:"scope"`
	Scp          json.RawMessage `json:"scp"`
	Confirmation json.RawMessage `json:"cnf"`
}

// verifyJWT says who is behind a JWT (RFC 9068, section 4).
func (a *Authenticator) verifyJWT(r *http.Request, token string) (*auth.TokenInfo, *refusal) {
	if len(a.issuers) == 0 {
		return nil, badToken("the token is not known")
	}
	parsed, err := jwt.ParseSigned(token, algorithms)
	if err != nil || len(parsed.Headers) != 1 {
		return nil, badToken("the token is not a JWT that is signed as it must be")
	}
	header := parsed.Headers[0]
	if !isAccessToken(header) {
		return nil, badToken("the token is a JWT for another purpose")
	}
	var unverified jwt.Claims
	if err := parsed.UnsafeClaimsWithoutVerification(&unverified); err != nil {
		return nil, badToken("the token's claims cannot be read")
	}
	from := a.issuers[unverified.Issuer]
	if from == nil {
		return nil, badToken("the token is of another issuer")
	}
	keys, err := from.keysFor(r.Context(), header.KeyID, jose.SignatureAlgorithm(header.Algorithm))
	switch {
	case errors.Is(err, errUnknownKey):
		return nil, badToken("the token is signed by a key that its issuer does not have")
	case err != nil:
		return nil, unavailable("the keys of the token's issuer are not to be had now", fetchPause, err)
	}
	for i := range keys {
		var c claims
		// The claims are read only from what was verified. A claim that is there twice is an error.
		if err = parsed.Claims(keys[i].Key, &c); err == nil {
			return a.check(r, &c)
		}
	}
	return nil, badToken("the token's signature is not right")
}

// isAccessToken reports whether a JWT says that it is an access token, or does not say what it is.
func isAccessToken(header jose.Header) bool {
	typ, given := header.ExtraHeaders[jose.HeaderType]
	if !given {
		return true // Many authorization servers say nothing, or only JWT. An ID token has another audience.
	}
	text, _ := typ.(string)
	text = strings.TrimPrefix(strings.ToLower(text), "application/")
	return text == "at+jwt" || text == "jwt"
}

// check checks the claims of a token whose signature is right.
func (a *Authenticator) check(r *http.Request, c *claims) (*auth.TokenInfo, *refusal) {
	audiences := a.options.Audiences
	if len(audiences) == 0 {
		audiences = []string{a.options.URL + resourcePath(r.URL.EscapedPath())}
	}
	// Its issuer was compared before, as the keys are that issuer's.
	err := c.ValidateWithLeeway(jwt.Expected{AnyAudience: audiences, Time: a.now()}, Leeway)
	switch {
	case errors.Is(err, jwt.ErrInvalidAudience):
		return nil, badToken("the token is for another audience")
	case errors.Is(err, jwt.ErrExpired):
		return nil, badToken("the token has expired")
	case errors.Is(err, jwt.ErrNotValidYet), errors.Is(err, jwt.ErrIssuedInTheFuture):
		return nil, badToken("the token is not yet good")
	case err != nil:
		return nil, badToken("the token's claims are not right")
	case c.Expiry == nil:
		return nil, badToken("the token has no expiry")
	case !isSubject(c.Subject):
		return nil, badToken("the token has no subject that can be used")
	case c.Confirmation != nil && string(c.Confirmation) != "null":
		// It is good only with a proof (RFC 9449, RFC 8705), which nobody checks here: who has stolen it has none.
		return nil, badToken("the token is bound to a key, and is no bearer token")
	}
	granted, err := scopes(c.Scope, c.Scp)
	if err != nil {
		return nil, badToken("the token's scopes cannot be read")
	}
	return &auth.TokenInfo{
		Scopes:     granted,
		Expiration: c.Expiry.Time(),
		UserID:     c.Issuer + "#" + c.Subject,
		Extra:      map[string]any{"iss": c.Issuer, "sub": c.Subject},
	}, nil
}

// isSubject reports whether a subject can be a part of a principal's name, which people read and compare.
func isSubject(text string) bool {
	return text != "" && len(text) <= maxSubjectBytes && utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' || unseen.Is(r)
	})
}
