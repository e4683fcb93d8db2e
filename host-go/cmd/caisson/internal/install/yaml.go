package install

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"

	library "go.yaml.in/yaml/v3"
)

// addYAML adds an entry to YAML by lines, so that all else stays as it is to the byte; the library would write it
// anew. So an entry that is there already is not replaced.
func (c *Client) addYAML(text []byte, e Entry) ([]byte, error) {
	root, before, err := parseYAML(text)
	if err != nil {
		return nil, err
	}
	var key, servers *library.Node
	if root != nil {
		for i := 0; i+1 < len(root.Content); i += 2 {
			if root.Content[i].Value == c.member {
				key, servers = root.Content[i], root.Content[i+1]
			}
		}
	}
	wanted := c.entryYAML(e)
	if old, found := c.present(before[c.member], e); found {
		if reflect.DeepEqual(old, wanted) {
			return text, nil
		}
		return nil, fmt.Errorf("line %d: it has another %q in %s already: remove that first", servers.Line, e.Name, c.member)
	}

	lines := bytes.SplitAfter(text, []byte("\n"))
	at, indent, head := len(lines), "  ", ""
	switch {
	case servers == nil:
		head = c.member + ":\n"
		if root == nil {
			for i := len(c.fresh) - 1; i >= 0; i-- {
				head = c.fresh[i].name + ": " + c.fresh[i].value.(string) + "\n" + head
			}
		}
	case servers.Kind == library.ScalarNode && servers.Tag == "!!null" && servers.Value == "":
		at = key.Line
	case servers.Style&library.FlowStyle != 0, servers.Kind != library.MappingNode && servers.Kind != library.SequenceNode, len(servers.Content) == 0:
		return nil, fmt.Errorf("line %d: %s is not written in lines of its own: add the entry by hand", key.Line, c.member)
	default:
		at = key.Line
		indent = strings.Repeat(" ", servers.Content[0].Column-1)
		if c.list { // The column is that of what stands behind the dash.
			indent = strings.Repeat(" ", servers.Column-1)
		}
	}
	newline := newlineOf(text)
	front := bytes.Join(lines[:at], nil)
	if len(front) > 0 && !bytes.HasSuffix(front, []byte("\n")) {
		front = append(front, newline...)
	}
	added := append(front, strings.ReplaceAll(head+c.renderYAML(e, indent), "\n", newline)...)
	added = append(added, bytes.Join(lines[at:], nil)...)

	_, after, err := parseYAML(added)
	if err == nil {
		if !reflect.DeepEqual(c.with(before, root == nil, e, wanted), after) {
			err = errors.New("it would not be what it was")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the entry cannot be added (%w): add it by hand", err)
	}
	return added, nil
}

// parseYAML reads a file with one mapping; root is nil for an empty one.
func parseYAML(text []byte) (root *library.Node, values map[string]any, err error) {
	var document library.Node
	decoder := library.NewDecoder(bytes.NewReader(text))
	values = map[string]any{}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, values, nil
	}
	if err := decoder.Decode(&document); err != nil {
		return nil, nil, fmt.Errorf("it is not YAML: %w", err)
	}
	if decoder.Decode(new(library.Node)) == nil {
		return nil, nil, errors.New("it has several documents")
	}
	if len(document.Content) != 1 || document.Content[0].Kind != library.MappingNode || document.Content[0].Style&library.FlowStyle != 0 {
		return nil, nil, errors.New("line 1: it is not a mapping that is written in lines")
	}
	if err := document.Decode(&values); err != nil {
		return nil, nil, fmt.Errorf("it is not YAML with names for members: %w", err)
	}
	return document.Content[0], values, nil
}

// entryYAML is the entry as the library reads it.
func (c *Client) entryYAML(e Entry) map[string]any {
	entry := map[string]any{}
	for _, f := range c.fields(e) {
		if list, ok := f.value.([]string); ok {
			values := []any{}
			for _, v := range list {
				values = append(values, v)
			}
			entry[f.name] = values
			continue
		}
		entry[f.name] = f.value
	}
	return entry
}

// present finds the entry of the name among the servers.
func (c *Client) present(servers any, e Entry) (any, bool) {
	switch servers := servers.(type) {
	case map[string]any:
		old, ok := servers[e.Name]
		return old, ok
	case []any:
		for _, item := range servers {
			if m, ok := item.(map[string]any); ok && m["name"] == e.Name {
				return item, true
			}
		}
	}
	return nil, false
}

// with gives the values of a file with the entry.
func (c *Client) with(values map[string]any, fresh bool, e Entry, entry map[string]any) map[string]any {
	if fresh {
		for _, f := range c.fresh {
			values[f.name] = f.value
		}
	}
	if c.list {
		old, _ := values[c.member].([]any)
		values[c.member] = append([]any{entry}, old...)
		return values
	}
	servers, _ := values[c.member].(map[string]any)
	if servers == nil {
		servers = map[string]any{}
	}
	servers[e.Name] = entry
	values[c.member] = servers
	return values
}

// renderYAML writes the entry in lines.
func (c *Client) renderYAML(e Entry, indent string) string {
	var b strings.Builder
	first, inner := indent+e.Name+":\n"+indent+"  ", indent+"  "
	if c.list {
		first = indent + "- "
	}
	for i, f := range c.fields(e) {
		prefix := inner
		if i == 0 {
			prefix = first
		}
		switch value := f.value.(type) {
		case string:
			fmt.Fprintf(&b, "%s%s: %s\n", prefix, f.name, quote(value))
		case []string:
			quoted := []string{}
			for _, v := range value {
				quoted = append(quoted, quote(v))
			}
			fmt.Fprintf(&b, "%s%s: [%s]\n", prefix, f.name, strings.Join(quoted, ", "))
		default:
			fmt.Fprintf(&b, "%s%s: %v\n", prefix, f.name, value)
		}
	}
	return b.String()
}
