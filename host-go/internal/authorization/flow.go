// Package authorization is the host's half of the authorization of one session: it keeps every secret, puts
// each into the one place that it is for, and takes the answers of authorization servers apart before the
// core sees them. The core, with the official SDK in it, is the other half: see wit/authorization.wit.
package authorization

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// Config describes the authorization of a session.
type Config struct {
	// Server is the server's name, for messages.
	Server string
	// URL is the server's address.
	URL *url.URL
	// Method is how to authorize.
	Method auth.Method
	// Store is where tokens are kept when the method names no store of its own.
	Store auth.Store
	// ClientName is what a person is told of the client, in a registration.
	ClientName string
	// PrivateAddresses lets an authorization server be at an address that is not of the internet.
	PrivateAddresses bool
	// Now is the clock. Nil is time.Now.
	Now func() time.Time
}

// A Flow is the authorization of one session. Its methods are safe for concurrent use.
type Flow struct {
	config Config
	method auth.Method
	common auth.Common
	store  auth.Store
	key    string

	mu      sync.Mutex
	loaded  bool
	entry   entry
	bearer  string // of auth.Bearer
	refused string // the token that the server has refused last
	turn    *turn
	nonces  map[string]string // of DPoP, by origin
	said    error             // the last refusal of an authorization server
	// challenge is what the server has said of where its metadata is.
	challenge string
}

// New makes the authorization of a session. The method has been validated.
func New(config Config) *Flow {
	if config.Now == nil {
		config.Now = time.Now
	}
	f := &Flow{config: config, method: config.Method, nonces: map[string]string{}}
	switch m := config.Method.(type) {
	case *auth.OAuth:
		f.common = m.Common
	case *auth.ClientCredentials:
		f.common = m.Common
	case *auth.EnterpriseManaged:
		f.common = m.Common
	case *auth.WorkloadIdentity:
		f.common = m.Common
	}
	f.store = config.Store
	if f.common.Store != nil {
		f.store = f.common.Store
	}
	f.key = Key(config.URL, config.Method)
	return f
}

// Key is under which a store has what belongs to a server, a way to authorize, a client and a user.
func Key(server *url.URL, method auth.Method) string {
	var kind, client, principal string
	switch m := method.(type) {
	case *auth.OAuth:
		kind, client, principal = "oauth", m.ClientID, m.Principal
	case *auth.ClientCredentials:
		kind, client, principal = "client-credentials", m.ClientID, m.Principal
	case *auth.EnterpriseManaged:
		kind, client, principal = "enterprise", m.ClientID, m.Principal
	case *auth.WorkloadIdentity:
		kind, client, principal = "workload", m.ClientID, m.Principal
	}
	parts := []string{egress.GuestURL(server), kind}
	for _, part := range [][2]string{{"client", client}, {"user", principal}} {
		if part[1] != "" {
			parts = append(parts, part[0]+"="+url.QueryEscape(part[1]))
		}
	}
	return strings.Join(parts, " ")
}

// load reads the entry of the store. With the lock of f held.
func (f *Flow) load(ctx context.Context) error {
	text, err := f.store.Load(ctx, f.key)
	if err != nil {
		return err
	}
	f.entry, f.loaded = entry{}, true
	if text == nil {
		return nil
	}
	read, err := decodeEntry(text)
	if err != nil {
		return err
	}
	// What was kept for another server or by another version of this package is nobody's any more.
	if read.Server == egress.GuestURL(f.config.URL) {
		f.entry = *read
	}
	return nil
}

// save keeps the entry. With the lock of f held.
func (f *Flow) save(ctx context.Context) error {
	f.entry.Server = egress.GuestURL(f.config.URL)
	f.entry.Name = f.config.Server
	return f.store.Save(ctx, f.key, f.entry.encode())
}

// event tells of a step.
func (f *Flow) event(e auth.Event) {
	if f.common.OnEvent == nil {
		return
	}
	e.Time, e.Server = f.config.Now(), f.config.Server
	f.common.OnEvent(e)
}

// fail makes an error of the egress, which the core is told of.
func (f *Flow) fail(kind egress.Kind, err error, format string, args ...any) *egress.Error {
	return &egress.Error{Kind: kind, Server: f.config.Server, Message: fmt.Sprintf(format, args...), Err: err}
}

func (f *Flow) unauthorized(err error, format string, args ...any) *egress.Error {
	return f.fail(egress.Unauthorized, err, format, args...)
}

// Refusal is the last refusal of an authorization server, or nil.
func (f *Flow) Refusal() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.said
}
