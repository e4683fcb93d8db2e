package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/explain"
)

// configuration is a configuration with servers.
func configuration(servers ...string) string {
	return `{"mcpServers": {` + strings.Join(servers, ", ") + `}}`
}

// statusOf is what 'auth status' says of a server, without what the store has.
func (h *home) statusOf(name string) serverStatus {
	h.t.Helper()
	o := h.run("auth", "status", name, "--json")
	o.expect(h.t, exitOK)
	var all struct{ Servers []serverStatus }
	if err := json.Unmarshal([]byte(o.out), &all); err != nil || len(all.Servers) != 1 {
		h.t.Fatalf("%v: %s", err, o.out)
	}
	return all.Servers[0]
}

// Servers of one address have a login each, where their ways to authorize differ: the status, the flags and the
// logout of a name are of its own.
func TestAuthByName(t *testing.T) {
	manyRuntimes(t)
	s, h := serveAuth(t), newHome(t)
	at := `"url": "` + s.URL() + `"`
	h.configure(configuration(
		`"web": {`+at+`}`, `"same": {`+at+`, "oauth": {}}`, `"other": {`+at+`, "oauth": {"clientId": "other"}}`, `"bob": {`+at+`, "oauth": {"principal": "bob"}}`,
	))
	h.login("web", "--client-id", "mine").expect(t, exitOK)
	for name, in := range map[string]bool{"web": true, "same": true, "other": false, "bob": false} {
		if got := h.statusOf(name); (got.Status != nil) != in {
			t.Errorf("%s has %+v", name, got)
		}
	}
	h.login("other").expect(t, exitOK)
	h.login("bob").expect(t, exitOK)
	if got := h.statusOf("other"); got.Status == nil || got.ClientID != "other" {
		t.Errorf("other has %+v", got)
	}
	if got := h.statusOf("bob"); got.Status == nil || got.Principal != "bob" {
		t.Errorf("bob has %+v", got)
	}
	if got := h.statusOf("web"); got.Status == nil || got.ClientID != "mine" {
		t.Errorf("web has %+v", got)
	}
	h.run("auth", "logout", "other").expect(t, exitOK, "other: logged out")
	for name, in := range map[string]bool{"web": true, "other": false, "bob": true} {
		if got := h.statusOf(name); (got.Status != nil) != in {
			t.Errorf("after the logout %s has %+v", name, got)
		}
	}
	// A URL stands for the login that commands with it use.
	h.run("auth", "logout", s.URL()).expect(t, exitOK, "logged out")
	for name, in := range map[string]bool{"web": false, "bob": true} {
		if got := h.statusOf(name); (got.Status != nil) != in {
			t.Errorf("after the logout of the URL %s has %+v", name, got)
		}
	}
	h.login("other").expect(t, exitOK)
	h.login("other", "--relogin").expect(t, exitOK)
	if got := h.statusOf("bob"); got.Status == nil {
		t.Error("who logs in anew ends the login of another one")
	}
	h.run("auth", "logout", s.URL(), "--all").expect(t, exitOK, "as other: logged out", "as client-registered, for bob: logged out")
	o := h.run("auth", "status")
	if o.expect(t, exitOK); strings.Contains(o.out, "issuer") || strings.Count(o.out, "not logged in") != 4 {
		t.Errorf("after the logout there is\n%s", o.out)
	}
}

// The line of JSON has a command that logs in, with or without a terminal, whatever has failed.
func TestLoginOfJSON(t *testing.T) {
	manyRuntimes(t)
	for name, line := range map[string][]string{
		"a call":           {"ping", "web"},
		"a login":          {"auth", "login", "web"},
		"a login's flags":  {"auth", "login", "web", "--client-id", "mine", "--client-secret", "env:CAISSON_TEST_SECRET", "--no-browser", "--store", "HOME/own store", "--callback-port", "PORT"},
		"scopes":           {"auth", "login", "web", "--client-id", "mine", "--client-secret", "env:CAISSON_TEST_SECRET", "--scope", "read"},
		"the token":        {"auth", "token", "web"},
		"a file's scopes":  {"ping", "some", "--config", "HOME/caisson/mcp.json"},
		"a step up of one": {"ping", "some"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, h := serveAuth(t), newHome(t)
			s.ClientID, s.ClientSecret = "mine", s.NewSecret("client-secret")
			h.env = append(h.env, "CAISSON_TEST_SECRET="+s.ClientSecret)
			port := freePort(t)
			client := `"clientId": "mine", "clientSecret": "${env:CAISSON_TEST_SECRET}", "callbackPort": ` + port
			h.configure(configuration(
				`"web": {"url": "`+s.URL()+`", "oauth": {`+client+`}}`,
				`"some": {"url": "`+s.URL()+`", "oauth": {`+client+`, "scopes": "read"}}`,
			))
			for i, word := range line {
				line[i] = strings.NewReplacer("HOME", h.folder, "PORT", port).Replace(word)
			}
			o := h.run(line...)
			o.expect(t, exitLogin)
			lines := strings.Split(strings.TrimSpace(o.stderr), "\n")
			var said loginError
			if err := json.Unmarshal([]byte(lines[len(lines)-1]), &said); err != nil || said.Login == "" || !strings.Contains(said.Remedy, "caisson auth login") {
				t.Fatalf("%v: %s", err, o.stderr)
			}
			p := h.startShell(said.Login)
			visit(t, p.until(t, addressToOpen))
			p.wait(t).expect(t, exitOK, "granted, for read write")
		})
	}
}

// A client that has to be registered beforehand is said, with what the registration needs.
func TestLoginOfUnregistered(t *testing.T) {
	manyRuntimes(t)
	s, h := serveAuth(t), newHome(t)
	s.ClientID = "mine"
	o := h.run("ping", s.URL())
	o.expect(t, exitLogin, "with the redirect URI http://127.0.0.1:28252/oauth/callback", "caisson auth login "+s.URL()+" --client-id ID")
	if strings.Contains(o.stderr, `"login"`) {
		t.Errorf("the login would fail again: %s", o.stderr)
	}
}

// A server without any metadata is logged in to, and explained, as revision 2025-03-26 has it.
func TestExplainWithoutMetadata(t *testing.T) {
	manyRuntimes(t)
	s, h := serveAuth(t), newHome(t)
	s.NoMetadata = true
	o := h.run("auth", "explain", s.URL())
	if o.expect(t, exitOK); !strings.Contains(o.out, s.Issuer()+"/authorize, "+s.Issuer()+"/token and "+s.Issuer()+"/register") {
		t.Errorf("it says %s", o.out)
	}
	h.login(s.URL()).expect(t, exitOK)
}

// What a server has in place of a login is said where a login does not help, with its place.
func TestInsteadOfLogin(t *testing.T) {
	manyRuntimes(t)
	s, h := serveAuth(t), newHome(t)
	at := `"url": "` + s.URL() + `"`
	h.configure(configuration(
		`"token": {`+at+`, "auth": {"type": "bearer", "token": "s3cret"}}`, `"command": {`+at+`, "auth": {"type": "bearer", "token": {"command": ["false"]}}}`,
		`"header": {`+at+`, "headers": {"Authorization": "Bearer s3cret"}}`, `"off": {`+at+`, "oauth": false}`, `"disabled": {`+at+`, "oauth": {"enabled": false}}`,
	))
	for name, want := range map[string]struct{ kind, login, remedy, status string }{
		"token":    {insteadToken, `token has its token in the configuration, and so no login: change "auth" of the server in `, `give another token: it is \"auth\" of the server in `, "has a token in the configuration"},
		"command":  {insteadToken, `command has its token in the configuration`, `give another token`, "has a token in the configuration"},
		"header":   {insteadHeader, "header has an Authorization header, in ", "leave out the Authorization header, and log in with 'caisson auth login header'", "has an Authorization header in the configuration"},
		"off":      {insteadNone, "off is not to be logged in to, as the configuration says", `leave out \"oauth\" of the server in `, "is not to be logged in to"},
		"disabled": {insteadNone, "disabled is not to be logged in to", `leave out \"oauth\"`, "is not to be logged in to"},
	} {
		t.Run(name, func(t *testing.T) {
			o := h.run("auth", "login", name)
			o.expect(t, exitUsage, want.login)
			o2 := h.run("ping", name)
			o2.expect(t, exitLogin, `"error":"authorization_required"`, want.remedy)
			if strings.Contains(o2.stderr, `"login"`) || strings.Contains(o.stderr+o2.stderr, "s3cret") {
				t.Errorf("it says %s%s", o.stderr, o2.stderr)
			}
			if want.kind == insteadNone && !strings.Contains(o2.stderr, "in place of an oauth that is off") || want.kind != insteadHeader && strings.Contains(o2.stderr, "so log in") {
				t.Errorf("the message is not what the remedy says: %s", o2.stderr)
			}
			if got := h.statusOf(name); got.Configured != want.kind {
				t.Errorf("the status is %+v", got)
			}
			if o := h.run("auth", "status", name); !strings.Contains(o.out, want.status) {
				t.Errorf("the status is %s", o.out)
			}
		})
	}
	if s.Count("/register")+s.Count("/authorize") != 0 {
		t.Error("somebody was to log in")
	}
	// A header of the command line is in place of the login of the configuration.
	h.configure(configuration(`"web": {` + at + `, "oauth": {}}`))
	h.run("ping", "web", "--header", "Authorization: Bearer s3cret").expect(t, exitLogin, "leave out the Authorization header")
}

// At a terminal nobody is offered a login that the configuration does not want.
func TestNoOffer(t *testing.T) {
	manyRuntimes(t)
	atDesk(t)
	s := serveAuth(t)
	ownConfig(t, "", configuration(`"off": {"url": "`+s.URL()+`", "oauth": false}`))
	o := atTerminal(t, "y\n", "ping", "off")
	o.expect(t, exitLogin, `leave out "oauth" of the server in `)
	if strings.Contains(o.stderr, "Log in now?") {
		t.Errorf("it offers a login: %s", o.stderr)
	}
}

// A logout needs nothing that the configuration refers to, but for the address.
func TestLogoutWithoutReferences(t *testing.T) {
	manyRuntimes(t)
	s, h := serveAuth(t), newHome(t)
	h.configure(configuration(
		`"header": {"url": "`+s.URL()+`", "headers": {"X-Key": "${CAISSON_TEST_UNSET:-x}"}}`,
		`"secret": {"url": "`+s.URL()+`", "oauth": {"clientId": "public", "clientSecret": "${file:`+strings.ReplaceAll(h.folder, `\`, `\\`)+`/secret}"}}`,
		`"lost": {"url": "${CAISSON_TEST_UNSET}"}`,
	))
	h.login("header").expect(t, exitOK)
	h.configure(strings.ReplaceAll(configuration(
		`"header": {"url": "`+s.URL()+`", "headers": {"X-Key": "${CAISSON_TEST_UNSET}"}}`,
		`"secret": {"url": "`+s.URL()+`", "auth": {"type": "client-credentials", "clientId": "c", "clientSecret": "${CAISSON_TEST_UNSET}"}}`,
		`"lost": {"url": "${CAISSON_TEST_UNSET}"}`,
	), "\n", ""))
	if got := h.statusOf("header"); got.Status == nil || !strings.Contains(got.Error, "CAISSON_TEST_UNSET is not set") {
		t.Errorf("the status is %+v", got)
	}
	h.run("auth", "logout", "secret").expect(t, exitOK, "CAISSON_TEST_UNSET is not set", "secret: there was no login")
	h.run("auth", "logout", "header").expect(t, exitOK, "CAISSON_TEST_UNSET is not set", "header: logged out, and refresh token and access token revoked")
	h.run("auth", "logout", "lost").expect(t, exitUsage, "url: the environment variable CAISSON_TEST_UNSET is not set")
	h.run("auth", "explain", "secret").expect(t, exitOK)
}

// A server, or an authorization server, that is not there is not one without authorization.
func TestExplainUnreachable(t *testing.T) {
	o := caissonRun(t, "auth", "explain", "http://127.0.0.1:1/mcp")
	o.expect(t, exitConnect, "auth explain: connect: the server http://127.0.0.1:1/mcp cannot be reached")
	at := documents(t, "Bearer", map[string]string{"/.well-known/oauth-protected-resource/mcp": `{"resource": "AT/mcp", "authorization_servers": ["http://127.0.0.1:1"]}`})
	caissonRun(t, "auth", "explain", at+"/mcp").expect(t, exitConnect, "the authorization server http://127.0.0.1:1 cannot be reached")
	o = caissonRun(t, "auth", "explain", at+"/mcp", "--json")
	var report explain.Report
	if err := json.Unmarshal([]byte(o.out), &report); err != nil || report.Unreachable == "" {
		t.Errorf("%v: %s", err, o.out)
	}
	caissonRun(t, "auth", "explain", serve(t, http.NotFoundHandler())).expect(t, exitLogin)
}

// Where there is no display, the person hears of each other way.
func TestNoDisplay(t *testing.T) {
	manyRuntimes(t)
	s, h := serveAuth(t), newHome(t)
	p := h.start("auth", "login", s.URL(), "--wait-for-auth", "1m", "--callback-port", freePort(t))
	address := p.until(t, addressToOpen)
	p.until(t, "copy its whole address from the browser, and paste it here")
	p.until(t, "log in with --device-code")
	visit(t, address)
	o := p.wait(t)
	o.expect(t, exitOK, "(there is no display)", "the address> \n")
}

// A time is seconds, or has a unit.
func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{"20": 20 * time.Second, "20s": 20 * time.Second, "1m30s": 90 * time.Second, "0.5": time.Second / 2, "-1": -time.Second} {
		var d duration
		if err := d.Set(text); err != nil || time.Duration(d) != want {
			t.Errorf("%q is %v, %v", text, time.Duration(d), err)
		}
	}
	for _, text := range []string{"", "x", "20 s", "NaN", "Inf", "1e99", "-1e99"} {
		var d duration
		if err := d.Set(text); err == nil || strings.Contains(err.Error(), "strconv") {
			t.Errorf("%q is %v, %v", text, time.Duration(d), err)
		}
	}
}

// A code is for a person to enter: where the client logs in as itself, the flag is an error, and not passed over.
func TestDeviceCodeOfMachine(t *testing.T) {
	manyRuntimes(t)
	s, h := serveAuth(t), newHome(t)
	s.ClientID, s.ClientSecret = "reports", s.NewSecret("client-secret")
	h.env = append(h.env, "CAISSON_TEST_SECRET="+s.ClientSecret)
	at := `"url": "` + s.URL() + `"`
	h.configure(configuration(
		`"machine": {`+at+`, "auth": {"type": "client-credentials", "clientId": "reports", "clientSecret": "${CAISSON_TEST_SECRET}"}}`,
		`"workload": {`+at+`, "auth": {"type": "workload", "assertion": "x"}}`,
	))
	h.run("auth", "login", "machine").expect(t, exitOK)
	h.run("auth", "login", s.URL(), "--client-credentials", "--client-id", "reports", "--client-secret", "env:CAISSON_TEST_SECRET").expect(t, exitOK)
	before := s.Count("/token")
	for _, to := range []string{"machine", "workload", s.URL()} { // The last one's way is kept.
		h.run("auth", "login", to, "--device-code").expect(t, exitUsage, "--device-code is for the login of a person")
	}
	h.run("auth", "login", "machine", "--device-code", "--relogin").expect(t, exitUsage, "--device-code is for the login of a person")
	if got := h.statusOf("machine"); s.Count("/token") != before || got.Status == nil {
		t.Errorf("it has done something: %d, %+v", s.Count("/token")-before, got)
	}
}
