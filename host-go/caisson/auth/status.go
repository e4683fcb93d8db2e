package auth

import "time"

// A Status is what a store has of a server. No secret is in it.
type Status struct {
	// Server is the server's address, without its query.
	Server string `json:"server"`
	// Name is what the server was called at the last login.
	Name string `json:"name,omitempty"`
	// Method is the way to authorize: "oauth", "client-credentials", "enterprise" or "workload".
	Method string `json:"method"`
	// Principal is for whom the token is; see [Common].
	Principal string `json:"principal,omitempty"`
	// ClientID is the client's identifier at the authorization server, as far as it is kept.
	ClientID string `json:"clientId,omitempty"`
	// Registered says that the client was registered dynamically.
	Registered bool `json:"registered,omitempty"`
	// Issuer is the issuer of the token, or of the client where there is no token.
	Issuer string `json:"issuer,omitempty"`
	// TokenType is "Bearer" or "DPoP"; "" says that there is no token.
	TokenType string `json:"tokenType,omitempty"`
	// Scopes are those that were granted, as far as the authorization server says.
	Scopes []string `json:"scopes,omitempty"`
	// Issued is when the token came.
	Issued time.Time `json:"issued,omitzero"`
	// Expiry is when the token ends; the zero time where that is not known.
	Expiry time.Time `json:"expiry,omitzero"`
	// Expired says that the token is at its end, or about to be.
	Expired bool `json:"expired,omitempty"`
	// Refreshable says that another token can be had without a person: there is a refresh token, or the program
	// proves by itself who it is.
	Refreshable bool `json:"refreshable,omitempty"`
	// Revocable says that the authorization server has an endpoint to revoke tokens.
	Revocable bool `json:"revocable,omitempty"`
}

// A Logout is what became of one entry of a store, at a logout. The entry is gone in any case.
type Logout struct {
	// Status is what there was.
	Status
	// Revoked are the kinds of tokens that the authorization server has revoked (RFC 7009): "refresh_token" and
	// "access_token".
	Revoked []string
	// Err is why one was not revoked; nil where all were, or where there is nothing or nowhere to revoke. The tokens
	// are good until they end, for whoever has them.
	Err error
}

// A Token is an access token. It is a secret.
type Token struct {
	// Value is the token itself.
	Value string
	// Type is "Bearer", or "DPoP" for a token that is of no use without the key that this process has.
	Type string
	// Scopes are those that were granted, as far as it is known.
	Scopes []string
	// Expiry is when the token ends; the zero time where that is not known.
	Expiry time.Time
}

// String hides the token.
func (Token) String() string { return "auth.Token{***}" }

// GoString hides the token.
func (t Token) GoString() string { return t.String() }
