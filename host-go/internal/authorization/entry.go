package authorization

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// An entry is what a store has of one server: all of it is secret.
type entry struct {
	Version int `json:"version"`
	// Server is the server's address, and Name what it was called.
	Server string `json:"server"`
	Name   string `json:"name"`
	// Client is the client that was registered dynamically.
	Client *client `json:"client,omitempty"`
	// Bound is the issuer that a configured client has been used with: it goes to no other.
	Bound  string  `json:"bound,omitempty"`
	Tokens *tokens `json:"tokens,omitempty"`
	// Granted are the scopes of the last token, also when there is none any more: a login asks for them again.
	Granted *granted `json:"granted,omitempty"`
	// AuthorizationServer is the one that the server's metadata named; the two documents are its
	// metadata and the server's, as they were read.
	AuthorizationServer string          `json:"authorizationServer,omitempty"`
	ServerMetadata      json.RawMessage `json:"serverMetadata,omitempty"`
	ResourceMetadata    json.RawMessage `json:"resourceMetadata,omitempty"`
	ResourceMetadataURL string          `json:"resourceMetadataUrl,omitempty"`
	// ProofKey is the private key of DPoP: a JWK.
	ProofKey json.RawMessage `json:"proofKey,omitempty"`
}

// client is a registered client (RFC 7591, section 3.2.1).
type client struct {
	ID       string `json:"id"`
	Secret   string `json:"secret,omitempty"`
	Method   string `json:"method,omitempty"` // token_endpoint_auth_method
	Issuer   string `json:"issuer"`
	Redirect string `json:"redirect,omitempty"`
	// SecretExpiry is when the secret ends; the zero time for never.
	SecretExpiry time.Time `json:"secretExpiry,omitzero"`
}

// tokens are what a token endpoint gave (RFC 6749, section 5.1).
type tokens struct {
	Access  string    `json:"access"`
	Refresh string    `json:"refresh,omitempty"`
	Type    string    `json:"type"`
	Scope   string    `json:"scope,omitempty"`
	Issuer  string    `json:"issuer"`
	Client  string    `json:"client,omitempty"` // The identifier of the client that they were given to.
	Issued  time.Time `json:"issued"`
	Expiry  time.Time `json:"expiry,omitzero"`
}

// granted are scopes that an issuer has granted.
type granted struct {
	Issuer string `json:"issuer"`
	Scope  string `json:"scope"`
}

// entryVersion is the layout's.
const entryVersion = 1

func (e *entry) encode() []byte {
	e.Version = entryVersion
	text, err := json.Marshal(e)
	if err != nil { // Only for documents that are no JSON, and they were decoded.
		panic(err)
	}
	return text
}

func decodeEntry(text []byte) (*entry, error) {
	e := &entry{}
	if err := json.Unmarshal(text, e); err != nil {
		return nil, errors.New("the entry of the store cannot be read: log out, and log in anew")
	}
	if e.Version != entryVersion {
		return &entry{}, nil
	}
	return e, nil
}

// margin is how long before its end a token is taken for over: its clock may be ahead of ours, and the
// request takes its time.
const margin = 30 * time.Second

// over reports whether a token is at its end, or about to be.
func (t *tokens) over(now time.Time) bool {
	if t.Expiry.IsZero() {
		return false
	}
	early := min(margin, t.Expiry.Sub(t.Issued)/10)
	return !now.Before(t.Expiry.Add(-early))
}

// has reports whether the granted scopes have all of those.
func (t *tokens) has(scope string) bool {
	granted := strings.Fields(t.Scope)
	for _, s := range strings.Fields(scope) {
		if !slices.Contains(granted, s) {
			return false
		}
	}
	return true
}
