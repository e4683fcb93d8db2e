package bearer

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// fetchPause is at least between two times that the keys of one issuer are fetched, whoever sends what.
	fetchPause = 10 * time.Second
	// fetchTime bounds one time that they are fetched.
	fetchTime = 10 * time.Second
	// freshFor is how long keys are used before they are fetched again.
	freshFor = 10 * time.Minute
	// keptFor is how long keys are used while they cannot be fetched.
	keptFor = time.Hour
	// maxDocumentBytes bounds the metadata of an issuer, and its keys.
	maxDocumentBytes = 1 << 20
	// maxKeys bounds the keys of an issuer.
	maxKeys = 100
	// maxTried bounds the keys that one signature is checked with.
	maxTried = 8
)

// The sizes of RSA keys that are used, in bits: smaller ones are weak, and larger ones cost time.
const leastRSABits, mostRSABits = 2048, 8192

var (
	errUnknownKey = errors.New("there is no such key")
	errNoKeys     = errors.New("the keys have not been fetched")
)

// An issuer has the keys of one authorization server.
type issuer struct {
	ctx    context.Context
	id     string
	client *http.Client
	now    func() time.Time

	mu       sync.Mutex
	keys     []jose.JSONWebKey
	fetched  time.Time     // when keys came
	tried    time.Time     // when the last fetch began
	failed   error         // of the last fetch
	fetching chan struct{} // closed when the fetch under way ends; nil without one
}

func newIssuer(ctx context.Context, id string, client *http.Client, now func() time.Time) *issuer {
	own := http.Client{}
	if client != nil {
		own = *client
	} else {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxResponseHeaderBytes = 64 << 10
		own.Transport = transport
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	own.Jar = nil
	return &issuer{ctx: ctx, id: id, client: &own, now: now}
}

// checkIssuer returns why a text is no identifier of an issuer (RFC 8414, section 2).
func checkIssuer(id string) error {
	u, err := url.Parse(id)
	if err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(id, "?# \"\\") {
		return fmt.Errorf("%q is no issuer: it must be a URL without a query, a fragment and a user", id)
	}
	return checkSecure(u)
}

// checkSecure returns why what comes from a URL could be anybody's.
func checkSecure(u *url.URL) error {
	if u.Scheme == "https" && u.Host != "" || u.Scheme == "http" && isLoopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("%s does not begin with https://", u.Redacted())
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// keysFor finds the keys that may have signed a token, fetching them when they are old or lack the one that it
// names. It fails with errUnknownKey, or because they are not to be had.
func (i *issuer) keysFor(ctx context.Context, id string, algorithm jose.SignatureAlgorithm) ([]jose.JSONWebKey, error) {
	for waited := false; ; waited = true {
		i.mu.Lock()
		age := i.now().Sub(i.fetched)
		var fitting []jose.JSONWebKey
		if i.keys != nil && age < keptFor {
			fitting = fit(i.keys, id, algorithm)
		}
		if len(fitting) == 0 || age >= freshFor {
			i.begin()
		}
		fetching, known, failed := i.fetching, i.keys != nil && age < keptFor, i.failed
		i.mu.Unlock()
		switch {
		case len(fitting) > 0:
			return fitting, nil
		case fetching != nil && !waited:
			select {
			case <-fetching:
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		case known:
			return nil, errUnknownKey
		case failed != nil:
			return nil, failed
		default:
			return nil, errNoKeys
		}
	}
}

// begin fetches the keys, unless that is under way or was tried a moment ago. The lock is held.
func (i *issuer) begin() {
	if i.fetching != nil || !i.tried.IsZero() && i.now().Sub(i.tried) < fetchPause {
		return
	}
	done := make(chan struct{})
	i.fetching, i.tried = done, i.now()
	go func() {
		// It belongs to no request: who has given up does not end it for the others.
		ctx, cancel := context.WithTimeout(i.ctx, fetchTime)
		defer cancel()
		keys, err := i.fetch(ctx)
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.failed = err; err == nil {
			i.keys, i.fetched = keys, i.now()
		}
		i.fetching = nil
		close(done)
	}()
}

// fetch reads the metadata, and then the keys that it names.
func (i *issuer) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	var causes []error
	for _, address := range metadataURLs(i.id) {
		at, err := i.keysURL(ctx, address)
		if err != nil {
			causes = append(causes, err)
			continue
		}
		text, err := i.get(ctx, at)
		if err != nil {
			return nil, err
		}
		return readKeys(text)
	}
	return nil, fmt.Errorf("the metadata of %s: %w", i.id, errors.Join(causes...))
}

// metadataURLs are where an issuer may have its metadata, in the order of MCP's specification.
func metadataURLs(id string) []string {
	u, err := url.Parse(id)
	if err != nil {
		return nil // checkIssuer has looked.
	}
	origin, path := u.Scheme+"://"+u.Host, strings.TrimRight(u.EscapedPath(), "/")
	all := []string{origin + "/.well-known/oauth-authorization-server" + path, origin + "/.well-known/openid-configuration" + path}
	if path != "" {
		all = append(all, origin+path+"/.well-known/openid-configuration")
	}
	return all
}

// keysURL reads from an issuer's metadata where its keys are.
func (i *issuer) keysURL(ctx context.Context, address string) (string, error) {
	text, err := i.get(ctx, address)
	if err != nil {
		return "", err
	}
	var members map[string]json.RawMessage // The names count as they are written.
	var id, at string
	if json.Unmarshal(text, &members) != nil || json.Unmarshal(members["issuer"], &id) != nil || json.Unmarshal(members["jwks_uri"], &at) != nil {
		return "", fmt.Errorf("%s has no issuer and jwks_uri", address)
	}
	if id != i.id {
		return "", fmt.Errorf("%s is the metadata of another issuer, %q", address, id)
	}
	u, err := url.Parse(at)
	if err != nil {
		return "", fmt.Errorf("%s: jwks_uri is no URL", address)
	}
	if u.Scheme == "http" && !strings.HasPrefix(i.id, "http://") {
		return "", fmt.Errorf("%s: jwks_uri does not begin with https://", address)
	}
	return at, checkSecure(u)
}

// get reads a document of an issuer.
func (i *issuer) get(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	response, err := i.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: HTTP %d", address, response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxDocumentBytes+1))
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", address, err)
	}
	if len(text) > maxDocumentBytes {
		return nil, fmt.Errorf("GET %s: the document has more than %d bytes", address, maxDocumentBytes)
	}
	return text, nil
}

// readKeys reads a set of keys, and leaves out those that are of no use (RFC 7517, section 5).
func readKeys(text []byte) ([]jose.JSONWebKey, error) {
	var members map[string]json.RawMessage
	var all []json.RawMessage
	if json.Unmarshal(text, &members) != nil || json.Unmarshal(members["keys"], &all) != nil {
		return nil, errors.New("the keys are not a JSON Web Key Set")
	}
	if len(all) > maxKeys {
		return nil, fmt.Errorf("there are %d keys, and %d is the most", len(all), maxKeys)
	}
	usable := []jose.JSONWebKey{}
	for _, raw := range all {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && key.Valid() && (key.Use == "" || key.Use == "sig") && isPublic(key.Key) {
			usable = append(usable, key)
		}
	}
	return usable, nil
}

// isPublic reports whether a key is a public one, of a size that is used.
func isPublic(key any) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= leastRSABits && key.N.BitLen() <= mostRSABits
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}

// fit gives the keys that may have signed a token.
func fit(keys []jose.JSONWebKey, id string, algorithm jose.SignatureAlgorithm) []jose.JSONWebKey {
	var fitting []jose.JSONWebKey
	for _, key := range keys {
		if (id == "" || key.KeyID == id) && (key.Algorithm == "" || key.Algorithm == string(algorithm)) && signs(key.Key, algorithm) && len(fitting) < maxTried {
			fitting = append(fitting, key)
		}
	}
	return fitting
}

// signs reports whether a key is of the kind that an algorithm needs (RFC 7518, section 3.1; RFC 8037).
func signs(key any, algorithm jose.SignatureAlgorithm) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(string(algorithm), "RS") || strings.HasPrefix(string(algorithm), "PS")
	case *ecdsa.PublicKey:
		return map[jose.SignatureAlgorithm]int{jose.ES256: 256, jose.ES384: 384, jose.ES512: 521}[algorithm] == key.Curve.Params().BitSize
	case ed25519.PublicKey:
		return algorithm == jose.EdDSA
	}
	return false
}
