package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// reference matches a reference to a variable: ${...} up to the first closing brace.
var reference = regexp.MustCompile(`\$\{([^}]*)\}`)

// variable matches the text that may be between the braces.
var variable = regexp.MustCompile(`(?s)^(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(:-.*)?$`)

// An expander fills variables in, and remembers the first one that it could not fill in. Its errors name
// the field and the variable, but no value.
type expander struct {
	lookup func(string) (string, bool)
	err    error
}

// text expands one value. The value of a variable is not expanded again.
func (x *expander) text(field, value string) string {
	if at := strings.LastIndex(value, "${"); at >= 0 && !strings.Contains(value[at:], "}") {
		x.fail("%s: a ${ in it has no closing brace", field)
		return ""
	}
	return reference.ReplaceAllStringFunc(value, func(whole string) string {
		inner := whole[2 : len(whole)-1]
		parts := variable.FindStringSubmatch(inner)
		if parts == nil {
			x.fail("%s: a ${...} in it is not one of ${VAR}, ${VAR:-default} and ${env:VAR}%s", field, hostVariable(inner))
			return ""
		}
		name, byDefault := parts[1], parts[2]
		set, ok := x.lookup(name)
		switch {
		case byDefault != "" && set == "":
			return strings.TrimPrefix(byDefault, ":-")
		case !ok:
			x.fail("%s: the environment variable %s is not set: set it, or write ${%s:-default}", field, name, name)
		}
		return set
	})
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

func (x *expander) list(field string, values []string) []string {
	expanded := slices.Clone(values)
	for i, value := range values {
		expanded[i] = x.text(fmt.Sprintf("%s[%d]", field, i), value)
	}
	return expanded
}

func (x *expander) values(field string, values map[string]string) map[string]string {
	expanded := maps.Clone(values)
	for _, name := range slices.Sorted(maps.Keys(values)) { // Sorted, so that the first error is always the same.
		expanded[name] = x.text(field+"."+name, values[name])
	}
	return expanded
}

func (x *expander) fail(format string, args ...any) {
	if x.err == nil {
		x.err = fmt.Errorf(format, args...)
	}
}
