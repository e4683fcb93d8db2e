// Package pool has the sessions with MCP servers, each for one principal. Those that calls by a server's name use
// are shared by all calls of the principal; those that a principal connects are only for who has the id.
package pool

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// maxPrincipals bounds the principals that have sessions or scripts at once.
const maxPrincipals = 10000

// Options say how a Pool works.
type Options struct {
	// Client is what the client of each principal has. Governance.Principal, OnNotification, Capabilities and
	// ReceivingMiddleware are the pool's.
	Client caisson.ClientOptions
	// Store keeps logins; nil keeps them in memory, with the client of their principal.
	Store auth.Store
	// Max and MaxPerPrincipal bound the sessions.
	Max, MaxPerPrincipal int
	// Idle is how long a session lives that nobody uses. Age is how long a shared session is given to new calls.
	Idle, Age time.Duration
	// Health says when a server counts as one that cannot be reached.
	Health Health
	// Drained are servers that get nothing new from the start, until [Pool.ResumeServer].
	Drained []string
	// Settings are those of servers, by their names, and of sets of equivalent servers, by names of their own.
	Settings map[string]Settings
}

// maxPings bounds the pings that are underway.
const maxPings = 16

// A Pool has the sessions. It is safe for concurrent use.
type Pool struct {
	runtime *caisson.Runtime
	options Options
	log     *slog.Logger
	closing sync.WaitGroup // of what is being closed
	closed  chan struct{}
	close   func()
	pings   chan struct{} // has room for those that may be underway
	// inspecting has room for the one who looks at what a server offers.
	inspecting chan struct{}

	mu         sync.Mutex
	servers    caisson.Servers
	settings   map[string]Settings
	names      map[string]bool // of the servers
	each       map[string]*each
	upstreams  map[string]*upstream
	drained    map[string]bool // servers that get nothing new
	policy     *policy.Policy
	principals map[string]*principal
	count      int // sessions that are open, or are being opened
	ending     int // those that are being closed
	draining   bool
}

// A principal is who has sessions. The fields are guarded by the pool's lock.
type principal struct {
	name     string
	client   *caisson.Client
	sessions map[string]*Session   // by their ids
	shared   map[string][]*Session // by their servers
	homes    map[string]string     // which one of equivalent servers its calls go to
	users    int                   // of the client, besides sessions
	ending   int                   // sessions that are being closed
	hubs     *hubs
}

// New makes a pool. The servers may be nil. Close it.
func New(runtime *caisson.Runtime, servers caisson.Servers, options Options) *Pool {
	if servers == nil {
		servers = caisson.ServerMap{}
	}
	log := options.Client.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	options.Health.defaults()
	p := &Pool{
		runtime: runtime, options: options, log: log, policy: options.Client.Policy,
		principals: map[string]*principal{}, upstreams: map[string]*upstream{}, drained: map[string]bool{},
		closed: make(chan struct{}), pings: make(chan struct{}, maxPings), inspecting: make(chan struct{}, 1),
	}
	p.close = sync.OnceFunc(func() { close(p.closed) })
	for _, name := range options.Drained {
		p.drained[name] = true
	}
	p.useSettings(servers, options.Settings)
	p.mu.Lock()
	p.keepWarm()
	p.mu.Unlock()
	p.closing.Go(p.watch)
	return p
}

// of returns a principal, and makes its client when it has none. With p.mu held.
func (p *Pool) of(name string) (*principal, error) {
	if p.draining {
		return nil, errDraining
	}
	if pr := p.principals[name]; pr != nil {
		return pr, nil
	}
	if len(p.principals) >= maxPrincipals {
		return nil, limit("", "there are %d principals with sessions at once, which is the most", maxPrincipals)
	}
	pr := &principal{name: name, sessions: map[string]*Session{}, shared: map[string][]*Session{}, homes: map[string]string{}, hubs: newHubs()}
	client, err := p.newClient(name, pr.hubs, nil)
	if err != nil {
		return nil, err
	}
	pr.client = client
	p.principals[name] = pr
	return pr, nil
}

var errDraining = &caisson.Error{Code: caisson.CodeClosed, Step: "connect", Message: "the daemon ends, and takes no new sessions and scripts: ask another one, or again later"}

func limit(server, format string, args ...any) error {
	return &caisson.Error{Code: caisson.CodeLimit, Server: server, Step: "connect", Message: fmt.Sprintf(format, args...)}
}

// newClient makes a client of a principal. With p.mu held.
func (p *Pool) newClient(name string, hubs *hubs, asked *capabilities) (*caisson.Client, error) {
	o := p.options.Client
	if p.policy != nil {
		o.Principal, o.Policy = name, p.policy
	}
	o.OnNotification = hubs.notified
	if asked != nil {
		o.Capabilities = asked.declared
		o.ReceivingMiddleware = []caisson.Middleware{hubs.answering}
	}
	return p.runtime.NewClient(&o)
}

// Client returns the client of a principal, for scripts, until release is called.
func (p *Pool) Client(name string) (client *caisson.Client, release func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pr, err := p.of(name)
	if err != nil {
		return nil, nil, err
	}
	pr.users++
	return pr.client, sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		pr.users--
		p.forget(pr)
	}), nil
}

// forget closes the client of a principal that uses nothing any more. With p.mu held.
func (p *Pool) forget(pr *principal) {
	if pr.users > 0 || len(pr.sessions) > 0 || pr.ending > 0 || p.principals[pr.name] != pr {
		return
	}
	delete(p.principals, pr.name)
	p.closing.Go(func() { _ = pr.client.Close() })
}

// Use returns the session that a call of a principal goes through: that of an id, or a shared one with a server. The
// caller calls release when the call has ended.
func (p *Pool) Use(ctx context.Context, principal string, target Target) (*Session, func(), error) {
	return p.use(ctx, principal, target, map[string]bool{})
}

// use is Use without the servers that were tried, to which it adds those that cannot be reached.
func (p *Pool) use(ctx context.Context, principal string, target Target, tried map[string]bool) (*Session, func(), error) {
	var failed error
	for {
		s, err := p.take(principal, target, tried)
		if err != nil || s == nil {
			return nil, nil, cmp.Or(failed, err, error(errTried))
		}
		connected, release, err := p.await(ctx, s)
		if err == nil || target.ID != "" || !unreachable(err) || ctx.Err() != nil {
			return connected, release, err
		}
		failed = err // Nothing was sent: an equivalent server may do.
		tried[s.Server] = true
	}
}

var errTried = &caisson.Error{Code: caisson.CodeConnect, Step: "connect", Message: "none of the equivalent servers can be reached"}

// await waits until a session is connected that counts this call. When it fails, the call is not counted any more.
func (p *Pool) await(ctx context.Context, s *Session) (*Session, func(), error) {
	release := sync.OnceFunc(func() { p.release(s) })
	select {
	case <-s.ready:
	case <-ctx.Done():
		release()
		return nil, nil, ctx.Err()
	}
	if s.err != nil {
		release()
		return nil, nil, s.err
	}
	return s, release, nil
}

// A Target says which session is meant: one of the two is set.
type Target struct{ ID, Server string }

// take finds a session, or begins to make it, and counts a call of it. See takeShared about the servers that were tried.
func (p *Pool) take(name string, target Target, tried map[string]bool) (*Session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if target.ID == "" {
		return p.takeShared(name, target.Server, tried)
	}
	s := p.find(name, target.ID)
	if s == nil {
		return nil, notFound(target.ID)
	}
	if s.left() {
		return nil, drains(s.Server)
	}
	s.begin()
	return s, nil
}

// Has reports whether a principal has a session of an id here, also one that is being connected.
func (p *Pool) Has(principal, id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.find(principal, id) != nil
}

// find finds a session of a principal. With p.mu held.
func (p *Pool) find(name, id string) *Session {
	if pr := p.principals[name]; pr != nil {
		return pr.sessions[id]
	}
	return nil
}

// A NotFoundError says that a principal has no session of an id.
type NotFoundError struct{ ID string }

// Error says what to do.
func (e *NotFoundError) Error() string {
	return fmt.Sprintf("there is no session %q: it has ended, or was not used for too long; connect again", e.ID)
}

func notFound(id string) error { return &NotFoundError{id} }

// An ExistsError says that a principal has a session of an id already.
type ExistsError struct{ ID string }

// Error says what to do.
func (e *ExistsError) Error() string {
	return fmt.Sprintf("there is a session %q already: disconnect it, or take another id", e.ID)
}

// leastEnding is how many sessions may be closed at once in any case.
const leastEnding = 16

// RuntimeSessions is how many sessions the runtime of a pool has at once, where Options.Max is most: those, as many that
// are being closed, and the one of [Pool.Inspect].
func RuntimeSessions(most int) int { return most + max(most, leastEnding) + 1 }

// add adds a session that is not connected yet, and makes room for it where it may. A session that is being closed takes
// no place; but its server may take its time with that, and of those there are no more than of the others. With p.mu held.
func (p *Pool) add(pr *principal, id, server string, room bool) (*Session, error) {
	if pr.ending >= max(p.options.MaxPerPrincipal, leastEnding) || p.ending >= max(p.options.Max, leastEnding) {
		return nil, limit(server, "%d sessions of the principal, of %d in all, are being closed and their servers have not ended: ask again in a few seconds", pr.ending, p.ending)
	}
	if len(pr.sessions) >= p.options.MaxPerPrincipal && !(room && p.makeRoom(pr)) {
		return nil, limit(server, "the principal has %d sessions, and sessions.maxPerPrincipal is no more: disconnect some", len(pr.sessions))
	}
	if p.count >= p.options.Max && !(room && p.makeRoom(nil)) {
		return nil, limit(server, "the daemon has %d sessions, and sessions.max is no more", p.count)
	}
	s := newSession(id, server, pr)
	pr.sessions[id] = s
	p.count++
	return s, nil
}

// makeRoom closes the shared session that nobody has used for the longest time, of a principal or of all; false when
// all are in use. Its place is free at once, as the server's end is waited for elsewhere. With p.mu held.
func (p *Pool) makeRoom(of *principal) bool {
	var oldest *Session
	for _, pr := range p.principals {
		if of != nil && pr != of {
			continue
		}
		for _, all := range pr.shared {
			for _, s := range all {
				if s.underway == 0 && (oldest == nil || s.used.Before(oldest.used)) {
					oldest = s
				}
			}
		}
	}
	if oldest == nil {
		return false
	}
	p.remove(oldest)
	return true
}

// connect connects a session, once for all that wait for it, and returns when it has ended. Who waits may give up; it
// goes on for the next one.
func (p *Pool) connect(s *Session, client *caisson.Client, describe func() (caisson.Server, error)) {
	var session *caisson.Session
	server, err := describe()
	if err == nil {
		session, err = client.Connect(s.ctx, server)
	}
	p.mu.Lock()
	s.session, s.err = session, err
	if err == nil {
		s.hub = s.hubs.of(session)
	}
	close(s.ready)
	if s.upstream != nil {
		s.upstream.reached(s.done, err)
	}
	if err != nil {
		p.remove(s)
	}
	switch {
	case err != nil || s.gone: // Where it was closed meanwhile, nobody else closes it.
		p.free(s)
	case s.underway == 0:
		p.rest(s)
	}
	p.mu.Unlock()
	if err != nil {
		p.log.Info("a session could not be made", "server", s.Server, "principal", s.Principal, "error", err)
		return
	}
	p.log.Info("a session begins", "server", s.Server, "principal", s.Principal, "session", s.ID)
	why := session.Wait()
	p.mu.Lock()
	p.remove(s)
	p.mu.Unlock()
	close(s.over)
	p.log.Info("a session has ended", "server", s.Server, "principal", s.Principal, "session", s.ID, "error", why)
}

// remove takes a session out, and closes it. With p.mu held.
func (p *Pool) remove(s *Session) {
	if s.gone {
		return
	}
	s.gone = true
	pr := s.principal
	p.count--
	p.ending++
	pr.ending++
	delete(pr.sessions, s.ID)
	p.unshare(s)
	s.stop()
	if s.session != nil {
		p.free(s)
	}
}

// free closes a session that was removed, and forgets its principal where nothing else is left of it. With p.mu held.
func (p *Pool) free(s *Session) {
	p.closing.Go(func() {
		s.free()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.freed(s)
	})
}

// freed says that a session is closed. With p.mu held.
func (p *Pool) freed(s *Session) {
	close(s.freed)
	p.ending--
	s.principal.ending--
	p.forget(s.principal)
}

// retire gives a shared session to no new call, and closes it when it has none.
func (p *Pool) retire(s *Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retireLocked(s)
}

func (p *Pool) retireLocked(s *Session) {
	p.unshare(s)
	if s.retired = true; s.underway == 0 {
		p.remove(s)
	}
}

// unshare gives a session to no new call. With p.mu held.
func (p *Pool) unshare(s *Session) {
	shared := s.principal.shared
	if shared[s.Server] = slices.DeleteFunc(shared[s.Server], func(other *Session) bool { return other == s }); len(shared[s.Server]) == 0 {
		delete(shared, s.Server)
	}
}

// release ends a call of a session.
func (p *Pool) release(s *Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.underway--
	if s.upstream != nil {
		s.upstream.underway--
	}
	s.used = time.Now()
	switch {
	case s.gone || s.underway > 0:
	case s.retired:
		p.remove(s)
	case s.connected():
		p.rest(s)
	}
}

// configured describes a server of the configuration, with the logins of a principal.
func (p *Pool) configured(principal, name string) (caisson.Server, error) {
	p.mu.Lock()
	servers := p.servers
	p.mu.Unlock()
	if !slices.Contains(servers.Names(), name) {
		return caisson.Server{}, noServer(name)
	}
	server, err := servers.Server(name)
	if err != nil {
		return server, err
	}
	server.Auth = withLogins(server.Auth, p.options.Store, principal)
	return server, nil
}

// A ConnectOptions says what session is made.
type ConnectOptions struct {
	// ID is the id of the session. Default: one that is made.
	ID string
	// Server is a server of the configuration; where it is "", Inline is the server, under its own name.
	Server string
	Inline *caisson.Server
	// Capabilities is the JSON object of what the caller can be asked. Default: nothing.
	Capabilities []byte
}

// Connect makes a session that only who has its id uses. The caller calls release when it has looked at it.
func (p *Pool) Connect(ctx context.Context, name string, o ConnectOptions) (*Session, func(), error) {
	if o.ID == "" {
		o.ID = rand.Text()
	} else if !isID(o.ID) {
		return nil, nil, &caisson.Error{Code: caisson.CodeInvalidArgument, Step: "connect", Message: "the id of a session is 1 to 64 letters, digits and -._"}
	}
	asked, err := readCapabilities(o.Capabilities)
	if err != nil {
		return nil, nil, err
	}
	tried := map[string]bool{}
	var failed error
	for {
		s, err := p.beginOwn(name, &o, asked, tried)
		if err != nil || s == nil {
			return nil, nil, cmp.Or(failed, err, error(errTried))
		}
		connected, release, err := p.await(ctx, s)
		if err == nil {
			return connected, release, nil
		}
		p.mu.Lock()
		p.remove(s) // Nobody knows its id.
		p.mu.Unlock()
		if o.Inline != nil || !unreachable(err) || ctx.Err() != nil {
			return nil, nil, err
		}
		failed = err
		tried[s.Server] = true
	}
}

// beginOwn begins to make a session for one caller, with the first server that can be called and was not tried. It adds
// those that cannot be to them; nil when all were tried.
func (p *Pool) beginOwn(name string, o *ConnectOptions, asked *capabilities, tried map[string]bool) (*Session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pr, err := p.of(name)
	if err != nil {
		return nil, err
	}
	defer p.forget(pr) // Where nothing was made.
	if pr.sessions[o.ID] != nil {
		return nil, &ExistsError{o.ID}
	}
	if o.Inline != nil {
		if server := o.Inline.Name; p.names[server] || p.settings[server].Servers != nil {
			return nil, &caisson.Error{Code: caisson.CodeInvalidArgument, Server: server, Step: "connect", Message: "the configuration has a server of this name: take another one"}
		}
		return p.addOwn(pr, o, asked, nil)
	}
	all := p.candidates(pr, o.Server)
	if len(all) == 0 {
		return nil, noServer(o.Server)
	}
	for _, u := range all {
		if tried[u.name] {
			continue
		}
		var s *Session
		if s, err = p.addOwn(pr, o, asked, u); err == nil || !unreachable(err) {
			return s, err
		}
		tried[u.name] = true
	}
	return nil, err
}

// addOwn adds a session for one caller, with a server of the configuration, or with the one that the options describe.
// With p.mu held.
func (p *Pool) addOwn(pr *principal, o *ConnectOptions, asked *capabilities, u *upstream) (*Session, error) {
	server, done := "", func(error) {}
	var err error
	if u == nil {
		server = o.Inline.Name
	} else if done, err = p.allow(u); err != nil {
		return nil, err
	} else {
		server = u.name
	}
	s, err := p.add(pr, o.ID, server, true)
	if err == nil && asked != nil {
		s.hubs = newHubs()
		if s.client, err = p.newClient(pr.name, s.hubs, asked); err != nil {
			p.remove(s)
			p.freed(s)
		}
	}
	if err != nil {
		done(context.Canceled) // It was not tried.
		return nil, err
	}
	s.upstream, s.done = u, done
	client := pr.client
	if s.client != nil {
		client = s.client
	}
	s.begin()
	p.closing.Go(func() {
		p.connect(s, client, func() (caisson.Server, error) {
			if u == nil {
				return *o.Inline, nil
			}
			return p.configured(pr.name, server)
		})
	})
	return s, nil
}

func isID(id string) bool {
	for _, c := range id {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-._", c)) {
			return false
		}
	}
	return id != "" && len(id) <= 64
}

// Disconnect closes a session of a principal, and waits until its server has ended.
func (p *Pool) Disconnect(ctx context.Context, principal, id string) error {
	p.mu.Lock()
	s := p.find(principal, id)
	if s == nil {
		p.mu.Unlock()
		return notFound(id)
	}
	p.remove(s)
	p.mu.Unlock()
	select {
	case <-s.freed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// List returns the sessions of a principal that are connected, by server and id.
func (p *Pool) List(principal string) []*Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*Session
	if pr := p.principals[principal]; pr != nil {
		for _, s := range pr.sessions {
			if s.connected() {
				all = append(all, s)
			}
		}
	}
	slices.SortFunc(all, func(a, b *Session) int {
		return strings.Compare(a.Server+"\x00"+a.ID, b.Server+"\x00"+b.ID)
	})
	return all
}

// A ServerState says what there is of a server of the configuration.
type ServerState struct {
	Name     string
	Disabled bool
	// Draining says that it gets nothing new: see [Pool.DrainServer].
	Draining bool
	// Err is what is wrong with its description, or nil; LastErr how the last attempt to connect has failed.
	Err, LastErr error
	// Sessions and Underway count the sessions and the calls of all principals. Instances is how many sessions the calls
	// of one principal share at most.
	Sessions, Underway, Instances int
	// Reopens is when it is called again; zero where it is called now.
	Reopens time.Time
}

// Servers returns the servers of the configuration, by their names.
func (p *Pool) Servers() []ServerState {
	p.mu.Lock()
	servers, counts := p.servers, map[string]int{}
	for _, pr := range p.principals {
		for _, s := range pr.sessions {
			counts[s.Server]++
		}
	}
	var all []ServerState
	for _, name := range servers.Names() {
		state := ServerState{Name: name, Disabled: servers.Disabled(name), Draining: p.drained[name], Sessions: counts[name], Instances: p.each[name].instances}
		if u := p.upstreams[name]; u != nil {
			state.LastErr, state.Underway = u.failure, u.underway
			if u.rank() == 2 {
				state.Reopens = u.reopens
			}
		}
		all = append(all, state)
	}
	p.mu.Unlock()
	for i := range all {
		if !all[i].Disabled {
			_, all[i].Err = servers.Server(all[i].Name)
		}
	}
	return all
}

// Enabled returns the names of the servers that are not disabled.
func (p *Pool) Enabled() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.servers.Names()), p.servers.Disabled)
}

// Count returns how many sessions there are.
func (p *Pool) Count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

// SetServers replaces the servers and their settings. Shared sessions with servers that have changed, or are gone, end
// when their calls have ended; the others go on.
func (p *Pool) SetServers(servers caisson.Servers, settings map[string]Settings) {
	p.mu.Lock()
	before := p.servers
	p.mu.Unlock()
	kept := map[string]bool{}
	for _, name := range before.Names() { // Without the lock, as it may read files and ask the keyring.
		kept[name] = same(before, servers, name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.useSettings(servers, settings)
	for name := range p.upstreams {
		if !kept[name] {
			delete(p.upstreams, name)
			p.eject(name)
		}
	}
	for _, pr := range p.principals {
		for _, all := range pr.shared {
			for _, s := range all { // Whether it is kept warm may have changed.
				if s.underway == 0 && s.connected() {
					s.stopIdle()
					p.rest(s)
				}
			}
		}
	}
	p.keepWarm()
}

// same reports whether both have the server, and describe it alike.
func same(a, b caisson.Servers, name string) bool {
	if !slices.Contains(b.Names(), name) || b.Disabled(name) {
		return false
	}
	before, err := a.Server(name)
	if err != nil {
		return false
	}
	now, err := b.Server(name)
	return err == nil && reflect.DeepEqual(before, now)
}

// SetPolicy replaces the policy, for all calls that are decided from now on. It fails as [caisson.Client.SetPolicy].
func (p *Pool) SetPolicy(next *policy.Policy) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	probe, err := p.newClient("", newHubs(), nil) // What one client does not take, none does.
	if err != nil {
		return err
	}
	defer func() { p.closing.Go(func() { _ = probe.Close() }) }()
	if err := probe.SetPolicy(next); err != nil {
		return err
	}
	p.policy = next
	for _, pr := range p.principals {
		err = firstError(err, pr.client.SetPolicy(next))
		for _, s := range pr.sessions {
			if s.client != nil {
				err = firstError(err, s.client.SetPolicy(next))
			}
		}
	}
	return err
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// Policy is the policy that holds; nil without one.
func (p *Pool) Policy() *policy.Policy {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.policy
}

// Drain has the pool make no new sessions. Those that are there can be used.
func (p *Pool) Drain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draining = true
}

// Close closes all sessions, and waits until the commands of their servers have ended.
func (p *Pool) Close() {
	p.close()
	p.mu.Lock()
	p.draining = true
	for _, pr := range p.principals {
		for _, s := range pr.sessions {
			p.remove(s)
		}
		pr.users = 0
		p.forget(pr)
	}
	p.mu.Unlock()
	p.closing.Wait()
}
