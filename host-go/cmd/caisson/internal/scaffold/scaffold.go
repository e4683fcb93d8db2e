// Package scaffold begins new plugins: it writes the files of a plugin that greets, in one of several languages.
package scaffold

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// files are the templates, a folder for each language, and the WIT package that all plugins have. The names of the
// templates end with ".tmpl": Go would take a go.mod for the beginning of another module.
//
//go:embed templates wit
var files embed.FS

// Languages are those that a plugin can be begun in.
var Languages = []string{"go", "javascript", "python", "rust"}

// validName matches names that a package may have in every language.
var validName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// Write writes the files of a new plugin into a folder, which may be there already when it is empty. The plugin has the
// folder's name. Write returns the files' paths below the folder.
func Write(folder, language string) (written []string, err error) {
	whole, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	name := filepath.Base(whole)
	if !validName.MatchString(name) || len(name) > 64 {
		return nil, fmt.Errorf("%q is no name for a plugin: it has letters and digits in lower case, with - between them", name)
	}
	if there, err := os.ReadDir(whole); len(there) > 0 {
		return nil, fmt.Errorf("%s is not empty", folder)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, from := range []string{path.Join("templates", language), "."} {
		err := fs.WalkDir(files, from, func(file string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && file == "templates":
				return fs.SkipDir
			case entry.IsDir():
				return nil
			}
			to := strings.TrimSuffix(strings.TrimPrefix(file, from+"/"), ".tmpl")
			written = append(written, to)
			return write(filepath.Join(whole, filepath.FromSlash(to)), file, name)
		})
		if err != nil {
			return nil, err
		}
	}
	return written, nil
}

// write writes one file.
func write(to, file, name string) error {
	text, err := files.ReadFile(file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	return os.WriteFile(to, []byte(strings.ReplaceAll(string(text), "{{.Name}}", name)), 0o666)
}
