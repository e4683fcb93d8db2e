package wasi

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
)

// These are flags of wasi:filesystem.
const (
	flagRead     component.Flags = 1 << 0 // descriptor-flags
	flagWrite    component.Flags = 1 << 1
	flagFileSync component.Flags = 1 << 2
	flagDataSync component.Flags = 1 << 3
	flagMutate   component.Flags = 1 << 5

	openCreate    component.Flags = 1 << 0 // open-flags
	openDirectory component.Flags = 1 << 1
	openExclusive component.Flags = 1 << 2
	openTruncate  component.Flags = 1 << 3

	followLink component.Flags = 1 << 0 // path-flags
)

// descriptor is an open file or folder of a mount.
type descriptor struct {
	mount *Mount
	// path is the place in the mount at the time of opening.
	path  string
	flags component.Flags
	// dir is the folder. It is nil for a file.
	dir  folder
	file *file
	done func()
}

func (d *descriptor) drop() {
	if d.file != nil {
		d.file.release()
		return
	}
	d.dir.close()
	d.done()
}

// folder returns the directory that path is relative to.
func (d *descriptor) folder(path string) (folder, error) {
	if d.dir == nil {
		return nil, code("not-directory")
	}
	return d.dir, checkPath(path)
}

// writable returns the directory in which a change at paths is made.
func (d *descriptor) writable(paths ...string) (*os.Root, error) {
	for _, p := range paths {
		if _, err := d.folder(p); err != nil {
			return nil, err
		}
	}
	f, ok := d.dir.(*rootFolder)
	if !ok || d.flags&flagMutate == 0 {
		return nil, code("read-only")
	}
	return f.Root, nil
}

// readable and changeable return the open file for reading or for writing.
func (d *descriptor) readable() (*file, error)   { return d.opened(flagRead) }
func (d *descriptor) changeable() (*file, error) { return d.opened(flagWrite) }

func (d *descriptor) opened(flag component.Flags) (*file, error) {
	switch {
	case d.file == nil:
		return nil, code("is-directory")
	case d.flags&flag == 0:
		return nil, code("bad-descriptor")
	}
	return d.file, nil
}

func (d *descriptor) stat() (fs.FileInfo, error) {
	if d.file != nil {
		return d.file.Stat()
	}
	return d.dir.stat(".", true)
}

func (d *descriptor) statAt(flags component.Flags, name string) (fs.FileInfo, error) {
	f, err := d.folder(name)
	if err != nil {
		return nil, err
	}
	return f.stat(name, flags&followLink != 0)
}

// openAt opens a file or folder. The new folder may be changed when this one may.
func (d *descriptor) openAt(h *host, follow component.Flags, name string, how, flags component.Flags) (*descriptor, error) {
	f, err := d.folder(name)
	if err != nil {
		return nil, err
	}
	if d.flags&flagMutate == 0 && (flags&(flagWrite|flagMutate) != 0 || how&(openCreate|openTruncate) != 0) {
		return nil, code("read-only")
	}
	if how&openDirectory != 0 && how&(openCreate|openExclusive|openTruncate) != 0 {
		return nil, code("invalid")
	}
	fi, err := f.stat(name, follow&followLink != 0 && how&openExclusive == 0)
	exists := err == nil
	if !exists && (how&openCreate == 0 || !errors.Is(err, fs.ErrNotExist)) {
		return nil, err
	}
	if exists {
		if err := mayOpen(fi, how, flags); err != nil {
			return nil, err
		}
	}
	if err := h.open.acquire(); err != nil {
		return nil, err
	}
	out := &descriptor{mount: d.mount, path: path.Join(d.path, name), done: h.open.release}
	if exists && fi.IsDir() {
		out.flags = flagRead | d.flags&flagMutate
		out.dir, err = f.sub(name)
	} else {
		out.flags = flags &^ flagMutate // wasi-libc sets flagMutate before it knows what it opens
		out.file, err = openFile(f, name, how, flags, h.open.release)
	}
	if err != nil {
		h.open.release()
		return nil, err
	}
	return out, nil
}

// mayOpen returns an error when an existing file or folder cannot be opened with these flags.
func mayOpen(fi fs.FileInfo, how, flags component.Flags) error {
	switch mode := fi.Mode(); {
	case how&(openCreate|openExclusive) == openCreate|openExclusive:
		return code("exist")
	case mode&fs.ModeSymlink != 0:
		return code("loop")
	case mode.IsDir():
		if flags&flagWrite != 0 || how&(openCreate|openTruncate) != 0 {
			return code("is-directory")
		}
	case how&openDirectory != 0:
		return code("not-directory")
	case !mode.IsRegular():
		return code("not-permitted")
	}
	return nil
}

func openFile(f folder, name string, how, flags component.Flags, closed func()) (*file, error) {
	flag := os.O_RDONLY
	switch {
	case flags&flagRead != 0 && flags&flagWrite != 0, how&openTruncate != 0:
		flag = os.O_RDWR
	case flags&flagWrite != 0:
		flag = os.O_WRONLY
	}
	for bit, f := range map[component.Flags]int{openCreate: os.O_CREATE, openExclusive: os.O_EXCL, openTruncate: os.O_TRUNC} {
		if how&bit != 0 {
			flag |= f
		}
	}
	if flags&(flagFileSync|flagDataSync) != 0 {
		flag |= os.O_SYNC
	}
	open := func() (fs.File, error) { return f.open(name, flag) }
	file0, err := open()
	if err != nil {
		return nil, err
	}
	fi, err := file0.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = code("not-permitted")
	}
	if err != nil {
		_ = file0.Close()
		return nil, err
	}
	return &file{File: file0, reopen: open, closed: closed, refs: 1}, nil
}

// read is descriptor.read: it returns up to n bytes, and whether the file ends after them.
func (d *descriptor) read(n, offset uint64) (any, error) {
	f, err := d.readable()
	if err != nil {
		return nil, err
	}
	b := make([]byte, min(n, chunk))
	k, err := f.readAt(b, offset)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return component.Tuple{b[:k], err == io.EOF}, nil
}

// now returns the place of the descriptor's file or folder in the mount. It fails when something else is
// there now.
func (d *descriptor) now() (*os.Root, string, error) {
	if d.mount.Root == nil || d.mount.ReadOnly {
		return nil, "", code("read-only")
	}
	there, err := d.mount.Root.Stat(d.path)
	if err != nil {
		return nil, "", err
	}
	here, err := d.stat()
	if err != nil {
		return nil, "", err
	}
	if !os.SameFile(there, here) {
		return nil, "", code("no-entry")
	}
	return d.mount.Root, d.path, nil
}

// pair has f work on a path of this folder and a path of another, for example to rename. f gets the folder
// when both are the same, and otherwise their mount.
func (d *descriptor) pair(old string, to *descriptor, name string, f func(r *os.Root, old, name string) error) error {
	r, err := d.writable(old)
	if err != nil {
		return err
	}
	if _, err := to.writable(name); err != nil {
		return err
	}
	if d == to {
		return f(r, old, name)
	}
	if d.mount != to.mount {
		return code("cross-device")
	}
	if !inside(old) || !inside(name) {
		return code("not-permitted")
	}
	root, from, err := d.now()
	if err != nil {
		return err
	}
	_, into, err := to.now()
	if err != nil {
		return err
	}
	return f(root, path.Join(from, old), path.Join(into, name))
}

// setTimes sets the times of a file in a folder. A zero time means no change.
func (d *descriptor) setTimes(follow component.Flags, name string, atime, mtime time.Time) error {
	r, err := d.writable(name)
	if err != nil {
		return err
	}
	if follow&followLink == 0 {
		fi, err := r.Lstat(name)
		if err != nil {
			return err
		}
		if fi.Mode()&fs.ModeSymlink != 0 {
			if atime.IsZero() {
				atime = systemStatus(fi).accessed
			}
			if mtime.IsZero() {
				mtime = fi.ModTime()
			}
			return setLinkTimes(r, name, atime, mtime)
		}
	}
	return r.Chtimes(name, atime, mtime)
}

// remove removes a file, or a folder.
func (d *descriptor) remove(name string, dir bool) error {
	r, err := d.writable(name)
	if err != nil {
		return err
	}
	fi, err := r.Lstat(name)
	switch {
	case err != nil:
		return err
	case dir && !fi.IsDir():
		return code("not-directory")
	case !dir && fi.IsDir():
		return code("is-directory")
	}
	return r.Remove(name)
}
