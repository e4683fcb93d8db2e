package caisson_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"
)

// A finder looks for secrets: for the mark in each of them, and for whole ones without it.
type finder struct {
	patterns []pattern

	mu    sync.Mutex
	found map[string]bool
	looks int
}

type pattern struct {
	how  string
	text []byte
}

// newFinder makes a finder of the mark, and of keys, which do not have it and are in base64 already.
func newFinder(keys ...string) *finder {
	f := &finder{found: map[string]bool{}}
	f.add("plain", mark)
	for behind, first := range []int{0, 2, 3} {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", behind) + mark))
		// Without what the bytes around it have a share in. The mark has neither of the characters in
		// which the two alphabets differ.
		f.add("base64", encoded[first:(behind+len(mark))*8/6])
	}
	percent := ""
	for _, b := range []byte(mark) {
		percent += fmt.Sprintf("%%%02x", b)
	}
	f.add("percent", percent)
	f.add("percent", strings.ToUpper(percent))
	f.add("hex", hex.EncodeToString([]byte(mark)))
	var wide []byte
	for _, unit := range utf16.Encode([]rune(mark)) {
		wide = append(wide, byte(unit), byte(unit>>8))
	}
	f.add("utf-16", string(wide))
	for _, key := range keys {
		f.add("a key", key)
	}
	return f
}

func (f *finder) add(how, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.patterns {
		if string(p.text) == text {
			return
		}
	}
	f.patterns = append(f.patterns, pattern{how, []byte(text)})
}

// look looks for secrets in what belongs to a place.
func (f *finder) look(place string, texts ...[]byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks++
	for _, text := range texts {
		for _, p := range f.patterns {
			if at := bytes.Index(text, p.text); at >= 0 {
				around := text[max(0, at-60):min(len(text), at+60)]
				f.found[fmt.Sprintf("%s has a secret (%s): %q", place, p.how, around)] = true
			}
		}
	}
}

// memory looks into a core.
func (f *finder) memory(memories [][]byte) { f.look("the memory of the core", memories...) }

// lookAtError looks at each error of a tree, as text and with its fields.
func (f *finder) lookAtError(err error) {
	if err == nil {
		return
	}
	f.look("an error", []byte(err.Error()), fmt.Appendf(nil, "%+v %#v", err, err))
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		for _, cause := range e.Unwrap() {
			f.lookAtError(cause)
		}
	default:
		f.lookAtError(errors.Unwrap(err))
	}
}

// lookInFiles looks at each file below a folder.
func (f *finder) lookInFiles(t *testing.T, folder string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		f.look(path, text, []byte(path))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// report fails the test for what was found.
func (f *finder) report(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for what := range f.found {
		t.Error(what)
	}
}
