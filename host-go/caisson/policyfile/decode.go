package policyfile

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// maxDepth bounds nesting.
const maxDepth = 64

// decode reads a file's rules, and the lines of its keys.
func decode(path string, text []byte) (*policy.Rules, places, error) {
	root, err := parse(path, text)
	if err != nil {
		return nil, nil, err
	}
	d := &decoder{path: path, places: places{}}
	rules := &policy.Rules{}
	d.value(root, reflect.ValueOf(rules).Elem(), "", 0)
	if err := errors.Join(d.errors...); err != nil {
		return nil, nil, err
	}
	return rules, d.places, nil
}

// parse makes nodes of a text: JSON has lines too then.
func parse(path string, text []byte) (*yaml.Node, error) {
	if strings.HasSuffix(strings.ToLower(path), ".json") {
		return parseJSON(path, text)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if len(bytes.TrimSpace(text)) == 0 || len(document.Content) == 0 && err.Error() == "EOF" {
			return nil, &Error{File: path, Message: "the file is empty: 'caisson policy init' writes a policy"}
		}
		return nil, &Error{File: path, Message: strings.TrimPrefix(err.Error(), "yaml: "), Err: err}
	}
	switch err := decoder.Decode(&more); {
	case err == nil:
		return nil, &Error{File: path, Line: more.Line, Message: "the file has a second document: a policy is one"}
	case !errors.Is(err, io.EOF):
		return nil, &Error{File: path, Message: strings.TrimPrefix(err.Error(), "yaml: "), Err: err}
	}
	if len(document.Content) != 1 {
		return nil, &Error{File: path, Message: "the file is empty: 'caisson policy init' writes a policy"}
	}
	return document.Content[0], nil
}

// A decoder puts nodes into values, and collects what is wrong.
type decoder struct {
	path   string
	places places
	errors []error
}

func (d *decoder) fail(n *yaml.Node, key, format string, args ...any) {
	if len(d.errors) < 50 {
		d.errors = append(d.errors, &Error{File: d.path, Line: n.Line, Key: key, Message: fmt.Sprintf(format, args...)})
	}
}

// plain reports whether a node is of its own: an anchor, an alias and a tag make a file hard to read, and can
// make a small one large.
func (d *decoder) plain(n *yaml.Node, key string, depth int) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.fail(n, key, "a policy has no anchors and no aliases: write it out")
	case n.Style&yaml.TaggedStyle != 0:
		d.fail(n, key, "a policy has no tags")
	case depth > maxDepth:
		d.fail(n, key, "it is nested more than %d levels deep", maxDepth)
	default:
		return true
	}
	return false
}

// value decodes a node.
func (d *decoder) value(n *yaml.Node, into reflect.Value, key string, depth int) {
	if !d.plain(n, key, depth) {
		return
	}
	d.places[key] = n.Line
	if text, ok := into.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
			d.fail(n, key, "it is no text")
		} else if err := text.UnmarshalText([]byte(n.Value)); err != nil {
			d.fail(n, key, "%v", err)
		}
		return
	}
	if raw, ok := into.Addr().Interface().(*json.RawMessage); ok {
		*raw = d.json(n, key, depth)
		return
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		d.value(n, into.Elem(), key, depth)
	case reflect.Struct:
		d.object(n, into, key, depth)
	case reflect.Slice:
		d.list(n, into, key, depth)
	case reflect.Map:
		d.texts(n, into, key, depth)
	case reflect.String:
		if n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
			d.fail(n, key, "it is %s, and must be a text%s", kindOf(n), quoteIt(n))
			return
		}
		if words := policy.Words(into.Interface()); words != nil && !slices.Contains(words, n.Value) {
			d.fail(n, key, "%q is not one of %s%s", n.Value, strings.Join(words, ", "), nearest(n.Value, words))
			return
		}
		into.SetString(n.Value)
	case reflect.Bool:
		if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || n.Value != "true" && n.Value != "false" {
			d.fail(n, key, "it is %s, and must be true or false", kindOf(n))
			return
		}
		into.SetBool(n.Value == "true")
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(n.Value, 10, into.Type().Bits())
		if err != nil || n.Kind != yaml.ScalarNode || n.Tag != "!!int" {
			d.fail(n, key, "it is %s, and must be a whole number", kindOf(n))
			return
		}
		into.SetInt(i)
	}
}

// object decodes a mapping into a struct.
func (d *decoder) object(n *yaml.Node, into reflect.Value, key string, depth int) {
	if rule, ok := into.Addr().Interface().(*policy.Rule); ok && n.Kind == yaml.ScalarNode {
		if n.Tag != "!!str" {
			d.fail(n, key, "it is %s, and must be a name or a rule%s", kindOf(n), quoteIt(n))
			return
		}
		rule.Name = []string{n.Value} // A rule that is only a name.
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, key, "it is %s, and must be an object", kindOf(n))
		return
	}
	fields := fieldsOf(into.Type())
	for name, child := range d.members(n, key) {
		at := join(key, name)
		f, ok := fields[name]
		if !ok {
			var names []string
			for other := range fields {
				names = append(names, other)
			}
			slices.Sort(names)
			near := nearest(name, names)
			if near == "" {
				near = ": there are " + strings.Join(names, ", ")
			}
			d.fail(child, at, "the key is not known%s", near)
			continue
		}
		target := into.FieldByIndex(f.Index)
		if f.Tag.Get("policy") == "named" {
			d.named(child, target, at, depth+1)
		} else {
			d.value(child, target, at, depth+1)
		}
	}
}

// named decodes a mapping from names into a list, in the file's order.
func (d *decoder) named(n *yaml.Node, into reflect.Value, key string, depth int) {
	if !d.plain(n, key, depth) {
		return
	}
	d.places[key] = n.Line
	if n.Kind != yaml.MappingNode {
		d.fail(n, key, "it is %s, and must be an object: names, and what is granted to each", kindOf(n))
		return
	}
	for name, child := range d.members(n, key) {
		item := reflect.New(into.Type().Elem()).Elem()
		item.FieldByName("Name").SetString(name)
		d.value(child, item, join(key, name), depth+1)
		into.Set(reflect.Append(into, item))
	}
}

// texts decodes a mapping from names into texts.
func (d *decoder) texts(n *yaml.Node, into reflect.Value, key string, depth int) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, key, "it is %s, and must be an object of texts", kindOf(n))
		return
	}
	into.Set(reflect.MakeMap(into.Type()))
	for name, child := range d.members(n, key) {
		item := reflect.New(into.Type().Elem()).Elem()
		d.value(child, item, join(key, name), depth+1)
		into.SetMapIndex(reflect.ValueOf(name), item)
	}
}

// list decodes a sequence. A text stands for a list of one, where the items are texts.
func (d *decoder) list(n *yaml.Node, into reflect.Value, key string, depth int) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" && into.Type() == reflect.TypeFor[[]string]() && strings.HasSuffix(key, ".name") {
		into.Set(reflect.ValueOf([]string{n.Value}))
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.fail(n, key, "it is %s, and must be a list", kindOf(n))
		return
	}
	for i, child := range n.Content {
		item := reflect.New(into.Type().Elem()).Elem()
		d.value(child, item, fmt.Sprintf("%s[%d]", key, i), depth+1)
		into.Set(reflect.Append(into, item))
	}
	if len(n.Content) == 0 { // An empty list is not none.
		into.Set(reflect.MakeSlice(into.Type(), 0, 0))
	}
}

// members iterates over a mapping, in the file's order. It refuses keys that are no texts, or that are there
// twice.
func (d *decoder) members(n *yaml.Node, key string) func(yield func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		first := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			name, child := n.Content[i], n.Content[i+1]
			switch {
			case name.Kind != yaml.ScalarNode || name.Tag != "!!str" || name.Anchor != "":
				d.fail(name, key, "a key is %s, and must be a text%s", kindOf(name), quoteIt(name))
				continue
			case first[name.Value] > 0:
				d.fail(name, join(key, name.Value), "the key is there twice: first in line %d", first[name.Value])
				continue
			}
			first[name.Value] = name.Line
			line := *child
			line.Line = name.Line
			if child.Kind == yaml.ScalarNode {
				child = &line // An error about a value is at its key.
			}
			if !yield(name.Value, child) {
				return
			}
		}
	}
}

// json makes JSON of a node: of a schema.
func (d *decoder) json(n *yaml.Node, key string, depth int) json.RawMessage {
	d.places[key] = n.Line
	if !d.plain(n, key, depth) {
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		var b bytes.Buffer
		b.WriteByte('{')
		for name, child := range d.members(n, key) {
			if b.Len() > 1 {
				b.WriteByte(',')
			}
			text, _ := json.Marshal(name) // A string always marshals.
			b.Write(text)
			b.WriteByte(':')
			b.Write(d.json(child, join(key, name), depth+1))
		}
		b.WriteByte('}')
		return b.Bytes()
	case yaml.SequenceNode:
		var b bytes.Buffer
		b.WriteByte('[')
		for i, child := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(d.json(child, fmt.Sprintf("%s[%d]", key, i), depth+1))
		}
		b.WriteByte(']')
		return b.Bytes()
	}
	switch {
	case n.Tag == "!!str":
		text, _ := json.Marshal(n.Value)
		return text
	case n.Tag == "!!null", n.Tag == "!!bool" && (n.Value == "true" || n.Value == "false"):
		if n.Tag == "!!null" {
			return json.RawMessage("null")
		}
		return json.RawMessage(n.Value)
	case (n.Tag == "!!int" || n.Tag == "!!float") && json.Valid([]byte(n.Value)):
		return json.RawMessage(n.Value)
	}
	d.fail(n, key, "%q is not as JSON has it%s", n.Value, quoteIt(n))
	return json.RawMessage("null")
}

// fieldsOf returns the fields of a struct by their names in JSON, those of embedded structs too.
func fieldsOf(t reflect.Type) map[string]reflect.StructField {
	fields := map[string]reflect.StructField{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && f.Tag.Get("policy") != "key" {
			fields[name] = f
		}
	}
	return fields
}

func join(key, name string) string {
	name = policy.QuoteKey(name)
	if key == "" {
		return name
	}
	return key + "." + name
}

func nearest(typed string, words []string) string {
	if near := policy.Nearest(typed, words); near != "" {
		return ": is it " + near + "?"
	}
	return ""
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "an object"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!null":
		return "empty"
	case "!!bool":
		return "the truth value " + n.Value
	case "!!int", "!!float":
		return "the number " + n.Value
	case "!!str":
		return "a text"
	}
	return n.Value
}

// quoteIt is the remedy where YAML reads a word as something else.
func quoteIt(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!str" && n.Tag != "!!null" {
		return ": write it in quotes"
	}
	return ""
}

// ToJSON writes a policy's text as JSON: as it is, and unchecked but for what JSON does not have.
func ToJSON(path string, text []byte) ([]byte, error) {
	root, err := parse(path, text)
	if err != nil {
		return nil, err
	}
	d := &decoder{path: path, places: places{}}
	out := d.json(root, "", 0)
	return out, errors.Join(d.errors...)
}
