package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// entry is one server in the file.
type entry struct {
	kind, transport string // "type" and "transport", which are the same
	command         string
	args            []string
	env             map[string]string
	cwd             string
	url             string
	headers         map[string]string
	disabled        bool
	// protocolVersions is Caisson's own.
	protocolVersions []string
	// oauth and auth are about authorization: see auth.go. The other two are refused.
	oauth, auth      json.RawMessage
	authProviderType string
	headersHelper    json.RawMessage
}

// members maps the keys of an entry to its fields. Other keys are ignored: other hosts have keys of their
// own.
func (e *entry) members() map[string]any {
	return map[string]any{
		"type": &e.kind, "transport": &e.transport, "command": &e.command, "args": &e.args, "env": &e.env, "cwd": &e.cwd,
		"url": &e.url, "headers": &e.headers, "disabled": &e.disabled, "protocolVersions": &e.protocolVersions,
		"oauth": &e.oauth, "auth": &e.auth, "authProviderType": &e.authProviderType, "headersHelper": &e.headersHelper,
	}
}

// parseEntry reads a server of the file. Its errors name the member, down to the wrong key or place, but
// no value, which may be a secret. A null counts as absent.
func parseEntry(raw json.RawMessage) (*entry, error) {
	e := new(entry)
	if isNull(raw) {
		return e, nil
	}
	members := e.members()
	err := eachValue(raw, "", func(key string, value json.RawMessage) error {
		return parseMember(key, value, members[key])
	})
	if errors.Is(err, errNotAnObject) {
		return nil, errors.New("the server must be an object")
	}
	return e, err
}

// parseMember reads a value into a member of an entry; nil for one that is ignored.
func parseMember(key string, value json.RawMessage, member any) error {
	if isNull(value) {
		return nil
	}
	switch to := member.(type) {
	case *string:
		return parseValue(key, value, to, "a string")
	case *bool:
		return parseValue(key, value, to, "true or false")
	case *int:
		return parseValue(key, value, to, "a whole number")
	case *json.RawMessage:
		*to = value
	case *words:
		return to.parse(key, value)
	case *source:
		return to.parse(key, value)
	case *[]string:
		var list []json.RawMessage
		if err := parseValue(key, value, &list, "a list of strings"); err != nil {
			return err
		}
		*to = make([]string, len(list))
		for i, item := range list {
			if err := parseValue(fmt.Sprintf("%s[%d]", key, i), item, &(*to)[i], "a string"); err != nil {
				return err
			}
		}
	case *map[string]string:
		*to = map[string]string{}
		err := eachValue(value, key+".", func(name string, value json.RawMessage) error {
			var text string
			if isNull(value) {
				return nil
			}
			err := parseValue(key+"."+name, value, &text, "a string")
			(*to)[name] = text
			return err
		})
		if errors.Is(err, errNotAnObject) {
			return fmt.Errorf("%s must be an object of strings", key)
		}
		return err
	}
	return nil
}

// parseValue reads a value of one type.
func parseValue(name string, value json.RawMessage, to any, what string) error {
	if isNull(value) || json.Unmarshal(value, to) != nil {
		return fmt.Errorf("%s must be %s", name, what)
	}
	return nil
}

func isNull(value json.RawMessage) bool { return string(bytes.TrimSpace(value)) == "null" }

// eachValue calls f with each member of an object. A repeated member is an error: other readers of the
// file may take the other one.
func eachValue(object json.RawMessage, under string, f func(key string, value json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(object))
	seen := map[string]bool{}
	return eachMember(d, func(key string) error {
		if seen[key] {
			return fmt.Errorf("%s%s is there twice", under, key)
		}
		seen[key] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		return f(key, value)
	})
}
