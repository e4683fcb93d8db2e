//lint:file-ignore SA1019 The newest revision deprecates logging; plugins go on using it.

package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/witjson"
)

// strict are limits that a hostile plugin reaches soon.
var strict = Limits{Fuel: 50_000_000, MemoryBytes: 16 << 20, MessageBytes: 4 << 20, LoadTime: 20 * time.Second, WallTime: 20 * time.Second}

// as reports whether an error has one of this type in it.
func as[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// A file that is no plugin, or a hostile one, is a typed error that says what is wrong. The program goes on, and
// nothing is left of it.
func TestHostileFiles(t *testing.T) {
	r := testRuntime(t)
	calc := testFile(t, "calc")
	spoiled := []byte(strings.Replace(string(calc), "\x00asm\x0d", "\x00asm\x0e", 1))
	deep := "[" + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + "]"
	for _, c := range []struct {
		what   string
		wasm   []byte
		limits Limits
		code   caisson.Code
		text   string
		typed  func(error) bool
	}{
		{"nothing", nil, Limits{}, caisson.CodeConnect, "no component", as[*component.DecodeError]},
		{"a text", []byte("#!/bin/sh\n"), Limits{}, caisson.CodeConnect, "not WebAssembly", as[*component.DecodeError]},
		{"a core module", testFile(t, "module"), Limits{}, caisson.CodeConnect, "a core module, not a component", as[*component.DecodeError]},
		{"cut short", calc[:len(calc)/2], Limits{}, caisson.CodeConnect, "no component", as[*component.DecodeError]},
		{"another version", spoiled, Limits{}, caisson.CodeConnect, "unknown component version", as[*component.DecodeError]},
		{"no exports", testFile(t, "empty"), Limits{}, caisson.CodeConnect, "it exports no function", nil},
		{"another interface of the name", testFile(t, "other"), Limits{}, caisson.CodeConnect, "not the interface caisson:plugin/provider@0.1.0", nil},
		{"an unknown import", testFile(t, "import"), Limits{}, caisson.CodeConnect, "other:host/door@1.0.0", as[*component.LinkError]},
		{"an import of another type", testFile(t, "mistyped"), Limits{}, caisson.CodeConnect, "caisson:plugin/host", as[*component.LinkError]},
		{"a resource", testFile(t, "resource"), Limits{}, caisson.CodeConnect, `the resource "file"`, as[*witjson.ResourceError]},
		{"two functions of one name", testFile(t, "collision"), Limits{}, caisson.CodeConnect, `a:b/c@1.0.0#f and a:b/c@2.0.0#f would both be the tool "a_b_c_f"`, nil},
		{"a start that never ends", testFile(t, "start"), Limits{}, caisson.CodeLimit, "Limits.Fuel", as[*component.LimitError]},
		{"a start that takes too long", testFile(t, "start"), Limits{Fuel: 1 << 62, LoadTime: 50 * time.Millisecond}, caisson.CodeTimeout, "Limits.LoadTime of 50ms is over", nil},
		{"more memory than is allowed", calc, Limits{MemoryBytes: 64 << 10}, caisson.CodeLimit, "Limits.MemoryBytes", as[*component.LimitError]},

		{"a trap in the list", puppet(t, "!t"), Limits{}, caisson.CodeTrap, "unreachable", as[*component.TrapError]},
		{"a list that never ends", puppet(t, "!l"), Limits{}, caisson.CodeLimit, "Limits.Fuel", as[*component.LimitError]},
		{"an error for a list", puppet(t, "!e"), Limits{}, caisson.CodeConnect, "half done", nil},
		{"a huge list", puppet(t, "!h"), Limits{MemoryBytes: 128 << 20}, caisson.CodeLimit, "has 60000000 bytes, and Limits.MessageBytes is 4194304", nil},
		{"a huge list, and little memory", puppet(t, "!h"), Limits{}, caisson.CodeLimit, "it was refused memory", as[*component.TrapError]},
		{"a million tools", puppet(t, "!m"), Limits{}, caisson.CodeLimit, "more than 1000 tools", nil},
		{"no tools", puppet(t, "[]"), Limits{}, caisson.CodeConnect, "it has no tools", nil},
		{"no JSON", puppet(t, "[{]"), Limits{}, caisson.CodeProtocol, "it is not JSON", nil},
		{"deep JSON", puppet(t, deep), Limits{}, caisson.CodeProtocol, "tool 0 of its list", nil},
		{"no array", puppet(t, `{"tools":[]}`), Limits{}, caisson.CodeProtocol, "no JSON array", nil},
		{"tools that are none", puppet(t, `[1]`), Limits{}, caisson.CodeProtocol, "tool 0 of its list", nil},
		{"names that differ in their case", puppet(t, `[{"Name":"a","inputSchema":{"type":"object"}}]`), Limits{}, caisson.CodeProtocol, `the name "" is none`, nil},
		{"two tools of one name", puppet(t, list("a", "b", "a")), Limits{}, caisson.CodeProtocol, `it lists two tools of the name "a"`, nil},
		{"a name with control characters", puppet(t, list("a\x1b[2Jb")), Limits{}, caisson.CodeProtocol, `the name "a\x1b[2Jb" is none`, nil},
		{"a long name", puppet(t, list(strings.Repeat("a", 3000))), Limits{}, caisson.CodeProtocol, `…" is none`, nil},
		{"a tool without a schema", puppet(t, `[{"name":"a"}]`), Limits{}, caisson.CodeProtocol, `"a": inputSchema is no JSON Schema`, nil},
		{"a schema that is none", puppet(t, `[{"name":"a","inputSchema":{"type":"string"}}]`), Limits{}, caisson.CodeProtocol, `"a": inputSchema is no JSON Schema`, nil},
		{"a schema of results that is none", puppet(t, `[{"name":"a","inputSchema":{"type":"object"},"outputSchema":true}]`), Limits{}, caisson.CodeProtocol, `"a": outputSchema is no JSON Schema`, nil},
	} {
		limits := strict
		if c.limits.MemoryBytes != 0 {
			limits.MemoryBytes = c.limits.MemoryBytes
		}
		if c.limits.LoadTime != 0 {
			limits.Fuel, limits.LoadTime = c.limits.Fuel, c.limits.LoadTime
		}
		p, err := r.LoadBytes(context.Background(), c.wasm, &Options{Name: "hostile", Limits: limits})
		var e *caisson.Error
		if !errors.As(err, &e) || e.Code != c.code || e.Server != "hostile" || e.Step != "load" || !strings.Contains(err.Error(), c.text) || len(err.Error()) > 3000 || c.typed != nil && !c.typed(err) {
			t.Errorf("%s: %#v, %v", c.what, e, err)
		}
		if p != nil {
			t.Errorf("%s: there is a plugin", c.what)
		}
	}
	if len(r.plugins) > 0 {
		t.Errorf("%d plugins are left", len(r.plugins))
	}
	if _, err := r.LoadBytes(context.Background(), calc, &Options{Name: "calc"}); err != nil {
		t.Error(err)
	}
}

// A call that takes too much, or traps, is a typed error; the next call works, and so do those of other plugins.
func TestHostileCalls(t *testing.T) {
	logged, strict := 0, strict
	strict.Fuel, strict.WallTime = 30_000_000, time.Minute
	o := &Options{Limits: strict, OnLog: func(context.Context, *mcp.LoggingMessageParams) { logged++ }}
	kept := *o
	kept.KeepInstance = true
	for _, o := range []*Options{o, &kept} {
		p := loadPuppet(t, o, "trap", "loop", "recurse", "memory", "huge", "spam", "count")
		for tool, want := range map[string]struct {
			code caisson.Code
			text string
		}{
			"trap":    {caisson.CodeTrap, "unreachable"},
			"loop":    {caisson.CodeLimit, "it computed for more than Limits.Fuel of 30000000 units"},
			"recurse": {caisson.CodeTrap, "stack"},
			"memory":  {caisson.CodeLimit, "it was refused memory beyond Limits.MemoryBytes of 16777216 bytes"},
			"huge":    {caisson.CodeLimit, "it was refused memory"},
			"spam":    {caisson.CodeLimit, "Limits.Fuel"},
		} {
			logged = 0
			_, err := p.CallTool(context.Background(), &mcp.CallToolParams{Name: tool})
			if !errors.Is(err, want.code) || !strings.Contains(err.Error(), want.text) || !as[*component.TrapError](err) {
				t.Errorf("%s: %v", tool, err)
			}
			if most := map[string]int{"spam": maxLogs + 1}[tool]; logged != most {
				t.Errorf("%s: %d log messages", tool, logged)
			}
			if got := textOf(callTool(t, p, "count", nil)); got != "1" {
				t.Errorf("the call after %s has the state %s", tool, got)
			}
		}
	}
	large := &Options{Limits: Limits{MessageBytes: 1 << 20}}
	p := loadPuppet(t, large, "huge", "count")
	for name, arguments := range map[string]any{"huge": nil, "count": map[string]string{"a": strings.Repeat("x", 1<<20)}} {
		if _, err := p.CallTool(context.Background(), &mcp.CallToolParams{Name: name, Arguments: arguments}); !errors.Is(err, caisson.CodeLimit) || !strings.Contains(err.Error(), "Limits.MessageBytes") {
			t.Errorf("%s: %v", name, err)
		}
	}
	p = loadPuppet(t, &Options{Limits: Limits{Fuel: 1 << 62, WallTime: 50 * time.Millisecond}}, "loop", "count")
	if _, err := p.CallTool(context.Background(), &mcp.CallToolParams{Name: "loop"}); !errors.Is(err, caisson.CodeTimeout) || !strings.Contains(err.Error(), "Limits.WallTime of 50ms is over") {
		t.Error(err)
	}
}

// A handler that never returns does not keep a call that has ended.
func TestStuckHandler(t *testing.T) {
	release := make(chan struct{})
	p := loadPuppet(t, &Options{OnLog: func(context.Context, *mcp.LoggingMessageParams) { <-release }}, "spam")
	defer close(release)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := p.CallTool(ctx, &mcp.CallToolParams{Name: "spam"}); err != context.DeadlineExceeded {
		t.Error(err)
	}
}

// What is wrong with the options or the path is found before anything is compiled.
func TestWrongOptions(t *testing.T) {
	r := testRuntime(t)
	for want, o := range map[string]Options{
		"Limits.WallTime is negative":                   {Limits: Limits{WallTime: -1}},
		"Grants.Origins":                                {Grants: Grants{Origins: []string{"api.example.com"}}},
		"Grants.Env":                                    {Grants: Grants{Env: map[string]string{"A=B": ""}}},
		"Grants.Folders[0] needs Path":                  {Grants: Grants{Folders: []Folder{{Host: "."}}}},
		"Grants.Folders[0] needs Path, and":             {Grants: Grants{Folders: []Folder{{Path: "/"}}}},
		"Grants.Folders[1]: openat":                     {Grants: Grants{Folders: []Folder{{Path: "/", Host: "."}, {Path: "/x", Host: "testdata/none"}}}},
		"Grants.Folders[0]: an FS cannot be written to": {Grants: Grants{Folders: []Folder{{Path: "/", FS: os.DirFS("."), Write: true}}}},
	} {
		want = strings.TrimSuffix(want, ": openat") // The system says it in its own words.
		if _, err := r.Load(context.Background(), "testdata/calc.wasm", &o); !errors.Is(err, caisson.CodeInvalidArgument) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := (&Runtime{}).Load(context.Background(), "testdata/calc.wasm", nil); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Error(err)
	}
	if _, err := New(context.Background(), &RuntimeOptions{CacheDir: "testdata/calc.wasm"}); err != nil {
		t.Error(err) // It is logged, and left out.
	}
}

// A plugin is a file, or a folder with one.
func TestLoadPaths(t *testing.T) {
	r := testRuntime(t)
	folder := filepath.Join(t.TempDir(), "a[b]*c")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	load := func() (*Plugin, error) { return r.Load(context.Background(), folder, nil) }
	for i, want := range []string{"has 0 .wasm files", "", "has 2 .wasm files"} {
		p, err := load()
		if want == "" {
			if err != nil || p.Name() != "a[b]*c" {
				t.Error(p, err)
			}
		} else if !errors.Is(err, caisson.CodeConnect) || !strings.Contains(err.Error(), want) {
			t.Error(err)
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%d.wasm", i)), testFile(t, "calc"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Load(context.Background(), "testdata/none.wasm", nil); !errors.Is(err, caisson.CodeConnect) || !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Load(ctx, "testdata/calc.wasm", nil); err != context.Canceled {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := load(); !errors.Is(err, caisson.CodeConnect) && !errors.Is(err, caisson.ErrClosed) {
		t.Error(err)
	}
	if _, err := r.Load(context.Background(), "testdata/calc.wasm", nil); !errors.Is(err, caisson.ErrClosed) {
		t.Error(err)
	}
}

// The hostile and the invalid components of the runtime's own tests are plugins or typed errors, like any other.
func TestHostileComponents(t *testing.T) {
	files, err := filepath.Glob("../../component/testdata/*/*.wasm")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	more, err := filepath.Glob("../../component/testdata/*.wasm")
	if err != nil {
		t.Fatal(err)
	}
	r := testRuntime(t)
	limits := strict
	limits.Fuel, limits.WallTime = 5_000_000, 5*time.Second
	loaded, failed := 0, 0
	for _, file := range append(files, more...) {
		p, err := r.Load(context.Background(), file, &Options{Name: "hostile", Limits: limits})
		var e *caisson.Error
		if err != nil {
			if failed++; !errors.As(err, &e) || e.Code == caisson.CodeInternal || e.Server != "hostile" || p != nil {
				t.Errorf("%s: %v", file, err)
			}
			continue
		}
		loaded++
		for _, tool := range p.tools {
			_, err := p.CallTool(context.Background(), &mcp.CallToolParams{Name: tool.Name})
			if err != nil && (!errors.As(err, &e) || e.Code == caisson.CodeInternal) {
				t.Errorf("%s: %s: %v", file, tool.Name, err)
			}
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if loaded < 5 || failed < 20 {
		t.Errorf("%d were loaded, and %d were not", loaded, failed)
	}
	if len(r.plugins) > 0 {
		t.Errorf("%d plugins are left", len(r.plugins))
	}
}
