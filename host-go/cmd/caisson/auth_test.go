package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The whole life of a login, each step a process of its own: no secret is in what any of them says, nor in a file
// but the store's, which is encrypted.
func TestAuth(t *testing.T) {
	manyRuntimes(t)
	s, h := serveAuth(t), newHome(t)
	h.configure(`{"mcpServers": {"web": {"url": "` + s.URL() + `"}, "files": {"command": "x"}, "header": {"url": "` + s.URL() + `/x", "headers": {"Authorization": "Bearer x"}}}}`)
	var said strings.Builder
	expect := func(o outcome, code int, inStderr ...string) outcome {
		t.Helper()
		o.expect(t, code, inStderr...)
		said.WriteString(o.out + o.stderr)
		return o
	}

	o := expect(h.run("list-tools", "web"), exitLogin)
	var want struct {
		Error, Server, URL, Login, Message string
		Scopes                             []string
	}
	if err := json.Unmarshal([]byte(o.stderr), &want); err != nil || strings.Count(o.stderr, "\n") != 1 {
		t.Fatalf("it is not one line of JSON: %v\n%s", err, o.stderr)
	}
	if want.Error != "authorization_required" || want.Server != "web" || want.URL != s.URL() || want.Login != "caisson auth login web --wait-for-auth 300" || !slices.Equal(want.Scopes, []string{"read", "write"}) {
		t.Errorf("it says %+v", want)
	}
	expect(h.run("auth", "login", "web"), exitLogin, `"error":"authorization_required"`)
	expect(h.run("auth", "token", "web"), exitLogin)
	expect(h.run("auth", "status"), exitOK)

	o = expect(h.login("web", "--verbose"), exitOK, "the authorization server is "+s.Issuer(), "registered there as the client client-registered", "granted, for read write, until ")
	golden(t, "auth_login", s.normal(h, o.out))
	o = expect(h.run("auth", "status"), exitOK)
	golden(t, "auth_status", s.normal(h, o.out))
	o = expect(h.run("auth", "status", "web", "--json"), exitOK)
	golden(t, "auth_status_json", s.normal(h, o.out))
	expect(h.run("auth", "status", "nobody"), exitUsage, `there is no server "nobody"`)

	// The login serves every command, by the name and by the address; a recording has nothing of it.
	for _, name := range []string{"web", s.URL()} {
		o = expect(h.run("call-tool", name, "echo", "message=hi", "--verbose", "--record", filepath.Join(h.folder, "record.jsonl")), exitOK)
		if !strings.Contains(o.out, "hi") {
			t.Errorf("%s: the tool says %q", name, o.out)
		}
	}
	s.noSecretIn(t, "what the commands say", said.String())
	s.noSecretIn(t, "a file", h.files())
	said.Reset()

	token := func() string {
		t.Helper()
		o := h.run("auth", "token", "web")
		o.expect(t, exitOK)
		if o.stderr != "" {
			t.Errorf("the command says %q", o.stderr)
		}
		return strings.TrimSuffix(o.out, "\n")
	}
	first := token()
	if first != token() || !strings.HasPrefix(first, "access-") {
		t.Errorf("the token is %q, and then another one", first)
	}
	s.Expire()
	expect(h.run("ping", "web"), exitOK) // It is refreshed.
	if second := token(); second == first {
		t.Error("it is not refreshed")
	}
	if n := s.Count("/register"); n != 1 { // Not where nobody can be asked.
		t.Errorf("it was registered %d times", n)
	}

	expect(h.run("auth", "logout", "web"), exitOK, "logged out, and refresh token and access token revoked")
	if !slices.Equal(s.Revoked(), []string{"refresh_token", "access_token"}) {
		t.Errorf("revoked is %v", s.Revoked())
	}
	expect(h.run("auth", "logout", "web"), exitOK, "there was no login")
	expect(h.run("ping", "web"), exitLogin)
	s.noSecretIn(t, "what the commands say", said.String())
	s.noSecretIn(t, "a file", h.files())
}

// normal replaces what differs from run to run.
func (s authServer) normal(h *home, text string) string {
	text = strings.ReplaceAll(text, s.Issuer(), "http://SERVER")
	text = strings.ReplaceAll(text, strings.ReplaceAll(h.folder, `\`, `\\`), "HOME")
	text = strings.ReplaceAll(text, h.folder, "HOME")
	return regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+(Z|[-+]\d\d:\d\d)`).ReplaceAllString(text, "TIME")
}

// The person pastes what the browser got to.
func TestAuthPaste(t *testing.T) {
	manyRuntimes(t)
	s, h := serveAuth(t), newHome(t)
	p := h.start("auth", "login", s.URL(), "--no-browser", "--wait-for-auth", "60", "--callback-port", freePort(t), "--store", h.folder+"/mine")
	address := p.until(t, addressToOpen)
	p.paste(t, "nonsense")
	p.until(t, "That is not it")
	p.paste(t, redirectOf(t, address))
	p.wait(t).expect(t, exitOK, "granted, for read write")
	h.run("ping", s.URL(), "--store", h.folder+"/mine").expect(t, exitOK)
	o := h.run("ping", s.URL())
	o.expect(t, exitLogin, `"login":"caisson auth login `+s.URL()+` --wait-for-auth 300"`)
	h.run("ping", s.URL(), "--store", "nonsense").expect(t, exitUsage, "--store")
}

// A person enters a code on another device, and the clock of the command stops meanwhile.
func TestAuthDeviceCode(t *testing.T) {
	manyRuntimes(t)
	s, h := serveAuth(t), newHome(t)
	s.Device = true
	p := h.start("auth", "login", s.URL(), "--device-code", "--timeout", "20s", "--wait-for-auth", "1m")
	p.until(t, "^"+s.Issuer()+"/device\n")
	p.until(t, "^WDJB-MJHT\n")
	visit(t, s.Issuer()+"/device?code=WDJB-MJHT")
	p.wait(t).expect(t, exitOK, "granted, for read write")
	h.run("ping", s.URL()).expect(t, exitOK)
	s.noSecretIn(t, "a file", h.files())

	// Without a terminal nobody is waited for unasked, and no longer than asked.
	h.run("auth", "login", s.URL(), "--device-code", "--relogin").expect(t, exitLogin, "there is no terminal", "--device-code --wait-for-auth 300")
	nobody := serveAuth(t)
	nobody.Device = true
	h.run("auth", "login", nobody.URL(), "--device-code", "--wait-for-auth", "1s").expect(t, exitLogin, `"error":"authorization_required"`, "nobody entered the code in 1s")
	h.run("auth", "login", s.URL(), "--device-code", "--client-credentials", "--client-id", "x", "--client-secret", "env:X").expect(t, exitUsage, "--device-code is for the login of a person")
}

// The flags of a login serve the other commands too; a secret is kept as a reference alone.
func TestAuthSettings(t *testing.T) {
	manyRuntimes(t)
	s, h := serveAuth(t), newHome(t)
	s.ClientID, s.ClientSecret = "mine", s.NewSecret("client-secret")
	secret := filepath.Join(h.t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(s.ClientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.run("ping", s.URL()).expect(t, exitLogin)
	h.login(s.URL(), "--client-id", "mine", "--client-secret", "file:"+secret, "--scope", "read,write", "--authorize-param", "audience=x").expect(t, exitOK, "granted, for read write,")
	h.run("auth", "login", s.URL(), "--scope", "read", "--client-id", "another").expect(t, exitLogin, `"error":"scope_refused"`, `"scopes":["write"]`)
	s.Expire()
	h.run("ping", s.URL()).expect(t, exitOK) // It is refreshed, as the client.
	s.noSecretIn(t, "a file", h.files())

	// What logs in as itself needs nobody.
	h.env = append(h.env, "AUTH_TEST_SECRET="+s.ClientSecret)
	h.run("auth", "login", s.URL(), "--relogin", "--client-credentials", "--client-id", "mine", "--client-secret", "env:AUTH_TEST_SECRET").expect(t, exitOK, "logged out, and refresh token and access token revoked", "granted")
	s.Expire()
	h.run("ping", s.URL()).expect(t, exitOK)
	h.env = append(h.env, "AUTH_TEST_SECRET=") // The last one counts.
	h.run("ping", s.URL()).expect(t, exitUsage, "--client-secret: the environment variable AUTH_TEST_SECRET is not set, or empty")
	o := h.run("auth", "logout", s.URL())
	o.expect(t, exitOK, "AUTH_TEST_SECRET is not set", "logged out here alone")
	s.noSecretIn(t, "what the commands say", o.out+o.stderr)
	s.noSecretIn(t, "a file", h.files())
}

// A logout needs no server.
func TestAuthLogoutOffline(t *testing.T) {
	manyRuntimes(t)
	s, h := serveAuth(t), newHome(t)
	h.login(s.URL()).expect(t, exitOK)
	s.Close()
	o := h.run("auth", "logout", s.URL())
	o.expect(t, exitOK, "logged out here alone; the access token is good until ", "the refresh token is not revoked: there is no answer from")
	s.noSecretIn(t, "what the command says", o.out+o.stderr)
	h.run("auth", "logout", s.URL()).expect(t, exitOK, "there was no login")
}

// Whoever refuses is named.
func TestAuthRefused(t *testing.T) {
	manyRuntimes(t)
	s, h := serveAuth(t), newHome(t)
	s.Refuse = true
	o := h.login(s.URL())
	o.expect(t, exitLogin, `"error":"authorization_refused"`, "access_denied")
	s.Refuse = false
	// Nobody comes.
	began := time.Now()
	p := h.start("auth", "login", s.URL(), "--no-browser", "--wait-for-auth", "1s", "--callback-port", freePort(t))
	p.wait(t).expect(t, exitLogin, "nobody logged in in 1s")
	if took := time.Since(began); took < time.Second {
		t.Errorf("it ends after %v", took)
	}
}

// Every way to give a secret on the command line is refused, without the secret.
func TestAuthUsage(t *testing.T) {
	ownConfig(t, "", `{"mcpServers": {"files": {"command": "x"}, "header": {"url": "http://127.0.0.1:9/", "headers": {"Authorization": "Bearer x"}}}}`)
	for _, line := range [][]string{
		{"login", "http://127.0.0.1:9/", "--client-id", "a", "--client-secret", "s3cret"},
		{"login", "http://127.0.0.1:9/", "--client-id", "a", "--client-secret", "s3cret:x"},
		{"login", "http://127.0.0.1:9/", "--client-credentials"},
		{"login", "http://127.0.0.1:9/", "--client-credentials", "--client-id", "a", "--client-secret", "env:X", "--callback-port", "1"},
		{"login", "http://127.0.0.1:9/", "--authorize-param", "s3cret"},
		{"login", "http://127.0.0.1:9/", "--callback-port", "99999"},
		{"login", "http://127.0.0.1:9/", "--callback-port", "-1"},
		{"login", "http://127.0.0.1:9/", "--scope", "a\tb\"c"},
		{"login", "http://127.0.0.1:9/", "--wait-for-auth", "0"},
		{"login", "http://127.0.0.1:9/", "--callback-port", "65536"},
		{"login", "http://127.0.0.1:9/", "--callback-port", "0"},
		{"login", "http://127.0.0.1:9/", "--wait-for-auth", "soon"},
		{"login", "http://127.0.0.1:9/", "--client-secret", "env:X"},
		{"login", "http://127.0.0.1:9/", "--header", "Authorization: Bearer s3cret"},
		{"login", "http://127.0.0.1:9/", "s3cret@x"},
		{"login", "--", "server"},
		{"login"},
		{"login", "files"},
		{"login", "header"},
		{"logout", "files"},
		{"token", "files"},
		{"token", "header"},
		{"explain", "files"},
		{"explain"},
		{"status", "s3cret@x"},
		{"status", "--store", "s3cret@x"},
		{"logut"},
	} {
		o := caissonRun(t, append([]string{"auth"}, line...)...)
		if o.code != exitUsage || o.stderr == "" || strings.Contains(o.out+o.stderr, "s3cret") {
			t.Errorf("%q ends with %d, and says %s%s", line, o.code, o.out, o.stderr)
		}
	}
}
