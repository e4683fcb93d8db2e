package policy

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/caisson-dev/caisson/host-go/internal/unseen"
)

// Decide says what the rules say of a call: whether it is granted, and then whether its arguments are as they
// must be. It counts nothing. With several reasons to deny a call, it gives the first.
func (p *Policy) Decide(call *Call) *Decision {
	d := p.Grant(call)
	if d.Effect == Deny {
		return d
	}
	return d.arguments(call)
}

// Grant says whether a call is granted, whatever its arguments are. It is what a list is filtered by.
func (p *Policy) Grant(call *Call) *Decision {
	s := p.source(orServer(call.Source), call.Server)
	if s == nil {
		return &Decision{Effect: Deny, Reason: NotGranted, Message: fmt.Sprintf("the policy has no %s %q", orServer(call.Source), call.Server)}
	}
	denied := func(key, message string) *Decision {
		return &Decision{Effect: Deny, Reason: NotGranted, Rule: key, Message: message, source: s}
	}
	callers := s.rules.Callers
	if call.Kind == Asked { // The server asks, whoever has called it.
		callers = nil
	}
	if !forWhom(s.principals, callers, call) {
		return denied(s.key, "it is not for this principal and caller")
	}
	switch call.Kind {
	case Use:
		return &Decision{Effect: Allow, Rule: s.key, source: s}
	case Asked:
		if slices.Contains(s.rules.Asks, Asking(call.Name)) {
			return &Decision{Effect: Allow, Rule: s.key + ".asks", source: s}
		}
		return denied(s.key, "asks does not have it")
	}
	for _, r := range s.of[call.Kind] {
		if !r.fits(call) {
			continue
		}
		if r.rules.Deny {
			return denied(r.key, "the rule denies it")
		}
		if s.rules.ReadOnly && call.Kind == Tool && !call.ReadOnly {
			return denied(s.key+".readOnly", "the tool is not annotated as read-only")
		}
		d := &Decision{Effect: Allow, Rule: r.key, Redact: r.rules.Redact, source: s, rule: r}
		d.MaxResultBytes = least(s.rules.MaxResultBytes, r.rules.MaxResultBytes)
		if r.rules.Ask != nil {
			d.Effect, d.Ask = NeedsAnswer, r.rules.Ask
		}
		return d
	}
	return denied(s.key, "no rule grants it")
}

// arguments checks the arguments of a call that is granted.
func (d *Decision) arguments(call *Call) *Decision {
	denied := func(reason Reason, message string) *Decision {
		return &Decision{Effect: Deny, Reason: reason, Rule: d.Rule, Message: message, Redact: d.Redact, source: d.source, rule: d.rule}
	}
	most := d.source.rules.MaxArgumentBytes
	if d.rule != nil {
		most = least(most, d.rule.rules.MaxArgumentBytes)
	}
	if most > 0 && len(call.Arguments) > most {
		return denied(TooLarge, fmt.Sprintf("the arguments have %d bytes, and maxArgumentBytes is %d", len(call.Arguments), most))
	}
	if d.rule != nil && d.rule.schema != nil {
		if err := d.rule.schema.check(call.Arguments); err != nil {
			return denied(BadArguments, err.Error())
		}
	}
	return d
}

// NeedsDefinition reports whether the decision about a tool depends on its annotations.
func (p *Policy) NeedsDefinition(call *Call) bool {
	s := p.source(orServer(call.Source), call.Server)
	if s == nil || call.Kind != Tool {
		return false
	}
	if s.rules.ReadOnly {
		return true
	}
	return slices.ContainsFunc(s.of[Tool], func(r *rule) bool { return r.rules.ReadOnly && matchAny(r.names, call.Name) })
}

func (r *rule) fits(call *Call) bool {
	if r.rules.ReadOnly && !call.ReadOnly || !forWhom(r.principals, r.rules.Callers, call) {
		return false
	}
	if r.rules.Deny {
		return r.denies(call)
	}
	for i := range r.names {
		if call.Kind == Resource && r.names[i].matchURI(call.Name) || call.Kind != Resource && r.names[i].match(call.Name) {
			return true
		}
	}
	return false
}

// denies reports whether a rule that denies is for a call. It is for more than a rule that grants: a server may
// take other letters, or another writing of a URI, for the name that the rule has.
func (r *rule) denies(call *Call) bool {
	name := call.Name
	if call.Kind == Resource {
		if leavesFolder(name) {
			return true
		}
		for {
			decoded, err := url.PathUnescape(name)
			if err != nil || decoded == name {
				break
			}
			name = decoded
		}
	}
	visible := strings.Map(func(r rune) rune {
		if unseen.Is(r) {
			return -1
		}
		return r
	}, name)
	return matchAny(r.names, call.Name) || matchAny(r.folded, fold(name)) || matchAny(r.folded, fold(visible))
}

func forWhom(principals []pattern, callers []Caller, call *Call) bool {
	caller := call.Caller
	if caller == "" {
		caller = CallerProgram
	}
	return (len(principals) == 0 || matchAny(principals, call.Principal)) && (len(callers) == 0 || slices.Contains(callers, caller))
}

func orServer(kind SourceKind) SourceKind {
	if kind == "" {
		return Server
	}
	return kind
}

// least returns the smaller of two bounds, of which 0 is none.
func least(a, b int) int {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}
