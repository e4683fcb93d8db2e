package caisson

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// A member is one server of a group, connected or not, or a caller that is no server.
type member struct {
	group        *Group
	servers      Servers
	caller       Caller // nil for a server
	name, prefix string

	mu       sync.Mutex
	closed   bool
	session  *Session
	attempt  *attempt    // set while the group connects with the server
	err      error       // why there is no session
	failures int         // failed attempts to connect, in a row
	retry    time.Time   // the earliest time of the next attempt
	changes  []GroupKind // changes that are not reported yet
	telling  bool        // whether a goroutine reports changes

	tools     list[mcp.Tool]
	prompts   list[mcp.Prompt]
	resources list[mcp.Resource]
	templates list[mcp.ResourceTemplate]
}

// An attempt is one attempt to connect.
type attempt struct {
	done    chan struct{}
	session *Session // set before done is closed, like err
	err     error
}

func newMember(g *Group, servers Servers, name, prefix string) *member {
	m := &member{group: g, servers: servers, caller: g.options.Callers[name], name: name, prefix: prefix}
	if m.caller != nil {
		m.caller = g.client.Guard(policy.Plugin, name, m.caller)
	}
	m.tools.ask = m.askTools
	m.tools.fetch, m.prompts.fetch = fetchTools, fetchPrompts
	m.resources.fetch, m.templates.fetch = fetchResources, fetchTemplates
	return m
}

// get returns the session. When there is none it connects, unless it must wait for the next attempt.
func (m *member) get(ctx context.Context) (*Session, error) {
	m.mu.Lock()
	m.expire(m.session)
	switch {
	case m.closed:
		m.mu.Unlock()
		return nil, m.errClosed()
	case m.session != nil:
		defer m.mu.Unlock()
		return m.session, nil
	case m.attempt == nil && time.Now().Before(m.retry):
		defer m.mu.Unlock()
		return nil, m.err
	case m.attempt == nil:
		m.attempt = &attempt{done: make(chan struct{})}
		m.group.ending.Add(1)
		go m.connect(m.attempt)
	}
	attempt := m.attempt
	m.mu.Unlock()
	select {
	case <-attempt.done:
		return attempt.session, attempt.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// getCaller returns what calls the member's tools: its session, as get does, or the caller that it is.
func (m *member) getCaller(ctx context.Context) (Caller, error) {
	if m.caller == nil {
		session, err := m.get(ctx)
		if err != nil {
			return nil, err
		}
		return session, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, m.errClosed()
	}
	return m.caller, nil
}

func (m *member) errClosed() error {
	return &Error{Code: CodeClosed, Server: m.name, Step: "group", Message: "the group is closed"}
}

// connect makes an attempt. The end of the group ends the attempt; the end of the first caller's context
// does not.
func (m *member) connect(a *attempt) {
	defer m.group.ending.Done()
	server, err := m.servers.Server(m.name)
	if err == nil {
		a.session, err = m.group.client.connect(m.group.ctx, server, m.listChanged)
	}
	if !m.connected(a, err) {
		_ = a.session.Close()
		a.session = nil
	}
	close(a.done)
}

// connected keeps the outcome of an attempt, and reports whether its session is in use.
func (m *member) connected(a *attempt, err error) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.attempt = nil
	switch {
	case m.closed:
		a.err = m.errClosed()
		return a.session == nil
	case err != nil:
		m.retry = time.Now().Add(m.backoff())
		m.failures++
		a.err = err
	default:
		m.session, m.failures = a.session, 0
		m.group.ending.Add(1)
		go m.watch(a.session)
		m.changed(GroupServer)
	}
	m.err = a.err
	return true
}

// backoff returns how long to wait after one more failure.
func (m *member) backoff() time.Duration {
	o := &m.group.options
	delay := o.MinBackoff
	for range m.failures {
		if delay >= o.MaxBackoff/2 {
			return o.MaxBackoff
		}
		delay *= 2
	}
	return min(delay, o.MaxBackoff)
}

// watch waits for a session's end, and frees it.
func (m *member) watch(session *Session) {
	defer m.group.ending.Done()
	_ = session.Wait()
	m.mu.Lock()
	m.expire(session)
	m.mu.Unlock()
	_ = session.Close()
}

// expire removes a session that has ended. The caller holds the lock.
func (m *member) expire(session *Session) {
	if session == nil || m.session != session || session.core.Context().Err() == nil {
		return
	}
	m.session = nil
	if m.closed {
		return
	}
	if m.err = session.Wait(); m.err == nil {
		m.err = &Error{Code: CodeClosed, Server: m.name, Step: "session", Message: "the program closed the session"}
	}
	m.changed(GroupServer)
}

func (m *member) state() ServerState {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(m.session)
	return ServerState{Name: m.name, Prefix: m.prefix, Session: m.session, Err: m.err}
}

func (m *member) close() {
	m.mu.Lock()
	m.closed = true
	session := m.session
	m.session, m.err = nil, m.errClosed()
	m.mu.Unlock()
	if session != nil {
		_ = session.Close()
	}
}

// listChanged notes that a list has changed. It never waits.
func (m *member) listChanged(method string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch method {
	case "notifications/tools/list_changed":
		m.tools.forget()
		m.changed(GroupTools)
	case "notifications/prompts/list_changed":
		m.prompts.forget()
		m.changed(GroupPrompts)
	case "notifications/resources/list_changed":
		m.resources.forget()
		m.templates.forget()
		m.changed(GroupResources)
	}
}

// changed notes a change to report. The caller holds the lock.
func (m *member) changed(kind GroupKind) {
	if kind == GroupTools || kind == GroupServer {
		m.group.toolChanges.Add(1)
	}
	if !slices.Contains(m.changes, kind) {
		m.changes = append(m.changes, kind)
	}
	if !m.telling {
		m.telling = true
		go m.tell()
	}
}

// tell reports changes until there are none left. Before each report it lists anew what has changed.
func (m *member) tell() {
	for {
		m.mu.Lock()
		if m.telling = len(m.changes) > 0; !m.telling {
			m.mu.Unlock()
			return
		}
		kind := m.changes[0]
		m.changes = m.changes[1:]
		m.mu.Unlock()

		m.refresh(kind)
		if on := m.group.options.OnChange; on != nil && m.group.ctx.Err() == nil {
			m.group.calling.Lock()
			on(m.group.ctx, m.name, kind)
			m.group.calling.Unlock()
		}
	}
}

// refresh lists anew what was listed before. The next use of the list reports a failure.
func (m *member) refresh(kind GroupKind) {
	ctx, cancel := context.WithTimeout(m.group.ctx, m.group.client.options.ConnectTimeout)
	defer cancel()
	switch kind {
	case GroupTools:
		m.tools.refresh(ctx, m)
	case GroupPrompts:
		m.prompts.refresh(ctx, m)
	case GroupResources:
		m.resources.refresh(ctx, m)
		m.templates.refresh(ctx, m)
	}
}

// fail returns the error of one server, with the server's name: the error of a context has no name.
func (m *member) fail(err error, step string) error {
	var complete *Error
	if err == nil || errors.As(err, &complete) {
		return err
	}
	return &Error{Code: CodeOf(err), Server: m.name, Step: step, Message: err.Error(), Err: err}
}
