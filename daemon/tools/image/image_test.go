package main

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// maxImage bounds what is pulled, in bytes.
const maxImage = 60 << 20

// built builds the daemon as `make image` does, but with the paths of what is compiled already.
func built(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "caissond")
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", binary, "../../cmd/caissond")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// warmed is a folder with the compiled core.
func warmed(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "cache")
	r, err := caisson.New(t.Context(), &caisson.RuntimeOptions{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Compile(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestImage makes the image, looks at what is in it, unpacks it, and runs the daemon from it.
func TestImage(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the image is for Linux")
	}
	c := Contents{Binary: built(t), Cache: warmed(t), Architecture: runtime.GOARCH, Version: "test"}
	folder := filepath.Join(t.TempDir(), "layout")
	if err := run([]string{"--binary", c.Binary, "--cache", c.Cache, "--version", c.Version, "--out", folder}); err != nil {
		t.Fatal(err)
	}
	image := read(t, folder)
	again, err := Make(c)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := image.Digest()
	if second, err := again.Digest(); err != nil || first != second {
		t.Errorf("the same contents make %s and %s, %v", first, second, err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if file.Config.User != "65532:65532" || !slices.Equal(file.Config.Entrypoint, []string{"/caissond", "--cache-dir", "/var/cache/caisson"}) ||
		file.OS != "linux" || file.Architecture != runtime.GOARCH {
		t.Errorf("the configuration is %+v", file)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	size := manifest.Config.Size
	for _, l := range manifest.Layers {
		size += l.Size
	}
	if size > maxImage {
		t.Errorf("the image has %d bytes", size)
	}
	t.Logf("the image has %.1f MB", float64(size)/1e6)
	root := unpack(t, image)
	runs(t, root, file.Config.Entrypoint)
}

func read(t *testing.T, folder string) v1.Image {
	t.Helper()
	at, err := layout.FromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	index, err := at.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		t.Fatalf("the index is %+v, %v", manifest, err)
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// expected are the files that an image may have.
var expected = regexp.MustCompile(`^(caissond|etc|var|tmp|etc/caisson|var/cache|var/lib|var/lib/caisson|var/cache/caisson(/component-.*)?)/?$`)

// unpack unpacks the image, and sees that nothing else is in it: no shell, and nothing with more rights than it needs.
func unpack(t *testing.T, image v1.Image) string {
	t.Helper()
	root := t.TempDir()
	text := mutate.Extract(image)
	defer func() { _ = text.Close() }()
	for entries := tar.NewReader(text); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return root
		}
		if err != nil {
			t.Fatal(err)
		}
		if !expected.MatchString(h.Name) || h.Mode&0o6000 != 0 || h.Typeflag != tar.TypeDir && h.Typeflag != tar.TypeReg {
			t.Errorf("the image has %s, mode %o", h.Name, h.Mode)
		}
		to := filepath.Join(root, filepath.FromSlash(h.Name))
		if h.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(to, fs.FileMode(h.Mode&0o777)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		f, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, fs.FileMode(h.Mode&0o777))
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(f, entries)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// runs starts the daemon from the unpacked image: it is ready, and has its compiled core from there.
func runs(t *testing.T, root string, entrypoint []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "caisson.yaml")
	if err := os.WriteFile(path, []byte("listen: 127.0.0.1:0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := entries(t, filepath.Join(root, "var/cache/caisson"))
	daemon := exec.Command(filepath.Join(root, entrypoint[0]), entrypoint[1], filepath.Join(root, entrypoint[2]), "--config", path, "--verbose")
	daemon.Env = []string{"HOME=" + t.TempDir()}
	logs, err := daemon.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	defer func() {
		_ = daemon.Process.Signal(os.Interrupt)
		<-ended
		if err := daemon.Wait(); err != nil {
			t.Error(err)
		}
	}()
	address := make(chan string, 1)
	go func() {
		defer close(ended)
		var all strings.Builder
		for b := make([]byte, 4096); ; {
			n, err := logs.Read(b)
			all.Write(b[:n])
			if found := listens.FindStringSubmatch(all.String()); found != nil {
				select {
				case address <- found[1]:
				default:
				}
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case at := <-address:
		answer, err := http.Get("http://" + at + "/health")
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("its health is %s", answer.Status)
		}
	case <-ended:
		t.Fatal("the daemon has ended")
	case <-time.After(2 * time.Minute):
		t.Fatal("the daemon does not listen")
	}
	if after := entries(t, filepath.Join(root, "var/cache/caisson")); before == 0 || after != before {
		t.Errorf("the cache had %d entries, and has %d", before, after)
	}
}

var listens = regexp.MustCompile(`the daemon listens.* address=(\S+)`)

// entries are how many pieces of compiled code there are.
func entries(t *testing.T, folder string) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.Contains(path, "component-stage-") {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
