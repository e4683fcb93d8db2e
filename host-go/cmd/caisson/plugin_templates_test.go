package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/caisson-dev/caisson/host-go/internal/race"
)

// modules are the repository's Node packages.
const modules = "../../../node_modules"

// templatesVariable says that templates are built whose tools pip and cargo install.
const templatesVariable = "CAISSON_PLUGIN_TEMPLATES"

// A new plugin of each language builds by what its README says, and greets.
func TestPluginTemplates(t *testing.T) {
	if race.Enabled {
		t.Skip("it interprets programs of many megabytes, in one goroutine")
	}
	for language, build := range map[string]func(t *testing.T, run func(name string, args ...string)) string{
		"javascript": func(t *testing.T, run func(string, ...string)) string {
			withModules(t)
			run("node", "build.mjs")
			return "greeter.wasm"
		},
		"go": func(t *testing.T, run func(string, ...string)) string {
			withModules(t)
			run("node", "build.mjs")
			return "greeter.wasm"
		},
		"python": func(t *testing.T, run func(string, ...string)) string {
			withTools(t, "python3")
			run("python3", "-m", "venv", ".venv")
			run(".venv/bin/pip", "install", "--quiet", "-r", "requirements.txt")
			run(".venv/bin/componentize-py", "--wit-path", "wit", "--world", "tools", "componentize", "app", "--output", "greeter.wasm")
			return "greeter.wasm"
		},
		"rust": func(t *testing.T, run func(string, ...string)) string {
			withTools(t, "cargo")
			run("rustup", "target", "add", "wasm32-wasip2")
			run("cargo", "build", "--release", "--target", "wasm32-wasip2")
			return "target/wasm32-wasip2/release/plugin.wasm"
		},
	} {
		t.Run(language, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "greeter")
			caissonRun(t, "plugin", "new", "--lang", language, folder).expect(t, exitOK)
			if all, err := filepath.Abs(modules); err != nil {
				t.Fatal(err)
			} else if err := os.Symlink(all, filepath.Join(folder, "node_modules")); err != nil {
				t.Skip(err) // Windows asks for a right for it.
			}
			file := filepath.Join(folder, build(t, func(name string, args ...string) {
				t.Helper()
				c := exec.Command(name, args...)
				c.Dir = folder
				if out, err := c.CombinedOutput(); err != nil {
					t.Fatalf("%s %q: %v\n%s", name, args, err, out)
				}
			}))
			call := func(code int, words ...string) outcome {
				t.Helper()
				o := caissonRun(t, append([]string{"run-tool", "--no-cache", "--interpret", file, "greet"}, words...)...)
				o.expect(t, code)
				return o
			}
			if o := call(exitOK, "name=wörld"); o.out != "Hello, wörld!\n" {
				t.Errorf("%q, %q", o.out, o.stderr)
			} else {
				o.expect(t, exitOK, "info: greeting wörld\n", "progress 1/1")
			}
			call(exitUsage, "--args", `{"name": 1}`).expect(t, exitUsage, "/name: must be a string")
		})
	}
}

// withModules skips a test where the repository's Node packages are not installed.
func withModules(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes a quarter of a minute")
	}
	if _, err := os.Stat(filepath.Join(modules, ".installed")); err != nil {
		t.Skip("node_modules is not installed: make component")
	}
}

// withTools skips a test that installs packages, unless it is wanted.
func withTools(t *testing.T, tool string) {
	t.Helper()
	if os.Getenv(templatesVariable) != "1" {
		t.Skip(templatesVariable + "=1 builds the templates for which pip and cargo install packages")
	}
	if _, err := exec.LookPath(tool); err != nil {
		t.Skip(err)
	}
}
