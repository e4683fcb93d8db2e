package oci

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A testRegistry is an OCI registry on loopback, which only reads: what it has, the test writes down.
type testRegistry struct {
	url string

	mu        sync.Mutex
	manifests map[string][]byte // by repository:tag and repository@digest
	blobs     map[digest.Digest][]byte
	referrers map[digest.Digest][]ocispec.Descriptor // nil for a registry that does not know them
	requests  int
	// answer, when it is set, answers a request in place of the registry, unless it returns false.
	answer func(w http.ResponseWriter, r *http.Request) bool
}

func newRegistry(t *testing.T) *testRegistry {
	t.Helper()
	r := &testRegistry{manifests: map[string][]byte{}, blobs: map[digest.Digest][]byte{}}
	s := httptest.NewServer(r)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	r.url = strings.TrimPrefix(s.URL, "http://")
	return r
}

func (r *testRegistry) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	r.requests++
	answer := r.answer
	r.mu.Unlock()
	if answer != nil && answer(w, q) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	path := strings.TrimPrefix(q.URL.Path, "/v2/")
	if repo, name, ok := strings.Cut(path, "/manifests/"); ok {
		sep := ":"
		if strings.HasPrefix(name, "sha256:") {
			sep = "@"
		}
		if b := r.manifests[repo+sep+name]; b != nil {
			kind := ocispec.MediaTypeImageManifest
			if strings.Contains(string(b), ocispec.MediaTypeImageIndex) {
				kind = ocispec.MediaTypeImageIndex
			}
			send(w, q, kind, b)
			return
		}
	}
	if _, name, ok := strings.Cut(path, "/referrers/"); ok && r.referrers != nil {
		index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: r.referrers[digest.Digest(name)]}
		index.SchemaVersion = 2
		b, _ := json.Marshal(index)
		send(w, q, ocispec.MediaTypeImageIndex, b)
		return
	}
	if _, name, ok := strings.Cut(path, "/blobs/"); ok {
		if b := r.blobs[digest.Digest(name)]; b != nil {
			send(w, q, "application/octet-stream", b)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprint(w, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"there is none"}]}`)
}

func send(w http.ResponseWriter, q *http.Request, mediaType string, b []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", fmt.Sprint(len(b)))
	w.Header().Set("Docker-Content-Digest", digest.FromBytes(b).String())
	if q.Method != http.MethodHead {
		_, _ = w.Write(b)
	}
}

// count returns how many requests there were.
func (r *testRegistry) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}

func (r *testRegistry) setAnswer(answer func(w http.ResponseWriter, r *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// layer adds a blob, and returns its descriptor.
func (r *testRegistry) layer(mediaType string, b []byte, annotations map[string]string) ocispec.Descriptor {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := digest.FromBytes(b)
	r.blobs[d] = b
	return ocispec.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(b)), Annotations: annotations}
}

// push adds a manifest of these layers under a tag, and returns its digest.
func (r *testRegistry) push(t *testing.T, repository, tag string, layers ...ocispec.Descriptor) digest.Digest {
	t.Helper()
	config := r.layer("application/vnd.wasm.config.v0+json", []byte("{}"), nil)
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Config: config, Layers: layers}
	m.SchemaVersion = 2
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return r.pushRaw(repository, tag, b)
}

func (r *testRegistry) pushRaw(repository, tag string, manifest []byte) digest.Digest {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := digest.FromBytes(manifest)
	r.manifests[repository+":"+tag], r.manifests[repository+"@"+d.String()] = manifest, manifest
	return d
}

// pushPlugin adds a plugin under a tag.
func (r *testRegistry) pushPlugin(t *testing.T, tag string, wasm []byte) digest.Digest {
	t.Helper()
	return r.push(t, "tools/calc", tag, r.layer("application/wasm", wasm, nil))
}

// ref returns a reference to the plugin by a tag, or by a digest.
func (r *testRegistry) ref(name string) string {
	if strings.HasPrefix(name, "sha256:") {
		return Scheme + r.url + "/tools/calc@" + name
	}
	return Scheme + r.url + "/tools/calc:" + name
}
