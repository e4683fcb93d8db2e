package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/atomicfile"
	"github.com/caisson-dev/caisson/host-go/internal/filelock"
)

// A Result says what was written.
type Result struct {
	// Path is the file, without links.
	Path string
	// Copy is where the file's text is as it was; "" where there was none, or where nothing changed.
	Copy string
	// Changed says that it was written.
	Changed bool
}

// Write changes a file: it keeps a copy of what was there, and replaces the text at once, under the same mode. A
// link stays, and the file that it leads to is changed. When somebody else has changed the file meanwhile, it is
// left as it is, and the error is an [*ChangedError].
func Write(ctx context.Context, path string, change func([]byte) ([]byte, error)) (*Result, error) {
	path, err := resolve(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	unlock, err := filelock.Lock(ctx, path+".lock") // Against another of our own processes.
	if err != nil {
		return nil, err
	}
	defer unlock()
	old, mode, err := read(path)
	if err != nil {
		return nil, err
	}
	if mode&0o200 == 0 { // To give another file its name asks nobody for the right to write to it.
		return nil, fmt.Errorf("%s is read-only, with the mode %04o: take that away, or add the entry by hand", path, mode)
	}
	text, err := change(old)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	result := &Result{Path: path}
	if old != nil && bytes.Equal(old, text) {
		return result, nil
	}
	pending, err := atomicfile.Prepare(path, text, mode)
	if err != nil {
		return nil, err
	}
	defer pending.Discard()
	if old == nil {
		if err := pending.Create(); errors.Is(err, fs.ErrExist) {
			return nil, &ChangedError{Path: path}
		} else if err != nil {
			return nil, err
		}
		result.Changed = true
		return result, nil
	}
	result.Copy = path + "." + time.Now().UTC().Format("20060102T150405.000000000Z") + ".bak"
	if err := keep(result.Copy, old, mode); err != nil {
		return nil, err
	}
	if now, _, err := read(path); err != nil || now == nil || !bytes.Equal(now, old) {
		return nil, errors.Join(&ChangedError{Path: path}, os.Remove(result.Copy))
	}
	if err := pending.Replace(); err != nil {
		return nil, errors.Join(err, os.Remove(result.Copy))
	}
	result.Changed = true
	return result, nil
}

// A ChangedError says that somebody else changed a file while it was to be written.
type ChangedError struct{ Path string }

// Error names the file and the remedy.
func (e *ChangedError) Error() string {
	return e.Path + ": another program has just changed it: end that program, or try again"
}

// resolve gives the path of a file without links. A file that is not there is one in a folder that may be a link.
func resolve(path string) (string, error) {
	target, err := filepath.EvalSymlinks(path)
	if err == nil {
		return target, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if _, err := os.Lstat(path); err == nil {
		return "", fmt.Errorf("%s is a link that leads to nothing", path)
	}
	if folder, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(folder, filepath.Base(path)), nil
	}
	return path, nil
}

// read reads a file and its mode; no text where there is none.
func read(path string) ([]byte, fs.FileMode, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0o600, nil
	}
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is not an ordinary file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if text == nil {
		text = []byte{}
	}
	return text, info.Mode().Perm(), err
}

// keep writes the copy.
func keep(path string, text []byte, mode fs.FileMode) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Sync(), file.Close())
}
