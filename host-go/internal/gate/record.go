package gate

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/audit"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// record writes a decision. Without a log it does nothing.
func (g *Gate) record(call *Call, v *verdict, id, effect, approval string) error {
	if g.config.Audit == nil {
		return nil
	}
	caller := call.Caller
	if caller == "" {
		caller = policy.CallerProgram
	}
	r := &audit.Record{
		Event: audit.Decision, Call: id,
		Principal: call.Principal, Caller: string(caller), Source: string(orServer(call.Source)), Server: call.Server,
		Kind: string(call.Kind), Name: call.Name, Method: call.Method,
		Effect: effect, Rule: v.Rule, Policy: v.policy.Version(), Reason: string(v.Reason), Approval: approval,
	}
	if effect == string(policy.Deny) && v.Reason != policy.BadArguments { // That text quotes arguments.
		r.Message = v.Message
	}
	if s := call.script; s != nil {
		r.Script, r.ScriptHash = s.name, s.hash()
	}
	if v.definition != nil {
		r.Definition = v.definition.Hash
	}
	if call.Arguments != nil {
		r.ArgumentsHash, r.ArgumentBytes = argumentsHash(call.Arguments), len(call.Arguments)
		if content(v.policy) != policy.ContentNone {
			r.Arguments = policy.Hide(call.Arguments, hidden(v.policy, v.Redact, false)...)
		}
	}
	return g.config.Audit.Append(r)
}

// Leave ends a call: it takes the call off the count of those under way, and writes the outcome. code says in a
// word how it failed; "" when it did not. It returns a [*policy.DeniedError] for a result that is kept back.
func (p *Pass) Leave(result json.RawMessage, code string) error {
	p.done()
	var denied error
	if most := p.decision.MaxResultBytes; most > 0 && len(result) > most {
		denied = policy.Denied(policy.TooLarge, fmt.Sprintf("the call was made, and its result has %d bytes: maxResultBytes of the policy is %d", len(result), most), nil)
		code = string(policy.TooLarge)
	}
	if p.gate.config.Audit == nil || p.id == "" {
		return denied
	}
	r := &audit.Record{
		Event: audit.Outcome, Call: p.id, Server: p.call.Server, Kind: string(p.call.Kind), Name: p.call.Name, Method: p.call.Method,
		Error: code, ResultBytes: len(result),
		Milliseconds: float64(p.gate.config.Now().Sub(p.begun)) / float64(time.Millisecond),
	}
	var members map[string]json.RawMessage
	if code == "" && json.Unmarshal(result, &members) == nil {
		r.IsError = string(members["isError"]) == "true"
	}
	if len(result) > 0 && content(p.policy) == policy.ContentAll {
		r.Result = policy.Hide(result, hidden(p.policy, p.decision.Redact, true)...)
	}
	if err := p.gate.config.Audit.Append(r); err != nil {
		p.gate.config.Logger.Error("an outcome cannot be written to the audit log", "server", p.call.Server, "error", err)
	}
	return denied
}

func content(p *policy.Policy) policy.Content {
	if rules := p.Rules().Audit; rules != nil && rules.Content != "" {
		return rules.Content
	}
	return policy.ContentNone
}

// hidden are the members that a log must not have.
func hidden(p *policy.Policy, own *policy.Redact, ofResult bool) []string {
	var all []string
	if rules := p.Rules().Audit; rules != nil {
		all = append(all, rules.Redact...)
	}
	if own != nil && ofResult {
		all = append(all, own.Result...)
	} else if own != nil {
		all = append(all, own.Arguments...)
	}
	if ofResult { // A server says in texts, too, what the structured content of a result has.
		for _, member := range all {
			if rest, ok := strings.CutPrefix(member, "/structuredContent/"); ok {
				all = append(all, "/content/*/text/"+rest)
			}
		}
	}
	return all
}
