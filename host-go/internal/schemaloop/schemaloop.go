// Package schemaloop finds JSON Schemas that have no end: those that refer to themselves for the same value. Who checks a
// value by one never comes to its end, and runs out of the stack.
package schemaloop

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/caisson-dev/caisson/host-go/internal/jsonpointer"
)

// These keywords have a schema, a list or a table of schemas for the same value, and those that refer to one; all other
// keywords have schemas for parts of the value, which are fewer at each step.
var (
	references = []string{"$ref", "$dynamicRef"}
	same       = []string{"not", "if", "then", "else"}
	sameLists  = []string{"allOf", "anyOf", "oneOf"}
	sameTable  = "dependentSchemas"
)

// values are the keywords that have no schemas.
var values = []string{"const", "enum", "examples", "default"}

// Find returns where a schema refers to itself for the same value, as a JSON Pointer; found is false where none does. The
// schema is a decoded JSON text. Where several schemas have an $id, a reference may be taken for one to more of them than
// it is.
func Find(schema any) (at string, found bool) {
	f := &finder{bases: map[string]any{"": schema}, anchors: map[string]map[string]any{}, state: map[string]state{}}
	f.index("", schema)
	return f.all("", schema)
}

type state int

const (
	unseen state = iota
	underway
	done
)

type finder struct {
	bases   map[string]any            // the schemas that references begin at, by their JSON Pointers: the whole, and those with an $id
	anchors map[string]map[string]any // those with a name, by the name and their JSON Pointers
	state   map[string]state          // of the schemas, by their JSON Pointers
}

// index finds the schemas that references can name.
func (f *finder) index(at string, value any) {
	switch value := value.(type) {
	case map[string]any:
		if _, ok := value["$id"].(string); ok {
			f.bases[at] = value
		}
		for _, key := range []string{"$anchor", "$dynamicAnchor"} {
			if name, ok := value[key].(string); ok {
				if f.anchors[name] == nil {
					f.anchors[name] = map[string]any{}
				}
				f.anchors[name][at] = value
			}
		}
		for name, in := range value {
			if !slices.Contains(values, name) {
				f.index(jsonpointer.Join(at, name), in)
			}
		}
	case []any:
		for i, item := range value {
			f.index(jsonpointer.Join(at, strconv.Itoa(i)), item)
		}
	}
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
			if loop, found := f.all(jsonpointer.Join(at, name), value[name]); found {
				return loop, true
			}
		}
	case []any:
		for i, item := range value {
			if loop, found := f.all(jsonpointer.Join(at, strconv.Itoa(i)), item); found {
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
	for _, name := range references {
		ref, _ := schema[name].(string)
		targets := f.resolve(ref)
		for _, to := range slices.Sorted(maps.Keys(targets)) {
			if loop, found := f.visit(to, targets[to]); found {
				return loop, true
			}
		}
	}
	for _, name := range same {
		if loop, found := f.visit(jsonpointer.Join(at, name), schema[name]); found {
			return loop, true
		}
	}
	for _, name := range sameLists {
		list, _ := schema[name].([]any)
		for i, item := range list {
			if loop, found := f.visit(jsonpointer.Join(jsonpointer.Join(at, name), strconv.Itoa(i)), item); found {
				return loop, true
			}
		}
	}
	table, _ := schema[sameTable].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if loop, found := f.visit(jsonpointer.Join(jsonpointer.Join(at, sameTable), name), table[name]); found {
			return loop, true
		}
	}
	f.state[at] = done
	return "", false
}

// resolve finds what a reference may lead to, by JSON Pointers in the one form that Join makes.
func (f *finder) resolve(ref string) map[string]any {
	address, fragment, hash := strings.Cut(ref, "#")
	fragment, err := url.PathUnescape(fragment)
	if ref == "" || err != nil {
		return nil
	}
	if fragment != "" && fragment[0] != '/' {
		return f.anchors[fragment]
	}
	targets := map[string]any{}
	for at, base := range f.bases {
		if own, ok := base.(map[string]any); address != "" || !hash {
			if _, named := own["$id"].(string); !ok || !named {
				continue // It has no address.
			}
		}
		if to, target, ok := follow(at, base, fragment); ok {
			targets[to] = target
		}
	}
	return targets
}

// follow follows a JSON Pointer from a schema on.
func follow(at string, value any, pointer string) (string, any, bool) {
	for _, name := range jsonpointer.Tokens(pointer) {
		switch in := value.(type) {
		case map[string]any:
			found, ok := in[name]
			if !ok {
				return "", nil, false
			}
			value = found
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(in) {
				return "", nil, false
			}
			value, name = in[i], strconv.Itoa(i)
		default:
			return "", nil, false
		}
		at = jsonpointer.Join(at, name)
	}
	return at, value, true
}
