package logins

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// The cipher is that of [auth.FileStore]: AES-256-GCM with a nonce at random. Beside, the name of an entry is
// authenticated with it, so that NATS can put none in the place of another one; and the name is a hash with a key, as
// the keys of logins name servers and principals.
const (
	aeadPurpose = "caisson logins: encryption"
	namePurpose = "caisson logins: names"
)

// A seal encrypts what NATS keeps.
type seal struct {
	aead  cipher.AEAD
	names []byte
}

func newSeal(key []byte) (*seal, error) {
	if len(key) != auth.KeySize {
		return nil, fmt.Errorf("the key of the logins has %d bytes, and not %d", len(key), auth.KeySize)
	}
	s := &seal{}
	encryption, err := hkdf.Expand(sha256.New, key, aeadPurpose, auth.KeySize)
	if err == nil {
		s.names, err = hkdf.Expand(sha256.New, key, namePurpose, auth.KeySize)
	}
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(encryption)
	if err != nil {
		return nil, err
	}
	s.aead, err = cipher.NewGCMWithRandomNonce(block)
	return s, err
}

// name is what NATS calls the entry of a key.
func (s *seal) name(key string) string {
	sum := hmac.New(sha256.New, s.names)
	sum.Write([]byte(key))
	return hex.EncodeToString(sum.Sum(nil))
}

func (s *seal) seal(name string, text []byte) []byte {
	return s.aead.Seal(nil, nil, text, []byte(name))
}

func (s *seal) open(name string, sealed []byte) ([]byte, error) {
	text, err := s.aead.Open(nil, nil, sealed, []byte(name))
	if err != nil {
		return nil, errors.New("a login that the daemons share is damaged, or is encrypted by another key: have the same nats.credentialsKey on all daemons, or log in again")
	}
	return text, nil
}

// ReadKey reads the file of a key: 32 bytes in base64, as `openssl rand -base64 32` writes them.
func ReadKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(key) != auth.KeySize {
		return nil, fmt.Errorf("%s does not have %d bytes in base64: make it by 'openssl rand -base64 %d'", path, auth.KeySize, auth.KeySize)
	}
	return key, nil
}
