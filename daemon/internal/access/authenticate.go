package access

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os/user"
	"strconv"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/auth"

	"github.com/caisson-dev/caisson/host-go/caisson/bearer"
)

// An Authenticator says who is behind a request. It is safe for concurrent use.
type Authenticator struct {
	// Tokens takes bearer tokens; nil takes none.
	Tokens *bearer.Authenticator
	// Certificates says that a client certificate is who calls.
	Certificates bool
	// Grants say what principals may do.
	Grants Grants
	// Log is told of refusals.
	Log *slog.Logger
}

type peerKey struct{}

// A peer is the process behind a connection of a Unix socket.
type peer struct {
	uid int
	err error
}

// ConnContext is for http.Server: it keeps the process behind a connection of a Unix socket.
func ConnContext(ctx context.Context, conn net.Conn) context.Context {
	if unix, ok := conn.(*net.UnixConn); ok {
		uid, err := peerOf(unix)
		return context.WithValue(ctx, peerKey{}, &peer{uid, err})
	}
	return ctx
}

// Authenticate lets a request through to next when somebody is behind it, and answers 401 otherwise.
func (a *Authenticator) Authenticate(next http.Handler) http.Handler {
	known := func(w http.ResponseWriter, r *http.Request, p *Principal) {
		next.ServeHTTP(w, r.WithContext(WithPrincipal(r.Context(), p)))
	}
	tokens := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.refuse(w, r, "it has no client certificate, and tokens are not taken here")
	}))
	if a.Tokens != nil {
		tokens = a.Tokens.Authenticate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			info := auth.TokenInfoFromContext(r.Context())
			known(w, r, a.Grants.principal(info.UserID, info.Scopes))
		}))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		process, _ := r.Context().Value(peerKey{}).(*peer)
		switch {
		case process != nil && process.err != nil:
			a.refuse(w, r, "the process behind it is not known: "+process.err.Error())
		case process != nil:
			known(w, r, a.Grants.principal("unix:"+userName(process.uid), nil))
		case a.Certificates && r.TLS != nil && len(r.TLS.VerifiedChains) > 0:
			name, err := certified(r.TLS.VerifiedChains[0][0])
			if err != nil {
				a.refuse(w, r, err.Error())
				return
			}
			known(w, r, a.Grants.principal("tls:"+name, nil))
		default:
			tokens.ServeHTTP(w, r)
		}
	})
}

func (a *Authenticator) refuse(w http.ResponseWriter, r *http.Request, why string) {
	a.Log.LogAttrs(r.Context(), slog.LevelInfo, "a request was refused", slog.Int("status", http.StatusUnauthorized), slog.String("reason", why))
	http.Error(w, "it is not known who calls", http.StatusUnauthorized)
}

// certified is who a client certificate is for: its first URI, or its first name of the DNS, or its common name.
func certified(certificate *x509.Certificate) (string, error) {
	switch {
	case len(certificate.URIs) > 0:
		return certificate.URIs[0].String(), nil
	case len(certificate.DNSNames) > 0:
		return certificate.DNSNames[0], nil
	case certificate.Subject.CommonName != "":
		return certificate.Subject.CommonName, nil
	}
	return "", errors.New("the client certificate has no name: neither a URI, nor a name of the DNS, nor a common name")
}

var userNames sync.Map // of int to string

// userName is what the system calls a user; the number where it has no name.
func userName(uid int) string {
	if name, ok := userNames.Load(uid); ok {
		return name.(string)
	}
	name := strconv.Itoa(uid)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	userNames.Store(uid, name)
	return name
}
