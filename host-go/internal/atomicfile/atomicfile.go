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
	return put(path, text, mode, rename)
}

// Create is [Write] for a file that must not be there: when it is, the error is [fs.ErrExist], and the file is as it was.
func Create(path string, text []byte, mode fs.FileMode) error {
	// A link, and not a renaming, which would replace the file.
	return put(path, text, mode, os.Link)
}

func put(path string, text []byte, mode fs.FileMode, name func(from, to string) error) error {
	folder := filepath.Dir(path)
	file, err := os.CreateTemp(folder, "."+filepath.Base(path)+"-*"+Suffix) // of the mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil && mode != 0o600 {
		err = file.Chmod(mode)
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = name(file.Name(), path)
	}
	if gone := os.Remove(file.Name()); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	if err != nil {
		return err
	}
	return SyncFolder(folder)
}

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
