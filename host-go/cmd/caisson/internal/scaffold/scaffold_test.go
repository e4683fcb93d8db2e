package scaffold

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The WIT package in new plugins is the repository's.
func TestWIT(t *testing.T) {
	const theirs = "../../../../../wit/plugin"
	names := func(folder string) (names []string) {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	if ours := names("wit"); !slices.Equal(ours, names(theirs)) {
		t.Fatalf("%q", ours)
	}
	for _, name := range names("wit") {
		ours, err := os.ReadFile(filepath.Join("wit", name))
		if err != nil {
			t.Fatal(err)
		}
		other, err := os.ReadFile(filepath.Join(theirs, name))
		if err != nil {
			t.Fatal(err)
		}
		if string(ours) != string(other) {
			t.Errorf("%s is not that of wit/plugin: copy it", name)
		}
	}
}

// A new plugin has its name in its files, and nothing is left of the template.
func TestWrite(t *testing.T) {
	for _, language := range Languages {
		folder := filepath.Join(t.TempDir(), "my-plugin")
		written, err := Write(folder, language)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(written, "README.md") || !slices.Contains(written, "wit/world.wit") {
			t.Errorf("%s: %q", language, written)
		}
		named := 0
		for _, name := range written {
			text, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "{{") || strings.HasSuffix(name, ".tmpl") {
				t.Errorf("%s: %s is a template", language, name)
			}
			named += strings.Count(string(text), "my-plugin")
		}
		if named == 0 {
			t.Errorf("%s: no file has the name", language)
		}
		if _, err := Write(folder, language); err == nil || !strings.Contains(err.Error(), "is not empty") {
			t.Error(err)
		}
	}
	for _, name := range []string{"My Plugin", "1x", "x_y", "-", strings.Repeat("x", 65)} {
		if _, err := Write(filepath.Join(t.TempDir(), name), "go"); err == nil || !strings.Contains(err.Error(), "is no name") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Write(filepath.Join(t.TempDir(), "x"), "cobol"); err == nil {
		t.Error("there is a template for COBOL")
	}
}
