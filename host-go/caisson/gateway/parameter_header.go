package gateway

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// A parameterHeader is a parameter of a tool whose argument clients of 2026-07-28 repeat in a header of HTTP
// (basic/transports/streamable-http, "Custom Headers from Tool Parameters").
type parameterHeader struct {
	path []string // of the argument, from the arguments on
	name string   // of the header
}

// errHeaders says that the annotations of a tool are not allowed: clients leave such a tool out.
var errHeaders = errors.New("an x-mcp-header is not allowed where it is")

// parameterHeaders are those of a tool with this schema.
func parameterHeaders(schema json.RawMessage) ([]parameterHeader, error) {
	var all []parameterHeader
	seen := map[string]bool{}
	type level struct {
		schema json.RawMessage
		path   []string
	}
	for open := []level{{schema, nil}}; len(open) > 0; {
		at := open[len(open)-1]
		open = open[:len(open)-1]
		whole, err := members(at.schema)
		if err != nil {
			continue // true and false are schemas.
		}
		if annotation := whole["x-mcp-header"]; annotation != nil {
			var name, kind string
			_ = json.Unmarshal(whole["type"], &kind)
			primitive := kind == "string" || kind == "integer" || kind == "boolean"
			if json.Unmarshal(annotation, &name) != nil || !isToken(name) || !primitive || len(at.path) == 0 || seen[strings.ToLower(name)] {
				return nil, errHeaders
			}
			seen[strings.ToLower(name)] = true
			all = append(all, parameterHeader{at.path, "Mcp-Param-" + name})
		}
		properties, err := members(whole["properties"])
		if err != nil || len(at.path) >= maxHeaderDepth {
			continue
		}
		for name, one := range properties {
			open = append(open, level{one, append(at.path[:len(at.path):len(at.path)], name)})
		}
	}
	return all, nil
}

// maxHeaderDepth bounds how deep an argument lies.
const maxHeaderDepth = 32

// isToken reports whether a text may be the name of a header (RFC 9110, section 5.6.2).
func isToken(text string) bool {
	for _, c := range text {
		letter := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", c) {
			return false
		}
	}
	return text != ""
}

// check returns what is wrong with the header of a call with these arguments; "" when nothing is.
func (h parameterHeader) check(header http.Header, arguments json.RawMessage) string {
	argument := arguments
	for _, name := range h.path {
		whole, err := members(argument)
		if err != nil {
			whole = nil // What is no object has no such argument.
		}
		argument = whole[name]
	}
	values := header.Values(h.name)
	name := "the header " + h.name
	of := "the argument " + quote(strings.Join(h.path, "."))
	switch {
	case len(values) > 1:
		return name + " is there more than once"
	case argument == nil || string(argument) == "null":
		if len(values) > 0 {
			return name + " is there without " + of
		}
		return ""
	case len(values) == 0:
		return name + " is missing: it repeats " + of
	}
	value, ok := decodeHeader(values[0])
	if !ok {
		return name + " is not encoded as the specification has it"
	}
	if !repeats(value, argument) {
		return name + " does not match " + of
	}
	return ""
}

// decodeHeader decodes the value of a header. ok is false for one with characters that it must not have.
func decodeHeader(value string) (decoded string, ok bool) {
	for i := range len(value) {
		if c := value[i]; (c < ' ' || c > '~') && c != '\t' {
			return "", false
		}
	}
	inner, prefixed := strings.CutPrefix(value, "=?base64?")
	inner, closed := strings.CutSuffix(inner, "?=")
	if !prefixed || !closed {
		return value, true
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(inner)
	return string(raw), err == nil
}

// repeats reports whether the value of a header is that of an argument. Integers are compared as numbers.
func repeats(value string, argument json.RawMessage) bool {
	var of any
	if json.Unmarshal(argument, &of) != nil {
		return false
	}
	switch of := of.(type) {
	case string:
		return value == of
	case bool:
		return value == strconv.FormatBool(of)
	case float64:
		var number float64
		if json.Unmarshal([]byte(value), &number) != nil { // The form of JSON, and no other of Go's.
			return false
		}
		const most = 1<<53 - 1
		return number == of && number == math.Trunc(number) && math.Abs(number) <= most
	}
	return false
}
