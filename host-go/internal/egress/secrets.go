package egress

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// secrets are texts that must not appear in a message, even when a server or a command prints them.
type secrets []string

// shortest is the length of the shortest secret: hiding shorter texts would hide words of every message.
const shortest = 8

// hide returns text with every secret in it replaced.
func (s secrets) hide(text string) string {
	for _, secret := range s {
		if len(secret) >= shortest {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

// environmentSecrets returns the values of an environment that are not paths: PATH, HOME and their like
// are no secrets, and the messages of a command are full of them.
func environmentSecrets(environment []string) secrets {
	var values secrets
	for _, entry := range environment {
		if _, value, ok := strings.Cut(entry, "="); ok && len(value) >= shortest && !isPath(value) {
			values = append(values, value)
		}
	}
	return values
}

// Secrets returns the texts that a session with this grant must not reveal: the values of its headers, of
// its command's environment except paths, and of its URL's user information and query.
func (g Grant) Secrets() []string {
	var all []string
	for _, values := range g.Header {
		all = append(all, values...)
	}
	if g.URL != nil {
		all = append(all, urlSecrets(g.URL)...)
	}
	if g.Command != nil {
		all = append(all, environmentSecrets(g.Command.Env)...)
	}
	return all
}

// urlSecrets returns what is secret in a URL, as it stands there and as it is meant. A query that
// url.ParseQuery would not read has them too: servers have readers of their own.
func urlSecrets(u *url.URL) secrets {
	var all secrets
	if u.RawQuery != "" {
		all = append(all, u.RawQuery)
	}
	for _, member := range strings.FieldsFunc(u.RawQuery, func(c rune) bool { return c == '&' || c == ';' }) {
		if _, value, ok := strings.Cut(member, "="); ok {
			member = value
		}
		all = append(all, member)
		if meant, err := url.QueryUnescape(member); err == nil && meant != member {
			all = append(all, meant)
		}
	}
	if password, ok := u.User.Password(); ok {
		all = append(all, password, u.User.String())
	}
	return all
}

// isPath reports whether value is a path, or a list of paths, the first of which exists.
func isPath(value string) bool {
	list := filepath.SplitList(value)
	if len(list) == 0 || !filepath.IsAbs(list[0]) {
		return false
	}
	_, err := os.Lstat(list[0])
	return err == nil
}
