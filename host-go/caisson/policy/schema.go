package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/caisson-dev/caisson/host-go/internal/jcs"
	"github.com/caisson-dev/caisson/host-go/internal/schemaloop"
)

// schema is what a rule demands of arguments.
type schema struct {
	resolved *jsonschema.Resolved
	names    map[string]string // the members that the schema names, by their folded form
}

// These say what a keyword of JSON Schema has for a value.
const (
	plainValue = iota
	oneSchema
	listOfSchemas
	mapOfSchemas
)

// keywords are those that are checked. One that is not, such as format, would seem to demand something.
var keywords = map[string]int{
	"$schema": plainValue, "$comment": plainValue, "title": plainValue, "description": plainValue, "examples": plainValue,
	"$ref": plainValue, "$defs": mapOfSchemas, "definitions": mapOfSchemas,
	"type": plainValue, "enum": plainValue, "const": plainValue,
	"multipleOf": plainValue, "minimum": plainValue, "maximum": plainValue, "exclusiveMinimum": plainValue, "exclusiveMaximum": plainValue,
	"minLength": plainValue, "maxLength": plainValue, "pattern": plainValue,
	"prefixItems": listOfSchemas, "items": oneSchema, "minItems": plainValue, "maxItems": plainValue, "uniqueItems": plainValue,
	"contains": oneSchema, "minContains": plainValue, "maxContains": plainValue, "unevaluatedItems": oneSchema,
	"minProperties": plainValue, "maxProperties": plainValue, "required": plainValue, "dependentRequired": plainValue,
	"properties": mapOfSchemas, "patternProperties": mapOfSchemas, "additionalProperties": oneSchema, "propertyNames": oneSchema,
	"unevaluatedProperties": oneSchema, "dependentSchemas": mapOfSchemas,
	"allOf": listOfSchemas, "anyOf": listOfSchemas, "oneOf": listOfSchemas, "not": oneSchema,
	"if": oneSchema, "then": oneSchema, "else": oneSchema,
}

// dialect is the version of JSON Schema. In an older one the same words demand less: beside $ref, nothing.
const dialect = "https://json-schema.org/draft/2020-12/schema"

// newSchema checks a schema. The keys of the errors begin at the schema.
func newSchema(text []byte) (*schema, []RuleError) {
	canonical, err := jcs.Canonical(text)
	if err != nil {
		return nil, []RuleError{{Message: "the schema: " + err.Error()}}
	}
	var value any
	if json.Unmarshal(canonical, &value) != nil {
		return nil, []RuleError{{Message: "the schema is not JSON"}}
	}
	s := &schema{names: map[string]string{}}
	if wrong := s.walk(value, ""); wrong != nil {
		return nil, wrong
	}
	if at, found := schemaloop.Find(value); found {
		return nil, []RuleError{{Message: fmt.Sprintf("the schema at %q refers to itself for the same value, and so has no end", "#"+at)}}
	}
	parsed := &jsonschema.Schema{}
	err = json.Unmarshal(canonical, parsed)
	if err == nil {
		s.resolved, err = parsed.Resolve(nil)
	}
	if err != nil {
		return nil, []RuleError{{Message: "the schema cannot be used: " + err.Error()}}
	}
	return s, nil
}

// walk looks for keywords that would not be checked, and collects the names of members.
func (s *schema) walk(value any, key string) (wrong []RuleError) {
	object, ok := value.(map[string]any)
	if !ok {
		if _, always := value.(bool); !always {
			return []RuleError{{Key: key, Message: "it is no schema: a schema is an object, or true or false"}}
		}
		return nil
	}
	for _, name := range sortedKeys(object) {
		at, v := key+"."+QuoteKey(name), object[name]
		sort, known := keywords[name]
		switch {
		case !known:
			message := fmt.Sprintf("the keyword %q is not known", name)
			if near := Nearest(name, sortedKeys(keywords)); near != "" {
				message += fmt.Sprintf(": is it %q?", near)
			} else if slices.Contains([]string{"format", "contentEncoding", "contentMediaType", "contentSchema"}, name) {
				message = fmt.Sprintf("the keyword %q checks nothing in JSON Schema: write a pattern", name)
			}
			wrong = append(wrong, RuleError{Key: at, Message: message})
			continue
		case sort == oneSchema:
			wrong = append(wrong, s.walk(v, at)...)
		case sort == listOfSchemas:
			list, ok := v.([]any)
			if !ok {
				wrong = append(wrong, RuleError{Key: at, Message: "it is no list of schemas"})
			}
			for i, item := range list {
				wrong = append(wrong, s.walk(item, fmt.Sprintf("%s[%d]", at, i))...)
			}
		case sort == mapOfSchemas:
			members, ok := v.(map[string]any)
			if !ok {
				wrong = append(wrong, RuleError{Key: at, Message: "it is no object of schemas"})
			}
			for _, member := range sortedKeys(members) {
				if name == "properties" || name == "dependentSchemas" {
					s.names[fold(member)] = member
				}
				wrong = append(wrong, s.walk(members[member], at+"."+QuoteKey(member))...)
			}
		}
		if list, ok := v.([]any); ok && name == "required" {
			for _, item := range list {
				if member, ok := item.(string); ok {
					s.names[fold(member)] = member
				}
			}
		}
		if message := badType(v); name == "type" && message != "" {
			wrong = append(wrong, RuleError{Key: at, Message: message})
		}
		if name == "$schema" && v != dialect {
			wrong = append(wrong, RuleError{Key: at, Message: "schemas are those of JSON Schema 2020-12: leave it out, or write " + dialect})
		}
		if ref, ok := v.(string); ok && name == "$ref" && !strings.HasPrefix(ref, "#") {
			wrong = append(wrong, RuleError{Key: at, Message: "a reference stays in the schema: it begins with #"})
		}
	}
	return wrong
}

// types are the values of the keyword type.
var types = []string{"array", "boolean", "integer", "null", "number", "object", "string"}

// badType says what is wrong with the value of the keyword type.
func badType(value any) string {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	for _, item := range list {
		if name, _ := item.(string); !slices.Contains(types, name) {
			return fmt.Sprintf("%v is not one of %s", item, strings.Join(types, ", "))
		}
	}
	return ""
}

// check says what is wrong with arguments. They are checked as they are sent: what two readers could take for
// different values is refused.
func (s *schema) check(arguments json.RawMessage) error {
	if arguments == nil {
		arguments = json.RawMessage("{}")
	}
	canonical, err := jcs.Canonical(arguments)
	if err != nil {
		return err
	}
	var value any
	if err := json.Unmarshal(canonical, &value); err != nil {
		return err
	}
	if err := s.spelled(value); err != nil {
		return err
	}
	return s.resolved.Validate(value)
}

// spelled refuses members that are those of the schema in other letters. Many servers take one for the other,
// and the schema would not have looked at it.
func (s *schema) spelled(value any) error {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			if err := s.spelled(item); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, item := range value {
			if own, ok := s.names[fold(name)]; ok && own != name {
				return fmt.Errorf("the member %q is %q in other letters", name, own)
			}
			if err := s.spelled(item); err != nil {
				return err
			}
		}
	}
	return nil
}

// fold gives the same text for names that differ only in the case of letters, as encoding/json folds them.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, name)
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Nearest returns the word that a mistyped one may mean; "" when none is near.
func Nearest(typed string, words []string) string {
	best, least := "", 3
	for _, w := range words {
		if d := distance(fold(typed), fold(w)); d < least && d < len(w) {
			best, least = w, d
		}
	}
	return best
}

// distance is how many letters have to change to make one word of another; 3 for many.
func distance(a, b string) int {
	if max(len(a), len(b)) > 64 {
		return 3
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		above := row[0]
		row[0]++
		for j := range len(b) {
			change := above
			if a[i] != b[j] {
				change++
			}
			above = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
