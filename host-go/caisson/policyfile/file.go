// Package policyfile reads a policy from a file: caisson.policy.yaml, or the same in JSON. It is apart from
// package policy so that only who reads such files links a reader of YAML.
//
// [Schema] is the JSON Schema of the file, for editors. What the file may not have is an error that names the
// file, the line and the key: an unknown or repeated key, a word that is not one of those allowed, an anchor.
package policyfile

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/internal/reference"
)

// MaxBytes bounds a file.
const MaxBytes = 4 << 20

// Name is what the file is called.
const Name = "caisson.policy.yaml"

// Schema is the JSON Schema (2020-12) of the file.
//
//go:embed policy.schema.json
var Schema []byte

// An Error says what is wrong with a file.
type Error struct {
	// File is its path. Line is counted from 1 on; 0 where there is none.
	File string
	Line int
	// Key is where it stands, such as servers.files.tools[2].name; "" for the whole file.
	Key string
	// Message says what is wrong, and what to do about it.
	Message string
	// Err is the cause, or nil.
	Err error
}

// Error returns the file, the line, the key and the message.
func (e *Error) Error() string {
	text := e.File
	if e.Line > 0 {
		text += fmt.Sprintf(":%d", e.Line)
	}
	if e.Key != "" {
		text += ": " + e.Key
	}
	return text + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Load reads a policy. A file whose name ends in .json is JSON, any other YAML. The error is an [*Error], or
// several that are joined. A relative path in audit.file, in folders and in secrets begins at the folder of the file.
func Load(path string) (*policy.Policy, error) {
	text, err := read(path)
	if err != nil {
		return nil, &Error{File: path, Message: err.Error(), Err: err}
	}
	rules, places, err := decode(path, text)
	if err != nil {
		return nil, err
	}
	beside := func(file *string) {
		if *file != "" && !filepath.IsAbs(*file) {
			*file = filepath.Join(filepath.Dir(path), *file)
		}
	}
	if rules.Audit != nil {
		beside(&rules.Audit.File)
	}
	for _, sources := range [][]policy.Source{rules.Servers, rules.Plugins, rules.Scripts} {
		for _, s := range sources {
			for i := range s.Folders {
				beside(&s.Folders[i].Path)
			}
			for name, text := range s.Secrets {
				if inner, ok := reference.Whole(text); ok && strings.HasPrefix(inner, "file:") {
					path := strings.TrimPrefix(inner, "file:")
					beside(&path)
					s.Secrets[name] = "${file:" + path + "}"
				}
			}
		}
	}
	return check(path, rules, places)
}

// Parse reads a policy from a text; see [Load]. The path stands in the errors, and its end says whether it is
// JSON.
func Parse(path string, text []byte) (*policy.Policy, error) {
	rules, places, err := decode(path, text)
	if err != nil {
		return nil, err
	}
	return check(path, rules, places)
}

func check(path string, rules *policy.Rules, places places) (*policy.Policy, error) {
	p, err := policy.New(*rules)
	if err != nil {
		return nil, place(path, places, err)
	}
	return p, nil
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err == nil && len(text) > MaxBytes {
		err = fmt.Errorf("the file has more than %d bytes", MaxBytes)
	}
	return text, err
}

// places are the lines of keys.
type places map[string]int

// of returns the line of a key, or of what it is in.
func (p places) of(key string) int {
	for key != "" {
		if line, ok := p[key]; ok {
			return line
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return 0
}

// place gives errors about rules their lines.
func place(path string, places places, err error) error {
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	for i, one := range all {
		var wrong *policy.RuleError
		if errors.As(one, &wrong) {
			all[i] = &Error{File: path, Line: places.of(wrong.Key), Key: wrong.Key, Message: wrong.Message, Err: wrong}
		}
	}
	return errors.Join(all...)
}
