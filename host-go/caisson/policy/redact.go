package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/caisson-dev/caisson/host-go/internal/jsonpointer"
)

// redacted stands in place of what is kept out of a log.
const redacted = "[redacted]"

// redaction names members: a pointer, or a name at any depth.
type redaction struct {
	name    string
	pointer []string
}

func newRedaction(text string) (redaction, error) {
	switch {
	case text == "":
		return redaction{}, errors.New("it is empty: a name, or a pointer such as /user/password")
	case text[0] != '/':
		if strings.Contains(text, "/") {
			return redaction{}, errors.New("a pointer begins with /")
		}
		return redaction{name: fold(text)}, nil
	}
	var pointer []string
	for _, name := range jsonpointer.Tokens(text) {
		pointer = append(pointer, fold(name))
	}
	return redaction{pointer: pointer}, nil
}

// Hide returns a JSON text without the members that are named as [Redact] says, also in other letters, since a server may
// take the one for the other, and in texts that are themselves the JSON of an object or a list. What is not JSON is hidden
// whole.
func Hide(text []byte, members ...string) []byte {
	var all []redaction
	for _, m := range members {
		r, err := newRedaction(m)
		if err != nil { // Which New has refused.
			return []byte(`"` + redacted + `"`)
		}
		all = append(all, r)
	}
	value, ok := decode(text)
	if !ok {
		return []byte(`"` + redacted + `"`)
	}
	value, _ = hide(value, all)
	hidden, err := json.Marshal(value)
	if err != nil {
		return []byte(`"` + redacted + `"`)
	}
	return hidden
}

// hide replaces what is named below a value. It reports whether there was something.
func hide(value any, all []redaction) (rest any, hid bool) {
	below := func(name string, item any) any {
		deeper, hit := beneath(fold(name), all)
		if hit {
			hid = true
			return redacted
		}
		item, within := hide(item, deeper)
		hid = hid || within
		return item
	}
	switch value := value.(type) {
	case map[string]any:
		for name, item := range value {
			value[name] = below(name, item)
		}
	case []any:
		for i, item := range value {
			value[i] = below(strconv.Itoa(i), item)
		}
	case string:
		return hideIn(value, all)
	}
	return value, hid
}

// beneath gives what is named below a member, or an item, of a folded name. It reports a hit where that is named itself.
func beneath(name string, all []redaction) (deeper []redaction, hit bool) {
	for _, r := range all {
		switch {
		case r.pointer == nil:
			if name == r.name {
				return nil, true
			}
			deeper = append(deeper, r)
		case r.pointer[0] == "*" || r.pointer[0] == name:
			if len(r.pointer) == 1 {
				return nil, true
			}
			deeper = append(deeper, redaction{pointer: r.pointer[1:]})
		}
	}
	return deeper, false
}

// hideIn is hide for a text, which may be JSON itself, as a copy of structured content is.
func hideIn(text string, all []redaction) (rest any, hid bool) {
	trimmed := strings.TrimLeft(text, " \t\r\n")
	if len(all) == 0 || !strings.HasPrefix(trimmed, "{") && !strings.HasPrefix(trimmed, "[") {
		return text, false
	}
	inner, ok := decode([]byte(text))
	if !ok {
		return text, false
	}
	if inner, hid = hide(inner, all); !hid {
		return text, false
	}
	shown, err := json.Marshal(inner)
	if err != nil {
		return redacted, true
	}
	return string(shown), true
}

// decode reads JSON, with its numbers as they are written.
func decode(text []byte) (value any, ok bool) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return nil, false
	}
	_, err := decoder.Token()
	return value, err == io.EOF
}
