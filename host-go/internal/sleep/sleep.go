// Package sleep is the form of runs that sleep: compressed, and sealed with a key of the host's.
//
//	"caisson sleep\n"  version  identity  tag of the key  length  sealed
//	14 bytes           1        32        16              8
//
// The identity is random, and each sleep has its own key, made of the host's key and the identity by HKDF (RFC
// 5869), for AES-256-GCM; so no nonce comes twice with a key. Everything before what is sealed is authenticated with it. The tag
// tells another key from bytes that were changed. What is sealed is one zstd frame.
package sleep

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Version is the version of the form, and of what is in it.
const Version = 1

// KeyBytes is the least length of a key.
const KeyBytes = 32

const (
	magic      = "caisson sleep\n"
	idBytes    = 32
	tagBytes   = 16
	headBytes  = len(magic) + 1 + idBytes + tagBytes + 8
	cipherCost = 16 // what the cipher adds
	// window is how far back a frame refers: as much memory the reader of one takes.
	window = 1 << 20
)

// The purposes of what is made of a key.
const (
	forCipher = "caisson sleep v1: cipher"
	forTag    = "caisson sleep v1: tag"
)

// A Code says what is wrong with the bytes of a sleep.
type Code string

// The codes.
const (
	Truncated Code = "truncated" // they are cut short
	Changed   Code = "changed"   // they are no sleep, or are not what was sealed
	Versioned Code = "version"   // they are of another version of the form
	Key       Code = "key"       // they were sealed with another key
	TooLarge  Code = "too large"
)

// An Error says why bytes are no sleep, or why there is none.
type Error struct {
	Code    Code
	Message string
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// derive makes the keys of a sleep.
func derive(key, id []byte) (aead cipher.AEAD, tag []byte, err error) {
	own, err := hkdf.Key(sha256.New, key, id, forCipher, 32)
	if err != nil {
		return nil, nil, err
	}
	if tag, err = hkdf.Key(sha256.New, key, id, forTag, tagBytes); err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(own)
	if err != nil {
		return nil, nil, err
	}
	aead, err = cipher.NewGCM(block)
	return aead, tag, err
}

// encoders keeps the tables of compressors.
var encoders = sync.Pool{New: func() any {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err) // The options are right.
	}
	return w
}}

// Seal seals what fill writes. It fails with TooLarge when the result would have more than limit bytes.
func Seal(key []byte, limit int64, fill func(w io.Writer) error) ([]byte, error) {
	out := append(make([]byte, 0, 256<<10), magic...)
	out = append(out, Version)
	out = append(out, make([]byte, idBytes)...)
	id := out[len(magic)+1:]
	_, _ = rand.Read(id) // It never fails.
	id = bytes.Clone(id)
	aead, tag, err := derive(key, id)
	if err != nil {
		return nil, err
	}
	out = append(out, tag...)
	out = binary.LittleEndian.AppendUint64(out, 0)
	body := &bounded{b: out, left: limit - int64(len(out)) - cipherCost, limit: limit}
	w := encoders.Get().(*zstd.Encoder)
	defer encoders.Put(w)
	w.Reset(body)
	err = fill(w)
	if wrong := w.Close(); err == nil {
		err = wrong
	}
	if err != nil {
		return nil, err
	}
	out = body.b
	head, plain := out[:headBytes], out[headBytes:]
	binary.LittleEndian.PutUint64(head[headBytes-8:], uint64(len(plain)+cipherCost))
	return append(head, aead.Seal(plain[:0:0], make([]byte, aead.NonceSize()), plain, head)...), nil
}

// bounded is a writer to memory that has an end.
type bounded struct {
	b           []byte
	left, limit int64
}

func (w *bounded) Write(p []byte) (int, error) {
	if int64(len(p)) > w.left {
		return 0, &Error{TooLarge, fmt.Sprintf("it has more than %d bytes", w.limit)}
	}
	w.left -= int64(len(p))
	w.b = append(w.b, p...)
	return len(p), nil
}

// Open checks the bytes of a sleep, which may be anything, and returns its identity, and a reader of what was sealed. What
// is read may be more than plain bytes only with the key; the reader ends with TooLarge then. Close the reader.
func Open(key, sealed []byte, limit, plain int64) (id string, from io.ReadCloser, err error) {
	fail := func(code Code, format string, args ...any) (string, io.ReadCloser, error) {
		return "", nil, &Error{code, fmt.Sprintf(format, args...)}
	}
	if n := min(len(sealed), len(magic)); string(sealed[:n]) != magic[:n] {
		return fail(Changed, "these are not the bytes of a run that sleeps")
	}
	if int64(len(sealed)) > limit {
		return fail(TooLarge, "it has %d bytes, and may have %d", len(sealed), limit)
	}
	if len(sealed) > len(magic) && sealed[len(magic)] != Version {
		return fail(Versioned, "its form has version %d, and this program has %d", sealed[len(magic)], Version)
	}
	if len(sealed) < headBytes {
		return fail(Truncated, "it is cut short: it has %d bytes", len(sealed))
	}
	head, body := sealed[:headBytes], sealed[headBytes:]
	rest := head[len(magic)+1:]
	aead, tag, err := derive(key, rest[:idBytes])
	if err != nil {
		return "", nil, err
	}
	if subtle.ConstantTimeCompare(tag, rest[idBytes:idBytes+tagBytes]) != 1 {
		return fail(Key, "it was sealed with another key, or its beginning was changed")
	}
	switch length := binary.LittleEndian.Uint64(head[headBytes-8:]); {
	case length > uint64(limit):
		return fail(TooLarge, "it says that it has %d bytes, and may have %d", length, limit)
	case length > uint64(len(body)):
		return fail(Truncated, "it is cut short: %d of %d bytes are there", len(body), length)
	case length < uint64(len(body)):
		return fail(Changed, "there is something behind its end")
	}
	text, err := aead.Open(nil, make([]byte, aead.NonceSize()), body, head)
	if err != nil {
		return fail(Changed, "it was changed after it was sealed")
	}
	r, err := zstd.NewReader(bytes.NewReader(text), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window), zstd.WithDecoderLowmem(true))
	if err != nil {
		return "", nil, err
	}
	return hex.EncodeToString(rest[:idBytes]), &reader{r, plain, plain}, nil
}

// reader reads what was sealed, and not more than so much of it.
type reader struct {
	from        *zstd.Decoder
	left, limit int64
}

// Read implements [io.Reader].
func (r *reader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if r.left -= int64(n); r.left < 0 {
		return 0, &Error{TooLarge, fmt.Sprintf("what is in it has more than %d bytes", r.limit)}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = &Error{Changed, "what is in it is not one frame: " + err.Error()}
	}
	return n, err
}

// Close frees the reader.
func (r *reader) Close() error {
	r.from.Close()
	return nil
}
