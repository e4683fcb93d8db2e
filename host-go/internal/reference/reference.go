// Package reference reads secrets that a configuration or a command line refers to, in place of having them.
package reference

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxSecret is how large a secret may be.
const maxSecret = 64 << 10

// Keyring reads a secret from the operating system's keyring. It is nil unless the program links package
// caisson/auth/keyring, which sets it before the program's main function.
var Keyring func(ctx context.Context, service, name string) (string, error)

// Kinds are the ways to refer to a secret, for messages.
const Kinds = "env:NAME, file:PATH or keyring:SERVICE/NAME"

// Read gives the secret that a reference of one of the [Kinds] stands for, without the line break at its end.
// known is false for a text that is no such reference. No error has a secret in it.
func Read(ctx context.Context, text string, lookup func(string) (string, bool)) (secret string, known bool, err error) {
	kind, name, ok := strings.Cut(text, ":")
	if !ok || name == "" {
		return "", false, nil
	}
	switch kind {
	case "env":
		value, set := lookup(name)
		if !set || value == "" {
			return "", true, fmt.Errorf("the environment variable %s is not set, or empty: set it", name)
		}
		return value, true, nil
	case "file":
		secret, err = readFile(name)
		return secret, true, err
	case "keyring":
		secret, err = fromKeyring(ctx, name)
		return secret, true, err
	}
	return "", false, nil
}

// Whole returns what stands between the braces of a text that is one reference and nothing else: ${env:NAME},
// ${file:PATH} or ${keyring:SERVICE/NAME}.
func Whole(text string) (inner string, ok bool) {
	inner, opened := strings.CutPrefix(text, "${")
	inner, closed := strings.CutSuffix(inner, "}")
	kind, name, _ := strings.Cut(inner, ":")
	known := kind == "env" || kind == "file" || kind == "keyring"
	return inner, opened && closed && known && name != "" && !strings.ContainsAny(inner, "{}\x00")
}

func readFile(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", unread(path, err)
	case !info.Mode().IsRegular(): // A pipe may have no end, and a device no beginning.
		return "", fmt.Errorf("%s is not a regular file: name one", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", unread(path, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	switch {
	case err != nil:
		return "", unread(path, err)
	case len(text) > maxSecret:
		return "", fmt.Errorf("%s has more than %d bytes: name a file with a secret and nothing else", path, maxSecret)
	}
	return line(path, string(text))
}

// unread says what to do about a file that cannot be read.
func unread(path string, err error) error {
	remedy := "put the secret there, or name another file"
	if !filepath.IsAbs(path) {
		remedy += "; a relative path begins at the current folder"
	}
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err // Without its own path.
	}
	return fmt.Errorf("the file %s cannot be read (%w): %s", path, err, remedy)
}

func fromKeyring(ctx context.Context, item string) (string, error) {
	service, name, ok := strings.Cut(item, "/")
	switch {
	case !ok || service == "" || name == "":
		return "", fmt.Errorf("keyring:%s is not keyring:SERVICE/NAME", item)
	case Keyring == nil:
		return "", errors.New("this program has no keyring: it has to import the package caisson/auth/keyring")
	}
	secret, err := Keyring(ctx, service, name)
	if err != nil {
		return "", err
	}
	return line("keyring:"+item, secret)
}

// line takes the line break off the end, which editors and echo put there.
func line(where, text string) (string, error) {
	text = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(text, "\ufeff"), "\n"), "\r")
	if text == "" {
		return "", fmt.Errorf("%s is empty: put the secret there", where)
	}
	return text, nil
}
