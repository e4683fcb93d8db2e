package config

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// loadText loads a configuration from text.
func loadText(t testing.TB, text string) (*File, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mcp.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(path)
}

func TestLoad(t *testing.T) {
	t.Setenv("CAISSON_TEST_TOKEN", "s3cret")
	t.Setenv("CAISSON_TEST_EMPTY", "")

	for _, file := range []string{"claude.json", "vscode.json"} {
		t.Run(file, func(t *testing.T) {
			file, err := Load(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			want := []caisson.Server{
				{
					Name: "everything", Type: caisson.TransportStdio,
					Command: "npx", Args: []string{"-y", "@modelcontextprotocol/server-everything", "stdio"},
					Env: map[string]string{"TOKEN": "s3cret", "MODE": "fast", "EMPTY": "", "PLAIN": "$HOME costs $5"},
					Dir: "/srv",
				},
				{Name: "legacy", Type: caisson.TransportSSE, URL: "http://127.0.0.1:9/sse"},
				{
					Name: "remote", Type: caisson.TransportHTTP, URL: "https://mcp.example.com/mcp",
					Headers: http.Header{"Authorization": {"Bearer s3cret"}},
				},
				{Name: "untyped", URL: "https://mcp.example.com/"},
			}
			for _, w := range want {
				got, err := file.Server(w.Name)
				if err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(w, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", w.Name, diff)
				}
			}
			names := []string{"everything", "legacy", "off", "remote", "untyped"}
			if diff := cmp.Diff(names, file.Names()); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
			for _, name := range append(names, "nobody") {
				if got, want := file.Disabled(name), name == "off"; got != want {
					t.Errorf("Disabled(%q) = %v", name, got)
				}
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"empty file":        {"", "the file is empty"},
		"blank file":        {" \n", "the file is empty"},
		"not JSON":          {"{\n  \"mcpServers\": {\n    \"ä\": x\n", "line 3, column 10: invalid character 'x'"},
		"comment":           {"{ // servers\n}", "line 1, column 3: invalid character '/'"},
		"cut off":           {`{"mcpServers": {`, "line 1, column 16: unexpected end of JSON input"},
		"more after it":     {`{"mcpServers": {}} {}`, "line 1, column 20: invalid character '{' after top-level value"},
		"a list":            {`[]`, "must be a JSON object with the servers under mcpServers"},
		"null":              {`null`, "must be a JSON object"},
		"no servers":        {`{"mcp": {}}`, "the file has no servers in it: they belong under mcpServers"},
		"servers a list":    {"{\n\"mcpServers\": []}", "line 2, column 16: mcpServers must be an object"},
		"two of one name":   {"{\"mcpServers\": {\"a\": {},\n \"a\": {}}}", `line 2, column 5: the server "a" is there twice`},
		"two in both lists": {`{"mcpServers": {"a": {}}, "servers": {"a": {}}}`, `the server "a" is there twice`},
		"too large":         {`{"x": "` + strings.Repeat("x", maxBytes) + `"}`, "the file is larger than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := loadText(t, test.text)
			checkConfigError(t, err, "", test.want)
		})
	}

	t.Run("no file", func(t *testing.T) {
		_, err := Load(filepath.Join(t.TempDir(), "mcp.json"))
		checkConfigError(t, err, "", "mcp.json: ")
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v is not fs.ErrNotExist", err)
		}
	})
	t.Run("a folder", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "mcp.json")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := Load(dir)
		checkConfigError(t, err, "", "mcp.json: ")
	})
	t.Run("byte order mark", func(t *testing.T) {
		file, err := loadText(t, "\uFEFF"+`{"mcpServers": {"a": {"command": "x"}}}`)
		if err != nil {
			t.Fatal(err)
		}
		if got := file.Names(); !slices.Equal(got, []string{"a"}) {
			t.Errorf("names are %v", got)
		}
	})
}

// TestConfigOfDocument reads the configuration that docs/cli.md shows.
func TestConfigOfDocument(t *testing.T) {
	text, err := os.ReadFile("../../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "```json\n")
	block, _, _ = strings.Cut(block, "```")
	file, err := Parse("docs/cli.md", []byte(block))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("LOG_LEVEL", "")
	t.Setenv("GITHUB_TOKEN", "t0ken")
	files, err := file.Server("files")
	if err != nil || files.Command != "npx" || len(files.Args) != 3 || files.Env["LOG_LEVEL"] != "info" {
		t.Errorf("files is %+v, %v", files, err)
	}
	github, err := file.Server("github")
	if err != nil || github.Type != caisson.TransportHTTP || github.Headers.Get("Authorization") != "Bearer t0ken" {
		t.Errorf("github is %+v, %v", github, err)
	}
}

func TestConfigServerErrors(t *testing.T) {
	const secret, number = "xyzzy", "77777777777" // which is longer than the numbers in names of temporary folders
	t.Setenv("CAISSON_TEST_TOKEN", secret)
	for name, test := range map[string]struct{ entry, want string }{
		"both":               {`{"command": "x", "url": "http://x"}`, "both a command and a url"},
		"neither":            {`{}`, "neither a command nor a url"},
		"null":               {`null`, "neither a command nor a url"},
		"not an object":      {`"xyzzy"`, "the server must be an object"},
		"disabled":           {`{"command": "x", "disabled": true}`, `the server is disabled: remove "disabled" to use it`},
		"unknown transport":  {`{"url": "http://x", "type": "ws"}`, `the transport "ws" is not known: use stdio, http or sse`},
		"two transports":     {`{"url": "http://x", "type": "sse", "transport": "http"}`, "type and transport differ"},
		"command over http":  {`{"command": "x", "type": "http"}`, "a command is spoken to over stdio, not http"},
		"url over stdio":     {`{"url": "http://x", "type": "stdio"}`, "a URL is spoken to over http or sse"},
		"not a URL":          {`{"url": "xyzzy"}`, "not an absolute http or https URL"},
		"args not a list":    {`{"command": "x", "args": "xyzzy"}`, "args must be a list of strings"},
		"arg not a string":   {`{"command": "x", "args": [1]}`, "args[0] must be a string"},
		"null among args":    {`{"command": "x", "args": ["a", null]}`, "args[1] must be a string"},
		"env not a string":   {`{"command": "x", "env": {"A": "b", "PORT": 77777777777}}`, "env.PORT must be a string"},
		"env a list":         {`{"command": "x", "env": {"A": ["xyzzy"]}}`, "env.A must be a string"},
		"header not a text":  {`{"url": "http://x", "headers": {"X-Key": 77777777777}}`, "headers.X-Key must be a string"},
		"header an object":   {`{"url": "http://x", "headers": {"X-Key": {"xyzzy": 1}}}`, "headers.X-Key must be a string"},
		"headers not object": {`{"url": "http://x", "headers": "xyzzy"}`, "headers must be an object of strings"},
		"command not a text": {`{"command": ["xyzzy"]}`, "command must be a string"},
		"cwd not a text":     {`{"command": "x", "cwd": 77777777777}`, "cwd must be a string"},
		"url not a text":     {`{"url": {"xyzzy": 1}}`, "url must be a string"},
		"type not a text":    {`{"url": "http://x", "type": 77777777777}`, "type must be a string"},
		"revisions":          {`{"url": "http://x", "protocolVersions": ["2025-06-18", 77777777777]}`, "protocolVersions[1] must be a string"},
		"revisions a text":   {`{"url": "http://x", "protocolVersions": "xyzzy"}`, "protocolVersions must be a list of strings"},
		"twice":              {`{"command": "x", "command": "xyzzy"}`, "command is there twice"},
		"env twice":          {`{"command": "x", "env": {"A": "b", "A": "xyzzy"}}`, "env.A is there twice"},
		"other letters":      {`{"Command": "xyzzy"}`, "neither a command nor a url"},
		"a bad port":         {`{"url": "http://example.com:99999/mcp?token=xyzzy"}`, "port is not between 0 and 65535"},
		"a zone":             {`{"url": "http://[fe80::1%25xyzzy]/xyzzy"}`, "zone"},
		"a short address":    {`{"url": "http://127.1/?xyzzy"}`, "four decimal numbers"},
		"a bad escape":       {`{"url": "http://x/%xyzzy"}`, "hexadecimal"},
		"a control":          {`{"url": "http://x/xyzzy\u0007"}`, "control character"},
		"a password":         {`{"url": "http://u:xyzzy@x/"}`, "put it into an Authorization header"},
		"a header's name":    {`{"url": "http://x", "headers": {"Authorization: xyzzy": ""}}`, "the name of a header is not valid"},
		"a header's value":   {`{"url": "http://x", "headers": {"A": "xyzzy\n"}}`, "the header A has a control character"},
		"a header twice":     {`{"url": "http://x", "headers": {"a-b": "xyzzy", "A-B": "c"}}`, "the header A-B is there twice"},
		"a variable's name":  {`{"command": "x", "env": {"A=xyzzy": "b"}}`, "the name of a variable in env"},
		"a nameless one":     {`{"command": "x", "env": {"": "xyzzy"}}`, "the name of a variable in env"},
		"a variable's value": {`{"command": "x", "env": {"A": "xyzzy\u0000"}}`, "the value of the variable A in env has a NUL"},
		"env not an object":  {`{"command": "x", "env": ["xyzzy"]}`, "env must be an object of strings"},
		"disabled not bool":  {`{"command": "x", "disabled": "xyzzy"}`, "disabled must be true or false"},
		"unset in command":   {`{"command": "${CAISSON_TEST_UNSET}"}`, "command: the environment variable CAISSON_TEST_UNSET is not set: set it, or write ${CAISSON_TEST_UNSET:-default}"},
		"unset in args":      {`{"command": "x", "args": ["${CAISSON_TEST_TOKEN}", "a${env:CAISSON_TEST_UNSET}"]}`, "args[1]: the environment variable CAISSON_TEST_UNSET"},
		"unset in env":       {`{"command": "x", "env": {"A": "xyzzy ${CAISSON_TEST_UNSET}"}}`, "env.A: the environment variable CAISSON_TEST_UNSET"},
		"unset in cwd":       {`{"command": "x", "cwd": "${CAISSON_TEST_UNSET}"}`, "cwd: the environment variable CAISSON_TEST_UNSET"},
		"unset in url":       {`{"url": "http://${CAISSON_TEST_UNSET}/"}`, "url: the environment variable CAISSON_TEST_UNSET"},
		"unset in headers":   {`{"url": "http://x", "headers": {"Authorization": "${CAISSON_TEST_TOKEN} ${CAISSON_TEST_UNSET}"}}`, "headers.Authorization: the environment variable CAISSON_TEST_UNSET"},
		"VS Code's question": {`{"url": "http://x", "headers": {"A": "xyzzy ${input:token}"}}`, "headers.A: a ${...} in it is not one of ${VAR}, ${VAR:-default}, ${env:VAR}, ${file:PATH} and ${keyring:SERVICE/NAME}: ${input:...} is for VS Code alone"},
		"an open variable":   {`{"command": "x", "env": {"A": "${HOME} and ${xyzzy"}}`, "env.A: a ${ in it has no closing brace"},
		"not a variable":     {`{"command": "x", "env": {"A": "${xyzzy!}"}}`, "env.A: a ${...} in it is not one of"},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := loadText(t, `{"mcpServers": {"bad": `+test.entry+`, "good": {"command": "x"}}}`)
			if err != nil {
				t.Fatal(err)
			}
			_, err = file.Server("bad")
			checkConfigError(t, err, "bad", test.want)
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), number) {
				t.Errorf("%v has a value in it", err)
			}
			if _, err := file.Server("good"); err != nil {
				t.Errorf("the other server is affected: %v", err)
			}
		})
	}
	t.Run("null is absent", func(t *testing.T) {
		file, err := loadText(t, `{"mcpServers": {"a": {"command": "x", "url": null, "args": null, "env": {"A": null, "B": "c"}, "disabled": null, "cwd": null}}}`)
		if err != nil {
			t.Fatal(err)
		}
		server, err := file.Server("a")
		if err != nil || server.Command != "x" || len(server.Env) != 1 || server.Env["B"] != "c" {
			t.Errorf("%+v, %v", server, err)
		}
	})
	t.Run("unknown name", func(t *testing.T) {
		file, err := loadText(t, `{"mcpServers": {"b": {"command": "x"}, "a": {"command": "x"}}}`)
		if err != nil {
			t.Fatal(err)
		}
		_, err = file.Server("c")
		checkConfigError(t, err, "c", "there is no such server in the file; it has a, b")
	})
}

func TestExpand(t *testing.T) {
	environment := map[string]string{"A": "1", "EMPTY": "", "NESTED": "${A}"}
	lookup := func(name string) (string, bool) {
		value, ok := environment[name]
		return value, ok
	}
	for text, want := range map[string]string{
		"":                     "",
		"plain":                "plain",
		"${A}":                 "1",
		"<${A}${A}>":           "<11>",
		"${env:A}":             "1",
		"${A:-2}":              "1",
		"${NONE:-2}":           "2",
		"${env:NONE:-2}":       "2",
		"${NONE:-}":            "",
		"${EMPTY:-2}":          "2",
		"${EMPTY}":             "",
		"${NESTED}":            "${A}",
		"$A $$ $ ${ }":         "", // an error: "${ }" names nothing
		"$A $$ $ {A} $":        "$A $$ $ {A} $",
		"$A ${A} ${A":          "", // an error: the last has no end
		"${NONE:-a\nb:-c d}":   "a\nb:-c d",
		"https://${A}.x/${A}?": "https://1.x/1?",
	} {
		x := expander{lookup: lookup}
		got := x.text("field", text)
		if want == "" && strings.Contains(text, "$A ") {
			if x.err == nil {
				t.Errorf("%q has no error", text)
			}
			continue
		}
		if x.err != nil || got != want {
			t.Errorf("%q becomes %q, %v; want %q", text, got, x.err, want)
		}
	}
}

func TestDefaultPath(t *testing.T) {
	dir, err := os.UserConfigDir()
	if err != nil {
		t.Skip(err)
	}
	path, err := DefaultPath()
	if want := filepath.Join(dir, "caisson", "mcp.json"); err != nil || path != want {
		t.Errorf("got %q, %v; want %q", path, err, want)
	}
}

func FuzzLoad(f *testing.F) {
	for _, file := range []string{"claude.json", "vscode.json"} {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"mcpServers":{"a":{"command":"${A:-${B}}","args":["${}"]},"a":null}}`))
	f.Add([]byte(`{"servers":{"":{"url":"http://[::1%25x]/","headers":{"":""}}},"mcpServers":7}`))
	f.Add([]byte(`{"mcpServers":{"a":{"url":"http://a/?${file:}","oauth":{"scopes":["${A:-b c}"],"redirectUri":"${A:-x}","authorizeParams":{"a":"${keyring:b/c}"}}},"b":{"url":"http://b/","auth":{"type":"bearer","token":{"command":["${A:-}"]}}}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, err := parseFile(text)
		if err != nil {
			return
		}
		file := &File{path: "mcp.json", entries: entries}
		for _, name := range file.Names() {
			server, err := file.Server(name)
			var typed *caisson.Error
			switch {
			case err == nil && server.Name != name:
				t.Errorf("the server %q calls itself %q", name, server.Name)
			case err == nil && file.Disabled(name):
				t.Errorf("the server %q is disabled", name)
			case err != nil && (!errors.As(err, &typed) || typed.Code != caisson.CodeInvalidArgument):
				t.Errorf("the error is %#v", err)
			}
		}
	})
}

// checkConfigError checks the form that all errors of a configuration have.
func checkConfigError(t *testing.T, err error, server, want string) {
	t.Helper()
	var typed *caisson.Error
	if !errors.As(err, &typed) {
		t.Fatalf("the error is %v, want an *Error", err)
	}
	if typed.Code != caisson.CodeInvalidArgument || typed.Step != "load config" || typed.Server != server {
		t.Errorf("the error has code %v, step %q and server %q", typed.Code, typed.Step, typed.Server)
	}
	if !strings.Contains(typed.Message, want) || !strings.Contains(typed.Message, "mcp.json") {
		t.Errorf("the message is\n\t%s\nwant the file's name and\n\t%s", typed.Message, want)
	}
}
