package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	library "github.com/zalando/go-keyring"

	"github.com/caisson-dev/caisson/host-go/internal/sessionbus"
)

// Logins and the secrets that a configuration refers to, with the keyring of a desktop.
func TestAuthKeyring(t *testing.T) {
	manyRuntimes(t)
	if !sessionbus.Own(t) {
		return
	}
	s, h := serveAuth(t), newHome(t)
	s.ClientID, s.ClientSecret = "mine", s.NewSecret("client-secret")
	h.env = append(h.env, "DBUS_SESSION_BUS_ADDRESS="+os.Getenv("DBUS_SESSION_BUS_ADDRESS")) // The last one counts.
	h.configure(configuration(`"web": {"url": "` + s.URL() + `", "oauth": {"clientId": "mine", "clientSecret": "${keyring:caisson test/web}"}}`))
	// unlocked starts the keyring, and waits until it takes the client's secret.
	unlocked := func() (end func()) {
		end = sessionbus.StartKeyring(t, true)
		for began := time.Now(); ; {
			err := library.Set("caisson test", "web", s.ClientSecret)
			if err == nil {
				return end
			}
			if time.Since(began) > 30*time.Second {
				t.Fatalf("the keyring is not ready: %v", err)
			}
		}
	}

	end := unlocked()
	h.login("web").expect(t, exitOK, "granted, for read write")
	folder := filepath.Join(h.folder, "caisson", "credentials-v1")
	if _, err := os.Stat(filepath.Join(folder, "credentials")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(folder, "key")); err == nil {
		t.Error("the key is in a file")
	}
	if got := h.statusOf("web"); got.Store == nil || got.Store.Key != "keyring" || got.Store.Folder != folder {
		t.Errorf("the store is %+v", got.Store)
	}
	if o := h.run("auth", "status", "web"); !strings.Contains(o.out, "the key is in the system's keyring") {
		t.Errorf("the status is %s", o.out)
	}
	s.Expire()
	h.run("ping", "web").expect(t, exitOK) // It is refreshed, with the client's secret.
	s.noSecretIn(t, "a file", h.files())

	// The flags of a login refer to the keyring too.
	h.run("auth", "login", s.URL(), "--client-credentials", "--client-id", "mine", "--client-secret", "keyring:caisson test/web").expect(t, exitOK, "granted")
	h.run("auth", "login", s.URL(), "--client-credentials", "--client-id", "mine", "--client-secret", "keyring:caisson test/nobody").expect(t, exitUsage, `no item with the service "caisson test" and the name "nobody"`)

	// Without the keyring the logins cannot be read, and are not lost.
	end()
	h.configure(configuration(`"web": {"url": "` + s.URL() + `", "oauth": {"clientId": "mine", "clientSecret": "${env:CAISSON_TEST_SECRET}"}}`))
	h.env = append(h.env, "CAISSON_TEST_SECRET="+s.ClientSecret)
	h.run("ping", "web").expect(t, exitLogin, "logins cannot be kept, and those that were cannot be used", "keyring cannot be used", "--store names another place")
	h.run("auth", "status", "web").expect(t, exitFailure, "keyring cannot be used")
	unlocked()
	h.run("ping", "web").expect(t, exitOK)
	h.run("auth", "logout", "web").expect(t, exitOK, "web: logged out")
}
