// Package rpc has the services of the daemon.
package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/access"
	"github.com/caisson-dev/caisson/daemon/internal/cluster"
	"github.com/caisson-dev/caisson/daemon/internal/pool"
)

// caller is who makes a call, if they may.
func caller(ctx context.Context, scope access.Scope) (*access.Principal, error) {
	p := access.FromContext(ctx)
	if p == nil {
		return nil, connect.NewError(connect.CodeUnauthenticated, fmt.Errorf("it is not known who calls"))
	}
	if !p.Has(scope) {
		return nil, lacks(p, scope)
	}
	return p, nil
}

// lacks says that a principal has not a scope.
func lacks(p *access.Principal, scope access.Scope) error {
	return connect.NewError(connect.CodePermissionDenied, fmt.Errorf("%s has not the scope %s: the owner of the daemon gives it, to the token or in access.scopes", p.Name, scope))
}

// byRPC marks the calls of a context for the policy.
func byRPC(ctx context.Context) context.Context { return caisson.WithCaller(ctx, policy.CallerRPC) }

// A params makes the params of a request, whose values are JSON. The first that is no JSON object ends it.
type params struct {
	members map[string]any
	err     error
}

func newParams() *params { return &params{members: map[string]any{}} }

// text adds a text that is not empty.
func (p *params) text(name, value string) *params {
	if value != "" {
		p.members[name] = value
	}
	return p
}

// object adds a JSON object that is not empty.
func (p *params) object(name string, value []byte) *params {
	if len(value) == 0 {
		return p
	}
	if err := isObject(value); err != nil && p.err == nil {
		p.err = fmt.Errorf("%s: %w", name, err)
	}
	p.members[name] = json.RawMessage(value)
	return p
}

func isObject(value []byte) error {
	if !json.Valid(value) {
		return fmt.Errorf("it is not JSON")
	}
	for _, c := range value {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '{':
			return nil
		}
		break
	}
	return fmt.Errorf("it is not a JSON object")
}

// MCP is the McpService.
type MCP struct {
	Pool *pool.Pool
	// Draining is closed when the daemon drains: streams that have nothing underway end.
	Draining <-chan struct{}
	// Cluster are the daemons that share sessions; nil where this is the only one.
	Cluster *cluster.Cluster
}

// errDraining ends the streams of a daemon that drains.
var errDraining = connect.NewError(connect.CodeUnavailable, errors.New("the daemon ends: ask another one, or again later"))

// target says which session a request means.
func target(t *caissonv1.Target) (pool.Target, error) {
	switch of := t.GetOf().(type) {
	case *caissonv1.Target_Session:
		if of.Session != "" {
			return pool.Target{ID: of.Session}, nil
		}
	case *caissonv1.Target_Server:
		if of.Server != "" {
			return pool.Target{Server: of.Server}, nil
		}
	}
	return pool.Target{}, invalid("target", "the target is missing: name a session or a server")
}

// use finds the session of a request of somebody who may call servers.
func (m *MCP) use(ctx context.Context, t *caissonv1.Target) (*pool.Session, func(), error) {
	p, err := caller(ctx, access.MCP)
	if err != nil {
		return nil, nil, err
	}
	of, err := target(t)
	if err != nil {
		return nil, nil, err
	}
	s, release, err := m.Pool.Use(ctx, p.Name, of)
	if err != nil {
		return nil, nil, Status(err)
	}
	return s, release, nil
}

// call makes a call of a method by a session of somebody who may call servers. The pool makes it again where that does
// no harm.
func (m *MCP) call(ctx context.Context, t *caissonv1.Target, method string, do func(ctx context.Context, s *caisson.Session) error) error {
	p, err := caller(ctx, access.MCP)
	if err != nil {
		return err
	}
	of, err := target(t)
	if err != nil {
		return err
	}
	return Status(m.Pool.Call(ctx, p.Name, of, method, func(s *pool.Session) error { return do(byRPC(ctx), s.Caisson()) }))
}

// request sends a request, and returns the untouched result.
func (m *MCP) request(ctx context.Context, t *caissonv1.Target, method string, p *params) ([]byte, error) {
	if p.err != nil {
		return nil, invalid(method, p.err.Error())
	}
	return m.send(ctx, t, method, p.members)
}

func (m *MCP) send(ctx context.Context, t *caissonv1.Target, method string, params any) (result []byte, err error) {
	err = m.call(ctx, t, method, func(ctx context.Context, s *caisson.Session) (err error) {
		result, err = s.Request(ctx, method, params)
		return err
	})
	return result, err
}
