package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// Credentials returns the name and the password, or token, for a registry.
type Credentials func(ctx context.Context, registry string) (name, password string, err error)

// PullOptions say how a plugin is pulled. The zero value, or nil, keeps pins.
type PullOptions struct {
	// Update pins a tag anew, to the digest that it has now.
	Update bool
}

// Pulled says what a pull has got.
type Pulled struct {
	// Reference is the plugin by its digest.
	Reference Reference
	// Before is the digest that the tag was pinned to, or "".
	Before string
	// Size is the size of the component, in bytes.
	Size int64
	// Fetched says that the network was asked: the plugin was not in the store, or its tag had to be looked up.
	Fetched bool
}

// Pull gets a plugin from its registry, unless the store has it, and pins a tag that has no pin. With [Options].Keys it
// checks the signature before it keeps anything.
//
// It fails with [caisson.CodeInvalidArgument] for a reference that is none; with [caisson.CodeConnect] when the registry
// cannot be reached, does not have it, or wants credentials; with [caisson.CodeProtocol] when what it sends is no
// plugin; with [caisson.CodeRefused] for want of a signature (a [*SignatureError]); with [caisson.CodeTimeout] after
// [Options].Timeout; and with the context's error.
func (s *Store) Pull(ctx context.Context, reference string, options *PullOptions) (*Pulled, error) {
	r, err := ParseReference(reference)
	if err != nil {
		return nil, err
	}
	var late error = &timeoutError{s}
	bounded, cancel := context.WithTimeoutCause(ctx, s.options.Timeout, late)
	defer cancel()
	p, err := s.pull(bounded, r, options != nil && options.Update)
	if s.own != nil {
		s.own.CloseIdleConnections()
	}
	switch {
	case err == nil:
		return p, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case bounded.Err() != nil:
		return nil, fail(caisson.CodeTimeout, "%s: %w", r, late)
	}
	var known *caisson.Error
	if errors.As(err, &known) {
		return nil, err
	}
	return nil, refuse(r, err)
}

type timeoutError struct{ s *Store }

func (e *timeoutError) Error() string {
	return fmt.Sprintf("Options.Timeout of %v is over", e.s.options.Timeout)
}

func (s *Store) pull(ctx context.Context, r Reference, update bool) (*Pulled, error) {
	pulled := &Pulled{Reference: r}
	pulled.Reference.Tag = ""
	wanted := digest.Digest(r.Digest)
	if r.Tag != "" {
		pinned, err := s.pinned(r)
		if err != nil {
			return nil, err
		}
		pulled.Before = pinned.String()
		if !update {
			wanted = pinned
		}
	}
	repo, err := s.repository(r)
	if err != nil {
		return nil, err
	}
	var manifest []byte
	if wanted != "" {
		if manifest, err = s.get(wanted, maxManifest); err != nil && !errors.Is(err, ErrNotPulled) {
			return nil, err
		}
	}
	if manifest == nil {
		pulled.Fetched = true
		name := wanted.String()
		if wanted == "" {
			name = r.Tag
		}
		if manifest, err = fetchManifest(ctx, repo, name); err != nil {
			return nil, err
		}
		if wanted == "" {
			wanted = digest.FromBytes(manifest)
		}
	}
	layer, err := layerOf(manifest)
	if err != nil {
		return nil, fail(caisson.CodeProtocol, "%s: %w", r, err)
	}
	if err := s.fetchSignatures(ctx, repo, wanted, pulled); err != nil {
		return nil, err
	}
	if err := s.fetchPlugin(ctx, repo, layer, pulled); err != nil {
		return nil, err
	}
	if err := s.save(s.blob(wanted), manifest); err != nil {
		return nil, err
	}
	if r.Tag != "" && pulled.Before != wanted.String() {
		if err := s.setPin(r, wanted); err != nil {
			return nil, err
		}
	}
	pulled.Reference.Digest, pulled.Size = wanted.String(), layer.Size
	return pulled, nil
}

// repository returns a client of the repository.
func (s *Store) repository(r Reference) (*remote.Repository, error) {
	repo, err := remote.NewRepository(r.name())
	if err != nil {
		return nil, err
	}
	repo.PlainHTTP = r.local()
	repo.SkipReferrersGC = true
	repo.Client = &auth.Client{
		Client: &http.Client{Transport: s.options.Transport},
		Cache:  auth.NewCache(),
		Credential: func(ctx context.Context, host string) (auth.Credential, error) {
			if s.options.Credentials == nil {
				return auth.EmptyCredential, nil
			}
			name, password, err := s.options.Credentials(ctx, host)
			if name == "" && password != "" {
				return auth.Credential{RefreshToken: password}, err
			}
			return auth.Credential{Username: name, Password: password}, err
		},
	}
	return repo, nil
}

// fetchManifest gets a manifest by a tag or a digest.
func fetchManifest(ctx context.Context, repo *remote.Repository, name string) ([]byte, error) {
	desc, body, err := repo.Manifests().FetchReference(ctx, name)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if desc.Size > maxManifest {
		return nil, fail(caisson.CodeProtocol, "the manifest %s has %d bytes, and the most are %d", name, desc.Size, maxManifest)
	}
	b, err := content.ReadAll(body, desc)
	if err != nil {
		return nil, fail(caisson.CodeProtocol, "the manifest %s: %w", name, err)
	}
	if d, err := digest.Parse(name); err == nil && digest.FromBytes(b) != d {
		return nil, fail(caisson.CodeProtocol, "the manifest %s is another one", name)
	}
	return b, nil
}

// fetchPlugin gets the component, unless the store has it.
func (s *Store) fetchPlugin(ctx context.Context, repo *remote.Repository, layer ocispec.Descriptor, pulled *Pulled) error {
	if _, err := os.Stat(s.blob(layer.Digest)); err == nil {
		if _, err := s.get(layer.Digest, maxPlugin); err == nil {
			return nil
		}
	}
	pulled.Fetched = true
	b, err := fetchBlob(ctx, repo, layer)
	if err != nil {
		return err
	}
	return s.save(s.blob(layer.Digest), b)
}

func fetchBlob(ctx context.Context, repo *remote.Repository, desc ocispec.Descriptor) ([]byte, error) {
	body, err := repo.Blobs().Fetch(ctx, desc)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	b, err := content.ReadAll(body, desc)
	if err != nil {
		return nil, fail(caisson.CodeProtocol, "the blob %s: %w", desc.Digest, err)
	}
	return b, nil
}

// fetchSignatures gets the signatures of a plugin, checks them and keeps them. It does nothing without keys.
func (s *Store) fetchSignatures(ctx context.Context, repo *remote.Repository, d digest.Digest, pulled *Pulled) error {
	if len(s.options.Keys) == 0 || s.checkStored(d) == nil {
		return nil
	}
	pulled.Fetched = true
	signatures, err := fetchTagged(ctx, repo, d)
	if err != nil {
		return err
	}
	if s.check(d, signatures) != nil {
		bundles, err := fetchBundles(ctx, repo, d)
		if err != nil {
			return err
		}
		signatures = append(signatures, bundles...)
	}
	if err := s.check(d, signatures); err != nil {
		return err
	}
	kept, err := json.Marshal(signatures)
	if err != nil {
		return err
	}
	return s.save(s.signaturesPath(d), kept)
}

// fetchTagged gets the signatures under the tag that cosign gave them before its version 3.
func fetchTagged(ctx context.Context, repo *remote.Repository, d digest.Digest) ([]signature, error) {
	text, err := fetchManifest(ctx, repo, "sha256-"+d.Encoded()+".sig")
	if errors.Is(err, errdef.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fail(caisson.CodeProtocol, "the manifest of the signatures of %s: %w", d, err)
	}
	var signatures []signature
	for _, layer := range m.Layers[:min(len(m.Layers), maxSignatures)] {
		if layer.MediaType != payloadType || layer.Size < 0 || layer.Size > maxPayload || layer.Digest.Validate() != nil {
			continue
		}
		payload, err := fetchBlob(ctx, repo, layer)
		if err != nil {
			return nil, err
		}
		if one, err := readSignature(payload, layer.Annotations[signatureAnnotation]); err == nil {
			signatures = append(signatures, one)
		}
	}
	return signatures, nil
}
