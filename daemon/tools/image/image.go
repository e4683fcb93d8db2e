package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Contents are what an image is made of.
type Contents struct {
	Binary       string // the program
	Cache        string // the folder of the compiled core; "" for none
	Architecture string
	Version      string
}

// user is who the program runs as: the number that images without users take for nobody.
const user = 65532

// Where things are in the image.
const (
	program = "/caissond"
	cache   = "/var/cache/caisson"
	config  = "/etc/caisson"
	state   = "/var/lib/caisson"
)

// Make makes the image: the same bytes for the same contents, whenever and wherever.
func Make(c Contents) (v1.Image, error) {
	folders := newLayer()
	for _, dir := range []string{"/etc", config, "/var", "/var/cache", "/var/lib"} {
		folders.folder(dir, 0, 0o755)
	}
	folders.folder(state, user, 0o700)
	folders.folder("/tmp", 0, 0o1777)
	compiled := newLayer()
	compiled.folder(cache, user, 0o700)
	if c.Cache != "" {
		if err := compiled.tree(c.Cache, cache); err != nil {
			return nil, err
		}
	}
	binary := newLayer()
	if err := binary.file(c.Binary, program, 0, 0o755); err != nil {
		return nil, err
	}
	image := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	image = mutate.ConfigMediaType(image, types.OCIConfigJSON)
	for _, l := range []*layer{folders, compiled, binary} { // What changes least is first.
		made, err := l.make()
		if err != nil {
			return nil, err
		}
		if image, err = mutate.Append(image, mutate.Addendum{Layer: made, MediaType: types.OCILayer}); err != nil {
			return nil, err
		}
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Created = "linux", c.Architecture, v1.Time{Time: time.Unix(0, 0).UTC()}
	file.Config = v1.Config{
		User:       fmt.Sprintf("%d:%d", user, user),
		Entrypoint: []string{program, "--cache-dir", cache},
		Cmd:        []string{"--config", config + "/caisson.yaml"},
		WorkingDir: state,
		Env:        []string{"HOME=" + state, "PATH=/"},
		ExposedPorts: map[string]struct{}{
			"3285/tcp": {},
		},
		Labels: map[string]string{
			"org.opencontainers.image.title":   "caissond",
			"org.opencontainers.image.version": c.Version,
		},
	}
	return mutate.ConfigFile(image, file)
}

// Write writes an image as an OCI layout, in place of the one in the folder, and returns the image's digest.
func Write(image v1.Image, folder string, c Contents) (string, error) {
	if err := os.RemoveAll(folder); err != nil {
		return "", err
	}
	at, err := layout.Write(folder, empty.Index)
	if err != nil {
		return "", err
	}
	if err := at.AppendImage(image, layout.WithPlatform(v1.Platform{OS: "linux", Architecture: c.Architecture})); err != nil {
		return "", err
	}
	digest, err := image.Digest()
	return digest.String(), err
}

// A layer is a tar that is written.
type layer struct {
	text *bytes.Buffer
	to   *tar.Writer
}

func newLayer() *layer {
	text := &bytes.Buffer{}
	return &layer{text: text, to: tar.NewWriter(text)}
}

func (l *layer) header(h tar.Header) error {
	h.Name = strings.TrimPrefix(h.Name, "/")
	h.ModTime, h.Format = time.Unix(0, 0), tar.FormatPAX
	h.Gid = h.Uid
	return l.to.WriteHeader(&h)
}

func (l *layer) folder(name string, owner int, mode int64) {
	_ = l.header(tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Uid: owner, Mode: mode}) // It goes to memory.
}

func (l *layer) file(from, name string, owner int, mode int64) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := l.header(tar.Header{Typeflag: tar.TypeReg, Name: name, Uid: owner, Mode: mode, Size: info.Size()}); err != nil {
		return err
	}
	_, err = io.Copy(l.to, f)
	return err
}

// tree adds what is in a folder, for the user alone: compiled code that others could change is not used.
func (l *layer) tree(from, to string) error {
	return filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == from {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		name := path.Join(to, filepath.ToSlash(rel))
		switch {
		case d.IsDir():
			l.folder(name, user, 0o700)
			return nil
		case d.Type().IsRegular():
			return l.file(p, name, user, 0o600)
		}
		return nil // A socket or a link is nothing of a cache's.
	})
}

func (l *layer) make() (v1.Layer, error) {
	if err := l.to.Close(); err != nil {
		return nil, err
	}
	text := l.text.Bytes()
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil })
}
