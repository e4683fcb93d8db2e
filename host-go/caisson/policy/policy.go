// Package policy says what may be called: with which arguments, by whom, how often, and after whose yes.
//
// [Rules] are what a policy's author writes; package policyfile reads them from a file. [New] checks them and
// gives a [Policy], which caisson.ClientOptions takes. [Policy.Decide] is the decision about one [Call]. It
// is pure: it asks nobody, counts nothing and sends nothing.
//
// What no rule grants is denied. The first rule of a list that fits a call decides about it.
package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/caisson-dev/caisson/host-go/internal/jcs"
)

// A Policy is a set of rules that was checked. It also counts what the rules bound, so that all clients that
// share a Policy share its rates. It is safe for concurrent use.
type Policy struct {
	rules   Rules
	version string
	people  []person
	servers []*source
	plugins []*source
	scripts []*source
	counts  counts
	shared  SharedCounts // nil where this process alone counts
}

// New checks rules, and makes a policy of them. The error is a [*RuleError], or several that are joined.
// The rules must not be changed afterwards.
func New(rules Rules) (*Policy, error) {
	c := &compiler{}
	p := &Policy{rules: rules}
	if rules.Version != 1 {
		c.fail("version", "the version must be 1, and is %d", rules.Version)
	}
	p.people = c.people(rules.People)
	c.pins(rules.Pins)
	c.audit(rules.Audit)
	p.servers = c.sources(Server, rules.Servers)
	p.plugins = c.sources(Plugin, rules.Plugins)
	p.scripts = c.sources(Script, rules.Scripts)
	if err := c.err(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(rules)
	if err == nil {
		text, err = jcs.Lenient(text)
	}
	if err != nil {
		return nil, &RuleError{Message: "the rules cannot be made JSON: " + err.Error()}
	}
	sum := sha256.Sum256(text)
	p.version = hex.EncodeToString(sum[:])
	return p, nil
}

// Rules returns the rules. Do not change them: they belong to the policy.
func (p *Policy) Rules() *Rules { return &p.rules }

// Version is the SHA-256 of the rules, in hexadecimal. An approval counts for one version only.
func (p *Policy) Version() string { return p.version }

// IsPerson reports whether the policy says that a person is at a client of this name when a principal uses it,
// so that an answer to an elicitation there counts as an approval. A client without a name is nobody's.
func (p *Policy) IsPerson(principal, client string) bool {
	return client != "" && slices.ContainsFunc(p.people, func(who person) bool {
		return who.principal.match(principal) && matchAny(who.clients, client)
	})
}

// PinMode returns what the policy wants of definitions: [PinsOff] where it says nothing.
func (p *Policy) PinMode() PinMode {
	if p.rules.Pins == nil || p.rules.Pins.Mode == "" {
		return PinsOff
	}
	return p.rules.Pins.Mode
}

// source finds the rules for what a call is made to: those of its exact name, or else the first pattern that
// fits. It is nil when there are none.
func (p *Policy) source(kind SourceKind, name string) *source {
	all := p.servers
	switch kind {
	case Plugin:
		all = p.plugins
	case Script:
		all = p.scripts
	}
	var found *source
	for _, s := range all {
		if s.pattern.exact(name) {
			return s
		}
		if found == nil && s.pattern.match(name) {
			found = s
		}
	}
	return found
}

// Source returns the rules for a server, plugin or script of this name, and the key at which they stand; nil
// when there are none, and it may not be used at all.
func (p *Policy) Source(kind SourceKind, name string) (*Source, string) {
	s := p.source(kind, name)
	if s == nil {
		return nil, ""
	}
	return s.rules, s.key
}

// QuoteKey writes a name as a part of a key: servers.files, or servers."my files".
func QuoteKey(name string) string {
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_*", r) {
			text, _ := json.Marshal(name) // A string always marshals.
			return string(text)
		}
	}
	if name == "" {
		return `""`
	}
	return name
}
