package authorization

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// A turn is one authorization, from begin to end: no other session and no other process authorizes for the
// same server, client and user meanwhile.
type turn struct {
	unlock func()
	held   int             // by what the turn must last for; see hold
	ctx    context.Context // ends with the session
	// late ends the turn; until has when, and person how many people are being asked: then it is not.
	late   *time.Timer
	until  time.Time
	person int
	// requests and polls are how many there were.
	requests, polls int

	resource *resourceMetadata // of the server, once it was read
	// servers are the authorization servers that there may be, by the issuer as it was named.
	servers map[string]*authorizationServer
	// redirected are the URLs that metadata was moved to, and where it was looked for.
	redirected map[string]string
	// asked is the server that the person was sent to; the code goes to no other. at is the one that was last
	// talked to.
	asked, at *authorizationServer
	// scopes are those that the server demands, as far as it has said so.
	scopes []string
	// budget is how long requests that may go out again still wait.
	budget time.Duration

	code      string // the authorization code
	device    string // the device code, and when it ends
	deviceEnd time.Time
	assertion string // of the identity provider, for the server's authorization server
	audience  string // the issuer that it is for
}

// hold has the turn last until drop, also when it is ended meanwhile. With the lock of the flow held.
func (t *turn) hold() { t.held++ }

func (t *turn) drop() {
	if t.held--; t.held == 0 {
		t.unlock()
	}
}

// A Challenge is what the server said when it did not take a request; see challenge in
// wit/authorization.wit.
type Challenge struct {
	Status       int
	Scope, Error string
}

// Turning reports whether the session has its turn.
func (f *Flow) Turning() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.turn != nil
}

// Begin waits for the turn, and gives what the core has to know: a JSON object. After an error there is no
// turn.
func (f *Flow) Begin(ctx context.Context, c Challenge) (string, *egress.Error) {
	if m, ok := f.method.(*auth.Bearer); ok {
		return f.again(ctx, m, c)
	}
	unlock, err := f.store.Lock(ctx, f.key)
	if err != nil {
		return "", f.unauthorized(err, "the turn to authorize did not come: %v", err)
	}
	f.mu.Lock()
	defer f.unlock()
	if err := f.load(ctx, true); err != nil {
		unlock()
		return "", f.unauthorized(err, "the store of credentials: %v", err)
	}
	t := &turn{unlock: unlock, ctx: ctx, servers: map[string]*authorizationServer{}, redirected: map[string]string{}}
	t.scopes, t.budget = scopes(c.Scope), f.config.RetryBudget
	t.hold()
	t.until = time.Now().Add(f.config.TurnTime)
	t.late = time.AfterFunc(f.config.TurnTime, func() { f.expire(t) })
	f.turn, f.said, f.ended = t, nil, nil
	f.keepAgain(ctx, t)
	if f.served(c) {
		return encode(knowledge{Granted: true}), nil
	}
	if err := f.permitted(c.Scope); err != nil {
		f.leave(nil)
		f.event(auth.Event{Kind: auth.EventRefused, Err: err})
		return "", f.unauthorized(err, "%v; auth.Common.Scopes has what may be asked for", err)
	}
	if c.Status == 403 {
		f.event(auth.Event{Kind: auth.EventSteppedUp, Scopes: scopes(c.Scope)})
	}
	return encode(f.knowledge(c)), nil
}

// expire ends a turn that has had its time.
func (f *Flow) expire(t *turn) {
	f.mu.Lock()
	defer f.unlock()
	if f.turn != t || t.person > 0 {
		return
	}
	if left := time.Until(t.until); left > 0 {
		t.late.Reset(left)
		return
	}
	failed := t.overdue(f)
	if failed == nil {
		failed = f.unauthorized(nil, "the authorization took longer than %v, without the time that a person took: the authorization server is slow, or there are too many redirects; try again", f.config.TurnTime)
		f.event(auth.Event{Kind: auth.EventRefused, Err: failed})
	}
	f.leave(failed)
}

// overdue is the error of a code to enter elsewhere that has ended; nil before that, and without one.
func (t *turn) overdue(f *Flow) *egress.Error {
	if t.deviceEnd.IsZero() || f.config.Now().Before(t.deviceEnd) {
		return nil
	}
	ended := &auth.RefusedError{Server: f.config.Server, Code: "expired_token", Description: "nobody has entered the code in time"}
	f.said = ended
	f.event(auth.Event{Kind: auth.EventRefused, Err: ended})
	return f.unauthorized(ended, "nobody has entered the code by %s, when it ended: log in again, for another code", t.deviceEnd.Format(time.TimeOnly))
}

// noTurn says why there is no turn. With the lock of f held.
func (f *Flow) noTurn() *egress.Error {
	if f.ended != nil {
		again := *f.ended
		return &again
	}
	return f.fail(egress.Refused, nil, "the core authorizes without a turn")
}

// NoTurn says why there is no turn; nil where there is one.
func (f *Flow) NoTurn() *egress.Error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.turn != nil {
		return nil
	}
	return f.noTurn()
}

// again asks the program for another token than the one that the server has refused.
func (f *Flow) again(ctx context.Context, m *auth.Bearer, c Challenge) (string, *egress.Error) {
	f.mu.Lock()
	defer f.unlock()
	if err := f.bear(ctx, m); err != nil {
		return "", err
	}
	if f.bearer == f.refused {
		required := &auth.RequiredError{Server: f.config.Server, Scopes: scopes(c.Scope), ResourceMetadata: short(f.challenge)}
		return "", f.unauthorized(required, "the server refuses the token that auth.Bearer has: give another one")
	}
	return encode(knowledge{Granted: true}), nil
}

// served reports whether another session has a token by now that the server has not refused, for want of
// these scopes or at all.
func (f *Flow) served(c Challenge) bool {
	t := f.entry.Tokens
	if t == nil || t.Access == f.refused || t.over(f.config.Now()) {
		return false
	}
	return c.Status != 403 || c.Scope != "" && t.has(c.Scope)
}

// mostScopes is how many scopes an event and an error name, and longestScopes how long they are together, in bytes.
const mostScopes, longestScopes = 64, 4 << 10

// scopes takes a list of scopes apart. None of them is cut: a login may ask for it.
func scopes(text string) []string {
	all := strings.Fields(strings.ToValidUTF8(text, "\uFFFD"))
	size := 0
	for i, scope := range all {
		if size += len(scope); i == mostScopes || size > longestScopes {
			return all[:i]
		}
	}
	return all
}

// permitted finds scopes that are not to be asked for.
func (f *Flow) permitted(scope string) error {
	if len(f.common.Scopes) == 0 {
		return nil
	}
	var beyond []string
	for _, s := range strings.Fields(scope) {
		if !slices.Contains(f.common.Scopes, s) {
			beyond = append(beyond, s)
		}
	}
	if len(beyond) == 0 {
		return nil
	}
	return &auth.ScopeError{Server: f.config.Server, Scopes: scopes(strings.Join(beyond, " "))}
}

// End ends the turn.
func (f *Flow) End() {
	f.mu.Lock()
	defer f.unlock()
	f.leave(nil)
}

// leave ends the turn, for this reason where the core does not expect it. With the lock of f held.
func (f *Flow) leave(why *egress.Error) {
	if f.turn != nil {
		f.ended = why
		f.turn.late.Stop()
		f.turn.drop()
		f.turn = nil
	}
}

// Forget forgets the client or the tokens.
func (f *Flow) Forget(ctx context.Context, client bool) {
	f.mu.Lock()
	defer f.unlock()
	next := f.entry
	next.Tokens = nil
	if client {
		next.Client = nil // A configured client stays with the issuer that it was used with, until a logout.
	}
	if f.turn == nil || next.Tokens == f.entry.Tokens && next.Client == f.entry.Client {
		return
	}
	if t := f.entry.Tokens; t != nil {
		f.remember(t.Access, t.Refresh)
	}
	if c := f.entry.Client; c != nil {
		f.remember(c.Secret)
	}
	f.save(ctx, f.turn, next)
}
