package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/config"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// ownConfig changes the working directory to a folder with mcp.json, and gives the user a configuration.
func ownConfig(t *testing.T, local, own string) {
	t.Helper()
	home := t.TempDir()
	for _, variable := range []string{"HOME", "XDG_CONFIG_HOME", "AppData"} {
		t.Setenv(variable, home)
	}
	t.Chdir(t.TempDir())
	path, err := config.DefaultPath()
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"mcp.json": local, path: own} {
		if text == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if p, err := readProject(projectConfig); err == nil {
		if err := p.trust(); err != nil {
			t.Fatal(err)
		}
	}
}

// resolve returns the server that a command line names.
func resolve(line ...string) (server caisson.Server, err error) {
	var flags serverFlags
	c := &cobra.Command{
		Use: "test", SilenceErrors: true, SilenceUsage: true,
		RunE: func(c *cobra.Command, args []string) error {
			t, _, err := splitTarget(c, args)
			if err != nil {
				return err
			}
			server, err = flags.resolve(&app{in: strings.NewReader(""), err: terminal.New(io.Discard)}, c, t)
			return err
		},
	}
	flags.register(c)
	c.SetArgs(line)
	return server, c.Execute()
}

func TestResolve(t *testing.T) {
	const local = `{"mcpServers": {
		"files": {"command": "serve", "args": ["-x"], "env": {"A": "1", "B": "2"}, "cwd": "/srv"},
		"web":   {"type": "http", "url": "https://example.com/mcp", "headers": {"authorization": "old", "X-A": "a"}},
		"both":  {"command": "local"}
	}}`
	const own = `{"mcpServers": {"both": {"command": "own"}, "mine": {"command": "mine"}}}`
	ownConfig(t, local, own)
	third := filepath.Join(t.TempDir(), "third.json")
	if err := os.WriteFile(third, []byte(`{"servers": {"both": {"command": "third"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}

	for _, test := range []struct {
		line string
		want caisson.Server
	}{
		{"-- serve --flag -- x", caisson.Server{Command: "serve", Args: []string{"--flag", "--", "x"}}},
		{"HTTP://example.com/mcp", caisson.Server{URL: "HTTP://example.com/mcp"}},
		{"files", caisson.Server{Name: "files", Command: "serve", Args: []string{"-x"}, Env: map[string]string{"A": "1", "B": "2"}, Dir: "/srv"}},
		{"both", caisson.Server{Name: "both", Command: "local"}},
		{"mine", caisson.Server{Name: "mine", Command: "mine"}},
		{"both --config " + third, caisson.Server{Name: "both", Command: "third"}},
		{"files --env B=3 --env C= --env D=a=b --cwd / --inherit-env", caisson.Server{
			Name: "files", Command: "serve", Args: []string{"-x"}, Dir: "/", InheritEnv: true,
			Env: map[string]string{"A": "1", "B": "3", "C": "", "D": "a=b"},
		}},
		{"web --transport sse --header Authorization:new --header X-B:b:c,d", caisson.Server{
			Name: "web", Type: caisson.TransportSSE, URL: "https://example.com/mcp",
			Headers: http.Header{"Authorization": {"new"}, "X-A": {"a"}, "X-B": {"b:c,d"}},
		}},
		{"http://h/ --header A: --transport http", caisson.Server{URL: "http://h/", Type: caisson.TransportHTTP, Headers: http.Header{"A": {""}}}},
	} {
		got, err := resolve(strings.Fields(test.line)...)
		if err != nil {
			t.Errorf("%s: %v", test.line, err)
		}
		if len(got.Args) == 0 {
			got.Args = nil
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.line, diff)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	const local = `{"mcpServers": {"a": {"command": "x"}, "off": {"command": "x", "disabled": true}, "broken": {}}}`
	const own = `{"mcpServers": {"a": {"command": "x"}, "b": {"command": "x"}}}`
	for _, test := range []struct{ name, local, own, line, want string }{
		{"unknown", local, own, "c", "but a, b, broken, off; a URL begins with http:// or https://, and a command stands after --"},
		{"no files", "", "", "c", `there is no server "c" in mcp.json or `},
		{"disabled", local, own, "off", "the server is disabled"},
		{"broken", local, own, "broken", "neither a command nor a url"},
		{"not JSON", "{", own, "b", "mcp.json: line 1, column 1: unexpected end of JSON input"},
		{"unknown in the file that is named", local, own, "b --config mcp.json", "there is no such server in the file; it has a, broken, off"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ownConfig(t, test.local, test.own)
			_, err := resolve(strings.Fields(test.line)...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("the error is %v\nwant %s", err, test.want)
			}
			if code := exitCode(err); code != exitUsage {
				t.Errorf("it ends with %d", code)
			}
		})
	}
}

// A value of --header and --env may be a secret, even in a malformed pair.
func TestPairErrorsHaveNoValues(t *testing.T) {
	const secret = "xyzzy"
	for _, test := range []struct{ pair, separator string }{
		{secret, ":"},
		{":" + secret, ":"},
		{"Author ization: " + secret, ":"},
		{"Authorization: " + secret + "\r\nX: y", ":"},
		{secret, "="},
		{"A\x00=" + secret, "="},
	} {
		_, err := parsePairs([]string{"A" + test.separator, test.pair}, test.separator)
		if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "number 2") {
			t.Errorf("%q gives %v", test.pair, err)
		}
	}
	var wrong *usageError
	if _, err := resolve("http://127.0.0.1/", "--header", secret); !errors.As(err, &wrong) || strings.Contains(err.Error(), secret) {
		t.Errorf("the error is %v", err)
	}
}
