package config

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// readObject reads an object's members, but for those that are not known.
func readObject(under string, raw json.RawMessage, members, more map[string]any) error {
	all := maps.Clone(members)
	maps.Copy(all, more)
	err := eachValue(raw, under+".", func(key string, value json.RawMessage) error {
		if why := refused[key]; why != "" && !isNull(value) {
			return fmt.Errorf("%s.%s is not read here: %s", under, key, why)
		}
		return parseMember(under+"."+key, value, all[key])
	})
	if errors.Is(err, errNotAnObject) {
		return fmt.Errorf("%s must be an object", under)
	}
	return err
}

// words are several words: a list of texts, or one text with spaces, as hosts have scopes.
type words []string

func (w *words) parse(key string, value json.RawMessage) error {
	var text string
	if json.Unmarshal(value, &text) == nil {
		*w = words{text}
		return nil
	}
	var list []string
	if parseMember(key, value, &list) != nil {
		return fmt.Errorf("%s must be a list of strings, or a string with spaces between them", key)
	}
	*w = list
	return nil
}

// list fills references in, each of which may stand for several words.
func (w words) list(field string, x *expander) []string {
	var all []string
	for _, text := range w {
		all = append(all, strings.Fields(x.secret(field, text))...)
	}
	return all
}

// A source is where a secret comes from: a text, which may have references in it, or an object with one of
// file, env and command, which is read anew each time.
type source struct {
	text, file, env string
	command         []string
}

func (s *source) parse(key string, value json.RawMessage) error {
	if json.Unmarshal(value, &s.text) == nil {
		return nil
	}
	err := readObject(key, value, map[string]any{"file": &s.file, "env": &s.env, "command": &s.command}, nil)
	if err != nil {
		return err
	}
	given := []bool{s.file != "", s.env != "", len(s.command) > 0}
	if n := len(slices.DeleteFunc(given, func(is bool) bool { return !is })); n != 1 {
		return fmt.Errorf("%s must have one of file, env and command", key)
	}
	return nil
}

// function reads the source, anew each time; nil for one that is not there.
func (s *source) function(field string, x *expander) func(context.Context) (string, error) {
	switch {
	case s.file != "":
		return auth.FromFile(x.text(field+".file", s.file))
	case s.env != "":
		return auth.FromEnvironment(s.env)
	case len(s.command) > 0:
		command := x.list(field+".command", s.command)
		return auth.FromCommand(command[0], command[1:]...)
	case s.text != "":
		return func(context.Context) (string, error) {
			now := expander{lookup: x.lookup}
			text := now.secret(field, s.text)
			return text, now.err
		}
	}
	return nil
}
