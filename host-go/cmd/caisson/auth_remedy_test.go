package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// Each way to authorize that is refused has a remedy, which names what to change; none has the words of the SDK
// about another client, which it would register in the place of the configured one.
func TestRefusedRemedy(t *testing.T) {
	manyRuntimes(t)
	s, h := serveAuth(t), newHome(t)
	s.ClientID, s.ClientSecret = "reports", s.NewSecret("client secret") // So nobody can register.
	workload := refusesAssertions(t)
	at := `"url": "` + s.URL() + `"`
	h.configure(configuration(
		`"machine": {`+at+`, "auth": {"type": "client-credentials", "clientId": "reports", "clientSecret": "wrong"}}`,
		`"stranger": {`+at+`, "auth": {"type": "client-credentials", "clientId": "stranger", "clientSecret": "wrong"}}`,
		`"person": {`+at+`, "oauth": {"clientId": "reports", "clientSecret": "wrong"}}`,
		`"workload": {"url": "`+workload+`", "auth": {"type": "workload", "assertion": "wrong"}}`,
		`"unset": {"url": "`+workload+`", "auth": {"type": "workload", "assertion": {"env": "CAISSON_TEST_UNSET"}}}`,
		`"enterprise": {"url": "`+workload+`", "auth": {"type": "enterprise", "clientId": "c", "clientSecret": "x", "idToken": "wrong", "identityProviderTokenUrl": "`+strings.TrimSuffix(workload, "/mcp")+`/token"}}`,
	))
	h.env = append(h.env, "CAISSON_TEST_WRONG=wrong")
	for name, want := range map[string]struct {
		line   []string
		remedy string
	}{
		"machine":    {[]string{"ping", "machine"}, "clientId, and clientSecret or privateKey"},
		"stranger":   {[]string{"auth", "token", "stranger"}, "clientId, and clientSecret or privateKey"},
		"workload":   {[]string{"ping", "workload"}, "assertion, and clientId"},
		"unset":      {[]string{"ping", "unset"}, "the environment variable CAISSON_TEST_UNSET: set it"},
		"enterprise": {[]string{"ping", "enterprise"}, "idToken, and the clients"},
		"flags":      {[]string{"auth", "login", s.URL(), "--client-credentials", "--client-id", "reports", "--client-secret", "env:CAISSON_TEST_WRONG"}, "check --client-id and --client-secret"},
	} {
		t.Run(name, func(t *testing.T) {
			o := h.run(want.line...)
			o.expect(t, exitLogin, `"error":"authorization_`)
			var said loginError
			line := o.stderr[strings.LastIndex(strings.TrimSuffix(o.stderr, "\n"), "\n")+1:]
			if err := json.Unmarshal([]byte(line), &said); err != nil || !strings.Contains(said.Remedy, want.remedy) || said.Login != "" {
				t.Errorf("%v: the remedy is %q, the login %q: %s", err, said.Remedy, said.Login, o.stderr)
			}
			if strings.Contains(said.Message, "invalid_grant: invalid_grant") || strings.Contains(said.Message, "invalid_client: invalid_client") {
				t.Errorf("it says the code twice: %s", said.Message)
			}
			if strings.Contains(said.Message, registersNobody) {
				t.Errorf("it speaks of a client that is to be registered: %s", said.Message)
			}
		})
	}
	// A person who comes back with the wrong secret would do so again.
	p := h.start("auth", "login", "person", "--wait-for-auth", "1m", "--callback-port", freePort(t))
	visit(t, p.until(t, addressToOpen))
	o := p.wait(t)
	o.expect(t, exitLogin, "authorization_refused", "check ")
	if strings.Contains(o.stderr, `"login"`) || strings.Contains(o.stderr, registersNobody) {
		t.Errorf("the login would fail again: %s", o.stderr)
	}
}

// refusesAssertions is a server whose authorization server takes no assertion.
func refusesAssertions(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	origin := serve(t, mux)
	answer := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(strings.ReplaceAll(text, "AT", origin)))
		}
	}
	mux.HandleFunc("/.well-known/oauth-protected-resource/mcp", answer(http.StatusOK, `{"resource": "AT/mcp", "authorization_servers": ["AT"]}`))
	mux.HandleFunc("/.well-known/oauth-authorization-server", answer(http.StatusOK, `{"issuer": "AT", "authorization_endpoint": "AT/authorize", "token_endpoint": "AT/token", "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"]}`))
	mux.HandleFunc("/token", answer(http.StatusBadRequest, `{"error": "invalid_grant"}`))
	mux.HandleFunc("/mcp", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		w.WriteHeader(http.StatusUnauthorized)
	})
	return origin + "/mcp"
}
