package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// While a person logs in, and while a token is in use, others who look at the process see no secret.
func TestAuthInProc(t *testing.T) {
	manyRuntimes(t)
	s, h := serveAuth(t), newHome(t)
	s.ClientID, s.ClientSecret = "mine", s.NewSecret("client-secret")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(s.ClientSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	look := func(p *process) {
		t.Helper()
		for _, file := range []string{"cmdline", "environ"} {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, file))
			if err != nil || !strings.Contains(string(text), "caisson") {
				t.Fatalf("%s is %q, %v", file, text, err)
			}
			s.noSecretIn(t, file, string(text))
		}
	}
	h.env = append(h.env, "LOOKED_FOR=caisson")
	p := h.start("auth", "login", s.URL(), "--no-browser", "--wait-for-auth", "60", "--callback-port", freePort(t), "--client-id", "mine", "--client-secret", "file:"+secret)
	address := p.until(t, addressToOpen)
	look(p)
	visit(t, address)
	p.wait(t).expect(t, exitOK)

	p = h.start("call-tool", s.URL(), "countdown", "from=1000", "pause_ms=100", "--timeout", "2m")
	p.until(t, `^progress 1/1000`)
	look(p)
}
