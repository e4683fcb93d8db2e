package caisson_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	mcpauth "github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

// A rotatingServer is a server with an authorization server that gives a new refresh token for each, and takes
// the second use of one for theft: it ends the login then. A redirect URI is one that was registered, exactly.
type rotatingServer struct {
	url     string
	handler http.Handler

	mu      sync.Mutex
	clients map[string]registered
	codes   map[string]url.Values // what was asked for
	refresh map[string]*chain     // every one that there ever was
	access  map[string]*chain
	did     rotated
	// secretLife is how long the secrets of clients live; 0 where they have none.
	secretLife time.Duration
}

// rotated counts what a [rotatingServer] did.
type rotated struct{ Registrations, Logins, Refreshes, Thefts int }

type registered struct{ redirect, secret string }

// A chain is one login, with its last tokens.
type chain struct{ client, access, refresh string }

// rotatingLife is how long its tokens live.
const rotatingLife = time.Hour

func newRotatingServer(t testing.TB) *rotatingServer {
	s := &rotatingServer{
		clients: map[string]registered{}, codes: map[string]url.Values{},
		refresh: map[string]*chain{}, access: map[string]*chain{},
	}
	mux := http.NewServeMux()
	listener := httptest.NewServer(mux)
	t.Cleanup(func() {
		listener.CloseClientConnections()
		listener.Close()
	})
	s.url, s.handler = listener.URL+"/mcp", mux
	const resource = "/.well-known/oauth-protected-resource"
	mux.Handle(resource, mcpauth.ProtectedResourceMetadataHandler(&oauthex.ProtectedResourceMetadata{
		Resource: s.url, AuthorizationServers: []string{listener.URL},
	}))
	mux.HandleFunc("/.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]any{
			"issuer":                           listener.URL,
			"authorization_endpoint":           listener.URL + "/authorize",
			"token_endpoint":                   listener.URL + "/token",
			"registration_endpoint":            listener.URL + "/register",
			"response_types_supported":         []string{"code"},
			"code_challenge_methods_supported": []string{"S256"},
		})
	})
	mux.HandleFunc("POST /register", s.register)
	mux.HandleFunc("GET /authorize", s.authorize)
	mux.HandleFunc("POST /token", s.token)
	authorized := mcpauth.RequireBearerToken(s.verify, &mcpauth.RequireBearerTokenOptions{ResourceMetadataURL: listener.URL + resource})
	server := newGoServer()
	mux.Handle("/mcp", authorized(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: true})))
	return s
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

func (s *rotatingServer) register(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Redirects []string `json:"redirect_uris"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || len(asked.Redirects) != 1 {
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_client_metadata"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.did.Registrations++
	id, client := rand.Text(), registered{redirect: asked.Redirects[0]}
	given := map[string]any{"client_id": id, "redirect_uris": asked.Redirects, "token_endpoint_auth_method": "none"}
	if s.secretLife > 0 {
		client.secret = rand.Text()
		given["client_secret"] = client.secret
		given["client_secret_expires_at"] = time.Now().Add(s.secretLife).Unix()
		given["token_endpoint_auth_method"] = "client_secret_post"
	}
	s.clients[id] = client
	reply(w, http.StatusCreated, given)
}

func (s *rotatingServer) authorize(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	query := r.URL.Query()
	client, ok := s.clients[query.Get("client_id")]
	if !ok || client.redirect != query.Get("redirect_uri") {
		http.Error(w, "no such client, or no such redirect URI", http.StatusBadRequest)
		return
	}
	s.did.Logins++
	code := rand.Text()
	s.codes[code] = query
	back := url.Values{"code": {code}, "state": {query.Get("state")}}
	http.Redirect(w, r, client.redirect+"?"+back.Encode(), http.StatusFound)
}

func (s *rotatingServer) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	refuse := func(code string) { reply(w, http.StatusBadRequest, map[string]any{"error": code}) }
	id := r.PostFormValue("client_id")
	if client, ok := s.clients[id]; !ok || client.secret != r.PostFormValue("client_secret") {
		refuse("invalid_client")
		return
	}
	var c *chain
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		asked := s.codes[r.PostFormValue("code")]
		delete(s.codes, r.PostFormValue("code"))
		verifier := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if asked.Get("client_id") != id || asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(verifier[:]) {
			refuse("invalid_grant")
			return
		}
		c = &chain{client: id}
	case "refresh_token":
		c = s.refresh[r.PostFormValue("refresh_token")]
		if c == nil || c.client != id {
			refuse("invalid_grant")
			return
		}
		delete(s.access, c.access)
		if c.refresh != r.PostFormValue("refresh_token") {
			s.did.Thefts++
			c.refresh = ""
			refuse("invalid_grant")
			return
		}
		s.did.Refreshes++
	default:
		refuse("unsupported_grant_type")
		return
	}
	c.access, c.refresh = rand.Text(), rand.Text()
	s.access[c.access], s.refresh[c.refresh] = c, c
	reply(w, http.StatusOK, map[string]any{
		"access_token": c.access, "refresh_token": c.refresh, "token_type": "Bearer", "expires_in": int(rotatingLife.Seconds()),
	})
}

func (s *rotatingServer) verify(_ context.Context, token string, _ *http.Request) (*mcpauth.TokenInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.access[token] == nil {
		return nil, mcpauth.ErrInvalidToken
	}
	return &mcpauth.TokenInfo{Expiration: time.Now().Add(rotatingLife)}, nil
}

// expire ends every access token.
func (s *rotatingServer) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.access)
}

// happened compares what it did since the beginning.
func (s *rotatingServer) happened(t *testing.T, want rotated) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.did != want {
		t.Errorf("the authorization server did %+v, want %+v", s.did, want)
	}
}
