package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/fastmcp"
)

// An authorizingServer is a server with an authorization server that nobody here wrote.
type authorizingServer struct {
	name string
	// start starts the two, for a client with that redirect URI, and gives the server's address.
	start func(t *testing.T, redirect string) (url string)
	// client is registered at the authorization server beforehand, where that registers none.
	client auth.OAuth
	scope  string // a scope of every token
	// forgets says that an access token that comes after its end takes the refresh token with it.
	forgets bool
	// revocation is what a revocation has beside the token.
	revocation url.Values
}

var authorizingServers = []authorizingServer{
	{
		name: "FastMCP", scope: "mcp", start: authorizingPython, forgets: true,
		revocation: url.Values{"client_secret": {""}}, // It demands the field of a client that has none.
	},
	{name: "router of the TypeScript SDK", scope: "mcp", start: authorizingNode("@modelcontextprotocol/sdk", "auth-v1.mjs")},
	{name: "oidc-provider", scope: "mcp", start: authorizingNode("oidc-provider", "auth-oidc.mjs")},
	{
		name: "Go SDK and zitadel", scope: "openid", start: authorizingGo,
		client: auth.OAuth{ClientID: "web", ClientSecret: "secret"},
	},
}

func authorizingPython(t *testing.T, _ string) string {
	program, err := fastmcp.Python(root(t))
	if err != nil {
		t.Skipf("no FastMCP: %v", err)
	}
	return start(t, exec.Command(program, filepath.Join(root(t), "test", "servers", "auth.py")), "http://")
}

func authorizingNode(needs, file string) func(*testing.T, string) string {
	return func(t *testing.T, _ string) string {
		node(t, "node_modules/"+needs+"/package.json")
		program, script := node(t, "test/servers/"+file)
		return start(t, exec.Command(program, script), "http://")
	}
}

func authorizingGo(t *testing.T, redirect string) string {
	source := filepath.Join(root(t), "test", "servers", "auth-zitadel")
	if _, err := os.Stat(source); err != nil {
		t.Skip("this is the module alone")
	}
	program := filepath.Join(t.TempDir(), "auth-zitadel")
	build := exec.CommandContext(testContext(t), "go", "build", "-o", program, ".")
	build.Dir = source
	// The flags are those of this program: they may name files and packages of its module.
	build.Env = append(build.Environ(), "GOFLAGS=", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return start(t, exec.Command(program, redirect), "http://")
}

// TestAuthorizationServers goes through the life of a login at authorization servers that nobody here wrote.
func TestAuthorizationServers(t *testing.T) {
	t.Parallel()
	for _, server := range authorizingServers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			l := newLogin(t, &server)
			for _, step := range []struct {
				name string
				run  func(t *testing.T)
			}{
				{"login", l.login},
				{"expiry by the host's clock", l.expiry},
				{"expiry by the server's clock", l.refused},
				{"kept for another client", l.kept},
				{"kept for who has another port", l.anotherPort},
				{"kept where nobody can be asked", l.unattended},
				{"revocation", l.revocation},
				{"logout", l.logout},
			} {
				if !t.Run(step.name, step.run) {
					break
				}
			}
		})
	}
}

// A loginLife is the life of one login.
type loginLife struct {
	server  *authorizingServer
	url     string
	person  browsingPerson
	method  auth.OAuth
	store   auth.Store
	session *caisson.Session

	mu     sync.Mutex
	ahead  time.Duration
	events map[auth.EventKind]int
	// visits and refreshes are how often there was to be one so far.
	visits, refreshes int
}

func newLogin(t *testing.T, server *authorizingServer) *loginLife {
	l := &loginLife{server: server, store: auth.NewMemoryStore(), events: map[auth.EventKind]int{}}
	browser := &auth.Browser{Port: freePort(t), Open: l.person.visit}
	l.url = server.start(t, browser.RedirectURL())
	l.method = server.client
	l.method.Ask, l.method.Store = browser, l.store
	l.method.OnEvent = func(e auth.Event) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.events[e.Kind]++
		if e.Kind == auth.EventRefused {
			t.Logf("refused: %v", e.Err)
		}
	}
	l.session = connect(t, l.client(t), caisson.Server{Name: server.name, URL: l.url, Auth: &l.method})
	return l
}

// client makes a client with the host's clock of the test.
func (l *loginLife) client(t *testing.T) *caisson.Client {
	c := newClient(t, caisson.ClientOptions{})
	c.SetClock(func() time.Time {
		l.mu.Lock()
		defer l.mu.Unlock()
		return time.Now().Add(l.ahead)
	})
	return c
}

// first is the session that has logged in.
func (l *loginLife) first() (*caisson.Session, error) { return l.session, nil }

// with opens a session with another way to log in, and the same store.
func (l *loginLife) with(t *testing.T, change func(*auth.OAuth)) (*caisson.Session, error) {
	method := l.method
	change(&method)
	s, err := l.client(t).Connect(testContext(t), caisson.Server{Name: l.server.name, URL: l.url, Auth: &method})
	if err == nil {
		t.Cleanup(func() { _ = s.Close() })
	}
	return s, err
}

// credentials are what the store has of the login.
type credentials struct {
	Client         struct{ ID string }
	Tokens         struct{ Access, Refresh string }
	ServerMetadata struct {
		Revocation string `json:"revocation_endpoint"`
	}
}

func (l *loginLife) credentials(t *testing.T) (c credentials) {
	t.Helper()
	keys, err := l.store.Keys(t.Context())
	if err != nil || len(keys) != 1 {
		t.Fatalf("the store has the keys %q: %v", keys, err)
	}
	text, err := l.store.Load(t.Context(), keys[0])
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// happened checks how often a person was asked, and how often a token was refreshed, since it was last called.
func (l *loginLife) happened(t *testing.T, visits, refreshes int) {
	t.Helper()
	l.visits, l.refreshes = l.visits+visits, l.refreshes+refreshes
	visits, refreshes = l.visits, l.refreshes
	l.mu.Lock()
	defer l.mu.Unlock()
	if got := int(l.person.visits.Load()); got != visits {
		t.Errorf("a person logged in %d times, want %d", got, visits)
	}
	if got := l.events[auth.EventRefreshed]; got != refreshes {
		t.Errorf("a token was refreshed %d times, want %d", got, refreshes)
	}
}

// calls calls the server's tool, which says what the token is for.
func (l *loginLife) calls(t *testing.T, s *caisson.Session) {
	t.Helper()
	result, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "whoami"})
	if err != nil {
		t.Fatal(err)
	}
	if text := resultText(result); !strings.Contains(text, l.server.scope) {
		t.Errorf("the token is for %q, want %q among it", text, l.server.scope)
	}
}

// rotates calls, in that session, and checks that both tokens are new after it.
func (l *loginLife) rotates(t *testing.T, session func() (*caisson.Session, error)) {
	t.Helper()
	before := l.credentials(t).Tokens
	s, err := session()
	if err != nil {
		t.Fatal(err)
	}
	l.calls(t, s)
	after := l.credentials(t).Tokens
	if after.Access == before.Access || after.Refresh == before.Refresh || after.Refresh == "" {
		t.Error("the tokens are those of before")
	}
}

func (l *loginLife) login(t *testing.T) {
	l.calls(t, l.session)
	l.happened(t, 1, 0)
	l.mu.Lock()
	defer l.mu.Unlock()
	if got := l.events[auth.EventGranted]; got != 1 {
		t.Errorf("a token was granted %d times, want once", got)
	}
}

// lifetime is more than that of any token, and less than that of a login.
const lifetime = 61 * time.Minute

// pass moves the host's clock.
func (l *loginLife) pass(by time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ahead += by
}

func (l *loginLife) expiry(t *testing.T) {
	l.pass(lifetime)
	l.rotates(t, l.first)
	l.happened(t, 0, 1)
}

// refused has the server take a token for over that the host takes for fresh.
func (l *loginLife) refused(t *testing.T) {
	response, err := http.Post(strings.TrimSuffix(l.url, "/mcp")+"/test/advance?seconds=3660", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		t.Fatal(response.Status)
	}
	l.rotates(t, l.first)
	if l.server.forgets {
		l.happened(t, 1, 0)
	} else {
		l.happened(t, 0, 1)
	}
}

func (l *loginLife) kept(t *testing.T) {
	s, err := l.with(t, func(*auth.OAuth) {})
	if err != nil {
		t.Fatal(err)
	}
	l.calls(t, s)
	l.happened(t, 0, 0)
}

// anotherPort refreshes in a program whose browser comes back to another port than the one that the client
// was registered for.
func (l *loginLife) anotherPort(t *testing.T) {
	l.pass(lifetime)
	l.rotates(t, func() (*caisson.Session, error) {
		return l.with(t, func(m *auth.OAuth) { m.Ask = &auth.Browser{Port: freePort(t), Open: l.person.visit} })
	})
	l.happened(t, 0, 1)
}

// unattended refreshes in a program that can ask nobody.
func (l *loginLife) unattended(t *testing.T) {
	l.pass(lifetime)
	l.rotates(t, func() (*caisson.Session, error) { return l.with(t, func(m *auth.OAuth) { m.Ask = nil }) })
	l.happened(t, 0, 1)
}

// revocation has the authorization server forget the login (RFC 7009).
func (l *loginLife) revocation(t *testing.T) {
	c := l.credentials(t)
	for _, token := range []string{c.Tokens.Access, c.Tokens.Refresh} {
		form := url.Values{"token": {token}}
		maps.Copy(form, l.server.revocation)
		if l.method.ClientID == "" {
			form.Set("client_id", c.Client.ID)
		}
		request, err := http.NewRequestWithContext(testContext(t), http.MethodPost, c.ServerMetadata.Revocation, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if l.method.ClientID != "" {
			request.SetBasicAuth(l.method.ClientID, l.method.ClientSecret)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Fatalf("the token was not revoked: %s", response.Status)
		}
	}

	_, err := l.with(t, func(m *auth.OAuth) { m.Ask = nil })
	var failed *caisson.Error
	var required *auth.RequiredError
	if !errors.As(err, &failed) || failed.Code != caisson.CodeAuthorizationRequired || !errors.As(err, &required) || required.Issuer == "" {
		t.Errorf("with nobody to ask, the error is %v", err)
	}

	l.calls(t, l.session)
	l.happened(t, 1, 0)
}

// logout forgets the login here.
func (l *loginLife) logout(t *testing.T) {
	keys, err := l.store.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if err := l.store.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	s, err := l.with(t, func(*auth.OAuth) {})
	if err != nil {
		t.Fatal(err)
	}
	l.calls(t, s)
	l.happened(t, 1, 0)
}

// freePort is a port of the loopback that nobody listens on.
func freePort(t testing.TB) int {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
