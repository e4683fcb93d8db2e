package gate

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/internal/jcs"
)

const (
	// maxWaiting bounds the questions without an answer.
	maxWaiting = 64
	// maxKept bounds the approvals that last.
	maxKept = 4096
	// defaultWithin bounds the wait for an answer, when the rule does not say.
	defaultWithin = time.Hour
)

// keptKey is what an approval is bound to.
type keptKey struct {
	principal  string
	client     string // downstream, where the call was made by one
	caller     policy.Caller
	source     policy.SourceKind
	server     string
	kind       policy.Kind
	name       string
	arguments  string // the hash; "" when it covers any arguments
	definition string
	policy     string
	rule       string
}

type clientKey struct{}

// WithClient returns a context whose calls were made by a client downstream of this name. What was approved at one
// client does not count at another, where nobody may be who could have been asked.
func WithClient(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, clientKey{}, name)
}

func keyOf(call *Call, v *verdict) keptKey {
	// Who trusts a person with a call does not trust each script with it.
	k := keptKey{
		principal: call.Principal, caller: call.Caller, source: orServer(call.Source), server: call.Server, kind: call.Kind, name: call.Name,
		policy: v.policy.Version(), rule: v.Rule,
	}
	if k.caller == "" {
		k.caller = policy.CallerProgram
	}
	if v.definition != nil {
		k.definition = v.definition.Hash
	}
	if v.Ask == nil || v.Ask.Covers != policy.CoversTool {
		k.arguments = argumentsHash(call.Arguments)
	}
	return k
}

// approve waits for somebody's yes, or finds one that lasts. It returns who gave it.
func (g *Gate) approve(ctx context.Context, call *Call, v *verdict) (string, error) {
	refuse := func(message string) (string, error) {
		no := *v.Decision
		no.Effect, no.Reason, no.Message = policy.Deny, policy.NoApproval, message
		return "", g.deny(call, &verdict{Decision: &no, policy: v.policy, definition: v.definition}, "")
	}
	// A yes is bound to the hash of the value. What two readers could take for two values has none.
	if call.Arguments != nil {
		if _, err := jcs.Canonical(call.Arguments); err != nil {
			return refuse("nobody can be asked about such arguments: " + err.Error())
		}
	}
	key := keyOf(call, v)
	key.client, _ = ctx.Value(clientKey{}).(string)
	if g.isKept(key) {
		return "kept", nil
	}
	if g.config.Approve == nil {
		return refuse("somebody has to approve the call, and nobody can be asked here")
	}
	if !g.wait() {
		return refuse("too many calls wait for an approval")
	}
	defer g.waited()

	within := time.Duration(v.Ask.Within)
	if within == 0 {
		within = defaultWithin
	}
	question := policy.NewQuestion(v.policy, policy.Question{
		Call: call.Call, Who: v.Ask.Who, Text: v.Ask.Text, Lasts: v.Ask.Lasts, Covers: v.Ask.Covers,
		ArgumentsHash: argumentsHash(call.Arguments), Definition: key.definition,
		Until: g.config.Now().Add(within),
	})
	asking, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	approved := false
	if o := g.config.Observer; o != nil {
		observed, done := o.Asked(asking, call)
		asking = observed
		defer func() { done(approved) }()
	}
	answer, err := g.config.Approve(asking, question)
	switch {
	case ctx.Err() != nil:
		_, _ = refuse("the call ended while somebody was asked")
		return "", ctx.Err()
	case errors.Is(err, context.DeadlineExceeded) && asking.Err() != nil:
		return refuse("nobody answered in time")
	case errors.Is(err, policy.ErrNotAsked):
		return refuse("the policy asks " + strconv.Quote(question.Who) + " for the yes, who cannot be asked here")
	case err != nil:
		g.config.Logger.Warn("nobody could be asked to approve a call", "server", call.Server, "name", call.Name, "error", err)
		return refuse("nobody could be asked to approve the call")
	}
	yes, who, lasts, until := question.Take(answer, g.config.Now())
	if approved = yes; !yes {
		return refuse("the call was not approved")
	}
	if lasts != policy.Once {
		g.keep(key, until)
	}
	if who == "" {
		who = "yes"
	}
	return who, nil
}

func (g *Gate) isKept(key keptKey) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	until, ok := g.kept[key]
	if ok && !until.IsZero() && !g.config.Now().Before(until) {
		delete(g.kept, key)
		return false
	}
	return ok
}

// keep remembers an approval. Where there are too many, the next call asks again.
func (g *Gate) keep(key keptKey, until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.kept) >= maxKept {
		now := g.config.Now()
		for k, t := range g.kept {
			if !t.IsZero() && !now.Before(t) {
				delete(g.kept, k)
			}
		}
	}
	if len(g.kept) < maxKept {
		g.kept[key] = until
	}
}

func (g *Gate) wait() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting >= maxWaiting {
		return false
	}
	g.waiting++
	return true
}

func (g *Gate) waited() {
	g.mu.Lock()
	g.waiting--
	g.mu.Unlock()
}
