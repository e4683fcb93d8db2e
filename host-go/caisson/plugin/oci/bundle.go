package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
)

// These are what cosign 3 signs with: a Sigstore bundle that refers to the manifest (sigstore, protobuf-specs; OCI
// distribution, "Listing Referrers"). In it is an envelope (secure-systems-lab, dsse) with a statement (in-toto).
const (
	bundleType    = "application/vnd.dev.sigstore.bundle.v0.3+json"
	statementType = "application/vnd.in-toto+json"
	signPredicate = "https://sigstore.dev/cosign/sign/v1"
)

// readBundle reads the signatures of a bundle. Those by certificates are among them: no key fits them.
func readBundle(text []byte) ([]signature, error) {
	var b struct {
		Envelope struct {
			Payload     []byte `json:"payload"`
			PayloadType string `json:"payloadType"`
			Signatures  []struct {
				Signature []byte `json:"sig"`
			} `json:"signatures"`
		} `json:"dsseEnvelope"`
	}
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, err
	}
	if b.Envelope.PayloadType != statementType {
		return nil, errors.New("there is no statement in it")
	}
	var all []signature
	for _, s := range b.Envelope.Signatures {
		all = append(all, signature{Payload: b.Envelope.Payload, Signature: s.Signature, Statement: true})
	}
	return all, nil
}

// enveloped is what is signed of a statement: the pre-authentication encoding of DSSE.
func enveloped(statement []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(statementType), statementType, len(statement), statement)
}

// subject returns the digest that a statement is about, or "" when it is no signature of cosign's.
func subject(statement []byte) digest.Digest {
	var s struct {
		PredicateType string `json:"predicateType"`
		Subject       []struct {
			Digest map[string]string `json:"digest"`
		} `json:"subject"`
	}
	if json.Unmarshal(statement, &s) != nil || s.PredicateType != signPredicate || len(s.Subject) != 1 {
		return ""
	}
	return digest.NewDigestFromEncoded(digest.SHA256, s.Subject[0].Digest["sha256"])
}

// fetchBundles gets the signatures in bundles that refer to a manifest.
func fetchBundles(ctx context.Context, repo *remote.Repository, d digest.Digest) ([]signature, error) {
	var found []ocispec.Descriptor
	enough := errors.New("there are enough")
	err := repo.Referrers(ctx, ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: d}, bundleType, func(some []ocispec.Descriptor) error {
		found = append(found, some...)
		if len(found) >= maxSignatures {
			return enough
		}
		return nil
	})
	if err != nil && !errors.Is(err, enough) && !errors.Is(err, errdef.ErrNotFound) {
		return nil, err
	}
	var all []signature
	for _, referrer := range found[:min(len(found), maxSignatures)] {
		text, err := fetchManifest(ctx, repo, referrer.Digest.String())
		if err != nil {
			return nil, err
		}
		var m ocispec.Manifest
		if json.Unmarshal(text, &m) != nil || m.Subject == nil || m.Subject.Digest != d {
			continue
		}
		i := slices.IndexFunc(m.Layers, func(layer ocispec.Descriptor) bool { return layer.MediaType == bundleType })
		if i < 0 || m.Layers[i].Size < 0 || m.Layers[i].Size > maxPayload || m.Layers[i].Digest.Validate() != nil {
			continue
		}
		bundle, err := fetchBlob(ctx, repo, m.Layers[i])
		if err != nil {
			return nil, err
		}
		if some, err := readBundle(bundle); err == nil {
			all = append(all, some...)
		}
	}
	return all[:min(len(all), maxSignatures)], nil
}
