package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pluginRegistry serves one plugin as an OCI registry, and returns its references by a tag and by its digest.
func pluginRegistry(t *testing.T, wasm []byte) (tag, byDigest string, stop func()) {
	t.Helper()
	sum := func(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }
	manifest := []byte(fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",`+
		`"config":{"mediaType":"application/vnd.wasm.config.v0+json","digest":%q,"size":2},`+
		`"layers":[{"mediaType":"application/wasm","digest":%q,"size":%d}]}`, sum([]byte("{}")), sum(wasm), len(wasm)))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := map[string][]byte{
			"/v2/tools/calc/manifests/1": manifest, "/v2/tools/calc/manifests/" + sum(manifest): manifest, "/v2/tools/calc/blobs/" + sum(wasm): wasm,
		}[r.URL.Path]
		if b == nil {
			http.NotFound(w, r)
			return
		}
		if strings.Contains(r.URL.Path, "/manifests/") {
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		_, _ = w.Write(b)
	}))
	t.Cleanup(s.Close)
	at := "oci://" + strings.TrimPrefix(s.URL, "http://") + "/tools/calc"
	return at + ":1", at + "@" + sum(manifest), s.Close
}

// A plugin of a registry is pulled once, and called from the store.
func TestPluginPull(t *testing.T) {
	wasm, err := os.ReadFile(calc)
	if err != nil {
		t.Fatal(err)
	}
	tag, byDigest, stop := pluginRegistry(t, wasm)
	store := filepath.Join(t.TempDir(), "plugins")
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	add := func(plugin string, flags ...string) outcome {
		return caissonRun(t, append([]string{"run-tool", "--no-cache", "--plugins", store, plugin, "sum", "a=1", "b=2"}, flags...)...)
	}
	add(tag).expect(t, exitConnect, "it was not pulled yet", "'caisson plugin pull' gets it")
	o := caissonRun(t, "plugin", "pull", "--plugins", store, tag)
	o.expect(t, exitOK)
	if o.out != byDigest+"\n" {
		t.Error(o.out)
	}
	stop()
	for _, plugin := range []string{tag, byDigest} {
		o := add(plugin)
		o.expect(t, exitOK)
		if o.out != "3\n" {
			t.Error(o.out)
		}
	}
	o = caissonRun(t, "plugin", "pull", "--plugins", store, tag, "--json")
	o.expect(t, exitOK)
	if !strings.Contains(o.out, `"fetched":false`) {
		t.Error(o.out)
	}
	caissonRun(t, "plugin", "pull", "--plugins", store, tag, "--update").expect(t, exitConnect, "plugin reference: connect: ")
	caissonRun(t, "plugin", "pull", "--plugins", store, "registry.example.com/x:1").expect(t, exitUsage, "does not begin with oci://")
	caissonRun(t, "plugin", "pull").expect(t, exitUsage, "no plugin is given")

	key := filepath.Join(t.TempDir(), "cosign.pub")
	const public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"
	if err := os.WriteFile(key, []byte(public), 0o600); err != nil {
		t.Fatal(err)
	}
	add(tag, "--key", key).expect(t, exitFailure, "is not trusted: it was pulled without a signature")
	add(calc, "--key", key).expect(t, exitUsage, "--key is for an oci:// plugin")
	add(tag, "--key", calc).expect(t, exitUsage, "the key is no PEM block")
	add(tag, "--key", "none.pub").expect(t, exitUsage, "--key: open none.pub")
}
