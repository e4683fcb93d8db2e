package oci

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// statement is what cosign 3 signs.
func statement(predicate string, subjects ...digest.Digest) []byte {
	var list []map[string]any
	for _, d := range subjects {
		list = append(list, map[string]any{"digest": map[string]string{"sha256": d.Encoded()}, "annotations": map[string]any{}})
	}
	b, _ := json.Marshal(map[string]any{"_type": "https://in-toto.io/Statement/v1", "subject": list, "predicateType": predicate, "predicate": map[string]any{}})
	return b
}

// bundle signs a payload as cosign 3 does.
func bundle(t *testing.T, key crypto.Signer, payloadType string, payload []byte) []byte {
	t.Helper()
	sig := signed(t, key, fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload))
	b, err := json.Marshal(map[string]any{
		"mediaType":            bundleType,
		"verificationMaterial": map[string]any{"publicKey": map[string]string{"hint": "k"}, "tlogEntries": []any{}},
		"dsseEnvelope":         map[string]any{"payload": payload, "payloadType": payloadType, "signatures": []any{map[string]any{"sig": sig}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// refer adds a bundle that refers to a manifest: by the API, or under a tag where the registry has none.
func (r *testRegistry) refer(t *testing.T, to, subject digest.Digest, bundle []byte) {
	t.Helper()
	layer := r.layer(bundleType, bundle, nil)
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, ArtifactType: bundleType, Config: r.layer("application/vnd.oci.empty.v1+json", []byte("{}"), nil), Layers: []ocispec.Descriptor{layer}}
	m.SchemaVersion, m.Subject = 2, &ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: subject, Size: 1}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	d := r.pushRaw("tools/calc", "bundle", b)
	referrer := ocispec.Descriptor{MediaType: m.MediaType, ArtifactType: bundleType, Digest: d, Size: int64(len(b))}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.referrers != nil {
		r.referrers[to] = []ocispec.Descriptor{referrer}
		return
	}
	index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{referrer}}
	index.SchemaVersion = 2
	text, err := json.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	r.manifests["tools/calc:sha256-"+to.Encoded()] = text
}

// TestBundles takes a plugin that cosign 3 has signed with a key of ours, and no other one.
func TestBundles(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range []crypto.Signer{ec, ed} {
		other := []crypto.Signer{ed, ec}[i]
		for _, knows := range []bool{true, false} {
			registry := newRegistry(t)
			if knows {
				registry.referrers = map[digest.Digest][]ocispec.Descriptor{}
			}
			d := registry.pushPlugin(t, "1", calc(t))
			another := digest.FromString("another plugin")
			s := open(t, Options{Keys: []crypto.PublicKey{key.Public()}})
			for _, c := range []struct {
				name    string
				bundle  []byte
				subject digest.Digest
				want    string
			}{
				{"by another key", bundle(t, other, statementType, statement(signPredicate, d)), d, "none of its 1"},
				{"of another plugin", bundle(t, key, statementType, statement(signPredicate, another)), d, "none of its 1"},
				{"of two plugins", bundle(t, key, statementType, statement(signPredicate, d, another)), d, "none of its 1"},
				{"a statement of another kind", bundle(t, key, statementType, statement("https://slsa.dev/provenance/v1", d)), d, "none of its 1"},
				{"no statement", bundle(t, key, "text/plain", statement(signPredicate, d)), d, "it has no signature"},
				{"no bundle", []byte("["), d, "it has no signature"},
				{"it refers to another plugin", bundle(t, key, statementType, statement(signPredicate, d)), another, "it has no signature"},
				{"a large one", append(bundle(t, key, statementType, statement(signPredicate, d)), strings.Repeat(" ", maxPayload)...), d, "it has no signature"},
			} {
				registry.refer(t, d, c.subject, c.bundle)
				_, err := s.Pull(context.Background(), registry.ref("1"), nil)
				var e *SignatureError
				if !errors.Is(err, caisson.CodeRefused) || !errors.As(err, &e) || !strings.Contains(e.Reason, c.want) {
					t.Errorf("%T, %s: %v", key, c.name, err)
				}
			}
			registry.refer(t, d, d, bundle(t, key, statementType, statement(signPredicate, d)))
			pull(t, s, registry.ref("1"), nil)
			if _, err := s.Read(registry.ref("1")); err != nil {
				t.Errorf("%T: %v", key, err)
			}
			theirs := open(t, Options{Folder: s.options.Folder, Keys: []crypto.PublicKey{other.Public()}})
			if _, err := theirs.Read(registry.ref("1")); !errors.Is(err, caisson.CodeRefused) {
				t.Errorf("%T: %v", key, err)
			}
		}
	}
}
