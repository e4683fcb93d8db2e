package bearer

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"

	"github.com/caisson-dev/caisson/host-go/internal/atomicfile"
	"github.com/caisson-dev/caisson/host-go/internal/filelock"
)

const (
	// tokenPrefix begins each token of a file, so that it is told from a JWT, and found where it was leaked.
	tokenPrefix = "caisson_"
	// maxTokens and maxTokensBytes bound the file.
	maxTokens      = 4096
	maxTokensBytes = 4 << 20
	// maxNameBytes bounds the name of a token.
	maxNameBytes = 64
	// lookEvery is how often it is looked whether the file has changed.
	lookEvery = time.Second
)

// A Token is what a file has of a token: everything but the token.
type Token struct {
	// Name is the principal: 1 to 64 letters, digits and -._ of ASCII. Several tokens may have one name.
	Name string `json:"name"`
	// Scopes are what the token is good for.
	Scopes []string `json:"scopes,omitempty"`
	// SHA256 is the hash of the token, in 64 lowercase hexadecimal digits. The token has 256 random bits, so that
	// nobody finds it from its hash.
	SHA256 string `json:"sha256"`
	// Created is when it was made.
	Created time.Time `json:"created"`
}

type tokensDocument struct {
	Tokens []Token `json:"tokens"`
}

// isName reports whether a text can name a token.
func isName(text string) bool {
	for _, c := range []byte(text) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_') {
			return false
		}
	}
	return text != "" && len(text) <= maxNameBytes
}

// ReadTokens reads a file of tokens. Where it is not there, the error is [fs.ErrNotExist].
func ReadTokens(path string) ([]Token, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not an ordinary file", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0:
		return nil, fmt.Errorf("%s has the mode %04o, and whoever may write to it may log in as anybody: take that away (chmod go-w)", path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(file, maxTokensBytes+1))
	if err != nil {
		return nil, err
	}
	tokens, err := parseTokens(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return tokens, nil
}

func parseTokens(text []byte) ([]Token, error) {
	if len(text) > maxTokensBytes {
		return nil, fmt.Errorf("it has more than %d bytes", maxTokensBytes)
	}
	var document tokensDocument
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&document); err != nil {
		return nil, fmt.Errorf("it is not a file of tokens, as 'caisson serve token new' writes one: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("there is something behind the JSON object")
	}
	if len(document.Tokens) > maxTokens {
		return nil, fmt.Errorf("it has %d tokens, and %d is the most", len(document.Tokens), maxTokens)
	}
	for i, t := range document.Tokens {
		sum, err := hex.DecodeString(t.SHA256)
		switch {
		case !isName(t.Name):
			return nil, fmt.Errorf("tokens[%d].name: it must be 1 to %d letters, digits and -._", i, maxNameBytes)
		case err != nil || len(sum) != sha256.Size || hex.EncodeToString(sum) != t.SHA256:
			return nil, fmt.Errorf("tokens[%d].sha256: it must be 64 lowercase hexadecimal digits", i)
		case len(t.Scopes) > maxScopes:
			return nil, fmt.Errorf("tokens[%d].scopes: there are %d, and %d is the most", i, len(t.Scopes), maxScopes)
		}
		for _, scope := range t.Scopes {
			if !isScope(scope) {
				return nil, fmt.Errorf("tokens[%d].scopes: %q is no scope", i, scope)
			}
		}
	}
	return document.Tokens, nil
}

// AddToken makes a token, adds its hash to a file, or to a new one of mode 0600, and returns the token, which
// nothing else has. Name and scopes are as in [Token].
func AddToken(ctx context.Context, path, name string, scopes []string) (string, error) {
	if !isName(name) {
		return "", fmt.Errorf("%q cannot name a token: use 1 to %d letters, digits and -._", name, maxNameBytes)
	}
	secret := make([]byte, sha256.Size)
	_, _ = rand.Read(secret) // It never fails.
	token := tokenPrefix + base64.RawURLEncoding.EncodeToString(secret)
	sum := sha256.Sum256([]byte(token))
	err := changeTokens(ctx, path, func(tokens []Token) ([]Token, error) {
		return append(tokens, Token{Name: name, Scopes: scopes, SHA256: hex.EncodeToString(sum[:]), Created: time.Now().UTC().Truncate(time.Second)}), nil
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// RemoveTokens removes all tokens of a name from a file. It fails where there are none.
func RemoveTokens(ctx context.Context, path, name string) error {
	return changeTokens(ctx, path, func(tokens []Token) ([]Token, error) {
		rest := slices.DeleteFunc(slices.Clone(tokens), func(t Token) bool { return t.Name == name })
		if len(rest) == len(tokens) {
			return nil, fmt.Errorf("%s has no token of the name %q", path, name)
		}
		return rest, nil
	})
}

// changeTokens replaces a file of tokens, under a lock against other processes.
func changeTokens(ctx context.Context, path string, change func([]Token) ([]Token, error)) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	unlock, err := filelock.Lock(ctx, path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	tokens, err := ReadTokens(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if tokens, err = change(tokens); err != nil {
		return err
	}
	text, err := json.MarshalIndent(tokensDocument{tokens}, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if _, err := parseTokens(text); err != nil {
		return err
	}
	return atomicfile.Write(path, text, 0o600)
}

// A tokenFile has the tokens of a file, and reads it again when it has changed. nil has none.
type tokenFile struct {
	path string
	now  func() time.Time

	mu     sync.Mutex
	looked time.Time
	info   fs.FileInfo
	tokens []knownToken
	err    error
}

type knownToken struct {
	sum  [sha256.Size]byte
	info Token
}

// load gives the tokens as the file has them. A file that cannot be read has none: a token in it may be revoked.
func (f *tokenFile) load() ([]knownToken, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if !f.looked.IsZero() && now.Sub(f.looked) < lookEvery {
		return f.tokens, f.err
	}
	f.looked = now
	info, err := os.Stat(f.path)
	if err == nil && f.info != nil && f.err == nil && os.SameFile(info, f.info) && info.Size() == f.info.Size() &&
		info.ModTime().Equal(f.info.ModTime()) && info.Mode() == f.info.Mode() {
		return f.tokens, nil
	}
	f.tokens, f.info = nil, info
	var tokens []Token
	if err == nil {
		tokens, err = ReadTokens(f.path)
	}
	for _, t := range tokens {
		known := knownToken{info: t}
		_, _ = hex.Decode(known.sum[:], []byte(t.SHA256)) // It was checked when it was read.
		f.tokens = append(f.tokens, known)
	}
	f.err = err
	return f.tokens, f.err
}

// verify says who is behind a token of the file.
func (f *tokenFile) verify(token string) (*auth.TokenInfo, *refusal) {
	if f == nil {
		return nil, badToken("the token is not known")
	}
	tokens, err := f.load()
	if err != nil {
		return nil, unavailable("the tokens are not to be had now", lookEvery, err)
	}
	sum := sha256.Sum256([]byte(token))
	var found *Token
	for i := range tokens { // All of them, so that the time does not tell which it is.
		if subtle.ConstantTimeCompare(sum[:], tokens[i].sum[:]) == 1 {
			found = &tokens[i].info
		}
	}
	if found == nil {
		return nil, badToken("the token is not known")
	}
	return &auth.TokenInfo{Scopes: slices.Clone(found.Scopes), UserID: found.Name}, nil
}
