package install

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"

	library "github.com/pelletier/go-toml/v2"
)

// addTOML adds a table at the end of a TOML file, where it cannot belong to another one. What is there stays as it
// is to the byte, so an entry that is there already is not replaced.
func (c *Client) addTOML(text []byte, e Entry) ([]byte, error) {
	before, err := parseTOML(text)
	if err != nil {
		return nil, err
	}
	wanted := map[string]any{}
	var table strings.Builder
	fmt.Fprintf(&table, "[%s.%s]\n", c.member, e.Name)
	for _, f := range c.fields(e) {
		switch value := f.value.(type) {
		case string:
			fmt.Fprintf(&table, "%s = %s\n", f.name, quote(value))
			wanted[f.name] = value
		case []string:
			quoted, list := []string{}, []any{}
			for _, v := range value {
				quoted, list = append(quoted, quote(v)), append(list, v)
			}
			fmt.Fprintf(&table, "%s = [%s]\n", f.name, strings.Join(quoted, ", "))
			wanted[f.name] = list
		}
	}
	servers, isTable := before[c.member].(map[string]any)
	if !isTable && before[c.member] != nil {
		return nil, fmt.Errorf("%s is not a table", c.member)
	}
	if old, ok := servers[e.Name]; ok {
		if reflect.DeepEqual(old, wanted) {
			return text, nil
		}
		return nil, fmt.Errorf("it has another [%s.%s] already: remove that table first", c.member, e.Name)
	}
	newline := newlineOf(text)
	added := bytes.Clone(text)
	if len(added) > 0 {
		if !bytes.HasSuffix(added, []byte("\n")) {
			added = append(added, newline...)
		}
		added = append(added, newline...)
	}
	added = append(added, strings.ReplaceAll(table.String(), "\n", newline)...)

	// What is there besides must be the same: a table that was written inline cannot be added to.
	after, err := parseTOML(added)
	if err == nil {
		if servers == nil {
			before[c.member] = map[string]any{e.Name: wanted}
		} else {
			servers[e.Name] = wanted
		}
		if !reflect.DeepEqual(before, after) {
			err = errors.New("it would not be what it was")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("a table cannot be added at its end (%w): add the entry by hand", err)
	}
	return added, nil
}

func parseTOML(text []byte) (map[string]any, error) {
	document := map[string]any{}
	if err := library.Unmarshal(text, &document); err != nil {
		if wrong := (*library.DecodeError)(nil); errors.As(err, &wrong) {
			at, _ := wrong.Position()
			return nil, fmt.Errorf("line %d: it is not TOML: %w", at, err)
		}
		return nil, fmt.Errorf("it is not TOML: %w", err)
	}
	return document, nil
}
