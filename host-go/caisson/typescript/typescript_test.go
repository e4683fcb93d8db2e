package typescript

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func translated(t *testing.T, text string, options *Options) *Output {
	t.Helper()
	output, err := Translate(t.Context(), Source{Name: "script.ts", Text: text}, options)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return output
}

func TestTypesAreTakenOff(t *testing.T) {
	for source, want := range map[string]string{
		"const a: number = 1; a":                                         "const a=1;a;",
		"let a = b as string":                                            "let a=b;",
		"let a = b satisfies C":                                          "let a=b;",
		"let a = b!":                                                     "let a=b;",
		"let a = <string>b":                                              "let a=b;",
		"interface A { a: string }\ntype B = A | null":                   "",
		"declare const a: string; declare module 'x' {}":                 "",
		"import type { A } from './none';\nlet a: A":                     "let a;",
		"import { A } from './none';\nlet a: A":                          "let a;",
		"function f<T extends A>(a?: T, ...b: T[]): a is T { return a }": "function f(a,...b){return a}",
		"abstract class A { abstract a(): void; private b = 1; declare c: string }": "class A{b=1}",
		"export type { A } from './none'":                                           "",
		"const a = 1 as const":                                                      "const a=1;",
		"let a: unique symbol, b: `x${string}`, c: [a?: 1]":                         "let a,b,c;",
		"function f(this: A) {} f":                                                  "function f(){}f;",
		"export function main(a: string) { return a }":                              "function main(a){return a}export{main};",
		"function unused() {}\nconst other = 1":                                     "function unused(){}const other=1;",
		"'text'\nawait f(); 5":                                                      `"text";await f();5;`,
		"using a: A = f()":                                                          "__using",
		"enum A { B, C = 5 }":                                                       `A2[A2["C"]=5]="C"`,
		"const enum A { B }\nA.B":                                                   `A2[A2["B"]=0]="B"`,
		"namespace A { export const b = 1 }":                                        "A2.b=1",
		"class A { constructor(private b: string) {} }":                             "this.b=b",
		"@f class A { @g h() {} }":                                                  "__decorateElement",
		"#!/usr/bin/env node\nlet a: string":                                        "let a;",
		"/x/.test(a) as boolean":                                                    "/x/.test(a);",
		"const café: string = 'ü\u202e'":                                            "const café=",
	} {
		got := strings.TrimSuffix(strings.TrimSuffix(translated(t, source, nil).Text, "\n"), ";")
		want = strings.TrimSuffix(want, ";")
		if exact := !strings.Contains(want, "__") && !strings.Contains(want, "A2") && !strings.Contains(want, "café") && !strings.Contains(want, "this.") && !strings.HasPrefix(source, "#!"); exact && got != want || !strings.Contains(got, want) {
			t.Errorf("%s\ngives %s\nand not %s", source, got, want)
		}
	}
}

func TestReturnsAtTheTop(t *testing.T) {
	for source, want := range map[string]string{
		"return 1 as number":                            "return 1",
		"const a: number = await f();\nreturn a;":       "const a=await f();return a",
		"if (a) return 1;\n5":                           "if(a)return 1;5",
		"import type { A } from './none';\nreturn 1":    "return 1",
		"import type { A } from './none'\nreturn 1":     "return 1",
		"type A = 1; interface B {}\nreturn <A>1":       "return 1",
		"for await (const a of b) return a":             "for await(const a of b)return a",
		"#!/bin/x\nreturn 1":                            "#!/bin/x\nreturn 1",
		"const $caisson = 1; return $caisson":           "const $caisson=1;return $caisson",
		"function main(a: string) {}\nreturn main('x')": `function main(a){}return main("x")`,
		"@f class A {}\nreturn A":                       "return A",
		"enum A { B }\nreturn A.B":                      "return 0",
	} {
		got := strings.TrimSuffix(strings.TrimSuffix(translated(t, source, nil).Text, "\n"), ";")
		if exact := !strings.Contains(source, "class") && !strings.Contains(source, "enum"); exact && got != want || !strings.Contains(got, want) {
			t.Errorf("%s\ngives %s\nand not %s", source, got, want)
		}
		if strings.Contains(got, "async function") {
			t.Errorf("%s\nleaves the function: %s", source, got)
		}
	}
}

func TestErrorsSayWhere(t *testing.T) {
	files := fstest.MapFS{
		"wrong.ts":  {Data: []byte("export const a = 1;\nexport const b: = 2;\n")},
		"jsx.tsx":   {Data: []byte("export const a = <div/>")},
		"data.json": {Data: []byte("{,}")},
	}
	for _, c := range []struct{ source, want string }{
		{"let a: = 1", `script.ts:1:8: Unexpected "="`},
		{"\n\n  let 'ü' = 1", "script.ts:3:7: "},
		{"const ü = 'ä'; let ö: = 1", `script.ts:1:23: Unexpected "="`},
		{"return 1; let a: = 1", "script.ts:1:18: Unexpected"},
		{"return 1;\nlet a: = 1", "script.ts:2:8: Unexpected"},
		{"import type { A } from './x'; return 1; let a: = 1", "script.ts:1:48: Unexpected"},
		{"const a = <div>x</div>;", "JSX is not supported"},
		{"const a = <div/>; return a", "JSX is not supported"},
		{"f(@a b: string) {}", "script.ts:1:6:"},
		{"class A { f(@a b: string) {} }", "script.ts:1:13:"},
		{"import { a } from './x'; a", `script.ts:1:19: the source cannot import "./x": it has no files`},
		{"return 1; }", "script.ts:1:11: this bracket closes nothing"},
		{"}; async function g() {", "script.ts:1:1: this bracket closes nothing"},
		{"return 1 } async function g() {", "script.ts:1:10: this bracket closes nothing"},
		{"", ""},
	} {
		_, err := Translate(t.Context(), Source{Name: "script.ts", Text: c.source}, nil)
		var e *Error
		if c.want == "" && err == nil {
			continue
		}
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n%v\nand not %s", c.source, err, c.want)
		}
	}
	for _, c := range []struct{ source, want string }{
		{"import { b } from './wrong'; b", `wrong.ts:2:17: Unexpected "="`},
		{"import { b } from './wrong'; return b", `wrong.ts:2:17: Unexpected "="`},
		{"import a from './jsx.tsx'; a", "jsx.tsx: a module is TypeScript, JavaScript or JSON"},
		{"import a from './data.json'; a", "data.json:1:2:"},
		{"import a from './none'; a", `script.ts:1:15: there is no module "./none": none is no file`},
		{"\nimport a from './none'; return a", `script.ts:2:15: there is no module "./none"`},
		{"import a from 'none'; a", `script.ts:1:15: there is no package "none" in a folder node_modules`},
		{"import a from 'node:fs'; a", `a script cannot import "node:fs"`},
		{"import a from 'https://x/y'; a", `a script cannot import "https://x/y"`},
		{"import a from 'data:text/javascript,1'; a", "a script cannot import"},
		{"import a from '/etc/passwd'; a", "is an absolute path"},
		{"import a from '../x'; a", `"../x" leads out of the files`},
		{"import a from './a/../../x'; a", "leads out of the files"},
		{"const a = await import('../x')", "leads out of the files"},
		{"const a = require('../x')", "leads out of the files"},
		{"import a from 'x/../../../y'; a", "names no package"},
		{"import a from '..\\\\x'; a", "names no module"},
		{"import a from ''; a", "names no module"},
		{"import a from '#x'; a", "is in no package"},
	} {
		_, err := Translate(t.Context(), Source{Name: "script.ts", Text: c.source}, &Options{Files: files})
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n%v\nand not %s", c.source, err, c.want)
		}
	}
	if _, err := Translate(t.Context(), Source{Name: "script.tsx", Text: "1"}, nil); err == nil || !strings.Contains(err.Error(), "JSX") {
		t.Error(err)
	}
}

func TestPositionsAreThoseOfTheSource(t *testing.T) {
	files := fstest.MapFS{"lib/ü.ts": {Data: []byte("type A = 1;\n\nexport const f = (): A => { const ü = 'ä'; throw  FOUR }\n")}}
	for _, source := range []string{
		"interface A {}\nconst a: A = ONE;\n  const ü: string = 'ä😀'; TWO(a);\n",
		"type A = 1;\nconst a: A = ONE; TWO(a); return a",
		"const a = ONE; return TWO(a)",
		"import type { A } from './none'; const a: A = ONE; return TWO(a)",
		"/* 😀 */ import { f } from './lib/ü'; const a = ONE; return f(TWO(a))",
		"import { f } from './lib/ü';\n\n\n/* 😀 */ const a = ONE; f(TWO(a))",
		"#!/x\nreturn TWO(ONE)",
		"const t = `\n\n${ONE}\n`; return TWO(t)",
	} {
		output := translated(t, source, &Options{Files: files})
		for _, name := range []string{"ONE", "TWO", "FOUR"} {
			text := source
			file := "script.ts"
			if name == "FOUR" {
				if text, file = string(files["lib/ü.ts"].Data), "lib/ü.ts"; !strings.Contains(output.Text, name) {
					continue
				}
			}
			line, column := placeOf(t, output.Text, name)
			wantLine, wantColumn := placeOf(t, text, name)
			gotFile, gotLine, gotColumn, ok := output.Position(line, column)
			if !ok || gotFile != file || gotLine != wantLine || gotColumn != wantColumn {
				t.Errorf("%s\n%s\n%s is at %d:%d: %s:%d:%d %v, and not %s:%d:%d", source, output.Text, name, line, column, gotFile, gotLine, gotColumn, ok, file, wantLine, wantColumn)
			}
		}
		for _, place := range [][2]int{{0, 0}, {-1, 5}, {1, -1}, {1 << 40, 1}, {1 << 20, 1 << 40}} {
			if _, _, _, ok := output.Position(place[0], place[1]); ok {
				t.Errorf("there is a place for %v", place)
			}
		}
	}
	// What esbuild has added is in no source.
	output := translated(t, "using a = f()", nil)
	if _, _, _, ok := output.Position(1, 5); ok {
		t.Errorf("a helper has a place: %s", output.Text)
	}
}

// placeOf returns the line and the column, in characters, of a word in a text.
func placeOf(t *testing.T, text, name string) (line, column int) {
	t.Helper()
	before, _, ok := strings.Cut(text, name)
	if !ok {
		t.Fatalf("there is no %s in %s", name, text)
	}
	return strings.Count(before, "\n") + 1, len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
}

func TestModules(t *testing.T) {
	files := fstest.MapFS{
		"src/a.ts":                                   {Data: []byte("import { b } from './b.js'; import data from './data.json'; export const a: string = b + data.x")},
		"src/b.ts":                                   {Data: []byte("export * from './deep'")},
		"src/deep/index.ts":                          {Data: []byte("export const b = 'MODULE_B'")},
		"src/data.json":                              {Data: []byte(`{"x": "MODULE_JSON"}`)},
		"node_modules/plain/index.js":                {Data: []byte("module.exports = 'PLAIN'")},
		"node_modules/main/package.json":             {Data: []byte(`{"main": "./lib/main"}`)},
		"node_modules/main/lib/main.js":              {Data: []byte("exports.x = require('plain') + require('./other').y")},
		"node_modules/main/lib/other.js":             {Data: []byte("exports.y = 'OTHER'")},
		"node_modules/@scope/esm/package.json":       {Data: []byte(`{"exports": {".": {"types": "./x.d.ts", "import": "./esm.mjs", "require": "./cjs.cjs"}, "./sub/*": "./sub/*.mjs", "./none": null}}`)},
		"node_modules/@scope/esm/esm.mjs":            {Data: []byte("import z from '#inner'; export default 'ESM' + z")},
		"node_modules/@scope/esm/cjs.cjs":            {Data: []byte("module.exports = 'CJS'")},
		"node_modules/@scope/esm/sub/one.mjs":        {Data: []byte("export const one = 'SUB'")},
		"node_modules/@scope/esm/inner/package.json": {Data: []byte(`{}`)},
		"node_modules/imports/package.json":          {Data: []byte(`{"exports": "./x.js", "imports": {"#y": "./y.js", "#out": "../plain/index.js", "#other": "plain"}}`)},
		"node_modules/imports/x.js":                  {Data: []byte("import y from '#y'; import o from '#other'; export default y + o")},
		"node_modules/imports/y.js":                  {Data: []byte("export default 'INNER'")},
		"node_modules/out/package.json":              {Data: []byte(`{"exports": "./../plain/index.js"}`)},
		"node_modules/outmain/package.json":          {Data: []byte(`{"main": "../plain/index.js"}`)},
		"node_modules/broken/package.json":           {Data: []byte(`{`)},
		"src/node_modules/near/index.ts":             {Data: []byte("export default 'NEAR'")},
	}
	for _, c := range []struct{ source, want string }{
		{"import { a } from './a'; return a", "MODULE_B MODULE_JSON"},
		{"import plain from 'plain'; plain", "PLAIN"},
		{"import { x } from 'main'; return x", "PLAIN OTHER"},
		{"import e from '@scope/esm'; e", "!#inner"},
		{"import { one } from '@scope/esm/sub/one'; one", "SUB"},
		{"const c = require('@scope/esm')", "CJS"},
		{"import x from '@scope/esm/none'; x", `!does not export "./none"`},
		{"import x from '@scope/esm/esm.mjs'; x", "!does not export"},
		{"import i from 'imports'; i", "INNER PLAIN"},
		{"import o from 'out'; o", "!out of its package"},
		{"import o from 'outmain'; o", "!there is no module"},
		{"import b from 'broken'; b", "!node_modules/broken/package.json cannot be read"},
		{"import n from 'near'; n", "NEAR"},
		{"import p from 'main/lib/other.js'; p", "OTHER"},
		{"const p = await import('plain'); p", "PLAIN"},
	} {
		output, err := Translate(t.Context(), Source{Name: "x.ts", Text: c.source}, &Options{Files: files, Dir: "src"})
		if wrong, ok := strings.CutPrefix(c.want, "!"); ok {
			if err == nil || !strings.Contains(err.Error(), wrong) {
				t.Errorf("%s: %v, and not %s", c.source, err, wrong)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.source, err)
			continue
		}
		for want := range strings.FieldsSeq(c.want) {
			if !strings.Contains(output.Text, want) {
				t.Errorf("%s\nlacks %s: %s", c.source, want, output.Text)
			}
		}
	}
}

func TestBoundsOfModules(t *testing.T) {
	files := fstest.MapFS{"large.ts": {Data: []byte("export const a = '" + strings.Repeat("x", 5000) + "'")}}
	for i := range 20 {
		files[fmt.Sprintf("m%d.ts", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "export * from './m%d'", i+1)}
	}
	files["m20.ts"] = &fstest.MapFile{Data: []byte("export const a = 1")}
	var imports strings.Builder
	for i := range 20_001 {
		fmt.Fprintf(&imports, "import './%d/../m20';", i)
	}
	files["deep.json"] = &fstest.MapFile{Data: []byte(strings.Repeat("[", 100_000))}
	for _, c := range []struct {
		source  string
		options Options
		want    string
	}{
		{"import { a } from './large'; a", Options{MaxModuleBytes: 1000}, "large.ts has more than 1000 bytes"},
		{"import { a } from './large'; a", Options{MaxBytes: 1000}, "Options.MaxBytes, 1000"},
		{"import { a } from './m0'; a", Options{MaxModules: 10}, "Options.MaxModules, 10"},
		{strings.Repeat("x;", 1000), Options{MaxModuleBytes: 1000}, "Options.MaxModuleBytes is 1000"},
		{"import d from './deep.json'; d", Options{}, "more than 256 brackets"},
		{imports.String(), Options{}, "more than 20000 imports"},
	} {
		c.options.Files = files
		if _, err := Translate(t.Context(), Source{Name: "x.ts", Text: c.source}, &c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, and not %s", err, c.want)
		}
	}
	// Bounds that are as large as can be are none.
	all := Options{Files: files, MaxModuleBytes: math.MaxInt, MaxBytes: math.MaxInt, MaxModules: math.MaxInt}
	output, err := Translate(t.Context(), Source{Name: "x.ts", Text: "import { a } from './large'; a"}, &all)
	if err != nil || !strings.Contains(output.Text, "xxxxx") {
		t.Errorf("without bounds: %v", err)
	}
}

func TestLinksLeadNowhere(t *testing.T) {
	outside, inside := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret.json"), []byte(`"SECRET"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "secret.json"), filepath.Join(inside, "link.json")); err != nil {
		t.Skip(err)
	}
	root, err := os.OpenRoot(inside)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	_, err = Translate(t.Context(), Source{Name: "x.ts", Text: "import s from './link.json'; s"}, &Options{Files: root.FS()})
	if err == nil || !strings.Contains(err.Error(), "there is no module") {
		t.Error(err)
	}
}

// Nothing of the disk may change what a source becomes.
func TestTheDiskIsNotRead(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{
		"tsconfig.json": "{ broken", "package.json": "{ broken", "local.ts": "export const a = 'DISK'", "x.ts": "DISK",
		"node_modules/p/index.js": "DISK",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if text := translated(t, "let a: 1", nil).Text; strings.TrimSpace(text) != "let a" {
		t.Error(text)
	}
	for _, specifier := range []string{"./local", "./x", "p", filepath.ToSlash(filepath.Join(dir, "local.ts")), "file://" + filepath.ToSlash(dir) + "/local.ts"} {
		_, err := Translate(t.Context(), Source{Name: "x.ts", Text: "import a from '" + specifier + "'; a"}, &Options{Files: fstest.MapFS{}})
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", specifier, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 5 {
		t.Error(entries, err)
	}
}

func TestContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Translate(ctx, Source{Name: "x.ts", Text: "1"}, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestManyAtOnce(t *testing.T) {
	for i := range 16 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			want := fmt.Sprintf("const a=%d;return a", i)
			if got := translated(t, fmt.Sprintf("const a: number = %d; return a", i), nil).Text; strings.TrimSpace(got) != want {
				t.Error(got)
			}
		})
	}
}
