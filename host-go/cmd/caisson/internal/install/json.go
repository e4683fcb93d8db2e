package install

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tailscale/hujson"
)

// addJSON adds an entry to JSON, which may have comments and commas at the end. The entry comes first, so that no
// comment behind another one changes its place.
func (c *Client) addJSON(text []byte, e Entry) ([]byte, error) {
	fresh := len(bytes.TrimSpace(text)) == 0
	if fresh {
		text = []byte("{}\n")
	}
	document, err := hujson.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	root, ok := document.Value.(*hujson.Object)
	if !ok {
		return nil, fmt.Errorf("line 1: it is not a JSON object")
	}
	step := indentation(root)
	servers, err := memberOf(text, root, c.member)
	if err != nil {
		return nil, err
	}
	newline := newlineOf(text)
	if servers == nil {
		servers = prepend(root, c.member, &hujson.Object{}, newline+step, newline)
	}
	if fresh {
		for i := len(c.fresh) - 1; i >= 0; i-- {
			prepend(root, c.fresh[i].name, hujson.String(c.fresh[i].value.(string)), newline+step, newline)
		}
	}
	table, ok := servers.Value.(*hujson.Object)
	if !ok {
		return nil, fmt.Errorf("line %d: %s is not an object", line(text, servers.StartOffset), c.member)
	}
	old, err := memberOf(text, table, e.Name)
	if err != nil {
		return nil, err
	}
	before := newline + step + step
	if len(table.Members) > 0 {
		if extra := string(table.Members[0].Name.BeforeExtra); strings.Contains(extra, "\n") {
			before = newline + extra[strings.LastIndex(extra, "\n")+1:]
		}
	}
	value := c.entryJSON(e, before, step)
	if old != nil {
		old.Value = value
	} else {
		prepend(table, e.Name, value, before, strings.TrimSuffix(before, step))
	}
	return document.Pack(), nil
}

// entryJSON makes the object of an entry, with its members on lines of their own.
func (c *Client) entryJSON(e Entry, before, step string) hujson.ValueTrimmed {
	object := &hujson.Object{AfterExtra: hujson.Extra(before)}
	for _, f := range c.fields(e) {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(f.value) // They are strings, numbers, bools and lists of strings.
		value, _ := hujson.Parse(bytes.ReplaceAll(bytes.TrimSpace(text.Bytes()), []byte(`","`), []byte(`", "`)))
		value.BeforeExtra = hujson.Extra(" ")
		name := hujson.Value{BeforeExtra: hujson.Extra(before + step), Value: hujson.String(f.name)}
		object.Members = append(object.Members, hujson.ObjectMember{Name: name, Value: value})
	}
	return object
}

// prepend adds a member as the first one.
func prepend(object *hujson.Object, name string, value hujson.ValueTrimmed, before, after string) *hujson.Value {
	member := hujson.ObjectMember{
		Name:  hujson.Value{BeforeExtra: hujson.Extra(before), Value: hujson.String(name)},
		Value: hujson.Value{BeforeExtra: hujson.Extra(" "), Value: value},
	}
	if len(object.Members) == 0 {
		// What an empty object has in it, such as a comment, goes behind.
		object.AfterExtra = hujson.Extra(strings.TrimRight(string(object.AfterExtra), " \t\r\n") + after)
	}
	object.Members = append([]hujson.ObjectMember{member}, object.Members...)
	return &object.Members[0].Value
}

// memberOf finds the member of a name; nil where there is none. Of two, a client may take either.
func memberOf(text []byte, object *hujson.Object, name string) (*hujson.Value, error) {
	var found *hujson.Value
	for i := range object.Members {
		m := &object.Members[i]
		if m.Name.Value.(hujson.Literal).String() != name {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("line %d: %q stands there twice", line(text, m.Name.StartOffset), name)
		}
		found = &m.Value
	}
	return found, nil
}

// indentation is that of an object's members.
func indentation(object *hujson.Object) string {
	for i := range object.Members {
		extra := string(object.Members[i].Name.BeforeExtra)
		if at := strings.LastIndex(extra, "\n"); at >= 0 && at+1 < len(extra) && strings.Trim(extra[at+1:], " \t") == "" {
			return extra[at+1:]
		}
	}
	return "  "
}

// line is the line of a place in a text.
func line(text []byte, offset int) int {
	return 1 + bytes.Count(text[:min(offset, len(text))], []byte("\n"))
}
