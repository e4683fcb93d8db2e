package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/config"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// foreignFolder makes a folder as another person may have made it, with that person's file, and a
// configuration of the user.
func foreignFolder(t *testing.T, text, own string) {
	t.Helper()
	ownConfig(t, "", own)
	if err := os.WriteFile(projectConfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// resolveAt resolves a name. typed is what a person types at a terminal, or nil when there is no terminal.
func resolveAt(t *testing.T, typed *string, line ...string) (caisson.Server, string, error) {
	t.Helper()
	a := &app{in: strings.NewReader("yes\n"), err: terminal.New(&bytes.Buffer{})}
	var seen screen
	if typed != nil {
		a = &app{in: keyboard{strings.NewReader(*typed)}, err: terminal.New(&seen)}
	}
	var flags serverFlags
	var server caisson.Server
	c := &cobra.Command{Use: "test", SilenceErrors: true, SilenceUsage: true, RunE: func(c *cobra.Command, args []string) (err error) {
		to, _, err := splitTarget(c, args)
		if err == nil {
			server, err = flags.resolve(a, c, to)
		}
		return err
	}}
	flags.register(c)
	c.SetArgs(line)
	err := c.ExecuteContext(t.Context())
	return server, seen.String(), err
}

const theirs = `{"mcpServers": {"files": {"command": "./steal", "env": {"A": "${HOME}"}}, "other": {"command": "x"}}}`

// The configuration of a folder needs an approval. At a terminal the program asks once, and elsewhere a
// command gives the approval. It holds for that file in that place with that content.
func TestProjectNeedsYes(t *testing.T) {
	yes, no, nothing, unclear := "yes\n", "n\n", "", "what?\n\nYES\nmore"
	const mine = `{"mcpServers": {"files": {"command": "mine"}, "own": {"command": "mine"}}}`
	refused := func(t *testing.T, err error, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if err == nil || exitCode(err) != exitUsage || !strings.Contains(err.Error(), part) {
				t.Errorf("the error is %v, want %q in it", err, part)
			}
		}
	}
	t.Run("without a terminal", func(t *testing.T) {
		foreignFolder(t, theirs, mine)
		_, _, err := resolveAt(t, nil, "files")
		refused(t, err, `the server "files" is in `, "caisson trust", "--config mcp.json")
		if server, _, err := resolveAt(t, nil, "own"); err != nil || server.Command != "mine" {
			t.Errorf("a server that is only the user's: %+v, %v", server, err)
		}
		if server, _, err := resolveAt(t, nil, "files", "--config", "mcp.json"); err != nil || server.Command != "./steal" {
			t.Errorf("the file that is named: %+v, %v", server, err)
		}
		if server, _, err := resolveAt(t, nil, "http://127.0.0.1/"); err != nil || server.URL == "" {
			t.Errorf("a URL: %+v, %v", server, err)
		}
		if _, _, err := resolveAt(t, nil, "files"); err == nil {
			t.Error("it is used the second time")
		}
	})
	t.Run("yes at a terminal", func(t *testing.T) {
		foreignFolder(t, theirs, mine)
		server, seen, err := resolveAt(t, &unclear, "files")
		if err != nil || server.Command != "./steal" {
			t.Fatalf("%+v, %v", server, err)
		}
		for _, part := range []string{"./steal", "${HOME}", "Your own configuration has a server of this name too", "yes or no> "} {
			if !strings.Contains(seen, part) {
				t.Errorf("the question does not have %q:\n%s", part, seen)
			}
		}
		for _, name := range []string{"files", "other"} { // The program asks once for the file.
			if _, seen, err := resolveAt(t, &nothing, name); err != nil || seen != "" {
				t.Errorf("%s: %v, asked %q", name, err, seen)
			}
			if _, _, err := resolveAt(t, nil, name); err != nil {
				t.Errorf("%s, without a terminal: %v", name, err)
			}
		}
		// A changed file and a copy in another place each need a new approval.
		for name, where := range map[string]string{"changed": ".", "a copy": t.TempDir()} {
			text := theirs
			if where == "." {
				text = strings.Replace(theirs, "./steal", "./stEal", 1)
			}
			t.Chdir(where)
			if err := os.WriteFile(projectConfig, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, _, err := resolveAt(t, nil, "files"); err == nil {
				t.Errorf("%s: it is used", name)
			}
			if _, seen, err := resolveAt(t, &yes, "files"); err != nil || seen == "" {
				t.Errorf("%s: %v, asked %q", name, err, seen)
			}
		}
	})
	for name, typed := range map[string]*string{"no": &no, "the end of the input": &nothing} {
		t.Run(name, func(t *testing.T) {
			foreignFolder(t, theirs, "")
			for range 2 {
				_, seen, err := resolveAt(t, typed, "files")
				refused(t, err, "is not trusted, and not used")
				if !strings.Contains(seen, "yes or no> ") || strings.Contains(seen, "Your own configuration") {
					t.Errorf("the question is\n%s", seen)
				}
			}
		})
	}
	t.Run("by command", func(t *testing.T) {
		foreignFolder(t, theirs, mine)
		o := caissonRun(t, "trust")
		o.expect(t, exitOK)
		if !strings.Contains(o.out, "mcp.json is trusted as it is now: files, other\n") {
			t.Errorf("it says %q", o.out)
		}
		if server, _, err := resolveAt(t, nil, "files"); err != nil || server.Command != "./steal" {
			t.Errorf("%+v, %v", server, err)
		}
		caissonRun(t, "trust", "--forget").expect(t, exitOK)
		_, _, err := resolveAt(t, nil, "files")
		refused(t, err, "caisson trust")
		caissonRun(t, "trust", "none.json").expect(t, exitUsage, "none.json")
	})
	t.Run("taken back when the file is gone, or is no configuration", func(t *testing.T) {
		foreignFolder(t, theirs, "")
		for _, spoil := range []func() error{
			func() error { return os.Remove(projectConfig) },
			func() error { return os.WriteFile(projectConfig, []byte("{"), 0o600) },
		} {
			caissonRun(t, "trust").expect(t, exitOK)
			if err := spoil(); err != nil {
				t.Fatal(err)
			}
			caissonRun(t, "trust", "--forget").expect(t, exitOK)
			if err := os.WriteFile(projectConfig, []byte(theirs), 0o600); err != nil {
				t.Fatal(err)
			}
			_, _, err := resolveAt(t, nil, "files")
			refused(t, err, "caisson trust")
		}
	})
	t.Run("what cannot be shown whole", func(t *testing.T) {
		for _, padding := range []string{strings.Repeat("\n", maxShownLines+1), strings.Repeat(" ", maxShown)} {
			foreignFolder(t, strings.Replace(theirs, "{", "{"+padding, 1), "")
			_, seen, err := resolveAt(t, &yes, "files")
			refused(t, err, "too long to be shown", "caisson trust")
			if seen != "" {
				t.Errorf("it asks %q", seen)
			}
		}
	})
	t.Run("what would move the cursor", func(t *testing.T) {
		foreignFolder(t, `{"mcpServers": {"files": {"command": "x", "args": ["`+"\u202e\u009b"+`"]}}}`, "")
		if _, seen, err := resolveAt(t, &yes, "files"); err != nil || strings.ContainsAny(seen, "\u202e\u009b") || !strings.Contains(seen, `\u{202e}`) {
			t.Errorf("%v, shown %q", err, seen)
		}
	})
	t.Run("the user's own folder", func(t *testing.T) {
		ownConfig(t, "", mine)
		own, err := config.DefaultPath()
		if err != nil {
			t.Fatal(err)
		}
		t.Chdir(filepath.Dir(own))
		if server, _, err := resolveAt(t, nil, "files"); err != nil || server.Command != "mine" {
			t.Errorf("%+v, %v", server, err)
		}
	})
	t.Run("no place to remember it", func(t *testing.T) {
		foreignFolder(t, theirs, "")
		for _, variable := range []string{"HOME", "XDG_CONFIG_HOME", "AppData"} {
			t.Setenv(variable, filepath.Join(t.TempDir(), "mcp.json", "\x00"[:0], "none"))
		}
		if folder, err := trustFolder(); err == nil {
			if err := os.MkdirAll(filepath.Dir(filepath.Dir(folder)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Dir(folder), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := resolveAt(t, &yes, "files"); err == nil {
			t.Error("it is used, and nothing remembers the yes")
		}
	})
}

// The program reads only files: a pipe has no end.
func TestTrustOfNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	caissonRun(t, "trust").expect(t, exitUsage, "there is no file mcp.json: go to its folder, or name it")
	caissonRun(t, "trust", "--forget", "x.json").expect(t, exitUsage, "there is no file x.json")
}

func TestProjectThatIsNoFile(t *testing.T) {
	ownConfig(t, "", `{"mcpServers": {"own": {"command": "mine"}}}`)
	if err := os.Mkdir(projectConfig, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := resolveAt(t, nil, "own"); err == nil || !strings.Contains(err.Error(), "mcp.json is not a file") {
		t.Errorf("a folder: %v", err)
	}
	if err := os.Remove(projectConfig); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		if err := os.Symlink(os.DevNull, projectConfig); err != nil {
			t.Fatal(err)
		}
		if _, _, err := resolveAt(t, nil, "own"); err == nil || !strings.Contains(err.Error(), "mcp.json is not a file") {
			t.Errorf("a device: %v", err)
		}
	}
}

// A misplaced word on a command line may be a URL with a secret.
func TestWordsAreNotRepeated(t *testing.T) {
	ownConfig(t, "", "")
	for _, line := range [][]string{
		{"ping", "https:/example.com/s3cret?token=s3cret"},
		{"ping", "example.com/s3cret?token=s3cret"},
		{"ping", "u:s3cret@example.com"},
		{"ping", "s3cret@example.com/mcp"},
		{"ping", "http://127.0.0.1:9/", "http://example.com/mcp?token=s3cret"},
		{"ping", "http://127.0.0.1:9/", "http://u:s3cret@example.com/"},
		{"http://example.com/s3cret?token=s3cret"},
		{"list-tools", "http://example.com:99999/mcp?token=s3cret"},
		{"list-tools", "http://u:s3cret@example.com/mcp"},
		{"list-tools", "http://[fe80::1%25s3cret]/s3cret"},
		{"list-tools", "http://127.1/s3cret"},
		{"list-tools", "http://２７.０.0.1/s3cret"},
		{"list-tools", "http://exa mple.com/s3cret"},
		{"list-tools", "http://example.com/%zz?s3cret"},
		{"list-tools", "http://example.com/\x01s3cret"},
		{"list-tools", "ws://example.com/?s3cret"},
		{"list-tools", "HTTP://u:s3cret@[::1"},
		{"call-tool", "http://127.0.0.1:9/", "x", "https://example.com/s3cret"},
		{"read-resource", "http://127.0.0.1:9/", "file:///a", "http://u:s3cret@example.com/"},
		{"ping", "-HAuthorization: s3cret", "http://127.0.0.1:9/"},
		{"ping", "--=s3cret"},
		{"trust", "a", "http://u:s3cret@example.com/"},
		{"version", "http://example.com/?s3cret"},
		{"cache", "http://example.com/?s3cret"},
	} {
		o := caissonRun(t, line...)
		if o.code != exitUsage && o.code != exitConnect || o.stderr == "" {
			t.Errorf("%q ends with %d: %s", line, o.code, o.stderr)
		}
		if strings.Contains(o.out+o.stderr, "s3cret") {
			t.Errorf("%q says %s", line, o.stderr)
		}
	}
	for word, want := range map[string]string{
		"files": "files", "a-b_c.d": "a-b_c.d", "": "", "example.com/x": "example.com…", "http://example.com/x": "http://example.com…",
		"http://h": "http://h", "a@b": "…", "a?b": "a…", strings.Repeat("é", 100): strings.Repeat("é", 32) + "…",
	} {
		if got := shown(word); got != want {
			t.Errorf("%s", fmt.Sprintf("%q is shown as %q, want %q", word, got, want))
		}
	}
}
