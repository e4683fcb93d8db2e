package wasi

import (
	"io/fs"
	"os"
	"path"
	"runtime"
	"strings"
)

// Mount is a folder that a component is granted (wasi:filesystem/preopens). It
// has either FS or Root.
type Mount struct {
	// Path is the place at which the component finds the folder, such as "/" or "/data".
	Path string
	// FS is a file system to read from. It decides how links in it are followed. os.DirFS follows links out
	// of its folder, so give a folder of the host as Root instead.
	FS fs.FS
	// Root is a folder of the host. A component may read it, and write it unless ReadOnly is set. A component
	// cannot reach anything outside of it, not even by links. Keep Root open while instances run: the package
	// does not close it. New files have permissions 0666 and new folders 0777, less the umask. A component
	// can see devices, pipes and sockets in it but cannot open them.
	Root *os.Root
	// ReadOnly refuses every change with the error code read-only.
	ReadOnly bool
}

// folder is an open directory. Its paths come from the component, and checkPath has checked them.
type folder interface {
	stat(path string, follow bool) (fs.FileInfo, error)
	readlink(path string) (string, error)
	open(path string, flag int) (fs.File, error)
	sub(path string) (folder, error)
	close()
}

func (m *Mount) folder() folder {
	if m.Root != nil {
		return &rootFolder{Root: m.Root}
	}
	return fsFolder{m.FS, "."}
}

// rootFolder is a folder of the host.
type rootFolder struct {
	*os.Root
	owned bool
}

func (f *rootFolder) stat(name string, follow bool) (fs.FileInfo, error) {
	if follow {
		return f.Stat(name)
	}
	return f.Lstat(name)
}

func (f *rootFolder) readlink(name string) (string, error) { return f.Readlink(name) }

func (f *rootFolder) open(name string, flag int) (fs.File, error) {
	// With nonblock, opening a pipe without a writer does not block the host.
	file, err := f.OpenFile(name, flag|nonblock, 0o666)
	if err != nil {
		return nil, err
	}
	return file, nil
}

func (f *rootFolder) sub(name string) (folder, error) {
	r, err := f.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	return &rootFolder{r, true}, nil
}

func (f *rootFolder) close() {
	if f.owned {
		_ = f.Close()
	}
}

// fsFolder is a folder of an fs.FS.
type fsFolder struct {
	fsys fs.FS
	at   string
}

// resolve returns the name in the fs.FS. The name does not go above the folder.
func (f fsFolder) resolve(name string) (string, error) {
	if !inside(name) {
		return "", code("not-permitted")
	}
	return path.Join(f.at, name), nil
}

func (f fsFolder) stat(name string, follow bool) (fs.FileInfo, error) {
	full, err := f.resolve(name)
	if err != nil {
		return nil, err
	}
	dir := strings.HasSuffix(name, "/")
	stat := fs.Lstat
	if follow || dir {
		stat = fs.Stat
	}
	fi, err := stat(f.fsys, full)
	if err == nil && dir && !fi.IsDir() {
		return nil, code("not-directory")
	}
	return fi, err
}

func (f fsFolder) readlink(name string) (string, error) {
	full, err := f.resolve(name)
	if err != nil {
		return "", err
	}
	return fs.ReadLink(f.fsys, full)
}

func (f fsFolder) open(name string, _ int) (fs.File, error) {
	full, err := f.resolve(name)
	if err != nil {
		return nil, err
	}
	return f.fsys.Open(full)
}

func (f fsFolder) sub(name string) (folder, error) {
	full, err := f.resolve(name)
	return fsFolder{f.fsys, full}, err
}

func (fsFolder) close() {}

// maxPath bounds a path, in bytes.
const maxPath = 4096

// checkPath refuses everything that is not a relative path. A path that leads out of the folder is refused
// later, when it is resolved.
func checkPath(name string) error {
	switch {
	case name == "":
		return code("no-entry")
	case len(name) > maxPath:
		return code("name-too-long")
	case strings.ContainsRune(name, 0):
		return code("invalid")
	case name[0] == '/', runtime.GOOS == "windows" && strings.ContainsAny(name, `\:`):
		return code("not-permitted")
	}
	return nil
}

// inside reports whether a path, as it is spelled, stays below the folder from which it starts.
func inside(name string) bool {
	c := path.Clean(name)
	return c != ".." && !strings.HasPrefix(c, "../")
}
