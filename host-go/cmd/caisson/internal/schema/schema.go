// Package schema reads JSON Schemas as far as the command line needs them: to convert a word to the right
// type, and to describe an argument in a few characters.
package schema

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/jsontext"
	"github.com/caisson-dev/caisson/host-go/internal/jsonpointer"
)

// A Schema is a JSON Schema. It allows everything for a keyword that it does not know; the server checks the
// arguments itself.
type Schema struct {
	root       any      // the whole document, into which references point
	properties []string // of the root, in the order in which they were written
	budget     int      // how many parts may still be visited; references may multiply without end
}

const (
	maxLooks   = 10_000 // visited parts of a schema
	maxDepth   = 8      // nesting of parts
	maxChoices = 6      // listed choices
)

func Parse(text json.RawMessage) *Schema {
	s := &Schema{budget: maxLooks}
	// A text that is not JSON, or not an object, allows everything.
	_ = json.Unmarshal(text, &s.root)
	var members struct {
		Properties json.RawMessage `json:"properties"`
	}
	_ = json.Unmarshal(text, &members)
	s.properties = keys(members.Properties)
	return s
}

// keys returns the keys of an object in their order.
func keys(object json.RawMessage) []string {
	d := json.NewDecoder(bytes.NewReader(object))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil
	}
	var all []string
	seen := map[string]bool{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil
		}
		var ignored json.RawMessage
		if err := d.Decode(&ignored); err != nil {
			return nil
		}
		if name := key.(string); !seen[name] {
			seen[name] = true
			all = append(all, name)
		}
	}
	return all
}

// Property returns the schema of an argument. An argument without a schema is known only when
// additionalProperties allows it.
func (s *Schema) Property(name string) (sub any, known bool) {
	if sub, known = member(s.root, "properties", name); known {
		return sub, true
	}
	sub, known = member(s.root, "additionalProperties")
	return sub, known && sub != false
}

// Signature describes the arguments: "a: number, b?: string".
func (s *Schema) Signature() string {
	if len(s.properties) == 0 {
		return "no arguments"
	}
	list, _ := member(s.root, "required")
	names, _ := list.([]any)
	required := map[string]bool{}
	for _, name := range names {
		if name, ok := name.(string); ok {
			required[name] = true
		}
	}
	var parts []string
	for _, name := range s.properties {
		sub, _ := member(s.root, "properties", name)
		mark := "?"
		if required[name] {
			mark = ""
		}
		parts = append(parts, name+mark+": "+s.describe(sub, 0))
	}
	return strings.Join(parts, ", ")
}

// Describe returns a schema's type in TypeScript's notation, in a few characters.
func (s *Schema) Describe(sub any) string { return s.describe(sub, 0) }

// ParseWord converts a word to the type in the schema. It reads the word as JSON when the schema allows that
// value, and otherwise as a string. It does not unquote JSON strings: a word that is a string stays as it is.
func (s *Schema) ParseWord(sub any, word string) (json.RawMessage, bool) {
	var value any
	if err := json.Unmarshal([]byte(word), &value); err == nil {
		if _, isString := value.(string); !isString && s.accepts(sub, value, 0) {
			return json.RawMessage(word), true
		}
	}
	if !s.accepts(sub, word, 0) {
		return nil, false
	}
	text, err := jsontext.Marshal(word)
	return text, err == nil
}

// describe returns a schema's type in TypeScript's notation.
func (s *Schema) describe(sub any, depth int) string {
	object, ok := s.resolve(sub).(map[string]any)
	if !ok || !s.look(depth) {
		return "any"
	}
	if choices := choices(object); choices != nil {
		var words []string
		for _, choice := range choices[:min(len(choices), maxChoices)] {
			text, _ := jsontext.Marshal(choice)
			words = append(words, string(text))
		}
		if len(choices) > maxChoices {
			words = append(words, "…")
		}
		return strings.Join(words, "|")
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		if options, ok := object[key].([]any); ok {
			var words []string
			for _, option := range options[:min(len(options), maxChoices)] {
				if word := s.describe(option, depth+1); !slices.Contains(words, word) {
					words = append(words, word)
				}
			}
			return strings.Join(words, "|")
		}
	}
	types := typesOf(object)
	if len(types) == 0 {
		return "any"
	}
	types = types[:min(len(types), maxChoices)]
	if i := slices.Index(types, "array"); i >= 0 {
		item := s.describe(object["items"], depth+1)
		if strings.Contains(item, "|") {
			item = "(" + item + ")"
		}
		types[i] = item + "[]"
	}
	return strings.Join(types, "|")
}

// accepts reports whether a schema allows a value's type and, when it lists choices, the value.
func (s *Schema) accepts(sub, value any, depth int) bool {
	resolved := s.resolve(sub)
	if resolved == false {
		return false
	}
	object, ok := resolved.(map[string]any)
	if !ok || !s.look(depth) {
		return true
	}
	allows := func(option any) bool { return s.accepts(option, value, depth+1) }
	if types := typesOf(object); len(types) > 0 && !slices.ContainsFunc(types, func(t string) bool { return isA(value, t) }) {
		return false
	}
	if choices := choices(object); choices != nil &&
		!slices.ContainsFunc(choices, func(c any) bool { return reflect.DeepEqual(c, value) }) {
		return false
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		if options, ok := object[key].([]any); ok && !slices.ContainsFunc(options, allows) {
			return false
		}
	}
	all, _ := object["allOf"].([]any)
	return !slices.ContainsFunc(all, func(option any) bool { return !allows(option) })
}

// look reports whether one more part may be visited.
func (s *Schema) look(depth int) bool {
	s.budget--
	return s.budget >= 0 && depth <= maxDepth
}

// resolve follows references within the document. It never fetches others: they allow everything.
func (s *Schema) resolve(sub any) any {
	for range maxDepth {
		ref, ok := member(sub, "$ref")
		pointer, isText := ref.(string)
		if !ok || !isText {
			return sub
		}
		path, local := strings.CutPrefix(pointer, "#")
		if !local {
			return nil
		}
		sub, _ = member(s.root, jsonpointer.Tokens(path)...)
	}
	return nil
}

// member follows a path through nested objects.
func member(value any, path ...string) (any, bool) {
	for _, key := range path {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		if value, ok = object[key]; !ok {
			return nil, false
		}
	}
	return value, true
}

// typesOf returns the names under "type", which is a name or a list.
func typesOf(object map[string]any) []string {
	switch t := object["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var names []string
		for _, name := range t {
			if name, ok := name.(string); ok {
				names = append(names, name)
			}
		}
		return names
	}
	return nil
}

// choices returns the values under enum or const, or nil when there are none.
func choices(object map[string]any) []any {
	if values, ok := object["enum"].([]any); ok && len(values) > 0 {
		return values
	}
	if value, ok := object["const"]; ok {
		return []any{value}
	}
	return nil
}

// isA reports whether a value has a type of JSON Schema.
func isA(value any, name string) bool {
	switch v := value.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case float64:
		return name == "number" || name == "integer" && v == math.Trunc(v)
	case string:
		return name == "string"
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	}
	return false
}
