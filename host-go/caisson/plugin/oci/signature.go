package oci

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"

	"github.com/opencontainers/go-digest"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// These are what cosign calls a signature in a registry before its version 3 (cosign, specs/SIGNATURE_SPEC.md).
const (
	payloadType         = "application/vnd.dev.cosign.simplesigning.v1+json"
	signatureAnnotation = "dev.cosignproject.cosign/signature"
)

// A SignatureError says that a plugin has no signature that is trusted.
type SignatureError struct {
	// Digest is the digest of the plugin's manifest.
	Digest string
	// Reason says what is missing or wrong.
	Reason string
}

// Error returns the digest and the reason.
func (e *SignatureError) Error() string {
	return fmt.Sprintf("the plugin %s is not trusted: %s", e.Digest, e.Reason)
}

func refuse(r Reference, err error) error {
	code := caisson.CodeConnect
	if e := (*SignatureError)(nil); errors.As(err, &e) {
		code = caisson.CodeRefused
	}
	return fail(code, "%s: %w", r, err)
}

// ParseKey reads a public key in PEM, as cosign.pub has it.
func ParseKey(text []byte) (crypto.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, invalid("the key is no PEM block of the type PUBLIC KEY")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, invalid("the key: %w", err)
	}
	if !usable(key) {
		return nil, invalid("the key is a %T, and none of ECDSA, RSA or Ed25519", key)
	}
	return key, nil
}

func usable(key crypto.PublicKey) bool {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return key != nil
	case *rsa.PublicKey:
		return key != nil
	case ed25519.PublicKey:
		return len(key) == ed25519.PublicKeySize
	}
	return false
}

// A signature is a payload and who has signed it.
type signature struct {
	Payload   []byte `json:"payload"`
	Signature []byte `json:"signature"`
	// Statement says that the payload is a statement in an envelope, as bundles have it.
	Statement bool `json:"statement,omitempty"`
}

// verify reports whether a key has made the signature.
func (s *signature) verify(key crypto.PublicKey) bool {
	signed := s.Payload
	if s.Statement {
		signed = enveloped(s.Payload)
	}
	sum := sha256.Sum256(signed)
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, sum[:], s.Signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], s.Signature) == nil
	case ed25519.PublicKey:
		return ed25519.Verify(key, signed, s.Signature)
	}
	return false
}

// of returns the digest that the payload is about, or "" when it is no payload.
func (s *signature) of() digest.Digest {
	if s.Statement {
		return subject(s.Payload)
	}
	var p struct {
		Critical struct {
			Image struct {
				Digest digest.Digest `json:"docker-manifest-digest"`
			} `json:"image"`
			Type string `json:"type"`
		} `json:"critical"`
	}
	if json.Unmarshal(s.Payload, &p) != nil || p.Critical.Type != "cosign container image signature" {
		return ""
	}
	return p.Critical.Image.Digest
}

// check returns a *SignatureError unless one of the keys has signed the digest.
func (s *Store) check(d digest.Digest, signatures []signature) error {
	if len(s.options.Keys) == 0 {
		return nil
	}
	for i := range signatures {
		for _, key := range s.options.Keys {
			if signatures[i].verify(key) && signatures[i].of() == d {
				return nil
			}
		}
	}
	if len(signatures) == 0 {
		return &SignatureError{d.String(), "it has no signature: 'cosign sign --key' makes one"}
	}
	return &SignatureError{d.String(), fmt.Sprintf("none of its %d signatures is by one of the keys, and of this plugin", len(signatures))}
}

// checkStored checks the signatures that were kept with a plugin.
func (s *Store) checkStored(d digest.Digest) error {
	if len(s.options.Keys) == 0 {
		return nil
	}
	var signatures []signature
	b, err := load(s.signaturesPath(d), 4*maxSignatures*maxPayload)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &SignatureError{d.String(), "it was pulled without a signature: pull it again"}
	case err != nil:
		return err
	}
	if err := json.Unmarshal(b, &signatures); err != nil {
		return &SignatureError{d.String(), "its signatures cannot be read: pull it again"}
	}
	return s.check(d, signatures)
}

func (s *Store) signaturesPath(d digest.Digest) string {
	return s.path("signatures", d.Encoded()+".json")
}

// readSignature reads the annotation of a layer.
func readSignature(payload []byte, annotation string) (signature, error) {
	b, err := base64.StdEncoding.DecodeString(annotation)
	return signature{Payload: payload, Signature: b}, err
}
