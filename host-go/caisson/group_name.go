package caisson

import (
	"fmt"
	"strings"
)

// nameSeparator separates a server's prefix from a tool's name. It has only characters that names of tools
// may have (specification, server/tools, "Tool Names").
const nameSeparator = "__"

// prefixes returns the prefix of each server; see [Group] for the rules.
func prefixes(names []string) []string {
	all := make([]string, len(names))
	taken := map[string]bool{}
	for i, name := range names {
		if all[i] = plain(name); all[i] == name {
			taken[name] = true
		}
	}
	for i, name := range names {
		if all[i] == name {
			continue
		}
		wanted := all[i]
		for n := 2; taken[all[i]]; n++ {
			all[i] = fmt.Sprintf("%s-%d", wanted, n)
		}
		taken[all[i]] = true
	}
	return all
}

// plain replaces the separators in a name, and the characters that a prefix must not have.
func plain(name string) string {
	var b strings.Builder
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			b.WriteRune(r)
		default:
			b.WriteByte('-')
		}
	}
	text := b.String()
	for strings.Contains(text, nameSeparator) {
		text = strings.ReplaceAll(text, nameSeparator, "_")
	}
	if text = strings.Trim(text, "_"); text == "" {
		return "server"
	}
	return text
}

// rename returns the name in the group for a server's own name.
func (m *member) rename(name string) string {
	if rule := m.group.options.Name; rule != nil {
		return rule(m.name, name)
	}
	return m.prefix + nameSeparator + name
}

// byPrefix finds the server of a name that the default rule made.
func (g *Group) byPrefix(name string) (m *member, own string) {
	prefix, own, ok := strings.Cut(name, nameSeparator)
	if !ok {
		return nil, ""
	}
	for _, m := range g.members {
		if m.prefix == prefix {
			return m, own
		}
	}
	return nil, ""
}
