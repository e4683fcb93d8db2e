// Package atomicfile writes files whole. Whoever opens a file by its name finds what it was before, or all of what was
// written, also when the process or the machine stops meanwhile.
//
// A text is written to a file beside the one that it is to be, whose name begins with a dot and ends in ".new", kept by
// the system, and then given its name. A process that is killed leaves such a file behind.
package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Suffix ends the names of files that have not got their own yet.
const Suffix = ".new"

// Write puts a text in the place of a file's, or makes the file. The file has the mode, whatever it had before. A
// symbolic link is replaced, and not what it leads to.
func Write(path string, text []byte, mode fs.FileMode) error {
	pending, err := Prepare(path, text, mode)
	if err != nil {
		return err
	}
	return pending.Replace()
}

// Create is [Write] for a file that must not be there: when it is, the error is [fs.ErrExist], and the file is as it was.
func Create(path string, text []byte, mode fs.FileMode) error {
	pending, err := Prepare(path, text, mode)
	if err != nil {
		return err
	}
	return pending.Create()
}

// A Pending is a text that is written, and has not got its name yet: for who looks at the old file in between. Replace,
// Create or Discard ends it, whether they fail or not.
type Pending struct{ from, path string }

// Prepare writes a text that is to be the file of a path.
func Prepare(path string, text []byte, mode fs.FileMode) (*Pending, error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*"+Suffix) // of the mode 0600
	if err != nil {
		return nil, err
	}
	_, err = file.Write(text)
	if err == nil && mode != 0o600 {
		err = file.Chmod(mode)
	}
	if err == nil {
		err = file.Sync()
	}
	pending := &Pending{file.Name(), path}
	if err = errors.Join(err, file.Close()); err != nil {
		pending.Discard()
		return nil, err
	}
	return pending, nil
}

// Replace gives the text its name, as [Write] does.
func (p *Pending) Replace() error { return p.name(rename) }

// Create gives the text its name, as [Create] does. It is a link, and not a renaming, which would replace the file.
func (p *Pending) Create() error { return p.name(os.Link) }

func (p *Pending) name(give func(from, to string) error) error {
	err := give(p.from, p.path)
	p.Discard()
	if err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(p.path))
}

// Discard removes the text, where it has not got its name.
func (p *Pending) Discard() { _ = os.Remove(p.from) }

// SyncFolder has the names in a folder outlast a loss of power, where the system can do that.
func SyncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	if err = folder.Sync(); cannotSync(err) {
		err = nil // The file system keeps names in its own way.
	}
	return errors.Join(err, folder.Close())
}
