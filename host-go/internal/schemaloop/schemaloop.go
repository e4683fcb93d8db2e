// Package schemaloop finds JSON Schemas that have no end: those that refer to themselves for the same value. Who checks a
// value by one never comes to its end, and runs out of the stack.
package schemaloop

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// These keywords have a schema, a list or a table of schemas for the same value. $ref has one, too; all other keywords
// have schemas for parts of the value, which are fewer at each step.
var (
	same      = []string{"not", "if", "then", "else"}
	sameLists = []string{"allOf", "anyOf", "oneOf"}
	sameTable = "dependentSchemas"
)

// values are the keywords that have no schemas.
var values = []string{"const", "enum", "examples", "default"}

// Find returns where a schema refers to itself for the same value, as a JSON Pointer; found is false where none does. The
// schema is a decoded JSON text. Of references it follows those that are JSON Pointers.
func Find(schema any) (at string, found bool) {
	f := &finder{root: schema, state: map[string]state{}}
	return f.all("", schema)
}

type state int

const (
	unseen state = iota
	underway
	done
)

type finder struct {
	root  any
	state map[string]state // of the schemas, by their JSON Pointers
}

// all looks at a schema, and at all that are in it.
func (f *finder) all(at string, value any) (string, bool) {
	switch value := value.(type) {
	case map[string]any:
		if loop, found := f.visit(at, value); found {
			return loop, true
		}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if slices.Contains(values, name) {
				continue
			}
			if loop, found := f.all(join(at, name), value[name]); found {
				return loop, true
			}
		}
	case []any:
		for i, item := range value {
			if loop, found := f.all(join(at, strconv.Itoa(i)), item); found {
				return loop, true
			}
		}
	}
	return "", false
}

// visit follows a schema to those that it has for the same value.
func (f *finder) visit(at string, value any) (string, bool) {
	schema, ok := value.(map[string]any)
	if !ok || f.state[at] == done {
		return "", false
	}
	if f.state[at] == underway {
		return at, true
	}
	f.state[at] = underway
	if ref, ok := schema["$ref"].(string); ok {
		if to, target, ok := f.resolve(ref); ok {
			if loop, found := f.visit(to, target); found {
				return loop, true
			}
		}
	}
	for _, name := range same {
		if loop, found := f.visit(join(at, name), schema[name]); found {
			return loop, true
		}
	}
	for _, name := range sameLists {
		list, _ := schema[name].([]any)
		for i, item := range list {
			if loop, found := f.visit(join(join(at, name), strconv.Itoa(i)), item); found {
				return loop, true
			}
		}
	}
	table, _ := schema[sameTable].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if loop, found := f.visit(join(join(at, sameTable), name), table[name]); found {
			return loop, true
		}
	}
	f.state[at] = done
	return "", false
}

// resolve finds what a reference leads to, and its JSON Pointer in the one form that join makes.
func (f *finder) resolve(ref string) (at string, value any, ok bool) {
	fragment, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return "", nil, false
	}
	pointer, err := url.PathUnescape(fragment)
	if err != nil || pointer != "" && pointer[0] != '/' {
		return "", nil, false
	}
	value = f.root
	tokens := strings.Split(pointer, "/")
	for _, token := range tokens[1:] { // Before the first slash there is nothing.
		name := strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch in := value.(type) {
		case map[string]any:
			if value, ok = in[name]; !ok {
				return "", nil, false
			}
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(in) {
				return "", nil, false
			}
			value, name = in[i], strconv.Itoa(i)
		default:
			return "", nil, false
		}
		at = join(at, name)
	}
	return at, value, true
}

func join(at, name string) string {
	return at + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
