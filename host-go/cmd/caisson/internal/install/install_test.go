package install

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/tailscale/hujson"
)

var update = flag.Bool("update", false, "write the golden files anew")

var entry = Entry{Name: "caisson", Command: "/opt/caisson", Args: []string{"serve", "--config", `/home/ann/a "b"/mcp.json`}}

// environment is that of somebody on a system.
func environment(system string) Environment {
	home := map[string]string{"linux": "/home/ann", "darwin": "/Users/ann", "windows": `C:\Users\ann`}[system]
	folder := map[string]string{"windows": home + `\work`}[system]
	if folder == "" {
		folder = home + "/work"
	}
	return Environment{System: system, Home: home, Folder: folder, Getenv: func(string) string { return "" }}
}

// TestClients compares what each client is told on each system.
func TestClients(t *testing.T) {
	t.Parallel()
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, c := range Clients() {
			e := entry
			if system == "windows" {
				e.Command, e.Args = `C:\Program Files\caisson.exe`, []string{"serve", "--config", `C:\Users\ann\mcp.json`}
			}
			text, err := c.Render(e)
			if err != nil {
				t.Errorf("%s: %v", c.Name, err)
				continue
			}
			path, err := c.Path(environment(system))
			if err != nil {
				path = err.Error()
			}
			got := path + "\n\n" + text
			golden := filepath.Join("testdata", c.Name+"-"+system+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil || string(want) != got {
				t.Errorf("%s on %s: %v, want\n%s\ngot\n%s", c.Name, system, err, want, got)
			}
		}
	}
}

// TestPlaces moves the folders, as the system lets people do.
func TestPlaces(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ client, system, variable, value, want string }{
		"XDG":          {"vscode", "linux", "XDG_CONFIG_HOME", "/x", "/x/Code/User/mcp.json"},
		"XDG relative": {"zed", "linux", "XDG_CONFIG_HOME", "x", "/home/ann/.config/zed/settings.json"},
		"APPDATA":      {"claude-desktop", "windows", "APPDATA", `D:\r`, `D:\r\Claude\claude_desktop_config.json`},
		"CODEX_HOME":   {"codex", "linux", "CODEX_HOME", "/c", "/c/config.toml"},
	} {
		e := environment(test.system)
		e.Getenv = func(name string) string { return map[string]string{test.variable: test.value}[name] }
		c, err := Find(test.client)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Path(e); err != nil || got != test.want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if _, err := Find("emacs"); err == nil || !strings.Contains(err.Error(), "vscode") {
		t.Errorf("an unknown client: %v", err)
	}
}

// TestAdd adds an entry to files as people have them: all else stays as it is.
func TestAdd(t *testing.T) {
	t.Parallel()
	small := Entry{Name: "caisson", Command: "/c", Args: []string{"serve"}}
	for name, test := range map[string]struct{ client, before, after string }{
		"json, no servers":   {"cursor", "{\n\t\"a\": 1\n}\n", "{\n\t\"mcpServers\": {\n\t\t\"caisson\": {\n\t\t\t\"command\": \"/c\",\n\t\t\t\"args\": [\"serve\"]\n\t\t}\n\t},\n\t\"a\": 1\n}\n"},
		"json, comments":     {"zed", "// mine\n{\n  // all\n  \"context_servers\": {\n    // one\n    \"x\": {\"command\": \"y\"}, // its\n  }, /* end */\n}\n", "// mine\n{\n  // all\n  \"context_servers\": {\n    \"caisson\": {\n      \"command\": \"/c\",\n      \"args\": [\"serve\"]\n    },\n    // one\n    \"x\": {\"command\": \"y\"}, // its\n  }, /* end */\n}\n"},
		"json, replaced":     {"cursor", "{\n  \"mcpServers\": {\n    \"z\": {},\n    \"caisson\": {\"command\": \"old\"}, // ours\n    \"y\": {}\n  }\n}", "{\n  \"mcpServers\": {\n    \"z\": {},\n    \"caisson\": {\n      \"command\": \"/c\",\n      \"args\": [\"serve\"]\n    }, // ours\n    \"y\": {}\n  }\n}"},
		"json, empty object": {"cursor", "{\"mcpServers\": {}}", "{\"mcpServers\": {\n    \"caisson\": {\n      \"command\": \"/c\",\n      \"args\": [\"serve\"]\n    }\n  }}"},
		"json, in one line":  {"cursor", `{"mcpServers":{"a":{}},"b":2}`, "{\"mcpServers\":{\n    \"caisson\": {\n      \"command\": \"/c\",\n      \"args\": [\"serve\"]\n    },\"a\":{}},\"b\":2}"},
		"json, CRLF":         {"cursor", "{\r\n\t\"mcpServers\": {\r\n\t\t\"x\": {}\r\n\t}\r\n}\r\n", "{\r\n\t\"mcpServers\": {\r\n\t\t\"caisson\": {\r\n\t\t\t\"command\": \"/c\",\r\n\t\t\t\"args\": [\"serve\"]\r\n\t\t},\r\n\t\t\"x\": {}\r\n\t}\r\n}\r\n"},
		"json, a mark":       {"cursor", "\uFEFF{\"mcpServers\": {}}", "\uFEFF{\"mcpServers\": {\n    \"caisson\": {\n      \"command\": \"/c\",\n      \"args\": [\"serve\"]\n    }\n  }}"},
		"toml, a mark":       {"codex", "\uFEFFa = 1\n", "\uFEFFa = 1\n\n[mcp_servers.caisson]\ncommand = \"/c\"\nargs = [\"serve\"]\n"},
		"yaml, a mark":       {"continue", "\uFEFFmcpServers:\n- name: a\n", "\uFEFFmcpServers:\n- name: \"caisson\"\n  command: \"/c\"\n  args: [\"serve\"]\n- name: a\n"},
		"toml":               {"codex", "# mine\nmodel = \"x\"   # why\n\n[mcp_servers.a]\ncommand = \"y\"", "# mine\nmodel = \"x\"   # why\n\n[mcp_servers.a]\ncommand = \"y\"\n\n[mcp_servers.caisson]\ncommand = \"/c\"\nargs = [\"serve\"]\n"},
		"toml, there":        {"codex", "[mcp_servers.caisson]\nargs = [\"serve\"]\ncommand = '/c'\n", "[mcp_servers.caisson]\nargs = [\"serve\"]\ncommand = '/c'\n"},
		"toml, CRLF":         {"codex", "a = 1\r\n", "a = 1\r\n\r\n[mcp_servers.caisson]\r\ncommand = \"/c\"\r\nargs = [\"serve\"]\r\n"},
		"yaml, no servers":   {"goose", "# mine\nGOOSE_MODE: auto", "# mine\nGOOSE_MODE: auto\nextensions:\n  caisson:\n    name: \"caisson\"\n    type: \"stdio\"\n    cmd: \"/c\"\n    args: [\"serve\"]\n    enabled: true\n    timeout: 300\n"},
		"yaml":               {"goose", "extensions: # all\n    # one\n    dev:\n        enabled: true # on\nx: 1\n", "extensions: # all\n    caisson:\n      name: \"caisson\"\n      type: \"stdio\"\n      cmd: \"/c\"\n      args: [\"serve\"]\n      enabled: true\n      timeout: 300\n    # one\n    dev:\n        enabled: true # on\nx: 1\n"},
		"yaml, nothing":      {"goose", "extensions:\nx: 1\n", "extensions:\n  caisson:\n    name: \"caisson\"\n    type: \"stdio\"\n    cmd: \"/c\"\n    args: [\"serve\"]\n    enabled: true\n    timeout: 300\nx: 1\n"},
		"yaml, list":         {"continue", "name: mine\nmcpServers:\n- name: a\n  command: b\n", "name: mine\nmcpServers:\n- name: \"caisson\"\n  command: \"/c\"\n  args: [\"serve\"]\n- name: a\n  command: b\n"},
		"yaml, list, deeper": {"continue", "name: mine\nmcpServers:\n  - name: a\n    command: b\nmodels: []\n", "name: mine\nmcpServers:\n  - name: \"caisson\"\n    command: \"/c\"\n    args: [\"serve\"]\n  - name: a\n    command: b\nmodels: []\n"},
	} {
		c, err := Find(test.client)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Add([]byte(test.before), small)
		if err != nil || string(got) != test.after {
			t.Errorf("%s: %v, want\n%s\ngot\n%s", name, err, test.after, got)
			continue
		}
		if again, err := c.Add(got, small); err != nil || string(again) != string(got) {
			t.Errorf("%s: a second time it becomes %v\n%s", name, err, again)
		}
	}
}

// TestRefused has files that are broken, or in which the entry would change something else.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ client, text, want string }{
		"json, broken":          {"cursor", "{\n  \"a\": 1\n  \"b\": 2\n}", "line 3"},
		"json, cut off":         {"cursor", "{\n  \"a\": ", "line 2"},
		"json, a list":          {"cursor", "[]", "line 1"},
		"json, two objects":     {"cursor", "{}\n{}", "line 2"},
		"json, servers a list":  {"cursor", "{\n\"mcpServers\": []}", "line 2"},
		"json, servers twice":   {"cursor", "{\"mcpServers\": {},\n\"mcpServers\": {}}", "line 2"},
		"json, entry twice":     {"cursor", "{\"mcpServers\": {\"caisson\": 1,\n\"caisson\": 2}}", "line 2"},
		"toml, broken":          {"codex", "a = 1\nb = = 2\n", "line 2"},
		"toml, another entry":   {"codex", "[mcp_servers.caisson]\ncommand = 'x'\n", "another"},
		"toml, inline":          {"codex", "mcp_servers = {a = {command = 'x'}}\n", "by hand"},
		"toml, no table":        {"codex", "mcp_servers = 1\n", "not a table"},
		"toml, a key twice":     {"codex", "a = 1\na = 2\n", "line 2"},
		"yaml, broken":          {"goose", "a: 1\nb: [\n", "line 2"},
		"yaml, tabulator":       {"goose", "a:\n\tb: 1\n", "line"},
		"yaml, a key twice":     {"goose", "a: 1\na: 2\n", "line 2"},
		"yaml, another entry":   {"goose", "x: 1\nextensions:\n  caisson:\n    cmd: x\n", "another"},
		"yaml, inline":          {"goose", "extensions: {a: {cmd: x}}\n", "line 1"},
		"yaml, a list":          {"goose", "- a\n", "line 1"},
		"yaml, several":         {"goose", "a: 1\n---\nb: 1\n", "several"},
		"yaml, a list of names": {"goose", "extensions:\n  - a\n", "by hand"},
	} {
		c, err := Find(test.client)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := c.Add([]byte(test.text), entry); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
	c, _ := Find("cursor")
	if _, err := c.Add(make([]byte, maxFileBytes+1), entry); err == nil {
		t.Error("a file that is too large is read")
	}
	for _, bad := range []string{"", "a b", "a.b", "7", "-", strings.Repeat("a", 65), `a"`} {
		if _, err := c.Add(nil, Entry{Name: bad}); err == nil {
			t.Errorf("%q names a server", bad)
		}
	}
}

// TestWrite writes: with a copy, under the file's own mode, through a link, and not at all where nothing changes.
func TestWrite(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	c, _ := Find("cursor")
	add := func(text []byte) ([]byte, error) { return c.Add(text, entry) }
	path := filepath.Join(folder, "deeper", "mcp.json")
	result, err := Write(t.Context(), path, add)
	if err != nil || !result.Changed || result.Copy != "" {
		t.Fatalf("a new file: %+v, %v", result, err)
	}
	if result, err = Write(t.Context(), path, add); err != nil || result.Changed || result.Copy != "" {
		t.Errorf("the same again: %+v, %v", result, err)
	}
	const old = "{\"a\": 1} // mine\n"
	if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(folder, "link.json")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err) // Windows may forbid it.
	}
	result, err = Write(t.Context(), link, add)
	if err != nil || !result.Changed {
		t.Fatalf("%+v, %v", result, err)
	}
	if kept, err := os.ReadFile(result.Copy); err != nil || string(kept) != old {
		t.Errorf("the copy is %q, %v", kept, err)
	}
	for _, at := range []string{path, result.Copy} {
		if info, err := os.Stat(at); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
			t.Errorf("%s has the mode %v, %v", at, info.Mode(), err)
		}
	}
	if target, err := os.Readlink(link); err != nil || target != path {
		t.Errorf("the link leads to %s, %v", target, err)
	}
	if text, _ := os.ReadFile(path); !strings.Contains(string(text), "// mine") || !strings.Contains(string(text), "caisson") {
		t.Errorf("it is now\n%s", text)
	}
	files, _ := filepath.Glob(filepath.Join(folder, "deeper", "*"))
	if len(files) != 2 {
		t.Errorf("there are %v", files)
	}
	if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(t.Context(), path, add); err == nil || !strings.Contains(err.Error(), path+" is read-only") {
		t.Errorf("a file that is read-only: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != old {
		t.Errorf("it is now %q, %v", text, err)
	}
	dangling := filepath.Join(folder, "dangling")
	if err := os.Symlink(filepath.Join(folder, "none", "x"), dangling); err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]string{"a link to nothing": dangling, "a folder": folder} {
		if _, err := Write(t.Context(), at, add); err == nil || !strings.Contains(err.Error(), at) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWriteInUse has another program change the file while it is being written: that program's text stays.
func TestWriteInUse(t *testing.T) {
	t.Parallel()
	for name, old := range map[string]string{"changed": "{}", "new": ""} {
		path := filepath.Join(t.TempDir(), "mcp.json")
		if old != "" {
			if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Write(t.Context(), path, func([]byte) ([]byte, error) {
			return []byte("ours"), os.WriteFile(path, []byte("theirs"), 0o600)
		})
		var changed *ChangedError
		if !errors.As(err, &changed) {
			t.Errorf("%s: %v", name, err)
		}
		if text, _ := os.ReadFile(path); string(text) != "theirs" {
			t.Errorf("%s: it is now %q", name, text)
		}
		if files, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(files) != 1 {
			t.Errorf("%s: there are %v", name, files)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	failure := errors.New("broken")
	if _, err := Write(ctx, filepath.Join(t.TempDir(), "x"), func([]byte) ([]byte, error) { return nil, failure }); err == nil {
		t.Error("a change that fails is written")
	}
}

// FuzzJSON adds an entry to any text: what comes out has the entry, and all that was there.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"a":1,}`, "{//x\n}", `{"mcpServers":{/*y*/}}`, `{"mcpServers":{"caisson":{}}}`} {
		f.Add(seed)
	}
	c, _ := Find("cursor")
	f.Fuzz(func(t *testing.T, text string) {
		after, err := c.Add([]byte(text), entry)
		if err != nil {
			return
		}
		want := map[string]any{}
		if strings.TrimSpace(text) != "" {
			want = values(t, []byte(text))
		}
		servers, _ := want["mcpServers"].(map[string]any)
		if servers == nil {
			servers = map[string]any{}
		}
		args := []any{}
		for _, a := range entry.Args {
			args = append(args, a)
		}
		servers["caisson"] = map[string]any{"command": entry.Command, "args": args}
		want["mcpServers"] = servers
		if got := values(t, after); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q became %q", text, after)
		}
	})
}

func values(t *testing.T, text []byte) map[string]any {
	t.Helper()
	standard, err := hujson.Standardize(append([]byte(nil), text...))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	all := map[string]any{}
	if err := json.Unmarshal(standard, &all); err != nil {
		t.Skip(fmt.Sprint(err)) // Numbers beyond a double, and the like.
	}
	return all
}

// FuzzOthers adds an entry to any TOML and YAML: it fails, or all that was there is there as it was, to the byte.
func FuzzOthers(f *testing.F) {
	for _, seed := range []string{"", "a: 1\n", "a = 1\n", "extensions:\n  x:\n    cmd: y\n", "extensions:\n", "mcpServers:\n- name: a\n", "[mcp_servers.x]\n", "---\na: 1\n...\n", "a: |\n  x\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"codex", "goose", "continue"} {
			c, _ := Find(name)
			after, err := c.Add([]byte(text), entry)
			if err != nil {
				continue
			}
			if at := commonPrefix(text, string(after)); !strings.HasSuffix(string(after), text[at:]) {
				t.Fatalf("%s: %q became %q", name, text, after)
			}
			if again, err := c.Add(after, entry); err != nil || string(again) != string(after) {
				t.Fatalf("%s: %q became %q, and then %q, %v", name, text, after, again, err)
			}
		}
	})
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
