package authorization

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// Statuses are what a store has of every server, in the order of its keys.
func Statuses(ctx context.Context, store auth.Store, now func() time.Time) ([]auth.Status, error) {
	keys, err := store.Keys(ctx)
	if err != nil {
		return nil, err
	}
	var all []auth.Status
	for _, key := range keys {
		parts, ok := parseKey(key)
		if !ok {
			continue
		}
		text, err := store.Load(ctx, key)
		if err != nil {
			return nil, err
		}
		if text != nil {
			all = append(all, statusOf(parts, text, now()))
		}
	}
	return all, nil
}

// statusOf tells of an entry what is no secret. Of one that cannot be read it has what the key says.
func statusOf(key keyParts, text []byte, now time.Time) auth.Status {
	s := auth.Status{Server: key.server, Method: key.kind, Principal: key.principal, ClientID: key.client}
	e, err := decodeEntry(text)
	if err != nil || e.Server != key.server {
		return s
	}
	s.Name, s.Issuer = e.Name, e.Bound
	if c := e.Client; c != nil && key.client == "" {
		s.ClientID, s.Registered, s.Issuer = c.ID, true, c.Issuer
	}
	if m, err := decodeServerMetadata(e.ServerMetadata); err == nil {
		s.Revocable = m.RevocationEndpoint != ""
	}
	t := e.Tokens
	if t == nil {
		return s
	}
	s.Issuer, s.TokenType, s.Scopes = t.Issuer, t.Type, strings.Fields(t.Scope)
	if s.ClientID == "" {
		s.ClientID = t.Client
	}
	s.Issued, s.Expiry, s.Expired = t.Issued, t.Expiry, t.over(now)
	s.Refreshable = t.Refresh != "" || key.kind != kindOAuth
	return s
}

// Status is what the store has for the flow; nil for nothing.
func (f *Flow) Status(ctx context.Context) (*auth.Status, error) {
	parts, ok := parseKey(f.key)
	text, err := f.store.Load(ctx, f.key)
	text, err = f.config.Unsaved.over(f.store, f.key, text, err)
	if err != nil || text == nil || !ok {
		return nil, err
	}
	s := statusOf(parts, text, f.config.Now())
	return &s, nil
}

// Token is the token that requests carry now; nil where there is none, or where it has ended. Unless late is set, it
// is also nil where the token is about to end.
func (f *Flow) Token(ctx context.Context, late bool) (*auth.Token, error) {
	f.mu.Lock()
	defer f.unlock()
	if m, ok := f.method.(*auth.Bearer); ok {
		if failed := f.bear(ctx, m); failed != nil {
			return nil, failed
		}
		return &auth.Token{Value: f.bearer, Type: "Bearer"}, nil
	}
	if err := f.load(ctx, true); err != nil {
		return nil, err
	}
	t, now := f.entry.Tokens, f.config.Now()
	if t == nil || !late && t.over(now) || !t.Expiry.IsZero() && !now.Before(t.Expiry) {
		return nil, nil
	}
	return &auth.Token{Value: t.Access, Type: t.Type, Scopes: strings.Fields(t.Scope), Expiry: t.Expiry}, nil
}

// Key is the key of the flow's entry in the store.
func (f *Flow) Key() string { return f.key }

// errNotKept has an Unsaved give what it has, whatever the store has.
var errNotKept = errors.New("not kept")

// Keys are the keys of the server's entries in the store, for whatever client and user.
func (f *Flow) Keys(ctx context.Context) ([]string, error) {
	keys, err := f.store.Keys(ctx)
	if err != nil {
		return nil, err
	}
	server := egress.GuestURL(f.config.URL)
	keys = slices.Clone(keys)
	if unsaved, _ := f.config.Unsaved.over(f.store, f.key, nil, errNotKept); unsaved != nil && !slices.Contains(keys, f.key) {
		keys = append(keys, f.key)
	}
	return slices.DeleteFunc(keys, func(key string) bool {
		parts, ok := parseKey(key)
		return !ok || parts.server != server
	}), nil
}
