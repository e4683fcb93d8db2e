package bearer

import (
	"net/http"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

// wellKnown is where the metadata of protected resources is, with the resource's path behind it (RFC 9728,
// section 3.1).
const wellKnown = "/.well-known/oauth-protected-resource"

// maxPathBytes bounds the path of a resource.
const maxPathBytes = 1024

// resourcePath is the path of a resource as its identifier has it: that of an origin has none.
func resourcePath(escaped string) string {
	if escaped == "/" {
		return ""
	}
	return escaped
}

// serveMetadata answers with the metadata of the resource at a path. Each endpoint is a resource of its own, so
// that a token for one is not good at another. Whether there is such an endpoint is not said.
func (a *Authenticator) serveMetadata(w http.ResponseWriter, r *http.Request, path string) {
	if len(a.issuers) == 0 || len(path) > maxPathBytes {
		http.NotFound(w, r)
		return
	}
	auth.ProtectedResourceMetadataHandler(&oauthex.ProtectedResourceMetadata{
		Resource:               a.options.URL + resourcePath(path),
		AuthorizationServers:   slices.Clone(a.options.Issuers),
		ScopesSupported:        slices.Clone(a.options.Scopes),
		BearerMethodsSupported: []string{"header"},
		ResourceName:           "Caisson",
	}).ServeHTTP(w, r)
}
