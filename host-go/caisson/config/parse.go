package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// serverKeys are the keys of a configuration file that have servers under them.
var serverKeys = map[string]bool{"mcpServers": true, "servers": true}

// parseFile finds the servers in a configuration file. It does not look into them.
func parseFile(data []byte) (map[string]json.RawMessage, error) {
	// The whole text is checked first, so that nothing after it can meet a syntax error.
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, locate(data, err)
	}
	entries := map[string]json.RawMessage{}
	found := false
	d := json.NewDecoder(bytes.NewReader(data))
	err := eachMember(d, func(key string) error {
		if !serverKeys[key] {
			var ignored json.RawMessage
			return d.Decode(&ignored)
		}
		found = true
		err := eachMember(d, func(name string) error {
			if _, twice := entries[name]; twice {
				return fmt.Errorf("%s: the server %q is there twice", position(data, d.InputOffset()), name)
			}
			var entry json.RawMessage
			err := d.Decode(&entry)
			entries[name] = entry
			return err
		})
		if errors.Is(err, errNotAnObject) {
			return fmt.Errorf("%s: %s must be an object, with a server under each name", position(data, d.InputOffset()), key)
		}
		return err
	})
	switch {
	case errors.Is(err, errNotAnObject):
		return nil, errors.New("the file must be a JSON object with the servers under mcpServers")
	case err != nil:
		return nil, err
	case !found:
		return nil, errors.New("the file has no servers in it: they belong under mcpServers")
	}
	return entries, nil
}

var errNotAnObject = errors.New("not an object")

// eachMember calls f with each key of the object that comes next; f takes the value.
func eachMember(d *json.Decoder, f func(key string) error) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	if token != json.Delim('{') {
		return errNotAnObject
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		if err := f(key.(string)); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// locate puts the place of a syntax error before it.
func locate(data []byte, err error) error {
	var syntax *json.SyntaxError
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return errors.New("the file is empty")
	case errors.As(err, &syntax):
		return fmt.Errorf("%s: %w", position(data, syntax.Offset-1), err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: %w", position(data, int64(len(data))), err)
	}
	return err
}

// position says in words where an offset is. Lines and columns count from 1, columns in
// characters.
func position(data []byte, offset int64) string {
	before := data[:max(0, min(offset, int64(len(data))))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("line %d, column %d", line, column)
}

// nameList lists names for people.
func nameList(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
