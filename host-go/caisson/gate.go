package caisson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson/audit"
	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/internal/confinement"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/gate"
	"github.com/caisson-dev/caisson/host-go/internal/script"
)

// Governance says what a client may call, and who has to approve it: see package policy. The zero value
// allows everything that is configured. It is a part of [ClientOptions].
type Governance struct {
	// Policy decides about each call: of sessions and groups, of what servers ask, and of the servers that
	// are connected with. What it does not grant fails with [CodeDenied], and no list shows it. Clients that
	// share a Policy share its rates. Default: none, and everything is allowed.
	Policy *policy.Policy
	// Principal is the user on whose behalf the client makes its calls, for the policy's principals, its
	// rates and its log. Default: "".
	Principal string
	// Approve asks somebody about the calls that the policy wants a yes for. The options of a call that bound
	// its time ([CallOptions]) do not count the wait; the call's context ends it. Default: none, and such
	// calls fail.
	Approve policy.Approver
	// Pins are the approved definitions of what servers list and say. It is required when the policy says pins, and needs a
	// Policy. Default: none.
	Pins *pins.Lock
	// Audit is the log of decisions and outcomes. It is required when the policy says audit, and needs a
	// Policy; the client does not close it. Default: none.
	Audit *audit.Log
}

// check finds an option that the policy wants, or that has no policy.
func (o *Governance) check() error {
	switch {
	case o.Policy == nil && (o.Principal != "" || o.Approve != nil || o.Pins != nil || o.Audit != nil):
		return errOption("ClientOptions.Principal, Approve, Pins and Audit need a Policy: without one everything is allowed")
	case o.Policy == nil:
		return nil
	case o.Policy.PinMode() != policy.PinsOff && o.Pins == nil:
		return errOption("the policy has pins, and ClientOptions.Pins is not set: pins.Load reads a lock file")
	case o.Policy.Rules().Audit != nil && o.Audit == nil:
		return errOption("the policy has an audit log, and ClientOptions.Audit is not set: audit.Open opens " + o.Policy.Rules().Audit.File)
	}
	return nil
}

// newGate makes the gate of a client; nil without a policy.
func (o *ClientOptions) newGate(t *telemetry) *gate.Gate {
	if o.Policy == nil {
		return nil
	}
	approve := o.Approve
	if approve != nil {
		approve = func(ctx context.Context, question *policy.Question) (policy.Answer, error) {
			defer script.StopClock(ctx)()
			release := script.Hold(ctx)
			answer, err := o.Approve(ctx, question)
			if !release() { // The script that calls sleeps.
				<-ctx.Done()
				return policy.Answer{}, ctx.Err()
			}
			return answer, err
		}
	}
	config := gate.Config{Policy: o.Policy, Principal: o.Principal, Pins: o.Pins, Audit: o.Audit, Approve: approve, Logger: o.Logger}
	if t != nil {
		config.Observer = t
	}
	return gate.New(config)
}

// SetPolicy replaces the client's policy for all calls that are decided from now on, in sessions that are open
// too. It fails with [CodeInvalidArgument] for a client that was made without one, for nil, and for a policy
// that wants pins or an audit log which the client does not have.
func (c *Client) SetPolicy(p *policy.Policy) error {
	if c.gate == nil || p == nil {
		return errOption("ClientOptions.Policy is not set, or the new policy is nil: a policy replaces another one")
	}
	o := c.options.Governance
	o.Policy = p
	if err := o.check(); err != nil {
		return err
	}
	c.gate.SetPolicy(p)
	return nil
}

type callerKey struct{}

// WithCaller returns a context whose calls are made by this sort of caller, for the policy. Without it they
// are the program's own ([policy.CallerProgram]).
func WithCaller(ctx context.Context, caller policy.Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

func callerOf(ctx context.Context) policy.Caller {
	caller, _ := ctx.Value(callerKey{}).(policy.Caller)
	return caller
}

// callerOf is who makes a call in the session: whoever connected, when the context does not say.
func (s *session) callerOf(ctx context.Context) policy.Caller {
	return orDefault(callerOf(ctx), s.caller)
}

// withCallerOf gives a context the caller of another one.
func withCallerOf(ctx, other context.Context) context.Context {
	if caller := callerOf(other); caller != "" {
		return WithCaller(ctx, caller)
	}
	return ctx
}

// denied makes an error of what the gate fails with.
func denied(server, step string, err error) error {
	var no *policy.DeniedError
	if !errors.As(err, &no) {
		return err
	}
	return &Error{Code: CodeDenied, Server: server, Step: step, Message: no.Error(), Err: no}
}

// admit decides about connecting with a server, before anything is started or sent. It returns who the server is,
// if definitions may be pinned, and what its command is confined to, if it is.
func (c *Client) admit(ctx context.Context, server *Server, u *url.URL) (*pins.Identity, *confinement.Rules, error) {
	name := server.name()
	no := func(reason policy.Reason, message string) error {
		return denied(name, "connect", policy.Denied(reason, message, nil))
	}
	call := &gate.Call{Call: policy.Call{Server: name, Kind: policy.Use, Name: "connect", Caller: callerOf(ctx)}, Method: "connect"}
	pass, err := c.gate.Enter(ctx, call)
	if err != nil {
		return nil, nil, denied(name, "connect", err)
	}
	_ = pass.Leave(nil, "") // The decision is written; what becomes of the session is not a call.
	p := c.gate.Policy()
	rules, key := p.Source(policy.Server, name)
	if rules == nil { // The policy was replaced.
		return nil, nil, no(policy.NotGranted, "the policy does not grant the server")
	}
	if message := granted(rules, key, server, u); message != "" {
		return nil, nil, no(policy.NotGranted, message)
	}
	confined, err := confine(rules, key)
	if err != nil {
		return nil, nil, denied(name, "connect", err)
	}
	if c.options.Pins == nil {
		return nil, confined, nil
	}
	// Where the policy has no pins now, one that replaces it may have some: they count in the session too.
	identity, err := server.identity(u)
	if err != nil {
		return nil, nil, &Error{Code: CodeConnect, Server: name, Step: "connect", Message: "who the server is cannot be found out: " + err.Error(), Err: err}
	}
	if err := c.gate.Server(name, identity); err != nil {
		return nil, nil, denied(name, "connect", err)
	}
	return identity, confined, nil
}

// confine gives what the rules confine a server's command to; nil for nothing. It fails where that cannot be done
// here: then nothing is started.
func confine(rules *policy.Source, key string) (*confinement.Rules, error) {
	if rules.Folders == nil && rules.Ports == nil {
		return nil, nil
	}
	confined := &confinement.Rules{Folders: rules.Folders != nil, Ports: rules.Ports != nil}
	for _, folder := range rules.Folders {
		path, err := filepath.Abs(folder.Path)
		if err != nil {
			return nil, policy.Denied(policy.NotGranted, key+".folders: "+err.Error(), err)
		}
		if folder.Access == policy.AccessWrite {
			confined.Write = append(confined.Write, path)
		} else {
			confined.Read = append(confined.Read, path)
		}
	}
	for _, port := range rules.Ports {
		confined.Connect = append(confined.Connect, uint16(port)) // The policy has checked it.
	}
	if err := confined.Check(); err != nil {
		return nil, policy.Denied(policy.NotGranted, "the command cannot be confined, which "+key+" demands: "+err.Error(), err)
	}
	return confined, nil
}

// granted says which part of a server's description the rules do not grant.
func granted(rules *policy.Source, key string, server *Server, u *url.URL) string {
	if u == nil && len(rules.Origins) > 0 {
		return key + ".origins: the server is no URL, and nothing here confines a command to origins"
	}
	if server.Command == "" && (rules.Folders != nil || rules.Ports != nil) {
		return key + ": folders and ports are for a server that is a command, and this one is none"
	}
	if u != nil && len(rules.Origins) > 0 && !slices.Contains(rules.Origins, originOf(u)) {
		return key + ".origins does not have " + originOf(u)
	}
	if server.Command == "" {
		if len(rules.Commands) > 0 {
			return key + ".commands: the server is not a command"
		}
		return ""
	}
	if len(rules.Commands) > 0 && !slices.Contains(rules.Commands, server.Command) {
		return fmt.Sprintf("%s.commands does not have %q", key, server.Command)
	}
	if rules.Environment != nil {
		if server.InheritEnv {
			return key + ".environment: the configuration gives the command the whole environment"
		}
		for name := range server.Env {
			if !slices.Contains(rules.Environment, name) {
				return fmt.Sprintf("%s.environment does not have %q", key, name)
			}
		}
	}
	return ""
}

func originOf(u *url.URL) string { return strings.ToLower(u.Scheme + "://" + u.Host) }

// pass sends an operation through the gate: [Session.send] has no other way when there is a policy.
func (s *Session) pass(ctx context.Context, op engine.Operation) (json.RawMessage, error) {
	w, err := s.want(&op)
	if err != nil {
		return nil, denied(s.name, op.Method, policy.Denied(policy.BadArguments, "the policy cannot decide about the params: "+err.Error(), nil))
	}
	for i := range w.parts {
		w.parts[i].Caller = s.callerOf(ctx)
		if _, err := s.client.gate.Enter(ctx, &w.parts[i]); err != nil {
			return nil, denied(s.name, op.Method, err)
		}
	}
	w.call.Caller = s.callerOf(ctx)
	pass, err := s.client.gate.Enter(ctx, &w.call)
	if err != nil {
		return nil, denied(s.name, op.Method, err)
	}
	result, fetched, err := s.obtain(ctx, op)
	code := ""
	if err != nil {
		code = CodeOf(err).String()
	} else if w.filter != nil {
		if result, err = w.filter(ctx, result, fetched); err != nil {
			code = CodeProtocol.String()
		}
	}
	if err == nil && w.begins {
		s.begun.add(result)
	}
	if no := pass.Leave(result, code); no != nil && err == nil {
		return nil, denied(s.name, op.Method, no)
	}
	return result, err
}

// permits decides about what a server asks, and writes it down.
func (s *Session) permits(ctx context.Context, method string) (done func(err error), err error) {
	if s.client.gate == nil {
		return func(error) {}, nil
	}
	call := gate.Call{Call: policy.Call{Server: s.name, Kind: policy.Asked, Name: method}, Method: method}
	if asking, ok := askings[method]; ok {
		call.Name = string(asking)
	} else { // An extension's.
		call.Kind = policy.Method
	}
	pass, err := s.client.gate.Enter(ctx, &call)
	if err != nil {
		return nil, err
	}
	return func(err error) {
		code := ""
		if err != nil {
			code = "not answered"
		}
		_ = pass.Leave(nil, code)
	}, nil
}

// mayHear reports whether a notification may be heard. One of a resource that is not granted would say that it is there.
func (s *Session) mayHear(method string, params []byte) bool {
	if s.client.gate == nil || method != "notifications/resources/updated" {
		return true
	}
	uri, ok := nameIn(params, "uri")
	return ok && s.client.gate.Grants(&policy.Call{Server: s.name, Kind: policy.Resource, Name: uri, Caller: s.caller}, nil, nil)
}

// askings are what servers ask, as policies call it.
var askings = map[string]policy.Asking{
	"sampling/createMessage": policy.AskSampling,
	"elicitation/create":     policy.AskElicitation,
	"roots/list":             policy.AskRoots,
}

// withhold takes what the policy does not grant out of the capabilities that are declared to the server.
func (s *Session) withhold(capabilities map[string]any) {
	if s.client.gate == nil {
		return
	}
	for _, asking := range askings {
		if !s.client.gate.Allows(s.name, asking) {
			delete(capabilities, string(asking))
		}
	}
}
