package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
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
	for _, part := range strings.Split(text[1:], "/") {
		pointer = append(pointer, strings.NewReplacer("~1", "/", "~0", "~").Replace(part))
	}
	return redaction{pointer: pointer}, nil
}

// Hide returns a JSON text without the members that are named as [Redact] says. What is not JSON is hidden
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
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil || decoder.More() {
		return []byte(`"` + redacted + `"`)
	}
	hidden, err := json.Marshal(hide(value, all))
	if err != nil {
		return []byte(`"` + redacted + `"`)
	}
	return hidden
}

// hide replaces what is named below a value.
func hide(value any, all []redaction) any {
	below := func(name string) (deeper []redaction, hit bool) {
		for _, r := range all {
			switch {
			case r.pointer == nil:
				if hit = fold(name) == r.name; hit {
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
	switch value := value.(type) {
	case map[string]any:
		for name, item := range value {
			if deeper, hit := below(name); hit {
				value[name] = redacted
			} else {
				value[name] = hide(item, deeper)
			}
		}
	case []any:
		for i, item := range value {
			if deeper, hit := below(strconv.Itoa(i)); hit {
				value[i] = redacted
			} else {
				value[i] = hide(item, deeper)
			}
		}
	}
	return value
}
