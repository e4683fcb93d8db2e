package config

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/reference"
)

// serverOf reads one server, whose members beside the URL are given.
func serverOf(t *testing.T, members string) (caisson.Server, error) {
	t.Helper()
	file, err := loadText(t, `{"mcpServers": {"s": {"url": "https://mcp.example.com/mcp", `+members+`}}}`)
	if err != nil {
		t.Fatal(err)
	}
	return file.Server("s")
}

// newKey is a private key of the curve P-256, in PEM.
func newKey(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// The members are those of other hosts, as their documentation has them, and Caisson's own.
func TestAuthMembers(t *testing.T) {
	t.Setenv("CAISSON_TEST_SECRET", "s3cret")
	key := newKey(t)
	t.Setenv("CAISSON_TEST_KEY", string(key))
	ask := func(port int) auth.Asker { return &auth.Browser{Port: port} }
	for name, test := range map[string]struct {
		members string
		want    auth.Method
	}{
		"none":        {`"disabled": false`, nil},
		"null":        {`"oauth": null, "auth": null, "headersHelper": null`, nil},
		"Claude Code": {`"oauth": {"clientId": "c", "callbackPort": 8080, "scopes": "a b"}`, &auth.OAuth{ClientID: "c", Common: auth.Common{Scopes: []string{"a", "b"}}, Ask: ask(8080)}},
		"VS Code":     {`"type": "http", "oauth": {"clientId": "c"}`, &auth.OAuth{ClientID: "c", Ask: ask(0)}},
		"Cursor": {
			`"auth": {"CLIENT_ID": "c", "CLIENT_SECRET": "${env:CAISSON_TEST_SECRET}", "scopes": ["a"]}`,
			&auth.OAuth{ClientID: "c", ClientSecret: "s3cret", Common: auth.Common{Scopes: []string{"a"}}, Ask: ask(0)},
		},
		"Gemini CLI": {
			`"authProviderType": "dynamic_discovery", "oauth": {"enabled": true, "clientId": "c", "clientSecret": "x", "authorizationUrl": "https://a.example.com/a", "tokenUrl": "https://a.example.com/t", "redirectUri": "http://127.0.0.1:7777/oauth/callback", "scopes": ["a"]}`,
			&auth.OAuth{ClientID: "c", ClientSecret: "x", AuthURL: "https://a.example.com/a", TokenURL: "https://a.example.com/t", Common: auth.Common{Scopes: []string{"a"}}, Ask: ask(7777)},
		},
		"Gemini CLI, off": {`"oauth": {"enabled": false, "clientId": "c"}`, &auth.None{}},
		"OpenCode":        {`"oauth": {"clientId": "c", "scope": "a b"}`, &auth.OAuth{ClientID: "c", Common: auth.Common{Scopes: []string{"a", "b"}}, Ask: ask(0)}},
		"OpenCode, off":   {`"oauth": false`, &auth.None{}},
		"Kiro":            {`"oauth": {"oauthScopes": ["a"]}`, &auth.OAuth{Common: auth.Common{Scopes: []string{"a"}}, Ask: ask(0)}},
		"FastMCP":         {`"auth": "oauth"`, &auth.OAuth{Ask: ask(0)}},
		"FastMCP's token": {`"auth": "${CAISSON_TEST_SECRET}"`, &auth.Bearer{Token: "s3cret"}},
		"our own": {
			`"auth": {"type": "oauth", "clientMetadataUrl": "https://c.example.com/c.json", "issuer": "https://a.example.com", "clientName": "n", "authorizeParams": {"audience": "x"}, "resource": "https://r.example.com", "principal": "p", "dpop": true, "noResource": true, "scopeOnRefresh": true, "assumePKCE": true}`,
			&auth.OAuth{
				Common:            auth.Common{Resource: "https://r.example.com", Principal: "p", DPoP: true, Rough: auth.Rough{NoResource: true, ScopeOnRefresh: true, AssumePKCE: true}},
				ClientMetadataURL: "https://c.example.com/c.json", Issuer: "https://a.example.com", ClientName: "n", AuthorizeParams: url.Values{"audience": {"x"}}, Ask: ask(0),
			},
		},
		"client credentials": {
			`"auth": {"type": "client-credentials", "clientId": "c", "clientSecret": "${CAISSON_TEST_SECRET}", "scopes": ["a"], "issuer": "https://a.example.com", "tokenUrl": "https://a.example.com/t"}`,
			&auth.ClientCredentials{ClientID: "c", ClientSecret: "s3cret", Common: auth.Common{Scopes: []string{"a"}}, Issuer: "https://a.example.com", TokenURL: "https://a.example.com/t"},
		},
		"a key": {
			`"auth": {"type": "client-credentials", "clientId": "c", "privateKey": "${CAISSON_TEST_KEY}", "algorithm": "ES256", "keyId": "k"}`,
			&auth.ClientCredentials{ClientID: "c", PrivateKey: key, Algorithm: "ES256", KeyID: "k"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			server, err := serverOf(t, test.members)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, server.Auth, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b auth.Browser) bool { return a.Port == b.Port })); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What gives a token is asked each time, since a platform puts another one there.
func TestAuthSources(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	t.Setenv("CAISSON_TEST_TOKEN", "one")
	write := func(text string) {
		t.Helper()
		t.Setenv("CAISSON_TEST_TOKEN", text)
		if err := os.WriteFile(token, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	quoted := strings.ReplaceAll(token, `\`, `\\`)
	sources := map[string]string{
		"a file":              `{"file": "` + quoted + `"}`,
		"a variable":          `{"env": "CAISSON_TEST_TOKEN"}`,
		"a reference":         `"${file:` + quoted + `}"`,
		"a variable, as text": `"${CAISSON_TEST_TOKEN}"`,
	}
	if runtime.GOOS != "windows" {
		sources["a command"] = `{"command": ["cat", "` + quoted + `"]}`
	}
	for name, source := range sources {
		t.Run(name, func(t *testing.T) {
			write("one")
			var all []func(context.Context) (string, error)
			workload, err := serverOf(t, `"auth": {"type": "workload", "clientId": "c", "assertion": `+source+`}`)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, workload.Auth.(*auth.WorkloadIdentity).Assertion)
			enterprise, err := serverOf(t, `"auth": {"type": "enterprise", "clientId": "c", "clientSecret": "x", "identityProvider": "https://i.example.com", "identityProviderClientId": "i", "idToken": `+source+`}`)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, enterprise.Auth.(*auth.EnterpriseManaged).IDToken)
			bearer, err := serverOf(t, `"auth": {"type": "bearer", "token": `+source+`}`)
			if err != nil {
				t.Fatal(err)
			}
			if give := bearer.Auth.(*auth.Bearer).Source; give != nil {
				all = append(all, give)
			} else if bearer.Auth.(*auth.Bearer).Token != "one" {
				t.Error("the token is another one")
			}
			for _, want := range []string{"one", "two"} {
				write(want)
				for i, give := range all {
					if got, err := give(t.Context()); err != nil || got != want {
						t.Errorf("%d gives %q, %v, want %q", i, got, err, want)
					}
				}
			}
		})
	}
}

func TestReferences(t *testing.T) {
	folder := t.TempDir()
	path := func(name, text string) string {
		t.Helper()
		place := filepath.Join(folder, name)
		if err := os.WriteFile(place, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(place, `\`, `\\`)
	}
	keyring := reference.Keyring
	reference.Keyring = func(_ context.Context, service, name string) (string, error) {
		if service != "caisson test" || name != "a/b" {
			return "", errors.New("there is no such item")
		}
		return "fr0m-keyring", nil
	}
	t.Cleanup(func() { reference.Keyring = keyring })
	secret := path("secret", "s3cret\r\n")
	server, err := serverOf(t, `"headers": {"A": "x ${file:`+secret+`}", "B": "${keyring:caisson test/a/b}"}, "auth": {"type": "client-credentials", "clientId": "c", "clientSecret": "${file:`+secret+`}"}`)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := server.Headers.Get("A"), server.Headers.Get("B"); a != "x s3cret" || b != "fr0m-keyring" {
		t.Errorf("the headers are %q and %q", a, b)
	}
	if got := server.Auth.(*auth.ClientCredentials).ClientSecret; got != "s3cret" {
		t.Errorf("the client's secret is %q", got)
	}

	for name, test := range map[string]struct{ members, want, to string }{
		"no file":       {`"headers": {"A": "${file:/nowhere/xyz}"}`, "headers.A: the file /nowhere/xyz cannot be read (no such file or directory): put the secret there", "file:/nowhere/xyz"},
		"a folder":      {`"headers": {"A": "${file:` + strings.ReplaceAll(folder, `\`, `\\`) + `}"}`, "is not a regular file: name one", "file:" + folder},
		"an empty file": {`"headers": {"A": "${file:` + path("empty", "\n") + `}"}`, "is empty: put the secret there", "file:" + filepath.Join(folder, "empty")},
		"a large file":  {`"headers": {"A": "${file:` + path("large", strings.Repeat("s3cret", 20_000)) + `}"}`, "has more than 65536 bytes", "file:" + filepath.Join(folder, "large")},
		"nothing":       {`"headers": {"A": "${file:}"}`, "headers.A: ${file:} names nothing", ""},
		"no such item":  {`"headers": {"A": "${keyring:x/y}"}`, "headers.A: there is no such item", "keyring:x/y"},
		"no name":       {`"auth": {"type": "bearer", "token": "${keyring:x}"}`, "keyring:x is not keyring:SERVICE/NAME", "keyring:x"},
		"an unset one":  {`"oauth": {"clientId": "c", "clientSecret": "${env:CAISSON_TEST_UNSET}"}`, "oauth.clientSecret: the environment variable CAISSON_TEST_UNSET is not set", "env:CAISSON_TEST_UNSET"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := serverOf(t, test.members)
			checkConfigError(t, err, "s", test.want)
			var lost *ReferenceError
			if errors.As(err, &lost) != (test.to != "") || lost != nil && lost.Reference != test.to {
				t.Errorf("the reference is %+v, want %q", lost, test.to)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%v has a secret in it", err)
			}
		})
	}
	for _, member := range []string{`"command": "${file:x}"`, `"command": "x", "args": ["${keyring:a/b}"]`, `"command": "x", "cwd": "${file:x}"`, `"url": "https://x/${file:x}?y"`, `"url": "https://x/${CAISSON_TEST_UNSET:-a?b}${file:x}"`} {
		file, err := loadText(t, `{"mcpServers": {"s": {`+member+`}}}`)
		if err != nil {
			t.Fatal(err)
		}
		_, err = file.Server("s")
		checkConfigError(t, err, "s", "is for env, headers, the query of url, oauth and auth")
	}
	file, err := loadText(t, `{"mcpServers": {"s": {"url": "https://mcp.example.com/mcp?key=${file:`+secret+`}&x"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	if server, err := file.Server("s"); err != nil || server.URL != "https://mcp.example.com/mcp?key=s3cret&x" {
		t.Errorf("the URL is %s, %v", server.URL, err)
	}
	reference.Keyring = nil
	_, err = serverOf(t, `"headers": {"A": "${keyring:caisson test/a/b}"}`)
	checkConfigError(t, err, "s", "headers.A: this program has no keyring: it has to import the package caisson/auth/keyring")
}

func TestAuthMemberErrors(t *testing.T) {
	for members, want := range map[string]string{
		`"oauth": "s3cret"`:                                         "oauth must be an object",
		`"oauth": {"clientId": 7777}`:                               "oauth.clientId must be a string",
		`"oauth": {"scopes": 7777}`:                                 "oauth.scopes must be a list of strings, or a string with spaces between them",
		`"oauth": {"callbackPort": "s3cret"}`:                       "oauth.callbackPort must be a whole number",
		`"oauth": {"callbackPort": 77777}`:                          "Port is 77777",
		`"oauth": {"clientSecret": "s3cret"}`:                       "clientSecret is set and clientId is not",
		`"oauth": {"redirectUri": "https://s3cret.example.com/cb"}`: "register that one, and give callbackPort",
		`"oauth": {"redirectUri": "http://127.0.0.1:1/oauth/callback", "callbackPort": 2}`: "register that one, and give callbackPort",
		`"oauth": {"authServerMetadataUrl": "https://s3cret.example.com/"}`:                "oauth.authServerMetadataUrl is not read here: the server's own metadata",
		`"oauth": {"tokenParamName": "s3cret"}`:                                            "a token does not go into a URL",
		`"oauth": {"registrationUrl": "https://s3cret.example.com/"}`:                      "oauth.registrationUrl is not read here",
		`"oauth": {"audiences": ["s3cret"]}`:                                               "authorizeParams",
		`"oauth": {"clientId": "a", "clientId": "b"}`:                                      "oauth.clientId is there twice",
		`"oauth": {}, "auth": "oauth"`:                                                     "both oauth and auth",
		`"oauth": {}, "headers": {"Authorization": "s3cret"}`:                              "an Authorization header beside oauth or auth",
		`"auth": {}`:                 "neither a type nor a CLIENT_ID",
		`"auth": 7777`:               "auth must be an object",
		`"auth": {"type": "s3cret"}`: "auth.type is not one of oauth, bearer,",
		`"auth": {"type": "bearer"}`: "auth.token is not set",
		`"auth": {"type": "bearer", "token": {"file": "a", "env": "b"}}`:                        "auth.token must have one of file, env and command",
		`"auth": {"type": "client-credentials", "clientId": "c"}`:                               "auth.clientSecret and auth.privateKey are both set, or none",
		`"auth": {"type": "client-credentials", "clientId": "c", "privateKey": "s3cret"}`:       "auth.privateKey cannot sign: it is neither a private key in PEM nor a private JWK",
		`"auth": {"type": "workload"}`:                                                          "auth.assertion is not set",
		`"auth": {"type": "enterprise", "clientId": "c", "identityProvider": "https://i.test"}`: "auth.idToken is not set",
		`"headersHelper": "s3cret"`:                                                             "headersHelper is not run here",
		`"authProviderType": "google_credentials"`:                                              "authProviderType is known as dynamic_discovery alone",
	} {
		_, err := serverOf(t, members)
		checkConfigError(t, err, "s", want)
		if err != nil && (strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "7777") && !strings.Contains(members, "77777")) {
			t.Errorf("%v has a value in it", err)
		}
	}
}

// A command has no login: one in the file is not passed over.
func TestLoginOfCommand(t *testing.T) {
	for member, want := range map[string]string{
		`"oauth": {"clientSecret": "s3cret"}`:           "oauth is for a server with a url",
		`"oauth": false`:                                "oauth is for a server with a url",
		`"auth": {"type": "bearer", "token": "s3cret"}`: "auth is for a server with a url",
		`"auth": "s3cret"`:                              "auth is for a server with a url",
		`"oauth": null, "auth": null`:                   "",
		`"headers": {"A": "s3cret"}`:                    "",
	} {
		file, err := loadText(t, `{"mcpServers": {"s": {"command": "x", `+member+`}}}`)
		if err != nil {
			t.Fatal(err)
		}
		server, err := file.Server("s")
		if want == "" {
			if err != nil || server.Auth != nil {
				t.Errorf("with %s a command gets %v, %v", member, server.Auth, err)
			}
			continue
		}
		checkConfigError(t, err, "s", want)
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v has a value in it", err)
		}
	}
}

// The configurations that docs/authorization.md shows can be read.
func TestConfigsOfAuthorization(t *testing.T) {
	text, err := os.ReadFile("../../../docs/authorization.md")
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	shown := 0
	for i, block := range strings.Split(string(text), "```") {
		block, isJSON := strings.CutPrefix(block, "json\n")
		if i%2 == 0 || !isJSON {
			continue
		}
		block = strings.ReplaceAll(block, "/run/secrets/reports", strings.ReplaceAll(secret, `\`, `\\`))
		file, err := Parse("docs/authorization.md", []byte(block))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range file.Names() {
			shown++
			if server, err := file.Server(name); err != nil || server.Auth == nil {
				t.Errorf("%s is %+v, %v", name, server, err)
			}
		}
	}
	if shown != 2 {
		t.Errorf("it shows %d servers", shown)
	}
}
