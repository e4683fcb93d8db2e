package bearer

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"))
}

// origin is where clients reach the server under test.
const origin = "https://mcp.example.com"

// someKeys are made once: RSA keys take long.
var someKeys = sync.OnceValue(func() map[string]any {
	keys := map[string]any{}
	for name, bits := range map[string]int{"rsa": 2048, "rsa-other": 2048, "rsa-small": 1024} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		keys[name] = key
	}
	elliptical, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, edwards, _ := ed25519.GenerateKey(rand.Reader)
	keys["ec"], keys["ed"] = elliptical, edwards
	return keys
})

// An idp is an authorization server that has metadata and keys, and nothing else.
type idp struct {
	*httptest.Server
	fetches atomic.Int64
	keys    atomic.Pointer[jose.JSONWebKeySet]
	answer  atomic.Pointer[http.HandlerFunc] // in place of the keys
	issuer  atomic.Pointer[string]           // in place of its own
}

func newIDP(t *testing.T, names ...string) *idp {
	t.Helper()
	s := &idp{}
	s.rotate(names...)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		id := s.URL
		if other := s.issuer.Load(); other != nil {
			id = *other
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": id, "jwks_uri": s.URL + "/keys"})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) {
		s.fetches.Add(1)
		if answer := s.answer.Load(); answer != nil {
			(*answer)(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(s.keys.Load())
	})
	s.Server = httptest.NewUnstartedServer(mux)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *idp) rotate(names ...string) {
	set := &jose.JSONWebKeySet{}
	for _, name := range names {
		key := jose.JSONWebKey{Key: someKeys()[name], KeyID: name, Use: "sig"}
		set.Keys = append(set.Keys, key.Public())
	}
	s.keys.Store(set)
}

// sign makes a JWT with a key of someKeys.
func sign(t *testing.T, algorithm jose.SignatureAlgorithm, key any, kid, typ string, payload any) string {
	t.Helper()
	options := &jose.SignerOptions{}
	if typ != "" {
		options.WithType(jose.ContentType(typ))
	}
	if kid != "" {
		options.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	if raw, ok := payload.(string); ok {
		text = []byte(raw)
	} else if text, err = json.Marshal(payload); err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// good are claims that are right, with changes; a nil takes one away.
func (s *idp) good(changes map[string]any) map[string]any {
	c := map[string]any{
		"iss": s.URL, "sub": "alice", "aud": origin + "/mcp", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(), "scope": "mcp:read mcp:write",
	}
	for name, value := range changes {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

// whoami says who is behind a request, and fails the test when a token gets as far.
func whoami(t *testing.T) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the handler got the token")
		}
		if auth.TokenInfoFromContext(r.Context()).UserID != PrincipalFromContext(r.Context()) {
			t.Error("the Go SDK has another user")
		}
		fmt.Fprint(w, PrincipalFromContext(r.Context()))
	})
}

// A trial is an Authenticator with its log and its clock.
type trial struct {
	*Authenticator
	http.Handler
	log   *bytes.Buffer
	ahead atomic.Int64
}

func newTrial(t *testing.T, options Options) *trial {
	t.Helper()
	tr := &trial{log: &bytes.Buffer{}}
	options.Logger = slog.New(slog.NewTextHandler(tr.log, nil))
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	a, err := New(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	a.now = func() time.Time { return time.Now().Add(time.Duration(tr.ahead.Load())) }
	tr.Authenticator, tr.Handler = a, a.Authenticate(whoami(t))
	return tr
}

// get sends a request with header fields of Authorization.
func (tr *trial) get(path string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}"))
	for _, f := range fields {
		r.Header.Add("Authorization", f)
	}
	w := httptest.NewRecorder()
	tr.ServeHTTP(w, r)
	return w
}

// TestHostileTokens sends tokens that are not good, each for one reason, and those beside them that are. No
// answer and no log has a part of a token.
func TestHostileTokens(t *testing.T) {
	t.Parallel()
	s := newIDP(t, "rsa", "ec", "ed", "rsa-small")
	tr := newTrial(t, Options{Issuers: []string{s.URL}, URL: origin, Scopes: []string{"mcp:read"}})
	keys := someKeys()
	rsaKey := keys["rsa"].(*rsa.PrivateKey)
	spki, err := x509.MarshalPKIXPublicKey(rsaKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})
	jwt256 := func(changes map[string]any) string {
		return sign(t, jose.RS256, rsaKey, "rsa", "at+jwt", s.good(changes))
	}
	bare := func(header, payload string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	}
	claims, _ := json.Marshal(s.good(nil))
	embedded := func() string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: keys["rsa-other"]}, (&jose.SignerOptions{EmbedJWK: true}).WithType("at+jwt"))
		if err != nil {
			t.Fatal(err)
		}
		token, err := jwt.Signed(signer).Claims(s.good(nil)).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}()
	parts := strings.Split(jwt256(nil), ".")
	swapped := parts[0] + "." + strings.Split(jwt256(map[string]any{"sub": "mallory"}), ".")[1] + "." + parts[2]
	inHours := func(n time.Duration) int64 { return time.Now().Add(n * time.Hour).Unix() }
	twice := strings.TrimSuffix(string(claims), "}") + `,"sub":"mallory"}`

	for name, test := range map[string]struct {
		token  string
		status int
		reason string // of the answer
	}{
		"good":                       {jwt256(nil), 200, s.URL + "#alice"},
		"good, ES256":                {sign(t, jose.ES256, keys["ec"], "ec", "at+jwt", s.good(nil)), 200, ""},
		"good, EdDSA":                {sign(t, jose.EdDSA, keys["ed"], "ed", "at+jwt", s.good(nil)), 200, ""},
		"good, PS256":                {sign(t, jose.PS256, rsaKey, "rsa", "at+jwt", s.good(nil)), 200, ""},
		"good, no typ":               {sign(t, jose.RS256, rsaKey, "rsa", "", s.good(nil)), 200, ""},
		"good, typ JWT":              {sign(t, jose.RS256, rsaKey, "rsa", "JWT", s.good(nil)), 200, ""},
		"good, whole typ":            {sign(t, jose.RS256, rsaKey, "rsa", "application/at+jwt", s.good(nil)), 200, ""},
		"good, no kid":               {sign(t, jose.RS256, rsaKey, "", "at+jwt", s.good(nil)), 200, ""},
		"good, several audiences":    {jwt256(map[string]any{"aud": []string{"x", origin + "/mcp"}}), 200, ""},
		"good, clocks differ":        {jwt256(map[string]any{"exp": time.Now().Add(-Leeway / 2).Unix(), "nbf": time.Now().Add(Leeway / 2).Unix()}), 200, ""},
		"good, scp as a list":        {jwt256(map[string]any{"scope": nil, "scp": []string{"mcp:read"}}), 200, ""},
		"good, scp as a text":        {jwt256(map[string]any{"scope": nil, "scp": "x mcp:read"}), 200, ""},
		"alg none":                   {bare(`{"alg":"none","typ":"at+jwt"}`, string(claims)) + ".", 401, "not a JWT"},
		"alg NONE with a signature":  {bare(`{"alg":"NONE"}`, string(claims)) + "." + parts[2], 401, "not a JWT"},
		"HS256 with the RSA key":     {sign(t, jose.HS256, public, "rsa", "at+jwt", s.good(nil)), 401, "not a JWT"},
		"HS256 with the bytes of it": {sign(t, jose.HS256, spki, "rsa", "at+jwt", s.good(nil)), 401, "not a JWT"},
		"RS256 header, EC key":       {bare(`{"alg":"RS256","kid":"ec","typ":"at+jwt"}`, string(claims)) + "." + parts[2], 401, "a key that its issuer does not have"},
		"wrong kid":                  {sign(t, jose.RS256, rsaKey, "nope", "at+jwt", s.good(nil)), 401, "a key that its issuer does not have"},
		"kid of another key":         {sign(t, jose.RS256, keys["rsa-other"], "rsa", "at+jwt", s.good(nil)), 401, "signature"},
		"kid as a path":              {sign(t, jose.RS256, rsaKey, "../../etc/passwd", "at+jwt", s.good(nil)), 401, "a key that its issuer does not have"},
		"no kid, another key":        {sign(t, jose.RS256, keys["rsa-other"], "", "at+jwt", s.good(nil)), 401, "signature"},
		"a weak key of the issuer":   {sign(t, jose.RS256, keys["rsa-small"], "rsa-small", "at+jwt", s.good(nil)), 401, "a key that its issuer does not have"},
		"its own key in the header":  {embedded, 401, "signature"},
		"claims of another token":    {swapped, 401, "signature"},
		"no signature":               {parts[0] + "." + parts[1] + ".", 401, "signature"},
		"two parts":                  {parts[0] + "." + parts[1], 401, "not a JWT"},
		"critical header":            {bare(`{"alg":"RS256","kid":"rsa","crit":["x"],"x":1}`, string(claims)) + "." + parts[2], 401, ""},
		"expired":                    {jwt256(map[string]any{"exp": inHours(-1)}), 401, "expired"},
		"no expiry":                  {jwt256(map[string]any{"exp": nil}), 401, "no expiry"},
		"an expiry beyond all":       {jwt256(map[string]any{"exp": 1e300}), 401, ""},
		"an expiry that is a text":   {jwt256(map[string]any{"exp": "9999999999"}), 401, ""},
		"in the future":              {jwt256(map[string]any{"nbf": inHours(1)}), 401, "not yet good"},
		"issued in the future":       {jwt256(map[string]any{"iat": inHours(1)}), 401, "not yet good"},
		"wrong audience":             {jwt256(map[string]any{"aud": "https://other.example.com/mcp"}), 401, "another audience"},
		"audience of the origin":     {jwt256(map[string]any{"aud": origin}), 401, "another audience"},
		"audience of another path":   {jwt256(map[string]any{"aud": origin + "/servers/files"}), 401, "another audience"},
		"audience with more":         {jwt256(map[string]any{"aud": origin + "/mcp/"}), 401, "another audience"},
		"no audience":                {jwt256(map[string]any{"aud": nil}), 401, "another audience"},
		"another issuer":             {jwt256(map[string]any{"iss": "https://evil.example.com"}), 401, "another issuer"},
		"issuer with a slash":        {jwt256(map[string]any{"iss": s.URL + "/"}), 401, "another issuer"},
		"no issuer":                  {jwt256(map[string]any{"iss": nil}), 401, "another issuer"},
		"no subject":                 {jwt256(map[string]any{"sub": nil}), 401, "subject"},
		"subject with a line break":  {jwt256(map[string]any{"sub": "alice\nbob"}), 401, "subject"},
		"subject that is not seen":   {jwt256(map[string]any{"sub": "alice\u200b"}), 401, "subject"},
		"a long subject":             {jwt256(map[string]any{"sub": strings.Repeat("a", 256)}), 401, "subject"},
		"subject of a list":          {jwt256(map[string]any{"sub": []string{"alice"}}), 401, ""},
		"two subjects":               {sign(t, jose.RS256, rsaKey, "rsa", "at+jwt", twice), 401, ""},
		"claims that are no object":  {sign(t, jose.RS256, rsaKey, "rsa", "at+jwt", `"x"`), 401, ""},
		"deep claims":                {sign(t, jose.RS256, rsaKey, "rsa", "at+jwt", strings.Repeat("[", 4000)), 401, ""},
		"bound to a key":             {jwt256(map[string]any{"cnf": map[string]any{"jkt": "x"}}), 401, "bound to a key"},
		"typ of a proof":             {sign(t, jose.RS256, rsaKey, "rsa", "dpop+jwt", s.good(nil)), 401, "another purpose"},
		"typ of a logout":            {sign(t, jose.RS256, rsaKey, "rsa", "logout+jwt", s.good(nil)), 401, "another purpose"},
		"no scopes":                  {jwt256(map[string]any{"scope": nil}), 403, "scopes"},
		"other scopes":               {jwt256(map[string]any{"scope": "mcp:write"}), 403, "scopes"},
		"scope in other letters":     {jwt256(map[string]any{"scope": "MCP:READ"}), 403, "scopes"},
		"a longer scope":             {jwt256(map[string]any{"scope": "mcp:read2 xmcp:read"}), 403, "scopes"},
		"scopes with a comma":        {jwt256(map[string]any{"scope": "x,mcp:read"}), 403, "scopes"},
		"scopes with two spaces":     {jwt256(map[string]any{"scope": "x  mcp:read"}), 401, "scopes cannot be read"},
		"scopes with a tabulator":    {jwt256(map[string]any{"scope": "x\tmcp:read"}), 401, "scopes cannot be read"},
		"a list with a space":        {jwt256(map[string]any{"scope": nil, "scp": []string{"x mcp:read"}}), 401, "scopes cannot be read"},
		"scope before scp":           {jwt256(map[string]any{"scope": "x", "scp": "mcp:read"}), 403, "scopes"},
		"a number as scopes":         {jwt256(map[string]any{"scope": 7}), 401, "scopes cannot be read"},
		"too many scopes":            {jwt256(map[string]any{"scope": strings.Repeat("a ", 300) + "mcp:read"}), 401, "scopes cannot be read"},
		"opaque":                     {"abc123", 401, "not a JWT"},
		"of a file that is not used": {"caisson_abc", 401, "not known"},
		"huge":                       {strings.Repeat("a", maxTokenBytes+1), 400, "too long"},
	} {
		w := tr.get("/mcp", "Bearer "+test.token)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.reason) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		challenge := w.Header().Get("WWW-Authenticate")
		if w.Code != 200 && !strings.Contains(challenge, `resource_metadata="`+origin+`/.well-known/oauth-protected-resource/mcp"`) {
			t.Errorf("%s: WWW-Authenticate is %q", name, challenge)
		}
		said := w.Body.String() + fmt.Sprint(w.Header()) + tr.log.String()
		for part := range strings.SplitSeq(test.token, ".") {
			if len(part) > 8 && strings.Contains(said, part[:min(len(part), 40)]) {
				t.Errorf("%s: a part of the token is said", name)
			}
		}
		if w.Code != 200 && strings.Contains(said, "alice") {
			t.Errorf("%s: the subject is said", name)
		}
	}
}

// TestRequests sends a good token in ways that are not taken.
func TestRequests(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens.json")
	token, err := AddToken(t.Context(), path, "alice", []string{"mcp"})
	if err != nil {
		t.Fatal(err)
	}
	tr := newTrial(t, Options{TokensFile: path, Scopes: []string{"mcp"}})
	for name, test := range map[string]struct {
		path   string
		fields []string
		status int
		code   string
	}{
		"good":                          {"/mcp", []string{"Bearer " + token}, 200, ""},
		"good, small letters":           {"/mcp", []string{"bearer " + token}, 200, ""},
		"good, another query":           {"/mcp?token=1&access=2", []string{"Bearer " + token}, 200, ""},
		"nothing":                       {"/mcp", nil, 401, ""},
		"another scheme":                {"/mcp", []string{"Basic " + token}, 401, ""},
		"a longer scheme":               {"/mcp", []string{"BearerX " + token}, 401, ""},
		"an empty field":                {"/mcp", []string{""}, 401, ""},
		"no token":                      {"/mcp", []string{"Bearer "}, 400, "invalid_request"},
		"only the scheme":               {"/mcp", []string{"Bearer"}, 400, "invalid_request"},
		"two words":                     {"/mcp", []string{"Bearer " + token + " x"}, 400, "invalid_request"},
		"with a comma":                  {"/mcp", []string{"Bearer " + token + ",Bearer x"}, 400, "invalid_request"},
		"with a tabulator":              {"/mcp", []string{"Bearer\t" + token}, 401, ""},
		"two headers":                   {"/mcp", []string{"Bearer " + token, "Bearer " + token}, 400, "invalid_request"},
		"two headers, of two schemes":   {"/mcp", []string{"Basic x", "Bearer " + token}, 400, "invalid_request"},
		"in the query":                  {"/mcp?access_token=" + token, nil, 400, "invalid_request"},
		"in the query too":              {"/mcp?x=1&access_token=x", []string{"Bearer " + token}, 400, "invalid_request"},
		"in the query, encoded":         {"/mcp?%61ccess_token=" + token, nil, 400, "invalid_request"},
		"in the query, semicolon":       {"/mcp?x;access_token=" + token, nil, 400, "invalid_request"},
		"in the query, broken":          {"/mcp?access_token=%zz", nil, 400, "invalid_request"},
		"a character less":              {"/mcp", []string{"Bearer " + token[:len(token)-1]}, 401, "invalid_token"},
		"padding":                       {"/mcp", []string{"Bearer " + token + "="}, 401, "invalid_token"},
		"only the prefix":               {"/mcp", []string{"Bearer caisson_"}, 401, "invalid_token"},
		"a JWT where there are issuers": {"/mcp", []string{"Bearer eyJhbGciOiJub25lIn0.e30."}, 401, "invalid_token"},
	} {
		w := tr.get(test.path, test.fields...)
		challenge := w.Header().Get("WWW-Authenticate")
		if w.Code != test.status || strings.Contains(challenge, "error=") != (test.code != "") || !strings.Contains(challenge, test.code) {
			t.Errorf("%s: %d %q %s", name, w.Code, challenge, w.Body)
		}
		if (w.Code == 200) != (w.Body.String() == "alice") {
			t.Errorf("%s: %d is of %s", name, w.Code, w.Body)
		}
		if strings.Contains(fmt.Sprint(w.Body, w.Header(), tr.log), token[:20]) {
			t.Errorf("%s: the token is said", name)
		}
	}
	if parsed, err := oauthex.ParseWWWAuthenticate([]string{tr.get("/mcp").Header().Get("WWW-Authenticate")}); err != nil || parsed[0].Params["scope"] != "mcp" || parsed[0].Params["resource_metadata"] != "" {
		t.Errorf("the challenge is %v, %v", parsed, err)
	}
	if w := tr.get("/.well-known/oauth-protected-resource/mcp"); w.Code != 404 {
		t.Errorf("without an issuer there is metadata: %d", w.Code)
	}
}

// TestMetadata has the Go SDK's client read the metadata of each endpoint, as the challenge names it.
func TestMetadata(t *testing.T) {
	t.Parallel()
	s := newIDP(t, "ec")
	var handler http.Handler
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	url := "http://" + server.Listener.Addr().String()
	tr := newTrial(t, Options{Issuers: []string{s.URL}, URL: url, Scopes: []string{"mcp:read"}})
	handler = tr.Handler
	server.Start()
	defer server.Close()
	for _, path := range []string{"/mcp", "/mcp/code", "/servers/a%20b", ""} {
		response, err := http.Post(url+path, "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		challenges, err := oauthex.ParseWWWAuthenticate(response.Header.Values("WWW-Authenticate"))
		if err != nil || len(challenges) != 1 || response.StatusCode != 401 {
			t.Fatalf("%s: %d, %v, %v", path, response.StatusCode, challenges, err)
		}
		metadata, err := oauthex.GetProtectedResourceMetadata(t.Context(), challenges[0].Params["resource_metadata"], url+path, http.DefaultClient)
		if err != nil || len(metadata.AuthorizationServers) != 1 || metadata.AuthorizationServers[0] != s.URL {
			t.Errorf("%s: %+v, %v", path, metadata, err)
		}
		// A token for one is good there, and nowhere else.
		token := "Bearer " + sign(t, jose.ES256, someKeys()["ec"], "ec", "at+jwt", s.good(map[string]any{"aud": url + path}))
		if w := tr.get(path+"/", token); path != "" && w.Code != 401 {
			t.Errorf("%s: its token is good elsewhere: %d", path, w.Code)
		}
		if w := tr.get(strings.TrimSuffix(path+"/", "/")+map[bool]string{true: "/"}[path == ""], token); w.Code != 200 {
			t.Errorf("%s: its token is not good: %d %s", path, w.Code, w.Body)
		}
	}
	if w := tr.get("/.well-known/oauth-protected-resource/" + strings.Repeat("a", 2000)); w.Code != 404 {
		t.Errorf("a path that is too long: %d", w.Code)
	}
	if w := tr.get("/.well-known/oauth-protected-resourceful"); w.Code != 401 {
		t.Errorf("another path passes: %d", w.Code)
	}
}

// TestKeys has an issuer rotate its keys, fail, and be flooded with tokens of unknown keys.
func TestKeys(t *testing.T) {
	t.Parallel()
	s := newIDP(t, "ec")
	tr := newTrial(t, Options{Issuers: []string{s.URL}, URL: origin})
	ask := func(name string) int {
		algorithm := jose.ES256
		if name != "ec" {
			algorithm = jose.RS256
		}
		claims := s.good(map[string]any{"exp": time.Now().Add(100 * time.Hour).Unix()})
		return tr.get("/mcp", "Bearer "+sign(t, algorithm, someKeys()[name], name, "at+jwt", claims)).Code
	}
	step := func(what string, got, want int, fetches int64) {
		t.Helper()
		if got != want || s.fetches.Load() != fetches {
			t.Errorf("%s: %d after %d fetches, want %d after %d", what, got, s.fetches.Load(), want, fetches)
		}
	}
	later := func(d time.Duration) { tr.ahead.Add(int64(d)) }
	step("the first", ask("ec"), 200, 1)
	step("the second", ask("ec"), 200, 1)
	step("an unknown key, at once", ask("rsa"), 401, 1)
	s.rotate("ec", "rsa")
	later(fetchPause)
	step("the next key", ask("rsa"), 200, 2)
	for i := range 100 { // A flood of keys that nobody has.
		token := sign(t, jose.ES256, someKeys()["ec"], fmt.Sprint("flood", i), "at+jwt", s.good(nil))
		if code := tr.get("/mcp", "Bearer "+token).Code; code != 401 {
			t.Fatalf("flood: %d", code)
		}
	}
	step("after the flood", ask("ec"), 200, 2)

	s.rotate("rsa")
	later(freshFor)
	ask("rsa") // It is good with the keys as they were, and has them fetched.
	tr.settle(s.URL)
	step("a key that is gone", ask("ec"), 401, 3)

	broken := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	s.answer.Store(&broken)
	later(freshFor)
	step("the issuer fails", ask("rsa"), 200, s.fetches.Load())
	tr.settle(s.URL)
	later(keptFor)
	fetches := s.fetches.Load()
	step("it fails for long", ask("rsa"), 503, fetches+1)
	w := tr.get("/mcp", "Bearer "+sign(t, jose.RS256, someKeys()["rsa"], "rsa", "at+jwt", s.good(nil)))
	step("it is not asked again at once", w.Code, 503, fetches+1)
	if w.Header().Get("Retry-After") != "10" || w.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("503 has %v", w.Header())
	}
	s.answer.Store(nil)
	later(fetchPause)
	step("it is back", ask("rsa"), 200, fetches+2)
}

// settle waits until nothing is fetched from an issuer.
func (tr *trial) settle(id string) {
	i := tr.issuers[id]
	i.mu.Lock()
	fetching := i.fetching
	i.mu.Unlock()
	if fetching != nil {
		<-fetching
	}
}

// TestHostileIssuers has an issuer answer with what it must not.
func TestHostileIssuers(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(`{"kty":"EC"},`, 200)
	for name, answer := range map[string]http.HandlerFunc{
		"10 MB": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte(" "), 10<<20)) },
		"without end": func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		},
		"no JSON":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"no keys":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"Keys":[]}`) },
		"too many":   func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"keys":[`+many+`{}]}`) },
		"a redirect": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Location", "/keys"); w.WriteHeader(302) },
		"breaks off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99")
			fmt.Fprint(w, `{"keys":[]}`)
		},
		"a large header": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) },
		"deep":           func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"keys":`+strings.Repeat("[", 100000)) },
	} {
		s := newIDP(t, "ec")
		s.answer.Store(&answer)
		tr := newTrial(t, Options{Issuers: []string{s.URL}, URL: origin})
		w := tr.get("/mcp", "Bearer "+sign(t, jose.ES256, someKeys()["ec"], "ec", "at+jwt", s.good(nil)))
		if w.Code != 503 || s.fetches.Load() != 1 {
			t.Errorf("%s: %d after %d fetches", name, w.Code, s.fetches.Load())
		}
	}
	s := newIDP(t, "ec")
	other := "https://other.example.com"
	s.issuer.Store(&other)
	tr := newTrial(t, Options{Issuers: []string{s.URL}, URL: origin})
	if w := tr.get("/mcp", "Bearer "+sign(t, jose.ES256, someKeys()["ec"], "ec", "at+jwt", s.good(nil))); w.Code != 503 {
		t.Errorf("metadata of another issuer: %d", w.Code)
	}
	// Keys that are none are left out, and the others are good.
	mixed, _ := json.Marshal(s.keys.Load().Keys[0])
	private, _ := json.Marshal(jose.JSONWebKey{Key: someKeys()["rsa"], KeyID: "private"})
	usable, err := readKeys([]byte(`{"keys":[{"kty":"oct","k":"AAAA","kid":"s"},{"kty":"new"},7,` + string(private) + `,` + string(mixed) + `]}`))
	if err != nil || len(usable) != 1 || usable[0].KeyID != "ec" {
		t.Errorf("of mixed keys %v are good, %v", usable, err)
	}
}

// TestSlowIssuer has an issuer that does not answer: requests wait no longer than their own clients, and it is
// asked once for all of them.
func TestSlowIssuer(t *testing.T) {
	t.Parallel()
	s := newIDP(t, "ec")
	asked, release := make(chan struct{}, 100), make(chan struct{})
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-release
		_ = json.NewEncoder(w).Encode(s.keys.Load())
	})
	s.answer.Store(&slow)
	tr := newTrial(t, Options{Issuers: []string{s.URL}, URL: origin})
	field := "Bearer " + sign(t, jose.ES256, someKeys()["ec"], "ec", "at+jwt", s.good(nil))
	ctx, cancel := context.WithCancel(t.Context())
	codes := make(chan int, 20)
	for i := range 20 {
		go func() {
			r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
			if i == 0 {
				r = r.WithContext(ctx)
			}
			r.Header.Set("Authorization", field)
			w := httptest.NewRecorder()
			tr.ServeHTTP(w, r)
			codes <- w.Code
		}()
	}
	<-asked
	cancel()
	if code := <-codes; code != 503 {
		t.Errorf("the one that has given up got %d", code)
	}
	close(release)
	for range 19 {
		if code := <-codes; code != 200 {
			t.Errorf("one that waited got %d", code)
		}
	}
	if s.fetches.Load() != 1 {
		t.Errorf("the keys were fetched %d times", s.fetches.Load())
	}
}

// TestTokensFile adds and removes tokens while they are used.
func TestTokensFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens.json")
	alice, err := AddToken(t.Context(), path, "alice", []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); strings.Contains(string(text), alice[len(tokenPrefix):]) {
		t.Error("the token is in the file")
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %v", info.Mode())
	}
	tr := newTrial(t, Options{TokensFile: path})
	ask := func(token string) string {
		tr.ahead.Add(int64(lookEvery))
		w := tr.get("/", "Bearer "+token)
		return fmt.Sprint(w.Code, " ", map[bool]string{true: w.Body.String()}[w.Code == 200])
	}
	if got := ask(alice); got != "200 alice" {
		t.Error(got)
	}
	bob, err := AddToken(t.Context(), path, "bob", nil)
	if got := ask(bob); err != nil || got != "200 bob" {
		t.Error(got, err)
	}
	if err := RemoveTokens(t.Context(), path, "alice"); err != nil {
		t.Error(err)
	}
	if got := ask(alice) + ask(bob); got != "401 200 bob" {
		t.Error(got)
	}
	if err := RemoveTokens(t.Context(), path, "alice"); err == nil {
		t.Error("what is not there was removed")
	}
	good, _ := os.ReadFile(path)
	for name, text := range map[string]string{
		"no JSON": "{", "unknown member": `{"tokens":[],"x":1}`, "more": `{"tokens":[]} {}`, "a name": `{"tokens":[{"name":"a#b","sha256":"` + strings.Repeat("a", 64) + `"}]}`,
		"a hash": `{"tokens":[{"name":"a","sha256":"` + strings.Repeat("A", 64) + `"}]}`, "a scope": `{"tokens":[{"name":"a","scopes":["a b"],"sha256":"` + strings.Repeat("a", 64) + `"}]}`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := ask(bob); got != "503 " {
			t.Errorf("%s: %s", name, got)
		}
		if _, err := New(t.Context(), Options{TokensFile: path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := AddToken(t.Context(), path, "carol", nil); err == nil {
			t.Errorf("%s: it was replaced", name)
		}
	}
	_ = os.WriteFile(path, good, 0o600)
	if got := ask(bob); got != "200 bob" {
		t.Error(got)
	}
	_ = os.Chmod(path, 0o620)
	if got := ask(bob); got != "503 " {
		t.Errorf("a file that others may write to: %s", got)
	}
	for _, name := range []string{"", "a b", "a#b", "https://x", strings.Repeat("a", 65)} {
		if _, err := AddToken(t.Context(), path, name, nil); err == nil {
			t.Errorf("%q is a name", name)
		}
	}
}

// TestTokensAtOnce has many add tokens to one file: none is lost.
func TestTokensAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens.json")
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			if _, err := AddToken(t.Context(), path, fmt.Sprint("n", i), nil); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if tokens, err := ReadTokens(path); err != nil || len(tokens) != 20 {
		t.Errorf("%d tokens, %v", len(tokens), err)
	}
}

// TestOptions makes Authenticators of options that are wrong.
func TestOptions(t *testing.T) {
	t.Parallel()
	for want, options := range map[string][]Options{
		"Issuers": {
			{},
			{Issuers: []string{"http://idp.example.com"}, URL: origin},
			{Issuers: []string{"https://idp.example.com?x"}, URL: origin},
			{Issuers: []string{"https://idp.example.com#x"}, URL: origin},
			{Issuers: []string{"https://a:b@idp.example.com"}, URL: origin},
			{Issuers: []string{"idp"}, URL: origin},
			{Issuers: make([]string, 65), URL: origin},
		},
		"URL": {
			{Issuers: []string{"https://idp.example.com"}},
			{Issuers: []string{"https://idp.example.com"}, URL: origin + "/"},
			{Issuers: []string{"https://idp.example.com"}, URL: `https://a"b`},
		},
		"Scopes":     {{Issuers: []string{"https://idp.example.com"}, URL: origin, Scopes: []string{`a"b`}}},
		"Audiences":  {{Issuers: []string{"https://idp.example.com"}, URL: origin, Audiences: []string{""}}},
		"TokensFile": {{TokensFile: filepath.Join(t.TempDir(), "none")}, {TokensFile: t.TempDir()}},
	} {
		for i, o := range options {
			var wrong *OptionsError
			if _, err := New(t.Context(), o); !errors.As(err, &wrong) || wrong.Field != want {
				t.Errorf("%s %d: %v", want, i, err)
			}
		}
	}
	if _, err := New(t.Context(), Options{Issuers: []string{"https://idp.example.com/tenant"}, URL: origin}); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(metadataURLs("https://idp.example.com/tenant/")); got != "[https://idp.example.com/.well-known/oauth-authorization-server/tenant https://idp.example.com/.well-known/openid-configuration/tenant https://idp.example.com/tenant/.well-known/openid-configuration]" {
		t.Error(got)
	}
}

// TestCheckSite sends what a page sends that has rebound a name, and what other pages and programs send.
func TestCheckSite(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options      SiteOptions
		host, origin string
		want         int
	}{
		"a program":              {SiteOptions{}, "localhost:8080", "", 200},
		"a program, IPv4":        {SiteOptions{}, "127.0.0.1:8080", "", 200},
		"a program, IPv6":        {SiteOptions{}, "[::1]:8080", "", 200},
		"its own page":           {SiteOptions{}, "localhost:8080", "http://localhost:8080", 200},
		"rebinding":              {SiteOptions{}, "evil.example.com:8080", "http://evil.example.com:8080", 403},
		"rebinding, no origin":   {SiteOptions{}, "evil.example.com:8080", "", 403},
		"a name that looks so":   {SiteOptions{}, "localhost.evil.example.com:8080", "", 403},
		"an address in a name":   {SiteOptions{}, "127.0.0.1.evil.example.com", "", 403},
		"no host":                {SiteOptions{}, "", "", 403},
		"another page":           {SiteOptions{}, "localhost:8080", "https://evil.example.com", 403},
		"a page of another port": {SiteOptions{}, "localhost:8080", "http://localhost:3000", 403},
		"a page without origin":  {SiteOptions{}, "localhost:8080", "null", 403},
		"a page that may":        {SiteOptions{Origins: []string{"https://app.example.com"}}, "localhost:8080", "https://app.example.com", 200},
		"a name":                 {SiteOptions{Hosts: []string{"mcp.example.com"}}, "MCP.example.com:443", "", 200},
		"a name with its port":   {SiteOptions{Hosts: []string{"mcp.example.com:1"}}, "mcp.example.com:2", "", 403},
		"only that name":         {SiteOptions{Hosts: []string{"mcp.example.com"}}, "localhost", "", 403},
		"an IPv6 host":           {SiteOptions{Hosts: []string{"[2001:db8::1]"}}, "[2001:db8::1]:80", "", 200},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = test.host
		if test.origin != "" {
			r.Header.Set("Origin", test.origin)
		}
		w := httptest.NewRecorder()
		CheckSite(test.options)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
		if w.Code != test.want {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
	r.Header["Origin"] = []string{"http://localhost", "https://evil.example.com"}
	w := httptest.NewRecorder()
	CheckSite(SiteOptions{})(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
	if w.Code != 403 {
		t.Errorf("two origins: %d", w.Code)
	}
}
