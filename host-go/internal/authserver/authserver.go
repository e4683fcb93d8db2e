// Package authserver is an authorization server for tests, with a resource behind it.
package authserver

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Server is an authorization server and, behind it, a resource, at one origin. It has whoever comes log in at
// once, and takes down every secret that it gives or gets. The fields are set before the first request.
type Server struct {
	// Life is how long an access token is good. Default: an hour.
	Life time.Duration
	// ClientID is a client that is registered beforehand, and ClientSecret its secret. Default: clients register.
	ClientID, ClientSecret string
	// NoRevocation leaves out the endpoint to revoke tokens.
	NoRevocation bool
	// NoMetadata leaves out all metadata, as a server of 2025-03-26 may.
	NoMetadata bool
	// Device has a person enter a code at /device?code=CODE (RFC 8628).
	Device bool
	// Refuse has the person say no.
	Refuse bool
	// Sign makes access tokens of claims (RFC 9068), for resources that are elsewhere, and Keys is the JSON Web Key
	// Set with which they are checked. Default: the tokens are random texts, for its own resource.
	Sign func(claims map[string]any) string
	Keys any
	// SecretLife is how long the secret of a client that registers is good. Default: for ever.
	SecretLife time.Duration

	server  *httptest.Server
	handler http.Handler

	mu      sync.Mutex
	secrets []string
	codes   map[string]url.Values // what was asked for
	refresh map[string]string     // refresh tokens, and their scopes
	used    map[string]bool       // those that were good once
	meant   map[string]string     // refresh tokens, and the resources that they are for
	to      []string              // the redirects of clients that have registered
	access  map[string]time.Time  // access tokens, and when they end
	entered string                // the code that a person entered
	revoked []string
	counts  map[string]int // of requests, by path
	did     Did
}

// Did counts what a [Server] did. A refresh token that comes for the second time is a theft.
type Did struct{ Registrations, Logins, Refreshes, Thefts int }

// New starts a server on loopback. Who starts it closes it.
func New(resource http.Handler) *Server {
	s := &Server{Life: time.Hour, codes: map[string]url.Values{}, refresh: map[string]string{}, used: map[string]bool{}, meant: map[string]string{}, access: map[string]time.Time{}, counts: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/oauth-protected-resource/mcp", s.resourceMetadata)
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", s.metadata)
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, http.StatusOK, s.Keys) })
	mux.HandleFunc("POST /register", s.register)
	mux.HandleFunc("GET /authorize", s.authorize)
	mux.HandleFunc("POST /token", s.token)
	mux.HandleFunc("POST /device", s.device)
	mux.HandleFunc("GET /device", s.enter)
	mux.HandleFunc("POST /revoke", s.revoke)
	mux.Handle("/mcp", s.guard(resource))
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.counts[r.URL.Path]++
		s.mu.Unlock()
		if s.NoMetadata && strings.HasPrefix(r.URL.Path, "/.well-known/") {
			http.NotFound(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
	// Its handlers use the address, so it is there before they run.
	s.server = httptest.NewUnstartedServer(s.handler)
	s.server.Start()
	return s
}

// ServeHTTP implements [http.Handler], without the network.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Did gives what it did since the beginning.
func (s *Server) Did() Did {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.did
}

// Tokens are the access tokens that are good.
func (s *Server) Tokens() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.access))
}

// Issuer is the authorization server's issuer, and the origin of all.
func (s *Server) Issuer() string { return s.server.URL }

// URL is the resource's.
func (s *Server) URL() string { return s.server.URL + "/mcp" }

// Close ends it.
func (s *Server) Close() {
	s.server.CloseClientConnections() // Event streams do not end by themselves.
	s.server.Close()
}

// NewSecret makes a secret, and takes it down.
func (s *Server) NewSecret(kind string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newSecret(kind)
}

// Count is how many requests came to a path.
func (s *Server) Count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[path]
}

// Revoked are the kinds of tokens that were revoked, in order.
func (s *Server) Revoked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.revoked)
}

// Expire ends all access tokens, as the server has it.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.access)
}

func (s *Server) newSecret(kind string) string {
	secret := kind + "-" + rand.Text()
	s.secrets = append(s.secrets, secret)
	return secret
}

func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		end, known := s.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		s.mu.Unlock()
		if !known || time.Now().After(end) {
			if s.NoMetadata {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer resource_metadata="%s/.well-known/oauth-protected-resource/mcp", scope="read write"`, s.server.URL))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func answerJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

func (s *Server) resourceMetadata(w http.ResponseWriter, _ *http.Request) {
	answerJSON(w, http.StatusOK, map[string]any{"resource": s.URL(), "authorization_servers": []string{s.server.URL}, "scopes_supported": []string{"read", "write"}})
}

func (s *Server) metadata(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := map[string]any{
		"issuer": s.server.URL, "authorization_endpoint": s.server.URL + "/authorize", "token_endpoint": s.server.URL + "/token",
		"response_types_supported": []string{"code"}, "grant_types_supported": []string{"authorization_code", "refresh_token", "client_credentials"},
		"code_challenge_methods_supported": []string{"S256"}, "token_endpoint_auth_methods_supported": []string{"none", "client_secret_basic"},
		"authorization_response_iss_parameter_supported": true,
	}
	if s.ClientID == "" {
		m["registration_endpoint"] = s.server.URL + "/register"
	}
	if s.Keys != nil {
		m["jwks_uri"] = s.server.URL + "/keys"
	}
	if s.Device {
		m["device_authorization_endpoint"] = s.server.URL + "/device"
	}
	if !s.NoRevocation {
		m["revocation_endpoint"] = s.server.URL + "/revoke"
	}
	answerJSON(w, http.StatusOK, m)
}

// registered is the identifier of a client that registers.
const registered = "client-registered"

func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	var asked map[string]any
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		answerJSON(w, http.StatusBadRequest, map[string]any{"error": "invalid_client_metadata"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.did.Registrations++
	if redirects, _ := asked["redirect_uris"].([]any); len(redirects) == 1 {
		s.to = append(s.to, fmt.Sprint(redirects[0]))
	}
	if s.SecretLife > 0 {
		asked["client_secret_expires_at"] = time.Now().Add(s.SecretLife).Unix()
	}
	asked["client_id"] = registered
	asked["client_secret"] = s.newSecret("client-secret")
	asked["token_endpoint_auth_method"] = "client_secret_basic"
	answerJSON(w, http.StatusCreated, asked)
}

// authorize is the page where a person logs in; it asks nothing.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	query := r.URL.Query()
	if query.Get("client_id") == registered && !slices.Contains(s.to, query.Get("redirect_uri")) {
		http.Error(w, "the client was not registered with this redirect URI", http.StatusBadRequest)
		return
	}
	s.did.Logins++
	back := url.Values{"state": {query.Get("state")}, "iss": {s.server.URL}}
	if s.Refuse {
		back.Set("error", "access_denied")
	} else {
		code := s.newSecret("code")
		s.codes[code] = query
		back.Set("code", code)
	}
	http.Redirect(w, r, query.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

// deviceGrant is the grant of RFC 8628.
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// device gives a code for another device (RFC 8628, section 3.2).
func (s *Server) device(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known(r) {
		answerJSON(w, http.StatusBadRequest, map[string]any{"error": "invalid_client"})
		return
	}
	code := s.newSecret("device")
	s.codes[code] = url.Values{"user_code": {"WDJB-MJHT"}}
	answerJSON(w, http.StatusOK, map[string]any{
		"device_code": code, "user_code": "WDJB-MJHT", "verification_uri": s.server.URL + "/device", "expires_in": 600, "interval": 1,
	})
}

// enter is where a person enters the code.
func (s *Server) enter(_ http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entered = r.URL.Query().Get("code")
}

// known reports whether a client has proven who it is. A public one has nothing to prove.
func (s *Server) known(r *http.Request) bool {
	id, secret, ok := r.BasicAuth()
	if !ok {
		return s.ClientID == "" && r.PostForm.Get("client_id") != "" || s.ClientID != "" && s.ClientSecret == "" && r.PostForm.Get("client_id") == s.ClientID
	}
	if s.ClientID != "" {
		return id == s.ClientID && secret == s.ClientSecret
	}
	return slices.Contains(s.secrets, secret)
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	s.mu.Lock()
	defer s.mu.Unlock()
	refuse := func(code string) { answerJSON(w, http.StatusBadRequest, map[string]any{"error": code}) }
	if !s.known(r) {
		refuse("invalid_client")
		return
	}
	scope, resource := "read write", s.URL()
	refreshes := true
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		asked := s.codes[r.PostForm.Get("code")]
		delete(s.codes, r.PostForm.Get("code"))
		sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
		if asked == nil || asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) || !s.NoMetadata && s.Sign == nil && asked.Get("resource") != s.URL() {
			refuse("invalid_grant")
			return
		}
		scope = asked.Get("scope")
		resource = asked.Get("resource")
	case deviceGrant:
		code := r.PostForm.Get("device_code")
		if asked := s.codes[code]; asked == nil {
			refuse("invalid_grant")
			return
		} else if asked.Get("user_code") != s.entered {
			refuse("authorization_pending")
			return
		}
		delete(s.codes, code)
	case "refresh_token":
		token := r.PostForm.Get("refresh_token")
		granted, ok := s.refresh[token]
		switch {
		case s.used[token]:
			s.did.Thefts++
			clear(s.refresh) // It ends the logins: who else has the token is not known.
			clear(s.access)
			refuse("invalid_grant")
			return
		case !ok:
			refuse("invalid_grant")
			return
		}
		delete(s.refresh, token) // It is good once.
		s.used[token] = true
		s.did.Refreshes++
		scope, resource = granted, s.meant[token]
	case "client_credentials":
		refreshes = false
	default:
		refuse("unsupported_grant_type")
		return
	}
	access := s.newSecret("access")
	if s.Sign != nil {
		now := time.Now()
		access = s.Sign(map[string]any{
			"iss": s.server.URL, "sub": "somebody", "aud": resource, "scope": scope, "jti": access, "iat": now.Unix(), "exp": now.Add(s.Life).Unix(),
		})
		s.secrets = append(s.secrets, access)
	}
	s.access[access] = time.Now().Add(s.Life)
	given := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": int(s.Life / time.Second), "scope": scope}
	if refreshes {
		token := s.newSecret("refresh")
		s.refresh[token], s.meant[token] = scope, resource
		given["refresh_token"] = token
	}
	answerJSON(w, http.StatusOK, given)
}

func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known(r) {
		answerJSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	token := r.PostForm.Get("token")
	if _, ok := s.access[token]; ok {
		s.revoked = append(s.revoked, "access_token")
		delete(s.access, token)
	}
	if _, ok := s.refresh[token]; ok {
		s.revoked = append(s.revoked, "refresh_token")
		delete(s.refresh, token)
	}
}

// Leaks gives the secrets so far that are in a text, plain or in base64, and how many were looked for.
func (s *Server) Leaks(text string) (leaks []string, looked int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.secrets {
		found := strings.Contains(text, secret)
		for offset := range 3 { // What comes before moves it.
			encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", offset) + secret))
			found = found || strings.Contains(text, encoded[4:len(encoded)-4])
		}
		if found {
			leaks = append(leaks, secret)
		}
	}
	return leaks, len(s.secrets)
}
