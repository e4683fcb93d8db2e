package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/caisson-dev/caisson/host-go/internal/reference"
)

// source is a Source that was checked.
type source struct {
	rules      *Source
	kind       SourceKind
	key        string
	pattern    pattern
	principals []pattern
	of         map[Kind][]*rule
}

// rule is a Rule that was checked.
type rule struct {
	rules      *Rule
	key        string
	names      []pattern
	folded     []pattern // the names in one case, of a rule that denies
	principals []pattern
	schema     *schema // nil for any arguments
}

// A compiler checks rules, and collects what is wrong.
type compiler struct{ errors []error }

func (c *compiler) fail(key, format string, args ...any) {
	c.errors = append(c.errors, &RuleError{Key: key, Message: fmt.Sprintf(format, args...)})
}

func (c *compiler) err() error { return errors.Join(c.errors...) }

func (c *compiler) patterns(key string, texts []string) []pattern {
	var all []pattern
	for i, text := range texts {
		p, err := newPattern(text)
		if err != nil {
			c.fail(fmt.Sprintf("%s[%d]", key, i), "%v", err)
		}
		all = append(all, p)
	}
	return all
}

// person is a Person that was checked.
type person struct {
	principal pattern
	clients   []pattern
}

func (c *compiler) people(all []Person) []person {
	var checked []person
	for i, who := range all {
		key := fmt.Sprintf("people[%d]", i)
		if who.Principal == "" {
			c.fail(key+".principal", "it is missing: the principal, or a pattern for principals")
		}
		if len(who.Clients) == 0 {
			c.fail(key+".clients", "it is missing: the names of the clients at which the principal is a person")
		}
		p, err := newPattern(who.Principal)
		if err != nil && who.Principal != "" {
			c.fail(key+".principal", "%v", err)
		}
		checked = append(checked, person{principal: p, clients: c.patterns(key+".clients", who.Clients)})
	}
	return checked
}

// word checks a value that is one of a few words.
func word[T ~string](c *compiler, key string, value T) {
	if words := Words(value); value != "" && !slices.Contains(words, string(value)) {
		c.fail(key, "%q is not one of %s", string(value), strings.Join(words, ", "))
	}
}

func (c *compiler) pins(p *Pins) {
	if p == nil {
		return
	}
	if p.Mode == "" {
		c.fail("pins.mode", "it is missing: off, warn or enforce")
	}
	word(c, "pins.mode", p.Mode)
}

func (c *compiler) audit(a *Audit) {
	if a == nil {
		return
	}
	if a.File == "" {
		c.fail("audit.file", "it is missing: the path of the log")
	}
	word(c, "audit.content", a.Content)
	if a.MaxBytes < 0 || a.MaxBytes > 0 && a.MaxBytes < 4096 {
		c.fail("audit.maxBytes", "it must be 4096 or more, and is %d", a.MaxBytes)
	}
	if a.Files < 0 {
		c.fail("audit.files", "it must not be negative, and is %d", a.Files)
	}
	c.redact("audit.redact", a.Redact)
}

func (c *compiler) redact(key string, members []string) {
	for i, m := range members {
		if _, err := newRedaction(m); err != nil {
			c.fail(fmt.Sprintf("%s[%d]", key, i), "%v", err)
		}
	}
}

func (c *compiler) sources(kind SourceKind, all []Source) []*source {
	var checked []*source
	seen := map[string]bool{}
	for i := range all {
		s := &all[i]
		key := string(kind) + "s." + QuoteKey(s.Name)
		p, err := newPattern(s.Name)
		if err != nil {
			c.fail(key, "%v", err)
		}
		if seen[s.Name] {
			c.fail(key, "it stands here twice")
		}
		seen[s.Name] = true
		checked = append(checked, c.source(kind, key, p, s))
	}
	return checked
}

func (c *compiler) source(kind SourceKind, key string, p pattern, s *Source) *source {
	for i, caller := range s.Callers {
		word(c, fmt.Sprintf("%s.callers[%d]", key, i), caller)
	}
	for i, asking := range s.Asks {
		word(c, fmt.Sprintf("%s.asks[%d]", key, i), asking)
	}
	c.limits(key, &s.Limits)
	for i, origin := range s.Origins {
		if !isOrigin(origin) {
			c.fail(fmt.Sprintf("%s.origins[%d]", key, i), "%q is no origin, such as https://api.example.com", origin)
		}
	}
	for i, command := range s.Commands {
		if command == "" {
			c.fail(fmt.Sprintf("%s.commands[%d]", key, i), "it is empty")
		}
	}
	for i, name := range s.Environment {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			c.fail(fmt.Sprintf("%s.environment[%d]", key, i), "it is no name of a variable")
		}
	}
	c.effects(kind, key, s)
	c.secrets(key+".secrets", s)
	for i, port := range s.Ports {
		if port < 1 || port > 65535 {
			c.fail(fmt.Sprintf("%s.ports[%d]", key, i), "it must be 1 to 65535, and is %d", port)
		}
	}
	for i, folder := range s.Folders {
		at := fmt.Sprintf("%s.folders[%d]", key, i)
		if folder.Path == "" {
			c.fail(at+".path", "it is missing")
		}
		if folder.Access == "" {
			c.fail(at+".access", "it is missing: read or write")
		}
		word(c, at+".access", folder.Access)
	}
	return &source{
		rules: s, kind: kind, key: key, pattern: p,
		principals: c.patterns(key+".principals", s.Principals),
		of: map[Kind][]*rule{
			Tool:     c.list(Tool, key+".tools", s.Tools),
			Resource: c.list(Resource, key+".resources", s.Resources),
			Prompt:   c.list(Prompt, key+".prompts", s.Prompts),
			Method:   c.list(Method, key+".methods", s.Methods),
		},
	}
}

// effects finds the keys that have no effect for a source of this kind. Somebody believes in what they say.
func (c *compiler) effects(kind SourceKind, key string, s *Source) {
	const (
		onlyTools = "only a server has it: plugins and scripts have tools alone"
		reach     = "a script reaches nothing but tools: grant those"
	)
	for _, of := range []struct {
		key   string
		there bool
		kinds []SourceKind
		why   string
	}{
		{"stateless", s.Stateless, []SourceKind{Server}, "only a server has sessions"},
		{"resources", s.Resources != nil, []SourceKind{Server}, onlyTools},
		{"prompts", s.Prompts != nil, []SourceKind{Server}, onlyTools},
		{"methods", s.Methods != nil, []SourceKind{Server}, onlyTools},
		{"asks", s.Asks != nil, []SourceKind{Server}, "only a server asks"},
		{"commands", s.Commands != nil, []SourceKind{Server}, "only a server is a command"},
		{"ports", s.Ports != nil, []SourceKind{Server}, "only a server's command is confined to ports"},
		{"origins", s.Origins != nil, []SourceKind{Server, Plugin}, reach},
		{"environment", s.Environment != nil, []SourceKind{Server, Plugin}, reach},
		{"folders", s.Folders != nil, []SourceKind{Server, Plugin}, reach},
		{"secrets", s.Secrets != nil, []SourceKind{Plugin}, "secrets are for plugins: those of a server stand in its configuration"},
	} {
		if of.there && !slices.Contains(of.kinds, kind) {
			c.fail(key+"."+of.key, "%s", of.why)
		}
	}
}

// secrets checks references. It does not quote them: one that is wrong may be the secret itself.
func (c *compiler) secrets(key string, s *Source) {
	for _, name := range slices.Sorted(maps.Keys(s.Secrets)) {
		at := key + "." + QuoteKey(name)
		if name == "" || strings.ContainsAny(name, "=\x00") {
			c.fail(at, "it is no name of a variable")
		}
		if slices.Contains(s.Environment, name) {
			c.fail(at, "environment has the name too: whose value is meant?")
		}
		if _, ok := reference.Whole(s.Secrets[name]); !ok {
			c.fail(at, "it must be one reference, ${env:NAME}, ${file:PATH} or ${keyring:SERVICE/NAME}, and not the secret itself")
		}
	}
}

// isOrigin reports whether a text is a scheme, a host and perhaps a port.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && text == u.Scheme+"://"+u.Host && text == strings.ToLower(text)
}

func (c *compiler) limits(key string, l *Limits) {
	for name, value := range map[string]int{"concurrency": l.Concurrency, "maxArgumentBytes": l.MaxArgumentBytes, "maxResultBytes": l.MaxResultBytes} {
		if value < 0 {
			c.fail(key+"."+name, "it must not be negative, and is %d", value)
		}
	}
	if l.Rate == nil {
		return
	}
	if l.Rate.MaxTokens <= 0 {
		c.fail(key+".rate.maxTokens", "it must be more than 0, and is %d", l.Rate.MaxTokens)
	}
	if l.Rate.RefillPeriod <= 0 {
		c.fail(key+".rate.refillPeriod", "it must be more than 0")
	}
}

func (c *compiler) list(kind Kind, key string, all []Rule) []*rule {
	var checked []*rule
	for i := range all {
		checked = append(checked, c.rule(kind, key+"["+strconv.Itoa(i)+"]", &all[i]))
	}
	return checked
}

func (c *compiler) rule(kind Kind, key string, r *Rule) *rule {
	if len(r.Name) == 0 {
		c.fail(key+".name", "it is missing: the names that the rule is for")
	}
	for i, caller := range r.Callers {
		word(c, fmt.Sprintf("%s.callers[%d]", key, i), caller)
	}
	c.limits(key, &r.Limits)
	if r.ReadOnly && kind != Tool {
		c.fail(key+".readOnly", "only tools are annotated with readOnlyHint")
	}
	if r.Deny && (r.Arguments != nil || r.Ask != nil || r.Limits != (Limits{})) {
		c.fail(key+".deny", "a rule that denies has no arguments, ask or limits: they would have no effect")
	}
	c.ask(key+".ask", r.Ask)
	if r.Redact != nil {
		c.redact(key+".redact.arguments", r.Redact.Arguments)
		c.redact(key+".redact.result", r.Redact.Result)
	}
	var folded []pattern
	if r.Deny {
		for _, name := range r.Name {
			if p, err := newPattern(fold(name)); err == nil { // The name itself has told the error.
				folded = append(folded, p)
			}
		}
	}
	return &rule{
		rules: r, key: key, folded: folded,
		names:      c.patterns(key+".name", r.Name),
		principals: c.patterns(key+".principals", r.Principals),
		schema:     c.schema(kind, key+".arguments", r.Arguments),
	}
}

func (c *compiler) ask(key string, a *Ask) {
	if a == nil {
		return
	}
	if a.Who != "" {
		if _, err := newPattern(a.Who); err != nil {
			c.fail(key+".who", "%v", err)
		}
	}
	word(c, key+".covers", a.Covers)
	switch a.Lasts {
	case "", Once, ForSession:
	default:
		if _, ok := a.Lasts.until(); !ok {
			c.fail(key+".lasts", `%q is not one of once, session, or a duration such as "8h"`, string(a.Lasts))
		}
	}
	if a.Covers == CoversTool && (a.Lasts == "" || a.Lasts == Once) {
		c.fail(key+".covers", "a yes for one call is for its arguments: set lasts too")
	}
}

func (c *compiler) schema(kind Kind, key string, text json.RawMessage) *schema {
	if text == nil {
		return nil
	}
	if kind == Resource {
		c.fail(key, "a resource has no arguments")
		return nil
	}
	s, wrong := newSchema(text)
	for _, w := range wrong {
		c.fail(key+w.Key, "%s", w.Message)
	}
	return s
}
