package core

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

// Hash gives the SHA-256 of the embedded file, in hexadecimal.
var Hash = sync.OnceValue(func() string {
	sum := sha256.Sum256(packed)
	return hex.EncodeToString(sum[:])
})
