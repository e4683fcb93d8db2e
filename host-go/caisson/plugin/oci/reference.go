package oci

import (
	"fmt"
	"net"
	"strings"

	_ "crypto/sha256" // the digests of references

	"github.com/opencontainers/go-digest"
	"oras.land/oras-go/v2/registry"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// Scheme begins every reference.
const Scheme = "oci://"

// A Reference names a plugin in a registry.
type Reference struct {
	// Registry is the registry's host, with a port where it has one. Repository is the path in it.
	Registry, Repository string
	// Tag is the tag, or "" for a reference with a digest. Digest is the digest of the manifest, sha256:…, or "".
	Tag, Digest string
}

// String returns the reference as ParseReference reads it.
func (r Reference) String() string {
	if r.Digest != "" {
		return Scheme + r.name() + "@" + r.Digest
	}
	return Scheme + r.name() + ":" + r.Tag
}

func (r Reference) name() string { return r.Registry + "/" + r.Repository }

// ParseReference reads oci://registry/repository@sha256:… or oci://registry/repository:tag. It fails with
// [caisson.CodeInvalidArgument]; a reference has either a tag or a digest.
func ParseReference(text string) (Reference, error) {
	rest, ok := strings.CutPrefix(text, Scheme)
	if !ok {
		return Reference{}, invalid("%q does not begin with %s", text, Scheme)
	}
	parsed, err := registry.ParseReference(rest)
	if err != nil {
		return Reference{}, invalid("%q: %w", text, err)
	}
	r := Reference{Registry: parsed.Registry, Repository: parsed.Repository}
	switch d, err := digest.Parse(parsed.Reference); {
	case parsed.Reference == "":
		return Reference{}, invalid("%q has neither a tag nor a digest: add :TAG or @sha256:…", text)
	case err != nil:
		r.Tag = parsed.Reference
	case d.Algorithm() != digest.SHA256:
		return Reference{}, invalid("%q: the digest is not of sha256", text)
	default:
		r.Digest = d.String()
	}
	return r, nil
}

// local reports whether the registry is on this machine, where HTTP without TLS is enough.
func (r Reference) local() bool {
	host := r.Registry
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

const step = "plugin reference"

func invalid(format string, args ...any) error {
	return fail(caisson.CodeInvalidArgument, format, args...)
}

func fail(code caisson.Code, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &caisson.Error{Code: code, Step: step, Message: err.Error(), Err: err}
}
