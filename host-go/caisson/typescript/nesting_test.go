package typescript

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/evanw/esbuild/pkg/api"
)

// nested are sources of about n bytes that nest as deep as their bytes let them.
func nested(n int) map[string]string {
	all := map[string]string{}
	for name, p := range map[string][3]string{
		"parentheses": {"(", "1", ")"}, "arrays": {"[", "1", "]"}, "objects": {"x={a:", "1", "}"}, "blocks": {"{", "1", "}"},
		"not": {"!", "1", ""}, "minus": {"- ", "1", ""}, "typeof": {"typeof ", "a", ""}, "typeof wide": {"typeof\u3000", "a", ""},
		"arrows": {"a=>", "1", ""}, "arrows async": {"async()=>", "1", ""}, "arrows (": {"(a=", "1", ")=>1"}, "arrows blocks": {"a=>{", "1", "}"}, "methods": {"x={a(){", "1", "}}"},
		"assignments": {"a=", "1", ""}, "conditions": {"a?", "1", ":1"}, "conditions with blocks": {"a?{}:", "1", ""},
		"powers": {"1**", "1", ""}, "members": {"a", "", ".a"}, "members lines": {"a", "", "\n.a"}, "calls": {"a", "", "()"}, "numbers": {"1.", "", ".a"},
		"optional": {"a", "", "?.a"}, "tagged": {"a", "", "``"}, "indexes": {"a", "", "[0]"}, "plus": {"a", "", "+a"}, "sequence": {"a", "", ",a"},
		"if": {"if(a)", "1", ""}, "if lines": {"if(a)\n", "1", ""}, "else": {"if(a);else ", "1", ""}, "else blocks": {"if(a){}else ", "1", ""},
		"else lines": {"if(a)\nb\nelse\n", "1", ""}, "for": {"for(;;)", "1", ""}, "labels": {"a:", "1", ""}, "labels lines": {"if(a)\nb:", "1", ""},
		"while": {"while(a)", "1", ""}, "do": {"do\n", "1", "\nwhile(a)"}, "switch": {"switch(a){case 1:", "1", "}"}, "try": {"try{", "1", "}finally{}"},
		"templates": {"`${", "1", "}`"}, "functions": {"function a(){", "1", "}"}, "classes": {"class a{a=", "1", "}"}, "namespaces": {"namespace a{", "1", "}"},
		"await": {"await ", "1", ""}, "new": {"new ", "a", ""}, "casts": {"<a>", "1", ""}, "types": {"let a:a<", "a", ">"}, "keyof": {"let a:keyof ", "a", ""},
		"regex": {"!/x/.a+", "1", ""}, "strings": {"!'(;,'+", "1", ""}, "comments": {"!/*;,}*/", "1", ""}, "comment lines": {"!//;\n", "1", ""},
		"html": {"!<!-- `\n", "1", ""}, "after condition": {"if(a)/;/,!", "1", ""},
		"unsure brace": {"{}/`/1;!", "1", ""}, "unsure type": {"a as b<c>/`/1;!", "1", ""}, "unsure not": {"a!/`/1;!", "1", ""}, "unsure await": {"await/`/1;!", "1", ""}, "unsure plus": {"a\n++/`/1;!", "1", ""},
		"open": {"(", "", ""}, "closed in string": {"(')',", "1", ")"}, "closed in regex": {"(/)/,", "1", ")"},
	} {
		count := n / (len(p[0]) + len(p[2]))
		switch p[1] {
		case "": // what is left of it once
			all[name] = p[0] + strings.Repeat(p[2], n/max(len(p[2]), 1))
			if p[2] == "" {
				all[name] = strings.Repeat(p[0], n)
			}
		default:
			all[name] = strings.Repeat(p[0], count) + p[1] + strings.Repeat(p[2], count)
		}
		if head, ok := strings.CutPrefix(p[0], "let a:"); ok {
			count := n / (len(head) + len(p[2]))
			all[name] = "let a:" + strings.Repeat(head, count) + p[1] + strings.Repeat(p[2], count)
		}
	}
	return all
}

// Whatever a source nests, it is refused, or esbuild has no more than a small stack for it.
func TestNothingNestsTooDeep(t *testing.T) {
	for name, source := range nested(100_000) {
		err := checkNesting(source)
		var e *Error
		switch {
		case err == nil:
			t.Errorf("%s is let through", name)
		case err != nil && !errors.As(err, &e):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is let through, up to the bounds, is translated with little memory.
func TestWhatIsLetThroughIsCheap(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for name, source := range nested(maxTokens - 100) {
		if checkNesting(source) != nil {
			continue
		}
		begun := time.Now()
		_, err := Translate(t.Context(), Source{Name: name, Text: source}, nil)
		t.Log(name, time.Since(begun))
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.Sys > 1<<30 {
		t.Errorf("the process has %d MB", m.Sys>>20)
	}
}

// Ordinary sources are let through: those of this repository, and of a large package.
func TestOrdinarySourcesAreLetThrough(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	seen := 0
	for _, pattern := range []string{
		"src/*/*.ts", "src/*/*/*.ts", "test/*.ts", "test/*/*.ts", "scripts/*.mjs", "node_modules/zod/v4/*/*.js",
		"node_modules/typescript/lib/lib*.d.ts", "node_modules/ajv/dist/*.js", "node_modules/ajv/lib/*/*.ts", "node_modules/express/lib/*.js",
		"node_modules/acorn/dist/*.js", "node_modules/@modelcontextprotocol/client/dist/*.mjs", "node_modules/vitest/dist/*.js",
	} {
		files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			seen++
			if err := checkNesting(string(text)); err != nil {
				t.Error(placed(err, name, string(text)))
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d files", seen)
	}
}

func TestTokens(t *testing.T) {
	for source, want := range map[string]string{
		"a.b?.c => d":                      "a . b ?. c => d",
		"a/b/c":                            "a / b / c",
		"x = /b/g.c":                       "x = /b/g . c",
		"if (a) /b;/.c":                    "if ( a ) /b;/ . c",
		"f(a) /b;/ c":                      "f ( a ) / b ; / c",
		"a.if(b) /c/ d":                    "a . if ( b ) / c / d",
		"return /a/":                       "return /a/",
		"a.return /b/ c":                   "a . return / b / c",
		"[/[/]/, /\\//]":                   "[ /[/]/ , /\\// ]",
		"`a${b}c${`d${e}`}f` /g/":          "`a${ b }c${ `d${ e }` }f` / g /",
		"`${{a: 1}}`":                      "`${ { a : 1 } }`",
		"'a\\'b' \"c\" 1.5e3 .5 0x1f 1..a": "'a\\'b' \"c\" 1.5e3 . 5 0x1f 1. . a",
		"a // b\nc /* d */ e":              "a c e",
		"\ufeffa\u00a0b\u2028c":            "a b c",
		"#!/x y\na":                        "a",
		"a\n--> b\nc <!-- d":               "a c",
		"!/a/":                             "! /a/",
		"é\\u0041$_ @a #b":                 "é\\u0041$_ @ a # b",
	} {
		var got []string
		for _, t := range lex(source) {
			got = append(got, source[t.start:t.end])
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%q\ngives %s\nand not %s", source, text, want)
		}
	}
}

func FuzzTranslate(f *testing.F) {
	for _, source := range nested(200) {
		f.Add(source)
	}
	for _, source := range []string{"const a: number = 1; return a", "import { a } from './x'; a", "enum A { B }", "`${a}` /b/ c", "#!x\nreturn", "\xff\xfe", "import"} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		output, err := Translate(t.Context(), Source{Name: "x.ts", Text: source}, nil)
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatal(err)
		}
		if err != nil {
			return
		}
		for _, place := range [][2]int{{1, 1}, {1, 20}, {2, 1}, {2, 9}} {
			output.Position(place[0], place[1])
		}
		// It is JavaScript that can be read again.
		text := "async function f() {" + strings.TrimPrefix(output.Text, "#!") + "}"
		if strings.HasPrefix(output.Text, "#!") || strings.Contains(output.Text, "export") {
			return
		}
		if result := api.Transform(text, api.TransformOptions{LogLevel: api.LogLevelSilent}); len(result.Errors) > 0 {
			t.Errorf("%q\ngives %q\n%s", source, output.Text, result.Errors[0].Text)
		}
	})
}

func FuzzSourceMap(f *testing.F) {
	f.Add(`{"version":3,"sources":["a"],"mappings":"AAAA,CAAC;;AACA"}`)
	f.Add(`{"mappings":"////////g"}`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseSourceMap([]byte(text))
		if err != nil {
			return
		}
		for line := range 3 {
			m.find(line, 7)
		}
	})
}
