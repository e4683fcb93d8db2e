package caisson_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// TestRunFunction calls functions of modules in a folder by their names.
func TestRunFunction(t *testing.T) {
	t.Parallel()
	r := sharedRuntime(t)
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	folder := caisson.ModuleFolder{
		Files: fstest.MapFS{
			"area.js":       file("\uFEFFconsole.log('loaded'); export const area = (a, b) => { console.log('called'); return a * b }; export const fail = () => { throw new Error('no') }"),
			"twice.js":      file("export const f = () => 'js'"),
			"twice.mjs":     file("export const f = () => 'mjs'"),
			"broken.js":     file("console.log('so far'); null.x"),
			"large.js":      file(strings.Repeat(" ", 2000) + "1"),
			"sub/inner.js":  file("export const f = () => 1"),
			"folder.js/x":   file(""),
			"text.txt":      file("export const f = () => 1"),
			".hidden.js":    file("export const f = () => 1"),
			"with.dots.js":  file("export const f = () => 'dots'"),
			"tools.js":      file("export const f = () => tools.go.add({ a: 1, b: 2 })"),
			"counted.js":    file("let n = 0; export const f = () => ++n"),
			"not-a-name.js": file("export const f = async () => 'ok'"),
		},
		Tools:  toolSet(t, map[string]caisson.Caller{"go": programTools(t)}),
		Limits: caisson.ScriptLimits{SourceBytes: 1000},
	}
	for _, test := range []struct {
		module, function string
		args             []any
		want             string
	}{
		{"area", "area", []any{3, 4}, "12"},
		{"area.js", "area", []any{caisson.ArgumentList(`[3, 4]`)}, "12"},
		{"twice.js", "f", nil, `"js"`},
		{"twice.mjs", "f", []any{}, `"mjs"`},
		{"with.dots", "f", nil, `"dots"`},
		{"not-a-name", "f", nil, `"ok"`},
		{"tools", "f", nil, "3"},
		{"counted", "f", nil, "1"},
		{"counted", "f", nil, "1"},
	} {
		result, err := r.RunFunction(testContext(t), folder, test.module, test.function, test.args...)
		if err != nil || string(result.Value) != test.want {
			t.Errorf("%s.%s gives %+v, %v", test.module, test.function, result, err)
		}
	}
	result, err := r.RunFunction(testContext(t), folder, "area", "area", 1, 2)
	if err != nil || len(result.Logs) != 2 || result.Logs[0].Text != "loaded" || result.Logs[1].Text != "called" || result.Usage.Computing <= 0 {
		t.Errorf("the result is %+v, %v", result, err)
	}
	for _, test := range []struct {
		module, function, says string
		code                   caisson.Code
		kind                   caisson.ScriptErrorKind
	}{
		{"twice", "f", "twice.js and twice.mjs", caisson.CodeInvalidArgument, ""},
		{"", "f", "no name of a module", caisson.CodeInvalidArgument, ""},
		{"sub/inner", "f", "no name of a module", caisson.CodeInvalidArgument, ""},
		{"../area", "f", "no name of a module", caisson.CodeInvalidArgument, ""},
		{"..", "f", "no name of a module", caisson.CodeInvalidArgument, ""},
		{"/area", "f", "no name of a module", caisson.CodeInvalidArgument, ""},
		{`sub\inner`, "f", "no name of a module", caisson.CodeInvalidArgument, ""},
		{"C:area", "f", "no name of a module", caisson.CodeInvalidArgument, ""},
		{".hidden", "f", "no name of a module", caisson.CodeInvalidArgument, ""},
		{"area\x00", "f", "no name of a module", caisson.CodeInvalidArgument, ""},
		{"area\xff", "f", "no name of a module", caisson.CodeInvalidArgument, ""},
		{strings.Repeat("x", 1e6), "f", "there is no module", 0, caisson.ScriptNotFound},
		{"none", "f", "it has area.js, broken.js", 0, caisson.ScriptNotFound},
		{"folder", "f", "there is no module", 0, caisson.ScriptNotFound},
		{"text", "f", "there is no module", 0, caisson.ScriptNotFound},
		{"text.txt", "f", "there is no module", 0, caisson.ScriptNotFound},
		{"area", "none", "it has area, fail", 0, caisson.ScriptNotFound},
		{"area", "fail", "area.js:1:", 0, caisson.ScriptRuntime},
		{"broken", "f", "broken.js:1:", 0, caisson.ScriptRuntime},
		{"large", "f", "SourceBytes", 0, caisson.ScriptLimit},
	} {
		result, err := r.RunFunction(testContext(t), folder, test.module, test.function)
		if err == nil || !strings.Contains(err.Error(), test.says) || len(err.Error()) > 1000 {
			t.Errorf("%.40q: %v", test.module, err)
		}
		var e *caisson.ScriptError
		if test.kind == "" && caisson.CodeOf(err) != test.code || test.kind != "" && (!errors.As(err, &e) || e.Kind != test.kind) {
			t.Errorf("%.40q ends with %#v", test.module, err)
		}
		if test.module == "broken" && (result == nil || len(result.Logs) != 1) {
			t.Errorf("what it did until it failed: %+v", result)
		}
		if test.module == "none" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("it is not fs.ErrNotExist: %v", err)
		}
	}
	if _, err := r.RunFunction(testContext(t), folder, "area", "area", 3, caisson.NamedArguments{"b": 4}); kindOf(err) != caisson.ScriptInvalidArguments || !strings.Contains(err.Error(), "JavaScript has no arguments by name") {
		t.Errorf("arguments by name: %v", err)
	}
	if _, err := r.RunFunction(testContext(t), caisson.ModuleFolder{}, "area", "area"); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
		t.Errorf("no folder: %v", err)
	}
	if _, err := (&caisson.Runtime{}).RunFunction(testContext(t), folder, "area", "area"); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
		t.Errorf("the zero Runtime: %v", err)
	}
}

// TestRunFunctionLinks has a link in a folder that leads out of it.
func TestRunFunctionLinks(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("links need a right that users do not have")
	}
	outside, inside := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret.js"), []byte("export const f = () => 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "secret.js"), filepath.Join(inside, "secret.js")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(inside)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := sharedRuntime(t).RunFunction(testContext(t), caisson.ModuleFolder{Files: root.FS()}, "secret", "f"); caisson.CodeOf(err) != caisson.CodeInvalidArgument || !strings.Contains(err.Error(), "secret.js cannot be read") {
		t.Errorf("it ends with %v", err)
	}
}
