package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// program is a Rust program for wasm32-wasip2.
const program = "../../component/wasi/testdata/guest.wasm"

func TestComponentHelp(t *testing.T) {
	for _, command := range []string{"component", "component inspect", "component run"} {
		o := caissonRun(t, append(strings.Fields(command), "--help")...)
		o.expect(t, exitOK)
		golden(t, "help-"+strings.ReplaceAll(command, " ", "-"), o.out)
	}
}

func TestComponentInspect(t *testing.T) {
	o := caissonRun(t, "component", "inspect", program)
	o.expect(t, exitOK)
	for _, want := range []string{
		`(?m)^size +\d+\.\d kB$`, `(?m)^components  1 nested$`, `(?m)^features    .*lower, .*resource\.drop.*utf8$`, `(?m)^made with .*wit-component `,
		`(?m)^modules     3\n  0 .* functions, .* of code, .* of data, \d+ imports, \d+ exports, memory of 1\.\d MB$`,
		`(?m)^  import wasi:cli/stdout@0\.2\.12;$`, `(?m)^  export wasi:cli/run@0\.2\.0;$`,
	} {
		if !regexp.MustCompile(want).MatchString(o.out) {
			t.Errorf("the output does not match %s", want)
		}
	}

	o = caissonRun(t, "component", "inspect", program, "--json")
	o.expect(t, exitOK)
	var got inspection
	if err := json.Unmarshal([]byte(o.out), &got); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	if int64(got.Size) != info.Size() || len(got.Modules) != 3 || got.Components != 1 || got.Modules[0].Functions < 100 ||
		len(got.Modules[0].Memories) != 1 || got.Modules[0].Memories[0].Min == 0 {
		t.Errorf("%+v", got.anatomy)
	}
	i := slices.IndexFunc(got.Exports, func(e extern) bool { return e.Name == "wasi:cli/run@0.2.0" })
	if i < 0 || got.Exports[i].Kind != "instance" || len(got.Exports[i].Items) != 1 ||
		got.Exports[i].Items[0].Name != "run" || got.Exports[i].Items[0].Type != "func() -> result" {
		t.Errorf("%+v", got.Exports)
	}
	if !strings.Contains(got.WIT, "world root") || strings.Contains(o.out, `\u003c`) {
		t.Error(o.out)
	}
}

// dissect reads what tools write into custom sections, and nonsense there does no harm.
func TestDissect(t *testing.T) {
	text := func(s string) string { return string(rune(len(s))) + s }
	section := func(id byte, content string) string { return string(rune(id)) + string(rune(len(content))) + content }
	core := "\x00asm\x01\x00\x00\x00" + section(5, "\x01\x01\x02\x03") +
		section(0, text("target_features")+"\x02+"+text("simd128")+"-"+text("atomics")) +
		section(0, text("producers")+"\x01"+text("language")+"\x02"+text("Rust")+text("")+text("C")+text("17"))
	file := "\x00asm\x0d\x00\x01\x00" + section(1, core) + section(4, "\x00asm\x0d\x00\x01\x00"+section(1, core))
	got, err := dissect([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Modules) != 2 || got.Components != 1 || got.Modules[1].Memories[0].Min != 2 || *got.Modules[1].Memories[0].Max != 3 ||
		!slices.Equal(got.Features, []string{"simd128"}) || !slices.Equal(got.Producers, []string{"C 17", "Rust"}) {
		t.Errorf("%+v", got)
	}
	for n := range len(file) {
		_, _ = dissect([]byte(file[:n])) // It may fail; it must not panic.
	}
}

func TestComponentRun(t *testing.T) {
	cache := t.TempDir()
	run := func(stdin string, args ...string) outcome {
		t.Helper()
		return caissonWith(t, stdin, append([]string{"component", "run", "--cache-dir", cache}, args...)...)
	}
	t.Setenv("CAISSON_TEST_VARIABLE", "from here")
	o := run("input", "--env", "A=b=c", "--env", "CAISSON_TEST_VARIABLE", "--env", "CAISSON_TEST_UNSET", program, "hello", "--env", "x")
	o.expect(t, exitOK, "done\n")
	if want := "args [\"--env\", \"x\"]\nenv A=b=c\nenv CAISSON_TEST_VARIABLE=from here\ncwd None\nstdin INPUT\n"; o.out != want {
		t.Errorf("the output is %q", o.out)
	}

	dir := t.TempDir()
	run("", "--dir", dir+":/work", program, "files", "/work").expect(t, exitOK)
	run("", "--dir", dir, program, "files", filepath.ToSlash(dir)).expect(t, exitOK)
	o = run("", "--dir", dir+":/work:ro", program, "fd", "flags:0", "mkdir:0:x")
	o.expect(t, exitOK)
	if want := "mount /work\nflags DescriptorFlags(READ)\nmkdir error read-only\n"; o.out != want {
		t.Errorf("the output is %q", o.out)
	}
	o = run("", program, "files", "/")
	if o.expect(t, 1); !strings.HasPrefix(o.out, "error ") {
		t.Error("a folder that was not granted was found")
	}

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	defer server.Close()
	o = run("", "--net", server.URL, program, "http", "GET", server.URL)
	if o.expect(t, exitOK); !strings.Contains(o.out, "\nstatus 200\n") {
		t.Error(o.out)
	}
	o = run("", program, "http", "GET", server.URL)
	if o.expect(t, exitOK); !strings.HasSuffix(o.out, "error ErrorCode::HttpRequestDenied\n") {
		t.Error(o.out)
	}

	run("", program, "exit", "0").expect(t, exitOK)
	o = run("", program, "exit", "1")
	slow := "caisson: compiling " + filepath.Base(program) + "\n" // On a busy machine.
	if o.expect(t, 1); strings.TrimPrefix(o.stderr, slow) != "" {
		t.Errorf("standard error has %q", o.stderr)
	}
	run("", program, "unknown").expect(t, 1, "unknown command")
	run("", program, "fail").expect(t, exitFailure, "as asked", "caisson: "+program+": wasi:cli/run@0.2.0#run trapped: ")
	run("", "--timeout", "100ms", program, "spin").expect(t, exitTimeout, "not done after 100ms")
	run("", "--fuel", "10000000", program, "spin").expect(t, exitFailure, "limit reached: fuel, 10000000 units: allow more with --fuel")
	run("", "--max-memory", "8MiB", program, "hoard").expect(t, exitFailure, "memory allocation of", "refused memory: allow more with --max-memory")
	run("", "--max-memory", "1MiB", program).expect(t, exitFailure, "limit reached: memory, 1048576 bytes: allow more with --max-memory")
	if files, err := cacheFiles(cache); err != nil || len(files.paths) == 0 {
		t.Errorf("the cache has %v, %v", files.paths, err)
	}
}

func TestComponentThatCannotBeRun(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	preamble := "\x00asm\x0d\x00\x01\x00"
	for path, want := range map[string]string{
		file("text", "hello"):                          "is another kind of file, not a WebAssembly component",
		file("empty", ""):                              "is another kind of file",
		file("wat", "(component)"):                     "is WebAssembly text",
		file("core", "\x00asm\x01\x00\x00\x00"):        "is a core WebAssembly module",
		file("cut", preamble+"\x01\x7f"):               "at offset 0x",
		"../../component/testdata/echo.wasm":           "not a command: it exports no wasi:cli/run@0.2",
		"../../component/testdata/invalid/future.wasm": "at offset 0x",
	} {
		o := caissonRun(t, "component", "run", "--no-cache", path)
		o.expect(t, exitFailure, "caisson: "+path, want)
		if !strings.Contains(want, "not a command") {
			caissonRun(t, "component", "inspect", path).expect(t, exitFailure, "caisson: "+path, want)
		}
	}
	for line, want := range map[string]string{
		"inspect":                  "no file is given",
		"inspect a b":              `"b" is one argument too many`,
		"inspect none":             "open none: ",
		"run":                      "no file is given",
		"run none":                 "open none: ",
		"run --dir none a":         "--dir: open none",
		"run --env =x a":           "--env number 1 has no name",
		"run --net a.example a":    "does not begin with http:// or https://",
		"run --net a.example:1 a":  "does not begin with http:// or https://",
		"run --net http://a/b a":   "has more than a scheme, a host and a port",
		"run --timeout 0s a":       "--timeout must be more than 0",
		"run --max-memory 64 MB a": "", // the file is "MB"
		"run --max-memory 64MB a":  `invalid argument "64MB" for "--max-memory"`,
		"run --max-memory 0 a":     "it is not a size",
		"run --fuel x a":           `invalid argument "x" for "--fuel"`,
		"walk":                     `there is no command "walk"`,
	} {
		caissonRun(t, append([]string{"component"}, strings.Fields(line)...)...).expect(t, exitUsage, want)
	}
}

func TestSplitMount(t *testing.T) {
	for text, want := range map[string]string{
		"a": "a a false", "a:/b": "a /b false", "a:ro": "a a true", "a:/b:ro": "a /b true", ".": ". . false", "a::ro": "a a true",
	} {
		m, host := splitMount(text)
		if got := fmt.Sprint(host, " ", m.Path, " ", m.ReadOnly); got != want {
			t.Errorf("%q: %s, not %s", text, got, want)
		}
	}
}

func TestByteSize(t *testing.T) {
	for text, want := range map[string]byteSize{
		"1": 1, "65537": 65537, "128KiB": 128 << 10, "64MiB": 64 << 20, "4GiB": 4 << 30, "100000000GiB": 100_000_000 << 30,
	} {
		var s byteSize
		if err := s.Set(text); err != nil || s != want {
			t.Errorf("%s: %d, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5MiB", "1KB", "1iBM", "99999999999GiB", "0"} {
		var s byteSize
		if err := s.Set(text); err == nil {
			t.Errorf("%q: %d", text, s)
		}
	}
}
