// Package authorization is the host's half of the authorization of one session: it keeps every secret, puts
// each into the one place that it is for, and takes the answers of authorization servers apart before the
// core sees them. The core, with the official SDK in it, is the other half: see wit/authorization.wit.
package authorization

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

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
	// RetryBudget is how long a turn waits in all before requests that may go out once more.
	RetryBudget time.Duration
	// Unsaved are the entries that the store did not keep, which several sessions may share. Nil is the flow's own.
	Unsaved *Unsaved
	// Logger is told what goes wrong without failing anything. Nil is nobody.
	Logger *slog.Logger
	// Now is the clock. Nil is time.Now.
	Now func() time.Time
	// AnswerTime is how long an authorization server may take to answer, TurnTime how long a turn may take
	// without the time that a person takes. Zero is the default.
	AnswerTime, TurnTime time.Duration
}

const (
	// defaultAnswerTime is less than a command waits by default, so that the error says who has not answered.
	defaultAnswerTime = 20 * time.Second
	// defaultTurnTime is far above what a login takes. Who does not end a turn, which others may wait for,
	// loses it.
	defaultTurnTime = 5 * time.Minute
	// keeping is how long the store may take to keep an entry, also when nobody waits for it any more.
	keeping = 10 * time.Second
)

// A server that refuses every token would have a person asked with each request. So they are asked so often in
// a row, and once more in each interval.
const mostAsks, askInterval = 8, 30 * time.Second

// A Flow is the authorization of one session. Its methods are safe for concurrent use.
type Flow struct {
	config Config
	method auth.Method
	common auth.Common
	store  auth.Store
	key    string

	bearing chan struct{} // has room while nobody asks the program for a token
	saving  sync.Mutex    // orders what the store gets
	asks    *rate.Limiter

	mu sync.Mutex
	// stale says that the metadata in the entry led to no token: it is read anew.
	stale   bool
	loaded  bool
	entry   entry
	kept    []byte // what the store has, as far as it is known
	bearer  string // of auth.Bearer
	refused string // the token that the server has refused last
	turn    *turn
	ended   *egress.Error     // why the last turn ended before the core has ended it
	nonces  map[string]string // of DPoP, by origin
	seen    []string          // the last secrets that came by
	veil    *egress.Veil      // over those in veiled
	veiled  []string
	said    error        // the last refusal of an authorization server
	events  []auth.Event // that nobody has heard of yet
	// challenge is what the server has said of where its metadata is.
	challenge string
}

// New makes the authorization of a session. The method has been validated.
func New(config Config) *Flow {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Unsaved == nil {
		config.Unsaved = &Unsaved{}
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.AnswerTime == 0 {
		config.AnswerTime = defaultAnswerTime
	}
	if config.TurnTime == 0 {
		config.TurnTime = defaultTurnTime
	}
	f := &Flow{
		config: config, method: config.Method, nonces: map[string]string{}, bearing: make(chan struct{}, 1),
		asks: rate.NewLimiter(rate.Every(askInterval), mostAsks),
	}
	f.common = commonOf(config.Method)
	f.store = StoreOf(config.Method, config.Store)
	f.key = Key(config.URL, config.Method)
	return f
}

// Copy copies a way to authorize, and gives what the copy has in common with the others: nil for nothing.
func Copy(method auth.Method) (auth.Method, *auth.Common) {
	switch m := method.(type) {
	case *auth.OAuth:
		copied := *m
		return &copied, &copied.Common
	case *auth.ClientCredentials:
		copied := *m
		return &copied, &copied.Common
	case *auth.EnterpriseManaged:
		copied := *m
		return &copied, &copied.Common
	case *auth.WorkloadIdentity:
		copied := *m
		return &copied, &copied.Common
	}
	return method, nil
}

// commonOf is what a way to authorize has in common with the others.
func commonOf(method auth.Method) auth.Common {
	if _, common := Copy(method); common != nil {
		return *common
	}
	return auth.Common{}
}

// StoreOf is the store that a way to authorize keeps its tokens in, which may be none: then it is the other one.
func StoreOf(method auth.Method, other auth.Store) auth.Store {
	if store := commonOf(method).Store; store != nil {
		return store
	}
	return other
}

// load reads the entry of the store. With the lock of f held, but not while the store reads. Where another
// one has loaded it meanwhile, it counts only anew.
func (f *Flow) load(ctx context.Context, anew bool) error {
	var text []byte
	var err error
	f.outside(func() { text, err = f.store.Load(ctx, f.key) })
	kept := text
	text, err = f.config.Unsaved.over(f.store, f.key, text, err)
	switch {
	case err != nil:
		return err
	case f.loaded && !anew:
		return nil
	}
	if t := f.entry.Tokens; t != nil {
		f.remember(t.Access, t.Refresh) // Requests with it may be under way.
	}
	f.entry, f.loaded, f.kept = entry{}, true, kept
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

// save keeps an entry in the turn t, and only then uses it. One that the store does not keep is used all the same,
// by all sessions that share the Unsaved, and that is said. With the lock of f held, but not while the store
// writes. The turn lasts until it has, and it has its time also when nobody waits any more: a token that replaces
// another one must not be lost.
func (f *Flow) save(ctx context.Context, t *turn, next entry) {
	next.Server = egress.GuestURL(f.config.URL)
	next.Name = f.config.Server
	text := next.encode()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keeping)
	defer cancel()
	t.hold()
	defer t.drop()
	var err error
	f.outside(func() {
		f.saving.Lock()
		defer f.saving.Unlock()
		err = f.store.Save(ctx, f.key, text)
	})
	f.entry = next
	if err == nil {
		f.kept = text
		f.config.Unsaved.drop(f.store, f.key)
		return
	}
	f.config.Unsaved.put(f.store, f.key, text, f.kept, f.config.Now())
	f.event(auth.Event{Kind: auth.EventUnsaved, Err: err})
	f.config.Logger.Warn("the store of credentials did not keep what was got: it is in memory until the store does: "+f.hidden(err.Error()), "server", f.config.Server)
}

// event tells of a step, when the lock of f, which is held, is given back.
func (f *Flow) event(e auth.Event) {
	if f.common.OnEvent == nil {
		return
	}
	e.Time, e.Server = f.config.Now(), f.config.Server
	f.describe(&e)
	f.events = append(f.events, e)
}

// Issuer is who has issued the tokens; "" where there are none.
func (f *Flow) Issuer() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.entry.Tokens == nil {
		return ""
	}
	return f.entry.Tokens.Issuer
}

// describe adds the issuer and the client of a step, as far as they are known. With the lock of f held.
func (f *Flow) describe(e *auth.Event) {
	var s *authorizationServer
	if f.turn != nil {
		s = f.turn.at
	}
	if s == nil && f.entry.Tokens != nil {
		s = &authorizationServer{name: f.entry.Tokens.Issuer}
	}
	if s == nil {
		return
	}
	if e.Issuer == "" {
		e.Issuer = f.quoted(s.issuer())
	}
	if e.ClientID != "" || e.Issuer != f.quoted(s.issuer()) {
		return
	}
	if m, ok := f.method.(*auth.EnterpriseManaged); ok && s.vouches {
		e.ClientID = m.IdentityProviderClientID
	} else if id, _, failed := f.clientAt(s); failed == nil {
		e.ClientID = f.quoted(id)
	}
}

// unlock gives the lock of f back, and tells what has happened.
func (f *Flow) unlock() {
	events := f.events
	f.events = nil
	f.mu.Unlock()
	for _, e := range events {
		f.common.OnEvent(e)
	}
}

// outside does without the lock of f, which is held, what may take its time: whoever hides a secret or ends
// the session does not wait for it.
func (f *Flow) outside(do func()) {
	f.unlock()
	defer f.mu.Lock()
	do()
}

// within waits for a function of the program's, no longer than the context lasts: it may not look at it.
func within[T any](ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := f(ctx)
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// mostSeen is how many secrets that have come by are remembered, and mostSeenBytes how large they are together, but for
// the last one: a Veil has each in some thirty spellings.
const mostSeen, mostSeenBytes = 64, 256 << 10

// remember keeps a secret, so that nothing that is told has it. With the lock of f held.
func (f *Flow) remember(secrets ...string) {
	for _, secret := range secrets {
		if secret != "" && !slices.Contains(f.seen, secret) {
			f.seen = append(f.seen, secret)
		}
	}
	size := 0
	for i, secret := range slices.Backward(f.seen) {
		if size += len(secret); i < len(f.seen)-1 && (size > mostSeenBytes || len(f.seen)-i > mostSeen) {
			f.seen = slices.Clone(f.seen[i+1:])
			return
		}
	}
}

// Veil implements [egress.Authorization]: it hides the secrets that are configured or kept, and the last that came by.
func (f *Flow) Veil() *egress.Veil {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current()
}

// current is Veil with the lock of f held. A veil takes long to make.
func (f *Flow) current() *egress.Veil {
	if all := f.secrets(); f.veil == nil || !slices.Equal(all, f.veiled) {
		f.veil, f.veiled = egress.NewVeil(all), all
	}
	return f.veil
}

// Secrets are what must not be told: those that are configured or kept, and the last that came by.
func (f *Flow) Secrets() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.secrets()
}

// secrets is Secrets with the lock of f held.
func (f *Flow) secrets() []string {
	all := append([]string{f.bearer, f.refused}, f.seen...)
	if t := f.entry.Tokens; t != nil {
		all = append(all, t.Access, t.Refresh)
	}
	if c := f.entry.Client; c != nil {
		all = append(all, c.Secret)
	}
	switch m := f.method.(type) {
	case *auth.OAuth:
		all = append(all, m.ClientSecret)
	case *auth.ClientCredentials:
		all = append(all, m.ClientSecret)
	case *auth.EnterpriseManaged:
		all = append(all, m.ClientSecret, m.IdentityProviderClientSecret)
	}
	return all
}

// Hide replaces the secrets of the flow in a text.
func (f *Flow) Hide(text string) string { return f.Veil().Hide(text) }

// hidden is Hide with the lock of f held.
func (f *Flow) hidden(text string) string { return f.current().Hide(text) }

// quoted is what a server says in one line of a message, without secrets. With the lock of f held.
func (f *Flow) quoted(text string) string { return short(f.hidden(text)) }

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
