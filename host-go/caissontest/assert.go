package caissontest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// Called reports an error unless a tool was called with these arguments at least once. The arguments are
// anything that marshals to JSON. nil stands for the empty object. They are compared as JSON: the order of
// keys and the spelling of numbers make no difference. The error lists each call of the tool, with the
// differences of its arguments.
func (s *Server) Called(t testing.TB, tool string, arguments any) {
	t.Helper()
	if arguments == nil {
		arguments = struct{}{}
	}
	var others []string
	var calls []any
	for _, r := range s.Requests("tools/call") {
		name, given, err := r.toolCall()
		if err != nil || name != tool {
			others = append(others, name)
			continue
		}
		if given == nil {
			given = json.RawMessage("{}")
		}
		calls = append(calls, given)
	}
	if len(calls) == 0 {
		t.Errorf("caissontest: the tool %q was not called; %s", tool, called(others))
		return
	}
	compare(t, fmt.Sprintf("the tool %q was not called with these arguments", tool), "arguments", arguments, calls)
}

func called(tools []string) string {
	if len(tools) == 0 {
		return "no tool was"
	}
	slices.Sort(tools)
	return fmt.Sprintf("called were %q", slices.Compact(tools))
}

// Sent reports an error unless a client has sent a method with these params at least once. It ignores the
// member `_meta` on both sides. Otherwise it compares as [Server.Called] does.
func (s *Server) Sent(t testing.TB, method string, params any) {
	t.Helper()
	var sent []any
	for _, r := range s.Requests(method) {
		if r.Params == nil {
			r.Params = json.RawMessage("{}")
		}
		sent = append(sent, r.Params)
	}
	if len(sent) == 0 {
		var methods []string
		for _, r := range s.Requests() {
			methods = append(methods, r.Method)
		}
		slices.Sort(methods)
		t.Errorf("caissontest: %s was not sent; sent were %q", method, slices.Compact(methods))
		return
	}
	if params == nil {
		params = struct{}{}
	}
	compare(t, method+" was not sent with these params", "params", params, sent)
}

// compare reports an error unless one of the candidates equals the wanted value.
func compare(t testing.TB, message, what string, want any, candidates []any) {
	t.Helper()
	wanted, err := plain(want)
	if err != nil {
		t.Errorf("caissontest: the %s to compare with cannot be made JSON: %v", what, err)
		return
	}
	var text strings.Builder
	for i, candidate := range candidates {
		got, err := plain(candidate)
		if err != nil {
			got = fmt.Sprintf("no JSON: %v", err)
		}
		if what == "params" {
			withoutMeta(wanted)
			withoutMeta(got)
		}
		found := differences(what, wanted, got)
		if len(found) == 0 {
			return
		}
		fmt.Fprintf(&text, "\n  %d of %d: %s", i+1, len(candidates), strings.Join(found, "\n          "))
	}
	t.Errorf("caissontest: %s:%s", message, text.String())
}

func withoutMeta(params any) {
	if members, ok := params.(map[string]any); ok {
		delete(members, "_meta")
	}
}

// plain returns a value in the form of JSON, with its numbers as they are written.
func plain(value any) (any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var result any
	err = decoder.Decode(&result)
	return result, err
}

// differences lists how a value differs from the wanted one, by the paths of its members.
func differences(path string, want, got any) []string {
	switch want := want.(type) {
	case map[string]any:
		if got, ok := got.(map[string]any); ok {
			return memberDifferences(path, want, got)
		}
	case []any:
		if got, ok := got.([]any); ok && len(got) == len(want) {
			var found []string
			for i := range want {
				found = append(found, differences(fmt.Sprintf("%s[%d]", path, i), want[i], got[i])...)
			}
			return found
		}
	case json.Number:
		if got, ok := got.(json.Number); ok && sameNumber(want, got) {
			return nil
		}
	default: // A text, a boolean or null.
		if want == got {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s is %s, want %s", path, short(got), short(want))}
}

func memberDifferences(path string, want, got map[string]any) []string {
	names := slices.Collect(maps.Keys(want))
	for name := range got {
		if _, ok := want[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var found []string
	for _, name := range names {
		w, wanted := want[name]
		g, given := got[name]
		at := path + "." + name
		switch {
		case !given:
			found = append(found, fmt.Sprintf("%s is missing, want %s", at, short(w)))
		case !wanted:
			found = append(found, fmt.Sprintf("%s is %s, want none", at, short(g)))
		default:
			found = append(found, differences(at, w, g)...)
		}
	}
	return found
}

// sameNumber compares numbers by their values, even those that no float64 holds.
func sameNumber(a, b json.Number) bool {
	if a == b {
		return true
	}
	const bits = 1024
	x, _, err := big.ParseFloat(string(a), 10, bits, big.ToNearestEven)
	if err != nil {
		return false
	}
	y, _, err := big.ParseFloat(string(b), 10, bits, big.ToNearestEven)
	return err == nil && x.Cmp(y) == 0
}

// short returns a value's JSON. It cuts long JSON.
func short(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	const most = 200
	if len(text) > most {
		return string(bytes.ToValidUTF8(text[:most], nil)) + "…"
	}
	return string(text)
}
