package witjson

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is a JSON text that is no value of its type.
type Error struct {
	// Path is the place in the text, as a JSON Pointer (RFC 6901). It is "" for the text as a whole.
	Path string
	// Msg says what is wanted there, and what is there.
	Msg string
}

// Error returns the place and the fault.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Msg
	}
	return short(e.Path) + ": " + e.Msg
}

// ErrTooLarge is the error of a type whose schema has more than 20,000 parts. The parts of a WIT type are shared, and
// those of a schema are not.
var ErrTooLarge = errors.New("the type is too large for a JSON Schema: it has more than 20,000 parts")

// ResourceError is a type that has a handle in it. JSON has no handles.
type ResourceError struct {
	// Resource is the name of the resource.
	Resource string
}

// Error names the resource.
func (e *ResourceError) Error() string {
	return fmt.Sprintf("the type has a handle of the resource %q in it, and JSON has no handles", short(e.Resource))
}

// path is a place in a JSON text: a list from the innermost part.
type path struct {
	outer *path
	name  string
	index int // where name is ""
}

func (p *path) member(name string) *path { return &path{outer: p, name: name, index: -1} }
func (p *path) element(i int) *path      { return &path{outer: p, index: i} }

var pointer = strings.NewReplacer("~", "~0", "/", "~1")

func (p *path) String() string {
	switch {
	case p == nil:
		return ""
	case p.index >= 0:
		return fmt.Sprintf("%s/%d", p.outer, p.index)
	}
	return p.outer.String() + "/" + pointer.Replace(p.name)
}

func (p *path) fail(format string, args ...any) error {
	return &Error{Path: p.String(), Msg: fmt.Sprintf(format, args...)}
}

// maxShown bounds a text in an error, in bytes.
const maxShown = 100

// short returns a text for an error. It cuts a long one at the end.
func short(s string) string {
	if len(s) <= maxShown {
		return s
	}
	cut := maxShown
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
