package authorization

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// basic is the content of HTTP Basic authentication of a client, each part form-encoded (RFC 6749,
// section 2.3.1).
func basic(id, secret string) string {
	return base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id) + ":" + url.QueryEscape(secret)))
}

// lifetime is how long a client's assertion is good for.
const lifetime = 5 * time.Minute

// assert signs who the client is, for one issuer (RFC 7523, section 3).
func (f *Flow) assert(m *auth.ClientCredentials, issuer string) (string, error) {
	now := f.config.Now()
	claims := map[string]any{
		"iss": m.ClientID, "sub": m.ClientID, "aud": issuer, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(lifetime).Unix(),
	}
	return signAs(m, claims)
}

// signAs signs with the client's key.
func signAs(m *auth.ClientCredentials, claims map[string]any) (string, error) {
	key, err := readKey(m.PrivateKey)
	if err != nil {
		return "", err
	}
	algorithm := jose.SignatureAlgorithm(m.Algorithm)
	if algorithm == "" {
		algorithm = algorithmOf(key)
	}
	options := (&jose.SignerOptions{}).WithType("JWT")
	if m.KeyID != "" {
		options = options.WithHeader("kid", m.KeyID)
	}
	return sign(key, algorithm, options, claims)
}

// prove makes a proof that the key of DPoP is here, for one request (RFC 9449, section 4). With the lock of
// f held.
func (f *Flow) prove(method string, u *url.URL, token string) (string, error) {
	key, err := f.proofKey()
	if err != nil {
		return "", err
	}
	at := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": at.String(), "iat": f.config.Now().Unix()}
	if token != "" {
		hash := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(hash[:])
	}
	if nonce := f.nonces[originOf(u)]; nonce != "" {
		claims["nonce"] = nonce
	}
	options := &jose.SignerOptions{EmbedJWK: true}
	return sign(key, jose.ES256, options.WithType("dpop+jwt"), claims)
}

// proofKey is the key of DPoP: one for each entry of the store.
func (f *Flow) proofKey() (*ecdsa.PrivateKey, error) {
	if f.entry.ProofKey != nil {
		var stored jose.JSONWebKey
		if err := json.Unmarshal(f.entry.ProofKey, &stored); err != nil {
			return nil, errors.New("the key in the store cannot be read: log out, and log in anew")
		}
		if key, ok := stored.Key.(*ecdsa.PrivateKey); ok {
			return key, nil
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(jose.JSONWebKey{Key: key})
	if err != nil {
		return nil, err
	}
	f.entry.ProofKey = text // It is kept with the token that it is bound to.
	return key, nil
}

// observeNonce keeps the nonce that a server wants in the next proof (RFC 9449, section 8).
func (f *Flow) observeNonce(u *url.URL, header http.Header) {
	const longest, most = 1024, 64
	nonce := header.Get("DPoP-Nonce")
	if nonce == "" || len(nonce) > longest {
		return
	}
	if len(f.nonces) >= most {
		clear(f.nonces)
	}
	f.nonces[originOf(u)] = nonce
}

// wantsNonce reports whether an answer has a nonce that the proof of its request did not have. Another request
// may have met the nonce before.
func wantsNonce(req *http.Request, header http.Header) bool {
	nonce := header.Get("DPoP-Nonce")
	_, rest, _ := strings.Cut(req.Header.Get("DPoP"), ".")
	payload, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	var claims struct{ Nonce string }
	return nonce != "" && err == nil && json.Unmarshal(text, &claims) == nil && claims.Nonce != nonce
}

func originOf(u *url.URL) string { return u.Scheme + "://" + u.Host }

func sign(key any, algorithm jose.SignatureAlgorithm, options *jose.SignerOptions, claims map[string]any) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		return "", fmt.Errorf("the key does not fit the algorithm %q", algorithm)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// readKey reads a private key: PEM (PKCS #8, PKCS #1 or SEC 1), or a JWK.
func readKey(text []byte) (any, error) {
	var jwk jose.JSONWebKey
	if json.Unmarshal(text, &jwk) == nil && jwk.Valid() && !jwk.IsPublic() {
		return jwk.Key, nil
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is neither a private key in PEM nor a private JWK")
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	return nil, errors.New("it is not a private key of PKCS #8, SEC 1 or PKCS #1")
}

// algorithmOf is the algorithm that fits a key.
func algorithmOf(key any) jose.SignatureAlgorithm {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return jose.RS256
	case ed25519.PrivateKey:
		return jose.EdDSA
	case *ecdsa.PrivateKey:
		switch k.Curve {
		case elliptic.P384():
			return jose.ES384
		case elliptic.P521():
			return jose.ES512
		}
		return jose.ES256
	}
	return jose.HS256
}
