// Package gate decides about each call, in one function: [Gate.Enter]. Whoever makes a call enters here first,
// and leaves by [Pass.Leave].
//
// The checks come in this order: whether the call is granted; whether the tool's definition is the approved
// one; whether the arguments are as the rule wants them; whether there is a token in the bucket; whether
// somebody has to say yes, after which the first three are made again; then the record of the decision, and
// the call.
package gate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/audit"
	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/internal/jcs"
)

// A Config describes a gate. Only the policy is required.
type Config struct {
	Policy    *policy.Policy
	Principal string
	Pins      *pins.Lock
	Audit     *audit.Log
	Approve   policy.Approver
	Logger    *slog.Logger
	// Observer hears of decisions. Default: nobody.
	Observer Observer
	// Now is the clock, for tests. Default: time.Now.
	Now func() time.Time
}

// An Observer hears of decisions, for telemetry.
type Observer interface {
	// Decided hears of a decision; denied is nil where it was to allow. It does not hear of allowed calls that
	// are not recorded.
	Decided(ctx context.Context, call *Call, denied *policy.DeniedError)
	// Asked hears that somebody is asked, and its function of the answer. The context is for the question.
	Asked(ctx context.Context, call *Call) (context.Context, func(approved bool))
}

// A Gate stands in front of all calls of one user. It is safe for concurrent use.
type Gate struct {
	config Config
	policy atomic.Pointer[policy.Policy]
	calls  atomic.Uint64
	begun  string // begins the ids of its calls

	mu      sync.Mutex
	kept    map[keptKey]time.Time // what was approved for more than one call, and until when; zero for always
	waiting int                   // questions without an answer
}

// New makes a gate.
func New(config Config) *Gate {
	if config.Now == nil {
		config.Now = time.Now
	}
	g := &Gate{config: config, kept: map[keptKey]time.Time{}, begun: fmt.Sprintf("%x", time.Now().UnixNano())}
	g.policy.Store(config.Policy)
	return g
}

// Policy returns the policy.
func (g *Gate) Policy() *policy.Policy { return g.policy.Load() }

// SetPolicy replaces the policy, for calls that are decided from now on. Approvals of the old one do not count
// any more.
func (g *Gate) SetPolicy(p *policy.Policy) {
	g.policy.Store(p)
	g.mu.Lock()
	clear(g.kept)
	g.mu.Unlock()
}

// Definitions are those of one server, of the kind of a call.
type Definitions interface {
	// Definition returns the definition of a name, which is not older than maxAge; nil when the server has
	// none, or two of them.
	Definition(ctx context.Context, name string, maxAge time.Duration) (*pins.Definition, error)
	// Identity is who the server is.
	Identity() *pins.Identity
}

// A Call is what wants to pass.
type Call struct {
	policy.Call
	// Method is the method of the protocol, for the log.
	Method string
	// Definitions are those of the server; nil where there are none.
	Definitions Definitions
	// GrantOnly leaves out all checks but the grant, and the record: it is a part of a call that is entered
	// with.
	GrantOnly bool
	// Silent leaves out the record of a decision to allow.
	Silent bool

	script *Script // nil for none
}

// defaultMaxAge is how old a definition may be, when the policy does not say.
const defaultMaxAge = time.Minute

// A Pass is a call that may be made. It is left once.
type Pass struct {
	gate     *Gate
	call     *Call
	policy   *policy.Policy
	decision *policy.Decision
	id       string
	begun    time.Time
	done     func()
}

// verdict is a decision with what it rests on.
type verdict struct {
	*policy.Decision
	policy     *policy.Policy
	definition *pins.Definition // nil where it is not known
}

// Enter decides about a call. It returns a [*policy.DeniedError] for a call that must not be made, and the
// context's error, or that of listing the tools, where nothing could be decided.
func (g *Gate) Enter(ctx context.Context, call *Call) (*Pass, error) {
	call.Principal, call.script = g.config.Principal, scriptOf(ctx)
	pass, err := g.enter(ctx, call)
	if o := g.config.Observer; o != nil {
		var denied *policy.DeniedError
		if errors.As(err, &denied) || err == nil && !call.GrantOnly && !call.Silent {
			o.Decided(ctx, call, denied)
		}
	}
	return pass, err
}

func (g *Gate) enter(ctx context.Context, call *Call) (*Pass, error) {
	v, err := g.decide(ctx, call, false)
	if err != nil {
		return nil, err
	}
	if call.GrantOnly {
		if v.Effect == policy.Deny {
			return nil, g.deny(call, v, "")
		}
		return nil, nil
	}
	if v.Effect == policy.Deny {
		return nil, g.deny(call, v, "")
	}
	if denied := v.policy.Take(ctx, &call.Call, v.Decision, g.config.Now()); denied != nil {
		v.Effect, v.Reason, v.Message = policy.Deny, denied.Reason, denied.Error()
		_ = g.deny(call, v, "")
		return nil, denied
	}
	approval := ""
	if v.Effect == policy.NeedsAnswer {
		if approval, err = g.approve(ctx, call, v); err != nil {
			return nil, err
		}
		// While somebody thought, the policy, the lock file and the tool may have changed.
		again, err := g.decide(ctx, call, true)
		if err != nil {
			return nil, err
		}
		if again.Effect == policy.Deny {
			return nil, g.deny(call, again, approval)
		}
		if keyOf(call, v) != keyOf(call, again) || again.policy != v.policy {
			again.Effect, again.Reason, again.Message = policy.Deny, policy.NoApproval, "the policy or the tool's definition changed while somebody was asked: try again"
			return nil, g.deny(call, again, approval)
		}
		v = again
	}
	done, denied := v.policy.Begin(ctx, &call.Call, v.Decision)
	if denied != nil {
		v.Effect, v.Reason, v.Message = policy.Deny, denied.Reason, denied.Error()
		_ = g.deny(call, v, approval)
		return nil, denied
	}
	p := &Pass{gate: g, call: call, policy: v.policy, decision: v.Decision, done: done, begun: g.config.Now()}
	if !call.Silent {
		p.id = g.id()
		if err := g.record(call, v, p.id, string(policy.Allow), approval); err != nil && !g.optional(v.policy) {
			done()
			return nil, policy.Denied(policy.NoAudit, "the decision cannot be written to the audit log, and audit.optional is not set", err)
		}
	}
	return p, nil
}

// Grants reports whether a list may show something; for a tool, with its definition.
func (g *Gate) Grants(call *policy.Call, definition *pins.Definition, identity *pins.Identity) bool {
	p := g.policy.Load()
	call.Principal = g.config.Principal
	call.ReadOnly = definition != nil && definition.ReadOnly
	if p.Grant(call).Effect == policy.Deny {
		return false
	}
	return definition == nil || g.pinned(p, call, definition, identity) == ""
}

// decide makes the first three checks.
func (g *Gate) decide(ctx context.Context, call *Call, anew bool) (*verdict, error) {
	v := &verdict{policy: g.policy.Load()}
	kind := pinKinds[call.Kind]
	pinned := kind != "" && v.policy.PinMode() != policy.PinsOff && !call.GrantOnly
	// What is granted in no case is not looked for: whether it is there shows in nothing.
	call.ReadOnly = true
	v.Decision = v.policy.Grant(&call.Call)
	if v.Effect == policy.Deny {
		return v, nil
	}
	needs := v.policy.NeedsDefinition(&call.Call) || v.Effect == policy.NeedsAnswer && call.Kind == policy.Tool && !call.GrantOnly
	if call.Definitions != nil && (needs || pinned) { // An approval is bound to the definition.
		maxAge := defaultMaxAge
		if rules := v.policy.Rules().Pins; rules != nil && rules.MaxAge != nil {
			maxAge = time.Duration(*rules.MaxAge)
		}
		if anew {
			maxAge = 0
		}
		var err error
		if v.definition, err = call.Definitions.Definition(ctx, call.Name, maxAge); err != nil {
			return nil, err
		}
	}
	call.ReadOnly = v.definition != nil && v.definition.ReadOnly
	if v.Decision = v.policy.Grant(&call.Call); v.Effect == policy.Deny || call.GrantOnly {
		return v, nil
	}
	if pinned && call.Definitions != nil {
		if message := g.pinned(v.policy, &call.Call, v.definition, call.Definitions.Identity()); message != "" {
			v.Decision = &policy.Decision{Effect: policy.Deny, Reason: policy.NotPinned, Rule: "pins", Message: message, Redact: v.Redact}
			return v, nil
		}
	}
	v.Decision = v.policy.Decide(&call.Call)
	return v, nil
}

// pinned says why a tool must not be used; "" when it may.
func (g *Gate) pinned(p *policy.Policy, call *policy.Call, d *pins.Definition, identity *pins.Identity) string {
	mode := p.PinMode()
	if mode == policy.PinsOff || identity == nil || g.config.Pins == nil {
		return ""
	}
	state := pins.Pending
	if d != nil {
		state = g.config.Pins.State(call.Server, identity, d)
	} else if kind := pinKinds[call.Kind]; kind == pins.Resource || !g.config.Pins.Covers(call.Server, kind) {
		return "" // A resource that is not listed has no definition that a model reads.
	}
	if state == pins.Approved {
		return ""
	}
	if mode == policy.PinsWarn {
		g.config.Logger.Warn("a definition is not the approved one", "server", call.Server, "kind", string(call.Kind), "name", call.Name, "state", string(state))
		return ""
	}
	return "the definition of the " + string(call.Kind) + " is not approved (" + string(state) + "): 'caisson pins verify' shows the difference"
}

// pinKinds are the kinds of definitions that calls have.
var pinKinds = map[policy.Kind]pins.Kind{policy.Tool: pins.Tool, policy.Prompt: pins.Prompt, policy.Resource: pins.Resource}

// Instructions reports whether a server's instructions may be shown.
func (g *Gate) Instructions(server string, identity *pins.Identity, text string) bool {
	p := g.policy.Load()
	if text == "" || p.PinMode() == policy.PinsOff || identity == nil || g.config.Pins == nil {
		return true
	}
	d, err := pins.DefineInstructions(text)
	if err == nil && g.config.Pins.State(server, identity, d) == pins.Approved {
		return true
	}
	g.config.Logger.Warn("a server's instructions are not the approved ones", "server", server)
	return p.PinMode() == policy.PinsWarn
}

// Server says whether a server may be used that is who it is.
func (g *Gate) Server(name string, identity *pins.Identity) error {
	p := g.policy.Load()
	if p.PinMode() == policy.PinsOff || g.config.Pins.Server(name, identity) != pins.Changed {
		return nil
	}
	if p.PinMode() == policy.PinsWarn {
		g.config.Logger.Warn("a server is not the approved one", "server", name)
		return nil
	}
	return policy.Denied(policy.NotPinned, "the server's command, its file or its origin is not the approved one: 'caisson pins verify' shows the difference", nil)
}

// Allows reports whether a server may ask something, without a record.
func (g *Gate) Allows(server string, asking policy.Asking) bool {
	p := g.policy.Load()
	s, _ := p.Source(policy.Server, server)
	if s == nil {
		return false
	}
	for _, a := range s.Asks {
		if a == asking {
			return true
		}
	}
	return false
}

// deny records a denial, and makes an error of it in words that the caller may read. Nobody learns from it
// whether something is there that is not granted.
func (g *Gate) deny(call *Call, v *verdict, approval string) error {
	if err := g.record(call, v, g.id(), string(policy.Deny), approval); err != nil {
		g.config.Logger.Error("a denial cannot be written to the audit log", "server", call.Server, "error", err)
	}
	message := v.Message
	switch v.Reason {
	case policy.NotGranted:
		message = notGranted(call)
	case policy.BadArguments:
		message = "the arguments are not as the policy wants them: " + message
	}
	return policy.Denied(v.Reason, message, nil)
}

func notGranted(call *Call) string {
	switch call.Kind {
	case policy.Use:
		if source := orServer(call.Source); source != policy.Server { // In Go each Caller that is no session is a plugin.
			return fmt.Sprintf("the policy does not grant the %s %q: it is granted under %q; 'caisson policy explain --source %s' says why", source, call.Server, string(source)+"s", source)
		}
		return "the policy does not grant the server: 'caisson policy explain' says why"
	case policy.Asked:
		return "the policy does not let the server ask for " + call.Name
	}
	return fmt.Sprintf("the policy does not grant the %s %q: 'caisson policy explain' says why", call.Kind, call.Name)
}

func orServer(kind policy.SourceKind) policy.SourceKind {
	if kind == "" {
		return policy.Server
	}
	return kind
}

func (g *Gate) id() string { return fmt.Sprintf("%s-%d", g.begun, g.calls.Add(1)) }

func (g *Gate) optional(p *policy.Policy) bool {
	rules := p.Rules().Audit
	return rules != nil && rules.Optional
}

// argumentsHash is the hash of arguments in canonical form. Those that have none are hashed as they are.
func argumentsHash(arguments json.RawMessage) string {
	if arguments == nil {
		arguments = json.RawMessage("{}")
	}
	text, err := jcs.Lenient(arguments)
	if err != nil {
		text = append([]byte("not canonical\n"), arguments...)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Now is the time, as the gate has it.
func (g *Gate) Now() time.Time { return g.config.Now() }
