// Package docs_test compiles the code that the documents show, and checks that both are the same.
package docs_test

import (
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// root is the folder of the repository.
const root = "../../.."

// TestCode checks that each block of Go in a document, or in the comment of a package, is in a file that is
// compiled. The indentation may differ.
func TestCode(t *testing.T) {
	compiled := goFiles(t)
	shown := 0
	check := func(document, block string) {
		shown++
		if !isCompiled(block, compiled) {
			t.Errorf("%s shows code that stands in no Go file:\n%s", document, block)
		}
	}
	for _, document := range documents(t) {
		for _, block := range blocks(read(t, document)) {
			check(document, block)
		}
	}
	for path := range compiled {
		for _, block := range commentBlocks(t, path) {
			check(path, block)
		}
	}
	if shown == 0 {
		t.Error("no document shows any code")
	}
}

// TestIsCompiled shows which blocks count as the same.
func TestIsCompiled(t *testing.T) {
	compiled := map[string][]string{"x.go": strings.Split("a\n\tif b {\n\t\tc\n\n\t}\nd", "\n")}
	for block, want := range map[string]bool{
		"if b {\n\tc\n\n}":     true,
		"\t\tif b {\n\t\t\tc":  true,
		"if b {\n\tc\n}":       false,
		"if b {\nc":            false,
		"c\n\n\t}\nd":          false,
		"d\ne":                 false,
		"\tif b {\n\t\tc\nd":   false,
		"":                     false,
		"if b":                 false,
		"a\n\tif b {\n\t\tc\n": true,
	} {
		if got := isCompiled(block, compiled); got != want {
			t.Errorf("%q: %v", block, got)
		}
	}
}

// goFiles returns the lines of every Go file of the module, by path.
func goFiles(t *testing.T) map[string][]string {
	t.Helper()
	files := map[string][]string{}
	for _, module := range []string{"host-go", "daemon"} {
		err := filepath.WalkDir(filepath.Join(root, module), func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == "gen"):
				return fs.SkipDir
			case !entry.IsDir() && filepath.Ext(path) == ".go":
				files[path] = strings.Split(read(t, path), "\n")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// documents returns the paths of the repository's documents.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "bench/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s finds %v, %v", pattern, found, err)
		}
		all = append(all, found...)
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

// blocks returns the blocks of Go in a document.
func blocks(document string) []string {
	var all []string
	parts := strings.Split("\n"+document, "\n```go\n")
	for _, part := range parts[1:] {
		block, _, _ := strings.Cut(part, "\n```")
		all = append(all, block)
	}
	return all
}

// commentBlocks returns the blocks of a package's comment that can be read as Go. It returns none when the
// comment is not in this file.
func commentBlocks(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, part := range new(comment.Parser).Parse(text(file.Doc)).Content {
		if code, ok := part.(*comment.Code); ok && isGo(code.Text) {
			all = append(all, code.Text)
		}
	}
	return all
}

func text(group *ast.CommentGroup) string {
	if group == nil {
		return ""
	}
	return group.Text()
}

// isGo reports whether a text can be read as statements or declarations.
func isGo(text string) bool {
	for _, file := range []string{"package p\n" + text, "package p\nfunc _() {\n" + text + "\n}"} {
		if _, err := parser.ParseFile(token.NewFileSet(), "", file, parser.SkipObjectResolution); err == nil {
			return true
		}
	}
	return false
}

// isCompiled reports whether a block stands in one of the files.
func isCompiled(block string, files map[string][]string) bool {
	lines := strings.Split(strings.TrimRight(block, "\n"), "\n")
	if strings.TrimSpace(lines[0]) == "" {
		return false
	}
	lines = unindented(lines)
	for _, file := range files {
		for i := range file {
			if standsAt(lines, file[i:]) {
				return true
			}
		}
	}
	return false
}

// unindented removes the indentation of the first line from each line.
func unindented(lines []string) []string {
	indent := lines[0][:len(lines[0])-len(strings.TrimLeft(lines[0], "\t"))]
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = strings.TrimPrefix(line, indent)
	}
	return out
}

// standsAt reports whether a file begins with the lines, all indented by the same text.
func standsAt(lines, file []string) bool {
	if len(file) < len(lines) {
		return false
	}
	indent, found := strings.CutSuffix(file[0], lines[0])
	if !found || strings.Trim(indent, "\t") != "" {
		return false
	}
	for i, line := range lines {
		if line == "" && file[i] == "" {
			continue
		}
		if file[i] != indent+line {
			return false
		}
	}
	return true
}
