package auth

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/caisson-dev/caisson/host-go/internal/atomicfile"
)

// privateFolder makes a folder that is this user's alone, where it is not there, and gives its path without
// symbolic links.
func privateFolder(path string) (string, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", err
	}
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", &UnsafeError{Path: path, Reason: "is not a folder", Remedy: chooseAnother}
	}
	return path, private(path, info)
}

const chooseAnother = "choose another folder"

var errTooLarge = errors.New("it is too large")

// readPrivate reads a file that is this user's alone, of limit bytes at most; nil where it is not there.
func readPrivate(path string, limit int) ([]byte, error) {
	// Before it is opened, which would follow a link; and after, since another may have taken its place.
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = privateRegular(path, info)
	}
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDONLY|openSafely, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err = file.Stat(); err == nil {
		err = privateRegular(path, info)
	}
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(text) > limit {
		return nil, errTooLarge
	}
	return text, nil
}

func privateRegular(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return &UnsafeError{Path: path, Reason: fmt.Sprintf("is not an ordinary file (%v)", info.Mode().Type()), Remedy: "remove it, or " + chooseAnother}
	}
	return private(path, info)
}

// newSuffix ends the name of a file that is to replace another one. There is one at most, since who replaces
// a file holds the folder's lock.
const newSuffix = ".new"

// replacePrivate puts a text in the place of a file's, or makes the file, of mode 0600. Whenever the process or
// the machine stops, the file is the old one or the new one.
func replacePrivate(path string, text []byte) error {
	temporary := path + newSuffix
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return atomicfile.SyncFolder(filepath.Dir(path))
}
