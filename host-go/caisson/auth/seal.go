package auth

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

// The file of a store is a mark, the id of its key, and the entries, encrypted by AES-256-GCM under a nonce at
// random, which comes first. The mark and the id are authenticated with them. The id tells another key from
// a damaged file.
const (
	mark        = "caisson store 1\n"
	idSize      = 16
	headSize    = len(mark) + idSize
	nonceSize   = 12
	tagSize     = 16
	maxSealed   = headSize + nonceSize + MaxStoreBytes + tagSize
	minSealed   = headSize + nonceSize + tagSize
	idPurpose   = "caisson store: id of the key"
	aeadPurpose = "caisson store: encryption"
)

var (
	errAnotherKey = errors.New("it has another key")
	errDamaged    = errors.New("it is damaged")
)

// derive makes bytes of a key for one purpose.
func derive(key []byte, purpose string, size int) []byte {
	derived, err := hkdf.Expand(sha256.New, key, purpose, size)
	if err != nil {
		panic(fmt.Sprintf("auth: %v", err)) // Only of a size that is too large.
	}
	return derived
}

func aead(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(derive(key, aeadPurpose, KeySize))
	if err == nil {
		var sealer cipher.AEAD
		if sealer, err = cipher.NewGCMWithRandomNonce(block); err == nil {
			return sealer
		}
	}
	panic(fmt.Sprintf("auth: %v", err)) // Only of a key of another size.
}

func head(key []byte) []byte { return append([]byte(mark), derive(key, idPurpose, idSize)...) }

// seal encrypts a text.
func seal(key, text []byte) []byte {
	sealed := head(key)
	return aead(key).Seal(sealed, nil, text, sealed)
}

// open decrypts what seal has made. It fails with errAnotherKey or errDamaged.
func open(key, sealed []byte) ([]byte, error) {
	if len(sealed) < minSealed || !bytes.HasPrefix(sealed, []byte(mark)) {
		return nil, errDamaged
	}
	if !bytes.HasPrefix(sealed, head(key)) {
		return nil, errAnotherKey
	}
	text, err := aead(key).Open(nil, nil, sealed[headSize:], sealed[:headSize])
	if err != nil {
		return nil, errDamaged
	}
	return text, nil
}
