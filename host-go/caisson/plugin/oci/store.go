package oci

import (
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/atomicfile"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// Options say where plugins are kept, and which of them are trusted. The zero value, or nil, keeps them in the user's
// configuration folder, and checks no signature.
type Options struct {
	// Folder keeps the plugins and the pins. It is this user's alone: a folder that others may read or write is
	// refused. Several processes may share it. Nothing in it is ever removed, except what is damaged. Default:
	// "caisson/plugins" in the user's configuration folder.
	Folder string
	// Keys are the public keys of those who may sign plugins: *ecdsa.PublicKey, *rsa.PublicKey or ed25519.PublicKey.
	// With keys, a plugin is pulled and read only when one of them has signed it, as 'cosign sign --key' does. Default:
	// no signature is looked at.
	Keys []crypto.PublicKey
	// Credentials returns the name and the password, or token, for a registry, such as registry.example.com:5000; empty
	// ones for none. Default: none.
	Credentials Credentials
	// PrivateAddresses lets the name of a registry lead to a private address; addresses, localhost and names that no
	// public DNS has always may. Transport, when it is set, decides in its place.
	PrivateAddresses bool
	// Transport carries the requests. Default: one of the store's own, with a proxy from the environment. A registry
	// that is not on this machine is asked by https.
	Transport http.RoundTripper
	// Timeout bounds one pull. Default: 5 min.
	Timeout time.Duration
}

// These bound what a registry may send, in bytes: a manifest, a plugin, and a signature's payload.
const (
	maxManifest    = 1 << 20
	maxPlugin      = 256 << 20
	maxPayload     = 64 << 10
	maxSignatures  = 64
	defaultTimeout = 5 * time.Minute
)

// A Store keeps plugins on disk, by their digests. It is safe for concurrent use.
type Store struct {
	options Options
	own     *http.Transport // nil when the transport is the user's
}

// ErrNotPulled is the cause of the error for a plugin that the store does not have.
var ErrNotPulled = errors.New("it was not pulled yet")

// Open opens the store, and makes its folder. A nil options means the defaults. It fails with
// [caisson.CodeInvalidArgument] when the folder cannot be used, and for a key of another kind.
func Open(options *Options) (*Store, error) {
	s := &Store{}
	if options != nil {
		s.options = *options
	}
	o := &s.options
	for _, key := range o.Keys {
		if !usable(key) {
			return nil, invalid("a key is a %T, and no public key of ECDSA, RSA or Ed25519", key)
		}
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Transport == nil {
		s.own = egress.NewTransport(o.PrivateAddresses)
		o.Transport = s.own
	}
	if o.Folder == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return nil, invalid("there is no folder for the user's configuration (%w): set Options.Folder", err)
		}
		o.Folder = filepath.Join(config, "caisson", "plugins")
	}
	for _, folder := range []string{o.Folder, s.path("blobs"), s.path("pins"), s.path("signatures")} {
		if err := makePrivate(folder); err != nil {
			return nil, invalid("the store of plugins %s: %w", o.Folder, err)
		}
	}
	return s, nil
}

// makePrivate makes a folder, and checks that it is this user's alone.
func makePrivate(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(folder)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder", folder)
	}
	return private(folder, info)
}

func (s *Store) path(parts ...string) string {
	return filepath.Join(append([]string{s.options.Folder}, parts...)...)
}

func (s *Store) blob(d digest.Digest) string { return s.path("blobs", d.Encoded()) }

// save writes a file at once: another process sees all of it, or nothing.
func (s *Store) save(path string, b []byte) error { return atomicfile.Write(path, b, 0o600) }

// load reads a file of at most so many bytes.
func load(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s is larger than %d bytes", path, most)
	}
	return b, err
}

// get reads a blob. One that is not what its digest says is removed.
func (s *Store) get(d digest.Digest, most int64) ([]byte, error) {
	b, err := load(s.blob(d), most)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotPulled
	}
	if err == nil && digest.FromBytes(b) != d {
		_ = os.Remove(s.blob(d))
		return nil, fmt.Errorf("the file was damaged, and is removed: %w", ErrNotPulled)
	}
	return b, err
}

// A pin is the digest of a tag.
type pin struct {
	Reference string        `json:"reference"`
	Digest    digest.Digest `json:"digest"`
}

func (s *Store) pinPath(r Reference) string {
	sum := sha256.Sum256([]byte(r.String()))
	return s.path("pins", hex.EncodeToString(sum[:])+".json")
}

// pinned returns the digest of a tag, or "" when it has none.
func (s *Store) pinned(r Reference) (digest.Digest, error) {
	b, err := load(s.pinPath(r), maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	var p pin
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err == nil && (p.Reference != r.String() || p.Digest.Validate() != nil) {
		err = errors.New("it is not that of the tag")
	}
	if err != nil {
		return "", fmt.Errorf("the pin %s: %w", s.pinPath(r), err)
	}
	return p.Digest, nil
}

func (s *Store) setPin(r Reference, d digest.Digest) error {
	b, err := json.Marshal(pin{r.String(), d})
	if err != nil {
		return err
	}
	return s.save(s.pinPath(r), append(b, '\n'))
}

// Read returns a plugin's component from the store, without the network. A tag gives the plugin that it is pinned to.
// It fails with [caisson.CodeInvalidArgument] for a reference that is none; with [caisson.CodeConnect] for a plugin that
// the store does not have (errors.Is finds [ErrNotPulled]); and with [caisson.CodeRefused] for one that no key has
// signed (a [*SignatureError]).
func (s *Store) Read(reference string) ([]byte, error) {
	r, err := ParseReference(reference)
	if err != nil {
		return nil, err
	}
	wanted := digest.Digest(r.Digest)
	if wanted == "" {
		if wanted, err = s.pinned(r); err != nil {
			return nil, fail(caisson.CodeConnect, "%s: %w", r, err)
		}
	}
	if wanted == "" {
		return nil, fail(caisson.CodeConnect, "%s: %w: pull it, which pins the tag", r, ErrNotPulled)
	}
	manifest, err := s.get(wanted, maxManifest)
	if err != nil {
		return nil, fail(caisson.CodeConnect, "%s: %w", r, err)
	}
	layer, err := layerOf(manifest)
	if err != nil {
		return nil, fail(caisson.CodeProtocol, "%s: %w", r, err)
	}
	if err := s.checkStored(wanted); err != nil {
		return nil, refuse(r, err)
	}
	wasm, err := s.get(layer.Digest, maxPlugin)
	if err != nil {
		return nil, fail(caisson.CodeConnect, "%s: %w", r, err)
	}
	return wasm, nil
}

// layerTypes are the types of a layer that is a component: that of the CNCF's guidance, and its forerunner.
var layerTypes = map[string]bool{"application/wasm": true, "application/vnd.wasm.content.layer.v1+wasm": true}

// layerOf returns the one layer of a manifest that is a component.
func layerOf(manifest []byte) (ocispec.Descriptor, error) {
	var m ocispec.Manifest
	if err := json.Unmarshal(manifest, &m); err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("the manifest: %w", err)
	}
	var found []ocispec.Descriptor
	for _, layer := range m.Layers {
		if layerTypes[layer.MediaType] {
			found = append(found, layer)
		}
	}
	switch {
	case len(found) != 1:
		return ocispec.Descriptor{}, fmt.Errorf("it is no plugin: its manifest has %d layers of the type application/wasm, and not one", len(found))
	case found[0].Size < 0 || found[0].Size > maxPlugin:
		return ocispec.Descriptor{}, fmt.Errorf("the plugin has %d bytes, and the most are %d", found[0].Size, maxPlugin)
	case found[0].Digest.Validate() != nil || found[0].Digest.Algorithm() != digest.SHA256:
		return ocispec.Descriptor{}, errors.New("the plugin's digest is not of sha256")
	}
	return found[0], nil
}
