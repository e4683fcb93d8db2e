package docs_test

import (
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// public are the packages whose comments users read.
var public = []string{"caisson", "caisson/config", "caisson/gateway", "caisson/plugin", "caisson/plugin/oci", "caissontest", "component", "component/wasi", "component/witjson"}

// asLink matches a link to a name, such as [Session.Tools].
var asLink = regexp.MustCompile(`\[\*?[A-Z]\w*(\.[A-Z]\w*)*\]`)

// TestDocLinks checks that each name in brackets is a link: Go shows a name that leads nowhere with its
// brackets. A field that a type embeds belongs to the embedded type.
func TestDocLinks(t *testing.T) {
	links := 0
	for _, name := range public {
		set := token.NewFileSet()
		var files []*ast.File
		paths, err := filepath.Glob(filepath.Join(root, "host-go", name, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		var groups []*ast.CommentGroup // before doc.NewFromFiles takes them out of the files
		for _, file := range files {
			groups = append(groups, file.Comments...)
		}
		pkg, err := doc.NewFromFiles(set, files, name, doc.PreserveAST)
		if err != nil {
			t.Fatal(err)
		}
		for _, group := range groups {
			for _, text := range texts(pkg.Parser().Parse(group.Text()).Content) {
				switch text := text.(type) {
				case *comment.DocLink:
					links++
				case comment.Plain:
					if found := asLink.FindString(string(text)); found != "" {
						t.Errorf("%s: %s leads nowhere", set.Position(group.Pos()), found)
					}
				}
			}
		}
	}
	if links == 0 {
		t.Error("no comment has a link")
	}
}

// texts returns the pieces of text in blocks.
func texts(blocks []comment.Block) []comment.Text {
	var all []comment.Text
	for _, block := range blocks {
		switch block := block.(type) {
		case *comment.Paragraph:
			all = append(all, block.Text...)
		case *comment.List:
			for _, item := range block.Items {
				all = append(all, texts(item.Content)...)
			}
		}
	}
	return all
}
