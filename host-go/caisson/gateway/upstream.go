package gateway

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// An upstream is a server as one client has it: the session that its requests share, and those that calls have to
// themselves. When the shared session ends, it is made anew, with growing delays.
type upstream struct {
	client *client
	name   string

	mu         sync.Mutex
	main       *link
	renewed    bool          // the next main link is in place of one that was abandoned
	apart      bool          // no call has the main link to itself: who shares it may be of several sessions
	connecting chan struct{} // closed when an attempt is over; nil when none is underway
	began      time.Time     // when it began
	missed     bool          // a list or an introduction did not wait for it
	failure    error
	delay      time.Duration
	retry      *time.Timer        // until it fires, the failure stands
	spare      []*link            // without a call
	lent       map[*link]struct{} // with a call, beside the main one
	own        int                // links beside the main one, with spare ones and those that are made
	draining   int                // links that were the main one
	freed      chan struct{}
	subscribed map[string]int // URIs, with the number of who wants them
	closed     bool
	over       chan struct{} // closed when it is closed
	ending     sync.WaitGroup
}

// drainTimeout is how long the requests on a shared session that was abandoned may take until it is closed.
const drainTimeout = time.Minute

func newUpstream(c *client, name string) *upstream {
	return &upstream{
		client: c, name: name, apart: c.isPool, lent: map[*link]struct{}{},
		freed: make(chan struct{}), over: make(chan struct{}), subscribed: map[string]int{},
	}
}

func (u *upstream) errClosed() error {
	return &caisson.Error{Code: caisson.CodeClosed, Server: u.name, Step: "connect", Message: "the downstream session has ended, or the server is not served any more"}
}

// get returns the shared session. It connects when there is none, and waits for that.
func (u *upstream) get(ctx context.Context) (*link, error) {
	for {
		u.mu.Lock()
		switch {
		case u.closed:
			u.mu.Unlock()
			return nil, u.errClosed()
		case u.main != nil:
			defer u.mu.Unlock()
			return u.main, nil
		case u.retry != nil:
			defer u.mu.Unlock()
			return nil, u.failure
		}
		wait := u.connect()
		u.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// soon is get for who does not wait for a slow server: for Options.ConnectWait since the attempt has begun. Once the
// server is there, the client is told that its lists have changed.
func (u *upstream) soon(ctx context.Context) (*link, error) {
	u.mu.Lock()
	began := u.began
	if u.connecting == nil {
		began = time.Now()
	}
	u.mu.Unlock()
	bounded, cancel := context.WithDeadline(ctx, began.Add(u.client.gateway.options.ConnectWait))
	defer cancel()
	l, err := u.get(bounded)
	if err == nil || ctx.Err() != nil || bounded.Err() == nil {
		return l, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.main != nil {
		return u.main, nil
	}
	u.missed = true
	return nil, &caisson.Error{Code: caisson.CodeTimeout, Server: u.name, Step: "connect", Message: "the server is not there yet: a notification tells when it is; gateway.Options.ConnectWait, --wait at the command line, is how long lists wait"}
}

// use returns the shared session for a request. The caller calls done when the request has ended: a session that others
// take the place of is closed only then.
func (u *upstream) use(ctx context.Context, get func(context.Context) (*link, error)) (l *link, done func(abandoned bool), err error) {
	for {
		if l, err = get(ctx); err != nil {
			return nil, nil, err
		}
		u.mu.Lock()
		if u.main == l {
			l.underway++
			u.mu.Unlock()
			return l, func(bool) { u.leave(l) }, nil
		}
		u.mu.Unlock()
	}
}

// share returns a session for a request that others may share it with: the shared one, unless a call has that to itself.
// What the server then logs would reach that call.
func (u *upstream) share(ctx context.Context) (l *link, done func(abandoned bool), err error) {
	for {
		if l, err = u.get(ctx); err != nil {
			return nil, nil, err
		}
		u.mu.Lock()
		main, taken := u.main == l, l.taken
		if main && !taken {
			l.underway++
			l.working++
		}
		u.mu.Unlock()
		switch {
		case main && !taken:
			return l, func(bool) {
				u.mu.Lock()
				if l.working--; l.working == 0 {
					u.wake()
				}
				u.mu.Unlock()
				u.leave(l)
			}, nil
		case main:
			if l, err = u.take(ctx); err != nil {
				return nil, nil, err
			}
			return l, func(abandoned bool) { u.give(l, abandoned) }, nil
		}
	}
}

func (u *upstream) leave(l *link) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if l.underway--; l.underway == 0 && l.drained != nil {
		close(l.drained)
	}
}

// retire closes a session that was the main one, when what is underway in it has ended. The lock is held.
func (u *upstream) retire(l *link) {
	u.main = nil
	if l.underway == 0 || u.draining >= u.client.gateway.options.MaxSessionsOfServer {
		u.ending.Go(l.close)
		return
	}
	u.draining++
	l.drained = make(chan struct{})
	u.ending.Go(func() {
		late := time.NewTimer(drainTimeout)
		defer late.Stop()
		select {
		case <-l.drained:
		case <-l.done:
		case <-late.C:
		case <-u.over:
		}
		l.close()
		u.mu.Lock()
		defer u.mu.Unlock()
		u.draining--
	})
}

// connect begins an attempt, unless one is underway. The lock is held.
func (u *upstream) connect() chan struct{} {
	if u.connecting != nil {
		return u.connecting
	}
	u.connecting, u.began = make(chan struct{}), time.Now()
	before := u.failure
	again := before != nil || u.renewed || len(u.subscribed) > 0
	u.renewed = false
	u.ending.Go(func() {
		l, err := newLink(u.client.ctx, u)
		u.mu.Lock()
		done := u.connecting
		u.connecting = nil
		u.main, u.failure = l, err
		closed, uris := u.closed, slices.Collect(maps.Keys(u.subscribed))
		if err != nil {
			u.later()
		} else {
			u.delay = 0
			l.watch()
			again = again || u.missed
			u.missed = false
		}
		u.mu.Unlock()
		close(done)
		switch {
		case closed && l != nil:
			l.close()
		case err != nil:
			level := slog.LevelWarn
			if before != nil && before.Error() == err.Error() { // It has been said.
				level = slog.LevelDebug
			}
			u.client.gateway.options.Logger.Log(u.client.ctx, level, "a server cannot be reached", "server", u.name, "principal", u.client.principal, "error", err)
		case again:
			l.subscribeAgain(u.client.ctx, uris)
			u.listsChanged(l)
		}
	})
	return u.connecting
}

// later has the next attempt wait. The lock is held.
func (u *upstream) later() {
	o := &u.client.gateway.options
	u.delay = min(max(2*u.delay, o.MinBackoff), o.MaxBackoff)
	if u.closed {
		return
	}
	u.retry = time.AfterFunc(u.delay, func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.retry = nil
		if !u.closed && u.main == nil {
			u.connect()
		}
	})
}

// lost is called when the shared session, or one of a call's own, has ended.
func (u *upstream) lost(l *link, err error) {
	u.mu.Lock()
	main := u.main == l
	if main {
		u.main = nil
		if err == nil {
			err = u.errClosed()
		}
		u.failure = err
		u.later()
	}
	closed := u.closed
	u.mu.Unlock()
	if main && !closed {
		u.client.gateway.options.Logger.Warn("the session with a server has ended", "server", u.name, "error", err)
		u.listsChanged(l)
	}
}

// listsChanged tells the client that what a server has has come or gone.
func (u *upstream) listsChanged(l *link) {
	u.client.routes.forget(u.name)
	can := l.session.Capabilities()
	if can.Tools != nil {
		u.client.changed(u.name, toolsChanged)
	}
	if can.Prompts != nil {
		u.client.changed(u.name, promptsChanged)
	}
	if can.Resources != nil {
		u.client.changed(u.name, resourcesChanged)
	}
}

// take returns a session that the call has to itself, until give.
func (u *upstream) take(ctx context.Context) (*link, error) {
	most := u.client.gateway.options.MaxSessionsOfServer - 1
	if u.apart {
		most = max(most, 1)
	}
	for {
		var main *link
		if !u.apart {
			var err error
			if main, err = u.get(ctx); err != nil {
				return nil, err
			}
		}
		u.mu.Lock()
		switch {
		case u.closed:
			u.mu.Unlock()
			return nil, u.errClosed()
		case main != nil && !main.taken && main.working == 0 && main == u.main:
			main.taken = true
			u.mu.Unlock()
			return main, nil
		case len(u.spare) > 0:
			l := u.spare[len(u.spare)-1]
			u.spare = u.spare[:len(u.spare)-1]
			u.lent[l] = struct{}{}
			u.mu.Unlock()
			if l.ended() {
				u.give(l, false)
				continue
			}
			return l, nil
		case u.own < most:
			u.own++
			u.mu.Unlock()
			l, err := newLink(ctx, u)
			if err != nil {
				u.mu.Lock()
				u.own--
				u.renew()
				u.wake()
				u.mu.Unlock()
				return nil, err
			}
			l.watch()
			u.mu.Lock()
			u.lent[l] = struct{}{}
			closed := u.closed
			u.mu.Unlock()
			if closed { // Who closed it has not seen this one.
				u.give(l, false)
				return nil, u.errClosed()
			}
			return l, nil
		}
		freed := u.freed
		u.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// renew has another session in place of the shared one that was abandoned: the first that is without a call, or a new
// one where no call has one. The lock is held.
func (u *upstream) renew() {
	if u.apart || u.closed || u.main != nil || u.connecting != nil || u.retry != nil {
		return
	}
	switch {
	case len(u.spare) > 0:
		l := u.spare[0]
		u.spare = u.spare[1:]
		u.own--
		if l.ended() {
			u.renew()
			return
		}
		u.main = l
		uris := slices.Collect(maps.Keys(u.subscribed))
		u.ending.Go(func() {
			l.subscribeAgain(u.client.ctx, uris)
			u.listsChanged(l)
		})
	case u.own == 0:
		u.renewed = true
		u.connect()
	}
}

// give brings a session back. One whose call was abandoned ends, with what else is underway in it: another call would
// get its questions.
func (u *upstream) give(l *link, abandoned bool) {
	u.mu.Lock()
	closed := u.closed || abandoned && !l.taken
	delete(u.lent, l)
	switch {
	case l.taken:
		l.taken = false
		if abandoned && u.main == l && !u.closed {
			u.retire(l)
		}
	case l.ended() || closed:
		u.own--
	default:
		u.spare = append(u.spare, l)
	}
	u.renew()
	u.wake()
	u.mu.Unlock()
	if closed {
		l.close()
	}
}

func (u *upstream) wake() {
	close(u.freed)
	u.freed = make(chan struct{})
}

// close ends all sessions.
func (u *upstream) close() {
	u.mu.Lock()
	if !u.closed {
		close(u.over)
	}
	u.closed = true
	if u.retry != nil {
		u.retry.Stop()
		u.retry = nil
	}
	links := slices.AppendSeq(u.spare, maps.Keys(u.lent)) // The calls of those that are lent end with them.
	u.spare = nil
	if u.main != nil {
		links = append(links, u.main)
	}
	u.wake()
	u.mu.Unlock()
	var all sync.WaitGroup
	for _, l := range links {
		all.Go(l.close)
	}
	all.Wait()
	u.ending.Wait()
}

// now returns the shared session if there is one.
func (u *upstream) now() *link {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.main
}

// wanted are the resources that the client has subscribed to, with how often.
func (u *upstream) wanted() map[string]int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return maps.Clone(u.subscribed)
}

// resume takes over what was subscribed to, and connects for it.
func (u *upstream) resume(uris map[string]int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for uri, n := range uris {
		u.subscribed[uri] += n
	}
	switch l := u.main; {
	case u.closed || u.retry != nil: // The next attempt subscribes to them.
	case l == nil:
		u.connect()
	default:
		u.ending.Go(func() { l.subscribeAgain(u.client.ctx, slices.Collect(maps.Keys(uris))) })
	}
}
