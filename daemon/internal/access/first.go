package access

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/caisson-dev/caisson/host-go/caisson/bearer"
)

// A First is the token that the daemon makes where nothing says who may call: for the user of this machine.
type First struct {
	// Tokens is the file with its hash, Token the file with the token itself, of mode 0600.
	Tokens, Token string
	// Made says that it was made now.
	Made bool
}

// Folder is the daemon's own, where the configuration names no other: "caisson/daemon" in [os.UserConfigDir].
func Folder() (string, error) {
	own, err := os.UserConfigDir()
	return filepath.Join(own, "caisson", "daemon"), err
}

// FirstToken makes a token in a folder, or finds the one that it has made before. The folder is made with the mode
// 0700.
func FirstToken(ctx context.Context, folder string) (*First, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	f := &First{Tokens: filepath.Join(folder, "tokens.json"), Token: filepath.Join(folder, "token")}
	_, noHash := os.Lstat(f.Tokens)
	_, noToken := os.Lstat(f.Token)
	if noHash == nil && noToken == nil {
		return f, nil
	}
	for _, err := range []error{noHash, noToken} {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	token, err := bearer.AddToken(ctx, f.Tokens, "local", []string{string(MCP), string(Scripts), string(Admin)})
	if err != nil {
		return nil, err
	}
	f.Made = true
	return f, writePrivate(f.Token, token+"\n")
}

// writePrivate writes a file that only this user reads, in one step.
func writePrivate(path, text string) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // of mode 0600
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
