package oci

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.uber.org/goleak"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/plugin"
	"github.com/caisson-dev/caisson/host-go/internal/atomicfile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, o Options) *Store {
	t.Helper()
	if o.Folder == "" {
		o.Folder = filepath.Join(t.TempDir(), "store")
	}
	s, err := Open(&o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func pull(t *testing.T, s *Store, reference string, options *PullOptions) *Pulled {
	t.Helper()
	p, err := s.Pull(context.Background(), reference, options)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func calc(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile("../testdata/calc.wasm")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseReference(t *testing.T) {
	d := "sha256:" + strings.Repeat("a", 64)
	for text, want := range map[string]Reference{
		"oci://registry.example.com/tools/thumbs:1.0":      {"registry.example.com", "tools/thumbs", "1.0", ""},
		"oci://registry.example.com:5000/thumbs@" + d:      {"registry.example.com:5000", "thumbs", "", d},
		"oci://registry.example.com/tools/thumbs:1.0@" + d: {"registry.example.com", "tools/thumbs", "", d},
	} {
		got, err := ParseReference(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "registry.example.com/x:1", "oci://", "oci://registry.example.com/x", "oci://registry.example.com/X:1", "oci://r.example.com/x@sha256:12", "oci://r.example.com/x@sha512:" + strings.Repeat("a", 128)} {
		if r, err := ParseReference(text); !errors.Is(err, caisson.CodeInvalidArgument) {
			t.Errorf("%s: %+v, %v", text, r, err)
		}
	}
}

func FuzzParseReference(f *testing.F) {
	f.Add("oci://registry.example.com:5000/tools/thumbs:1.0@sha256:" + strings.Repeat("a", 64))
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseReference(text)
		if err != nil {
			return
		}
		if again, err := ParseReference(r.String()); err != nil || again != r {
			t.Errorf("%q is %+v, and then %+v, %v", text, r, again, err)
		}
	})
}

// A tag is pinned when it is pulled first. Afterwards neither pulls nor reads of it ask the network, until an update.
func TestPins(t *testing.T) {
	registry := newRegistry(t)
	first := registry.pushPlugin(t, "1", calc(t))
	s := open(t, Options{})
	if _, err := s.Read(registry.ref("1")); !errors.Is(err, ErrNotPulled) || !errors.Is(err, caisson.CodeConnect) {
		t.Error(err)
	}
	if registry.count() != 0 {
		t.Error("a read asks the network")
	}
	p := pull(t, s, registry.ref("1"), nil)
	if p.Reference.Digest != first.String() || p.Before != "" || !p.Fetched || p.Size != int64(len(calc(t))) || p.Reference.String() != registry.ref(first.String()) {
		t.Errorf("%+v", p)
	}
	other := append(calc(t), 0, 5, 4, 'n', 'o', 't', 'e')
	second := registry.pushPlugin(t, "1", other)
	before := registry.count()
	if p := pull(t, s, registry.ref("1"), nil); p.Reference.Digest != first.String() || p.Before != first.String() || p.Fetched {
		t.Errorf("%+v", p)
	}
	for _, name := range []string{"1", first.String()} {
		if b, err := s.Read(registry.ref(name)); err != nil || !bytes.Equal(b, calc(t)) {
			t.Error(len(b), err)
		}
	}
	if registry.count() != before {
		t.Error("a pin asks the network")
	}
	if p := pull(t, s, registry.ref("1"), &PullOptions{Update: true}); p.Reference.Digest != second.String() || p.Before != first.String() || !p.Fetched {
		t.Errorf("%+v", p)
	}
	for name, want := range map[string][]byte{"1": other, first.String(): calc(t), second.String(): other} {
		if b, err := s.Read(registry.ref(name)); err != nil || !bytes.Equal(b, want) {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
	// Another process sees the same.
	again := open(t, Options{Folder: s.options.Folder})
	wasm, err := again.Read(registry.ref("1"))
	if err != nil {
		t.Fatal(err)
	}
	plugins, err := plugin.New(context.Background(), &plugin.RuntimeOptions{NoCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer plugins.Close()
	loaded, err := plugins.LoadBytes(context.Background(), wasm, &plugin.Options{Name: "calc"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := loaded.CallTool(context.Background(), &mcp.CallToolParams{Name: "nothing"}); err != nil {
		t.Error(err)
	}
}

// Any number of stores pull into one folder at once.
func TestConcurrentPulls(t *testing.T) {
	registry := newRegistry(t)
	d := registry.pushPlugin(t, "1", calc(t))
	folder := filepath.Join(t.TempDir(), "store")
	var all sync.WaitGroup
	for range 8 {
		s := open(t, Options{Folder: folder})
		all.Go(func() {
			if p, err := s.Pull(context.Background(), registry.ref("1"), nil); err != nil || p.Reference.Digest != d.String() {
				t.Error(p, err)
			}
			if b, err := s.Read(registry.ref("1")); err != nil || !bytes.Equal(b, calc(t)) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, files := range []string{"*", filepath.Join("*", "*")} {
		left, _ := filepath.Glob(filepath.Join(folder, files))
		for _, path := range left {
			if filepath.Ext(path) == atomicfile.Suffix {
				t.Errorf("%s is left", path)
			}
		}
	}
}

// A file of the store that is not what its digest says is not used; a pull gets it again.
func TestDamagedStore(t *testing.T) {
	registry := newRegistry(t)
	d := registry.pushPlugin(t, "1", calc(t))
	s := open(t, Options{})
	pull(t, s, registry.ref("1"), nil)
	for _, blob := range []digest.Digest{d, digest.FromBytes(calc(t))} {
		if err := os.WriteFile(s.blob(blob), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(registry.ref("1")); !errors.Is(err, ErrNotPulled) || !strings.Contains(err.Error(), "damaged") {
			t.Error(err)
		}
		if p := pull(t, s, registry.ref("1"), nil); !p.Fetched {
			t.Errorf("%+v", p)
		}
		if _, err := s.Read(registry.ref("1")); err != nil {
			t.Error(err)
		}
	}
	r, err := ParseReference(registry.ref("1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "{", `{"reference":"other","digest":"` + d.String() + `"}`, `{"reference":"` + r.String() + `","digest":"sha256:../../x"}`} {
		if err := os.WriteFile(s.pinPath(r), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(registry.ref("1")); !errors.Is(err, caisson.CodeConnect) || !strings.Contains(err.Error(), "the pin") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// What a registry does wrong is a typed error, and nothing of it is kept.
func TestHostileRegistry(t *testing.T) {
	registry := newRegistry(t)
	wasm := registry.layer("application/wasm", calc(t), nil)
	big := wasm
	big.Size = maxPlugin + 1
	short := wasm
	short.Size--
	long := wasm
	long.Size++
	negative := wasm
	negative.Size = -1
	strange := wasm
	strange.Digest = "sha256:../../../etc/passwd"
	missing := wasm
	missing.Digest = digest.FromString("missing")
	for tag, layers := range map[string][]ocispec.Descriptor{
		"none": {}, "two": {wasm, wasm}, "other": {registry.layer("text/plain", []byte("x"), nil)},
		"big": {big}, "short": {short}, "long": {long}, "negative": {negative}, "strange": {strange}, "missing": {missing},
	} {
		registry.push(t, "tools/calc", tag, layers...)
	}
	registry.pushRaw("tools/calc", "text", []byte("<html>"))
	registry.pushRaw("tools/calc", "index", []byte(`{"schemaVersion":2,"manifests":[]}`))
	registry.pushRaw("tools/calc", "huge", bytes.Repeat([]byte{' '}, maxManifest+1))
	good := registry.pushPlugin(t, "good", calc(t))
	swapped := digest.FromString("swapped")
	registry.manifests["tools/calc@"+swapped.String()] = []byte(`{}`)
	s := open(t, Options{})
	for name, want := range map[string]struct {
		code caisson.Code
		text string
	}{
		"none": {caisson.CodeProtocol, "0 layers"}, "two": {caisson.CodeProtocol, "2 layers"}, "other": {caisson.CodeProtocol, "0 layers"},
		"index": {caisson.CodeProtocol, "0 layers"}, "text": {caisson.CodeProtocol, "the manifest"}, "huge": {caisson.CodeProtocol, "the most are"},
		"big": {caisson.CodeProtocol, "the most are"}, "negative": {caisson.CodeProtocol, "the most are"}, "strange": {caisson.CodeProtocol, "digest"},
		"short": {caisson.CodeConnect, "mismatch"}, "long": {caisson.CodeConnect, ""}, "missing": {caisson.CodeConnect, "not found"},
		"unknown": {caisson.CodeConnect, "not found"}, swapped.String(): {caisson.CodeConnect, ""},
	} {
		_, err := s.Pull(context.Background(), registry.ref(name), nil)
		var e *caisson.Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want.text) || e.Code != want.code && want.text != "" {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.Read(registry.ref(name)); !errors.Is(err, ErrNotPulled) {
			t.Errorf("%s is in the store: %v", name, err)
		}
	}
	for status := range map[int]bool{http.StatusUnauthorized: true, http.StatusForbidden: true, http.StatusInternalServerError: true, http.StatusTooManyRequests: true} {
		registry.setAnswer(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(status); return true })
		if _, err := s.Pull(context.Background(), registry.ref("good"), nil); !errors.Is(err, caisson.CodeConnect) {
			t.Errorf("%d: %v", status, err)
		}
	}
	// Other bytes than the layer's digest.
	registry.setAnswer(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/blobs/") {
			_, _ = w.Write(bytes.Repeat([]byte{'x'}, len(calc(t))))
			return true
		}
		return false
	})
	if _, err := s.Pull(context.Background(), registry.ref(good.String()), nil); !errors.Is(err, caisson.CodeProtocol) {
		t.Error(err)
	}
	registry.setAnswer(nil)
	pull(t, s, registry.ref("good"), nil)
}

// A registry that does not answer is given up, with the context or after a time.
func TestSilentRegistry(t *testing.T) {
	registry := newRegistry(t)
	release := make(chan struct{})
	defer close(release)
	registry.setAnswer(func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return true
	})
	s := open(t, Options{Timeout: 50 * time.Millisecond})
	if _, err := s.Pull(context.Background(), registry.ref("1"), nil); !errors.Is(err, caisson.CodeTimeout) || !strings.Contains(err.Error(), "Options.Timeout of 50ms is over") {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := open(t, Options{}).Pull(ctx, registry.ref("1"), nil); err != context.DeadlineExceeded {
		t.Error(err)
	}
}

// Credentials go to the registry that asks for them.
func TestCredentials(t *testing.T) {
	registry := newRegistry(t)
	registry.pushPlugin(t, "1", calc(t))
	registry.setAnswer(func(w http.ResponseWriter, r *http.Request) bool {
		if name, password, _ := r.BasicAuth(); name == "user" && password == "secret" {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	if _, err := open(t, Options{}).Pull(context.Background(), registry.ref("1"), nil); !errors.Is(err, caisson.CodeConnect) {
		t.Error(err)
	}
	asked := ""
	s := open(t, Options{Credentials: func(_ context.Context, registry string) (string, string, error) {
		asked = registry
		return "user", "secret", nil
	}})
	pull(t, s, registry.ref("1"), nil)
	if asked != registry.url {
		t.Error(asked)
	}
	broken := open(t, Options{Credentials: func(context.Context, string) (string, string, error) { return "", "", errors.New("locked") }})
	if _, err := broken.Pull(context.Background(), registry.ref("1"), nil); err == nil || !strings.Contains(err.Error(), "locked") || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

// sign adds a signature as cosign does, of any digest.
func (r *testRegistry) sign(t *testing.T, key crypto.Signer, on, of digest.Digest) {
	t.Helper()
	payload := []byte(fmt.Sprintf(`{"critical":{"identity":{"docker-reference":"x"},"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"},"optional":null}`, of))
	made := signed(t, key, payload)
	r.push(t, "tools/calc", "sha256-"+on.Encoded()+".sig", r.layer(payloadType, payload, map[string]string{signatureAnnotation: base64.StdEncoding.EncodeToString(made)}))
}

// signed makes a signature as cosign does with a key of its kind.
func signed(t *testing.T, key crypto.Signer, message []byte) []byte {
	t.Helper()
	hash := crypto.Hash(0)
	if _, ok := key.(ed25519.PrivateKey); !ok {
		sum := sha256.Sum256(message)
		message, hash = sum[:], crypto.SHA256
	}
	made, err := key.Sign(rand.Reader, message, hash)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// With keys, a plugin is pulled and read only when one of them has signed it.
func TestSignatures(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range []crypto.Signer{ec, rs, ed} {
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		public, err := ParseKey(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		if err != nil {
			t.Fatal(err)
		}
		others := []crypto.Signer{ec, rs, ed}
		other := others[(i+1)%len(others)]
		registry := newRegistry(t)
		d := registry.pushPlugin(t, "1", calc(t))
		s := open(t, Options{Keys: []crypto.PublicKey{public}})
		refused := func(want string) {
			t.Helper()
			_, err := s.Pull(context.Background(), registry.ref("1"), nil)
			var e *SignatureError
			if !errors.Is(err, caisson.CodeRefused) || !errors.As(err, &e) || e.Digest != d.String() || !strings.Contains(e.Reason, want) {
				t.Errorf("%T: %v", key, err)
			}
			if _, err := s.Read(registry.ref("1")); !errors.Is(err, ErrNotPulled) {
				t.Errorf("%T: it is in the store: %v", key, err)
			}
		}
		refused("it has no signature")
		registry.sign(t, other, d, d)
		refused("none of its 1 signatures")
		registry.sign(t, key, d, digest.FromString("another plugin"))
		refused("none of its 1 signatures")
		registry.push(t, "tools/calc", "sha256-"+d.Encoded()+".sig", registry.layer("text/plain", []byte("x"), nil))
		refused("it has no signature")
		registry.sign(t, key, d, d)
		pull(t, s, registry.ref("1"), nil)
		if _, err := s.Read(registry.ref("1")); err != nil {
			t.Error(err)
		}
		// What was pulled without looking at signatures is not read by who wants one.
		folder := filepath.Join(t.TempDir(), "store")
		careless := open(t, Options{Folder: folder})
		pull(t, careless, registry.ref("1"), nil)
		careful := open(t, Options{Folder: folder, Keys: []crypto.PublicKey{other.Public(), public}})
		if _, err := careful.Read(registry.ref("1")); !errors.Is(err, caisson.CodeRefused) {
			t.Errorf("%T: %v", key, err)
		}
		pull(t, careful, registry.ref("1"), nil)
		if _, err := careful.Read(registry.ref("1")); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(careful.signaturesPath(d), []byte("["), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := careful.Read(registry.ref("1")); !errors.Is(err, caisson.CodeRefused) {
			t.Errorf("%T: %v", key, err)
		}
	}
	for _, text := range []string{"", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := ParseKey([]byte(text)); !errors.Is(err, caisson.CodeInvalidArgument) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Open(&Options{Folder: t.TempDir(), Keys: []crypto.PublicKey{ec}}); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Error(err) // A private key.
	}
}

// The store is this user's alone.
func TestPrivateStore(t *testing.T) {
	s := open(t, Options{})
	registry := newRegistry(t)
	registry.pushPlugin(t, "1", calc(t))
	pull(t, s, registry.ref("1"), nil)
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	err := filepath.WalkDir(s.options.Folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %04o", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for _, folder := range []string{s.options.Folder, s.path("pins")} {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(&Options{Folder: s.options.Folder}); !errors.Is(err, caisson.CodeInvalidArgument) || !strings.Contains(err.Error(), "lets others at it") {
			t.Error(err)
		}
		if err := os.Chmod(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(&Options{Folder: file}); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Error(err)
	}
}

// Only who imports this package links the libraries for registries.
func TestDependencies(t *testing.T) {
	for _, path := range []string{"caisson", "caisson/plugin"} {
		out, err := exec.Command("go", "list", "-deps", "github.com/caisson-dev/caisson/host-go/"+path).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, library := range []string{"oras.land", "opencontainers", "esbuild", "keyring"} {
			if strings.Contains(string(out), library) {
				t.Errorf("%s links %s", path, library)
			}
		}
	}
}
