// Package bearer is the side of a resource server in MCP's authorization, for net/http: it lets a request
// through when it has a bearer token that is good, and says who is behind it. A token is one of a file
// ([Options.TokensFile]) or a JWT of an authorization server ([Options.Issuers]). It follows RFC 6750 (bearer
// tokens), RFC 9068 (JWTs as access tokens), RFC 9728 (metadata of protected resources) and the section
// "Authorization" of the MCP specification.
package bearer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
)

// Leeway is by how much the clocks of this machine and of an authorization server may differ.
const Leeway = time.Minute

// maxConfigured bounds the lists of Options.
const maxConfigured = 64

// Options say whose tokens are good, and for what. Either TokensFile or Issuers is needed.
type Options struct {
	// TokensFile is the path of a file that [AddToken] writes. A change of it counts within a second. Default: none.
	TokensFile string
	// Issuers are the identifiers of authorization servers, as their metadata and their tokens have them, at most
	// 64. Each begins with https://; with http:// only on loopback. Default: none.
	Issuers []string
	// Audiences has the values of "aud" of which a JWT must have one, at most 64. Default: only the URL that the
	// request is for, which is URL and the path, as RFC 8707 has it.
	Audiences []string
	// Scopes are demanded of every token, at most 64. Default: none.
	Scopes []string
	// URL is the origin at which clients reach this server, such as https://mcp.example.com. It is needed with
	// Issuers.
	URL string
	// HTTPClient fetches the metadata and the keys of the issuers. It follows no redirect. Default: one with the
	// proxies of the environment.
	HTTPClient *http.Client
	// Logger is told why a request is refused, and never has a part of a token. Default: nothing is logged.
	Logger *slog.Logger
}

// An Authenticator authenticates requests. It is safe for concurrent use.
type Authenticator struct {
	options Options
	tokens  *tokenFile
	issuers map[string]*issuer
	log     *slog.Logger
	now     func() time.Time
}

// An OptionsError says what is wrong with [Options].
type OptionsError struct {
	// Field is the name of the field.
	Field string
	// Err says what is wrong with it.
	Err error
}

// Error names the field and what is wrong with it.
func (e *OptionsError) Error() string { return fmt.Sprintf("bearer.Options.%s: %v", e.Field, e.Err) }

// Unwrap returns what is wrong.
func (e *OptionsError) Unwrap() error { return e.Err }

// New makes an Authenticator, or fails with an [*OptionsError]. It reads the file of tokens, and asks no issuer
// before the first of its tokens comes. The end of the context ends what it fetches.
func New(ctx context.Context, options Options) (*Authenticator, error) {
	a := &Authenticator{options: options, issuers: map[string]*issuer{}, log: options.Logger, now: time.Now}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if options.TokensFile == "" && len(options.Issuers) == 0 {
		return nil, &OptionsError{"Issuers", errors.New("it is missing, and so is bearer.Options.TokensFile: no token would be good")}
	}
	for field, list := range map[string][]string{"Issuers": options.Issuers, "Audiences": options.Audiences, "Scopes": options.Scopes} {
		if len(list) > maxConfigured {
			return nil, &OptionsError{field, fmt.Errorf("it has %d entries, and %d is the most", len(list), maxConfigured)}
		}
	}
	for _, scope := range options.Scopes {
		if !isScope(scope) {
			return nil, &OptionsError{"Scopes", fmt.Errorf("%q is no scope", scope)}
		}
	}
	if slices.Contains(options.Audiences, "") {
		return nil, &OptionsError{"Audiences", errors.New("an audience is empty")}
	}
	if options.URL != "" || len(options.Issuers) > 0 {
		if err := checkOrigin(options.URL); err != nil {
			return nil, &OptionsError{"URL", err}
		}
	}
	for _, id := range options.Issuers {
		if err := checkIssuer(id); err != nil {
			return nil, &OptionsError{"Issuers", err}
		}
		a.issuers[id] = newIssuer(ctx, id, options.HTTPClient, func() time.Time { return a.now() })
	}
	if options.TokensFile != "" {
		a.tokens = &tokenFile{path: options.TokensFile, now: func() time.Time { return a.now() }}
		if _, err := a.tokens.load(); err != nil {
			return nil, &OptionsError{"TokensFile", err}
		}
	}
	return a, nil
}

// checkOrigin returns why a text is not the origin of a server.
func checkOrigin(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || text != u.Scheme+"://"+u.Host || text != strings.ToLower(text) || strings.ContainsAny(text, "\"\\ ") {
		return fmt.Errorf("%q is no origin, such as https://mcp.example.com", text)
	}
	return nil
}

// Authenticate lets a request through to next when its token is good; [PrincipalFromContext] and the Go SDK's
// auth.TokenInfoFromContext then say who is behind it. The Go SDK's handler for streamable HTTP keeps others from
// a session of theirs. The handlers behind it do not get the token.
//
// It answers other requests itself: 400 where it cannot tell which token is meant, 401 where there is none or it is
// not good, 403 where it has not the scopes, 503 where that cannot be found out now. It also answers requests for
// the metadata of the resources, below /.well-known/oauth-protected-resource, which need no token.
func (a *Authenticator) Authenticate(next http.Handler) http.Handler {
	type verified struct{}
	// Only the SDK can put its TokenInfo into a context, and its HTTP handler looks there for whose a session is.
	pass := auth.RequireBearerToken(func(ctx context.Context, _ string, _ *http.Request) (*auth.TokenInfo, error) {
		return ctx.Value(verified{}).(*auth.TokenInfo), nil
	}, &auth.RequireBearerTokenOptions{AllowMissingExpiration: true, ClockSkew: 2 * Leeway})(withoutToken(next))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path, ok := strings.CutPrefix(r.URL.EscapedPath(), wellKnown); ok && (path == "" || path[0] == '/') {
			a.serveMetadata(w, r, path)
			return
		}
		info, refused := a.authenticate(r)
		if refused != nil {
			attributes := []slog.Attr{slog.Int("status", refused.status), slog.String("reason", refused.description)}
			if refused.err != nil {
				attributes = append(attributes, slog.Any("error", refused.err))
			}
			a.log.LogAttrs(r.Context(), slog.LevelInfo, "a request was refused", attributes...)
			a.refuse(w, r, refused)
			return
		}
		pass.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), verified{}, info)))
	})
}

// withoutToken keeps the token from a handler, which could pass it on.
func withoutToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Header.Del("Authorization")
		next.ServeHTTP(w, r)
	})
}

// authenticate says who is behind a request, or why nobody is.
func (a *Authenticator) authenticate(r *http.Request) (*auth.TokenInfo, *refusal) {
	token, refused := tokenOf(r)
	if refused != nil {
		return nil, refused
	}
	var info *auth.TokenInfo
	if strings.HasPrefix(token, tokenPrefix) {
		info, refused = a.tokens.verify(token)
	} else {
		info, refused = a.verifyJWT(r, token)
	}
	if refused != nil {
		return nil, refused
	}
	for _, scope := range a.options.Scopes {
		if !slices.Contains(info.Scopes, scope) {
			return nil, &refusal{status: http.StatusForbidden, code: "insufficient_scope", description: "the token has not all scopes that are needed"}
		}
	}
	return info, nil
}

// PrincipalFromContext says who is behind the request of a context: the name of a token of the file, or the issuer,
// "#" and the subject of a JWT, such as https://login.example.com#alice. No issuer has a "#" in it, and no name.
// It returns "" where no Authenticator has let the request through.
func PrincipalFromContext(ctx context.Context) string {
	if info := auth.TokenInfoFromContext(ctx); info != nil {
		return info.UserID
	}
	return ""
}
