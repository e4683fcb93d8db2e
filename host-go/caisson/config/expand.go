package config

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/caisson-dev/caisson/host-go/internal/reference"
)

// braces matches a reference: ${...} up to the first closing brace.
var braces = regexp.MustCompile(`\$\{([^}]*)\}`)

// variable matches the text of a variable between the braces.
var variable = regexp.MustCompile(`(?s)^(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(:-.*)?$`)

// A ReferenceError says that what a value refers to is not to be had. No value is in it.
type ReferenceError struct {
	// Field is where the reference stands, such as "headers.Authorization".
	Field string
	// Reference is what stands between the braces, such as "file:/run/secrets/token".
	Reference string
	// Err is why.
	Err error
}

// Error names the field and the cause.
func (e *ReferenceError) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *ReferenceError) Unwrap() error { return e.Err }

// An expander fills references in, and remembers the first one that it could not fill in. Its errors name
// the field and the reference, but no value.
type expander struct {
	lookup func(string) (string, bool)
	err    error
}

// text expands one value. The value of a variable is not expanded again.
func (x *expander) text(field, value string) string { return x.expand(field, value, false) }

// secret expands a value that may refer to a file or the keyring too. Others may not: a command line, a folder and
// the path of a URL can be seen by other users.
func (x *expander) secret(field, value string) string { return x.expand(field, value, true) }

func (x *expander) expand(field, value string, secret bool) string {
	if at := strings.LastIndex(value, "${"); at >= 0 && !strings.Contains(value[at:], "}") {
		x.fail("%s: a ${ in it has no closing brace", field)
		return ""
	}
	return braces.ReplaceAllStringFunc(value, func(whole string) string {
		inner := whole[2 : len(whole)-1]
		if kind, _, ok := strings.Cut(inner, ":"); ok && (kind == "file" || kind == "keyring") {
			return x.refer(field, kind, inner, secret)
		}
		parts := variable.FindStringSubmatch(inner)
		if parts == nil {
			x.fail("%s: a ${...} in it is not one of ${VAR}, ${VAR:-default}, ${env:VAR}, ${file:PATH} and ${keyring:SERVICE/NAME}%s", field, hostVariable(inner))
			return ""
		}
		name, byDefault := parts[1], parts[2]
		set, ok := x.lookup(name)
		switch {
		case byDefault != "" && set == "":
			return strings.TrimPrefix(byDefault, ":-")
		case !ok:
			x.failed(field, "env:"+name, fmt.Errorf("the environment variable %s is not set: set it, or write ${%s:-default}", name, name))
		}
		return set
	})
}

// refer reads what a reference to a file or the keyring stands for.
func (x *expander) refer(field, kind, inner string, secret bool) string {
	if !secret {
		x.fail("%s: ${%s:...} is for env, headers, the query of url, oauth and auth: what stands here can be seen by others", field, kind)
		return ""
	}
	text, known, err := reference.Read(context.Background(), inner, x.lookup)
	switch {
	case err != nil:
		x.failed(field, inner, err)
	case !known:
		x.fail("%s: ${%s:} names nothing", field, kind)
	}
	return text
}

// hostVariable explains the variables that only other hosts can fill in, such as ${input:token}.
// It does not repeat text that may be a secret.
func hostVariable(inner string) string {
	for _, kind := range []string{"input", "command", "config"} {
		if strings.HasPrefix(inner, kind+":") {
			return ": ${" + kind + ":...} is for VS Code alone"
		}
	}
	return ""
}

// url expands a URL. Only its query stays out of everybody's sight.
func (x *expander) url(field, value string) string {
	path, query, found := strings.Cut(value, "?")
	if !found || strings.Count(path, "${") != strings.Count(path, "}") { // The "?" is in a default.
		return x.text(field, value)
	}
	return x.text(field, path) + "?" + x.secret(field, query)
}

func (x *expander) list(field string, values []string) []string {
	expanded := slices.Clone(values)
	for i, value := range values {
		expanded[i] = x.text(fmt.Sprintf("%s[%d]", field, i), value)
	}
	return expanded
}

// secrets expands values that may be secret.
func (x *expander) secrets(field string, values map[string]string) map[string]string {
	expanded := maps.Clone(values)
	for _, name := range slices.Sorted(maps.Keys(values)) { // Sorted, so that the first error is always the same.
		expanded[name] = x.secret(field+"."+name, values[name])
	}
	return expanded
}

// failed remembers that a reference leads to nothing.
func (x *expander) failed(field, to string, err error) {
	if x.err == nil {
		x.err = &ReferenceError{Field: field, Reference: to, Err: err}
	}
}

func (x *expander) fail(format string, args ...any) {
	if x.err == nil {
		x.err = fmt.Errorf(format, args...)
	}
}
