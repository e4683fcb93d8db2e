package main

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// browserVariable is set where the test binary is the person's browser, which opens its argument.
const browserVariable = "CAISSON_TEST_BROWSER"

// browse is that browser; it does not return.
func browse(address string) {
	response, err := http.Get(address)
	if err != nil || response.StatusCode != http.StatusOK {
		os.Exit(1)
	}
	os.Exit(0)
}

// atDesk gives this process a user's own folders, and a browser where there can be one.
func atDesk(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("the browser cannot be replaced")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", cache)
	ownConfig(t, "", "")
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
	t.Setenv("BROWSER", self(t))
	t.Setenv(browserVariable, "1")
}

// Every command offers to log in, at a terminal, and goes on.
func TestOffer(t *testing.T) {
	manyRuntimes(t)
	atDesk(t)
	s := serveAuth(t)
	port := freePort(t)
	config := filepath.Join(t.TempDir(), "mcp.json")
	if err := os.WriteFile(config, []byte(`{"mcpServers": {"web": {"url": "`+s.URL()+`", "oauth": {"callbackPort": `+port+`}}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	line := []string{"call-tool", "web", "echo", "message=hi", "--config", config}
	for _, no := range []string{"\n", "n\n", ""} {
		o := atTerminal(t, no, line...)
		o.expect(t, exitLogin, "web wants you to log in at "+s.Issuer()+", for read write.", "Log in now? y/N> ", "you have said no", "log in with 'caisson auth login web --config "+config+"'")
		if strings.Contains(o.stderr, `"error"`) {
			t.Errorf("a person gets JSON: %s", o.stderr)
		}
	}
	o := atTerminal(t, "y\n", line...)
	o.expect(t, exitOK, "Log in now? y/N> ", "A browser opens to log in to")
	if !strings.Contains(o.out, "hi") {
		t.Errorf("the tool says %q", o.out)
	}
	if o = atTerminal(t, "", line...); strings.Contains(o.stderr, "Log in now?") {
		t.Errorf("it asks again: %s", o.stderr)
	}
	s.noSecretIn(t, "what the commands say", o.out+o.stderr)
	if n := s.Count("/authorize"); n != 1 {
		t.Errorf("the browser was opened %d times", n)
	}
}

// A token goes to a program, and to a terminal only when that is asked for.
func TestTokenAtTerminal(t *testing.T) {
	manyRuntimes(t)
	atDesk(t)
	s := serveAuth(t)
	login := []string{"auth", "login", s.URL(), "--callback-port", freePort(t)}
	atTerminal(t, "", login...).expect(t, exitOK, "A browser opens", "granted")
	var seen, out screen
	code := runIn(t.Context(), []string{"auth", "token", s.URL()}, keyboard{strings.NewReader("")}, &out, &seen)
	outcome{code, out.String(), seen.String()}.expect(t, exitUsage, "add --show")
	s.noSecretIn(t, "the screen", out.String()+seen.String())
	code = runIn(t.Context(), []string{"auth", "token", s.URL(), "--show"}, keyboard{strings.NewReader("")}, &out, &seen)
	if token := strings.TrimSpace(out.String()); code != exitOK || !strings.HasPrefix(token, "access-") {
		t.Errorf("it ends with %d, and shows %q", code, token)
	}
}

// A store that cannot be read is said, and keeps nobody from a server that needs no login.
func TestStoreThatCannotBeRead(t *testing.T) {
	manyRuntimes(t)
	atDesk(t)
	folder := filepath.Join(t.TempDir(), "store")
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(config, "caisson"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(config, "caisson", "credentials-v1"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open := toolsServer(t, 1, 10)
	caissonRun(t, "ping", open).expect(t, exitOK, "logins cannot be kept", "--store names another place")
	caissonRun(t, "ping", open, "--store", folder).expect(t, exitFailure)
	caissonRun(t, "ping", open, "--store", "memory").expect(t, exitOK)
	for _, command := range []string{"login", "logout", "token"} {
		if o := caissonRun(t, "auth", command, open); o.code != exitFailure {
			t.Errorf("%s ends with %d: %s%s", command, o.code, o.out, o.stderr)
		}
	}
	caissonRun(t, "auth", "status").expect(t, exitFailure)
}

// No login leaves nothing behind.
func TestNoStoreWithoutLogin(t *testing.T) {
	manyRuntimes(t)
	atDesk(t)
	caissonRun(t, "ping", toolsServer(t, 1, 10)).expect(t, exitOK)
	caissonRun(t, "auth", "status").expect(t, exitOK)
	config, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(config, "caisson", "credentials-v1")); !os.IsNotExist(err) {
		t.Errorf("there is a store: %v", err)
	}
}
