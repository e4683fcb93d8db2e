// Package jcs gives the canonical form of JSON (RFC 8785), so that one value has one text and one hash.
//
// It refuses what two readers could take for two values: a member that an object has twice, a text that is
// not Unicode, and a number that a double does not hold.
package jcs

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds nesting: a goroutine's stack is bounded.
const maxDepth = 256

// These are the reasons why a text has no canonical form. An error of this package is one of them, with the
// place.
var (
	ErrNotJSON   = errors.New("it is not valid JSON")
	ErrDepth     = fmt.Errorf("it is nested more than %d levels deep", maxDepth)
	ErrDuplicate = errors.New("an object has a member twice")
	ErrUnicode   = errors.New("a text is not valid Unicode")
	ErrNumber    = errors.New("a number has more digits, or is larger, than a double can hold")
)

// Canonical returns the canonical form of a JSON text.
func Canonical(text []byte) ([]byte, error) { return canonical(text, false) }

// Lenient is Canonical with each number that a double does not hold as it is written. Its result is a text
// for the value all the same, but another writing of such a number gives another text.
func Lenient(text []byte) ([]byte, error) { return canonical(text, true) }

func canonical(text []byte, lenient bool) ([]byte, error) {
	if !utf8.Valid(text) {
		return nil, ErrUnicode
	}
	if !json.Valid(text) {
		return nil, ErrNotJSON
	}
	p := &parser{text: text, lenient: lenient}
	out, err := p.value(make([]byte, 0, len(text)), 0)
	if err != nil {
		return nil, fmt.Errorf("%w, at byte %d", err, p.at)
	}
	return out, nil
}

// A parser reads a text that is valid JSON, and writes its canonical form.
type parser struct {
	text    []byte
	at      int
	lenient bool
	moved   []byte // what an object was before its members were put in order
}

func (p *parser) space() {
	for strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *parser) value(out []byte, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, ErrDepth
	}
	p.space()
	switch c := p.text[p.at]; c {
	case '{':
		return p.object(out, depth)
	case '[':
		return p.list(out, depth)
	case '"':
		s, err := p.str()
		if err != nil {
			return nil, err
		}
		return appendString(out, s), nil
	case 't', 'f', 'n':
		n := len("true")
		if c == 'f' {
			n = len("false")
		}
		out = append(out, p.text[p.at:p.at+n]...)
		p.at += n
		return out, nil
	}
	return p.number(out)
}

func (p *parser) list(out []byte, depth int) ([]byte, error) {
	p.at++
	out = append(out, '[')
	for first := true; ; first = false {
		if p.space(); p.text[p.at] == ']' {
			p.at++
			return append(out, ']'), nil
		}
		if !first {
			p.at++ // the comma
			out = append(out, ',')
		}
		var err error
		if out, err = p.value(out, depth+1); err != nil {
			return nil, err
		}
	}
}

// A member is one of an object, as it stands in what was written.
type member struct {
	order      []uint16 // by which it is sorted
	begin, end int
}

// object writes members where they are to be, and moves them only where they are not in order: what is deep in a text
// would be copied at each level.
func (p *parser) object(out []byte, depth int) ([]byte, error) {
	p.at++
	out = append(out, '{')
	begin := len(out)
	var members []member
	seen, ordered := map[string]bool{}, true
	for {
		if p.space(); p.text[p.at] == '}' {
			p.at++
			break
		}
		if p.text[p.at] == ',' {
			p.at++
			p.space()
		}
		name, err := p.str()
		if err != nil {
			return nil, err
		}
		if seen[name] {
			return nil, ErrDuplicate
		}
		seen[name] = true
		p.space()
		p.at++ // the colon
		if len(members) > 0 {
			out = append(out, ',')
		}
		one := member{order: utf16.Encode([]rune(name)), begin: len(out)}
		if out, err = p.value(append(appendString(out, name), ':'), depth+1); err != nil {
			return nil, err
		}
		one.end = len(out)
		ordered = ordered && (len(members) == 0 || slices.Compare(members[len(members)-1].order, one.order) < 0)
		members = append(members, one)
	}
	if !ordered {
		slices.SortFunc(members, func(a, b member) int { return slices.Compare(a.order, b.order) })
		p.moved = append(p.moved[:0], out[begin:]...)
		out = out[:begin]
		for i, m := range members {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, p.moved[m.begin-begin:m.end-begin]...)
		}
	}
	return append(out, '}'), nil
}

// str reads a string. The decoder of encoding/json puts U+FFFD for half of a surrogate pair, so it is looked
// for before.
func (p *parser) str() (string, error) {
	begin := p.at
	p.at++
	high := false
	for p.text[p.at] != '"' {
		unit, n := 0, 1
		if p.text[p.at] == '\\' {
			n = 2
			if p.text[p.at+1] == 'u' {
				n = 6
				u, _ := strconv.ParseUint(string(p.text[p.at+2:p.at+6]), 16, 16) // The text is valid JSON.
				unit = int(u)
			}
		}
		low := unit >= 0xdc00 && unit < 0xe000
		if low != high {
			return "", ErrUnicode
		}
		high = unit >= 0xd800 && unit < 0xdc00
		p.at += n
	}
	p.at++
	if high {
		return "", ErrUnicode
	}
	var s string
	if json.Unmarshal(p.text[begin:p.at], &s) != nil {
		return "", ErrUnicode
	}
	return s, nil
}

func appendString(out []byte, s string) []byte {
	out = append(out, '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\b':
			out = append(out, '\\', 'b')
		case '\t':
			out = append(out, '\\', 't')
		case '\n':
			out = append(out, '\\', 'n')
		case '\f':
			out = append(out, '\\', 'f')
		case '\r':
			out = append(out, '\\', 'r')
		default:
			if c < ' ' {
				out = fmt.Appendf(out, `\u%04x`, c)
			} else {
				out = append(out, c)
			}
		}
	}
	return append(out, '"')
}

func (p *parser) number(out []byte) ([]byte, error) {
	begin := p.at
	for p.at < len(p.text) && strings.IndexByte("+-.eE0123456789", p.text[p.at]) >= 0 {
		p.at++
	}
	literal := string(p.text[begin:p.at])
	f, err := strconv.ParseFloat(literal, 64)
	if err == nil {
		shortest := format(f)
		if same(literal, shortest) {
			return append(out, shortest...), nil
		}
	}
	if p.lenient {
		return append(out, literal...), nil
	}
	return nil, ErrNumber
}

// format writes a number as ECMAScript does (RFC 8785, section 3.2.2.3).
func format(f float64) string {
	if f == 0 {
		return "0"
	}
	if size := math.Abs(f); size >= 1e-6 && size < 1e21 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	return mantissa + "e" + exponent[:1] + strings.TrimLeft(exponent[1:], "0")
}

// same reports whether two literals are the same number.
func same(a, b string) bool {
	an, ad, ae := decimal(a)
	bn, bd, be := decimal(b)
	return ad == bd && (ad == "" || an == bn && ae == be)
}

// decimal takes a literal apart into its sign, its digits without zeros at either end, and the exponent of the
// first digit. An exponent that an int does not hold is of a number that no double holds, or of a zero.
func decimal(literal string) (negative bool, digits string, exponent int) {
	literal, negative = strings.CutPrefix(literal, "-")
	mantissa, e, _ := strings.Cut(strings.ToLower(literal), "e")
	exponent, _ = strconv.Atoi(e)
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits = strings.TrimLeft(whole+fraction, "0")
	exponent += len(digits) - len(fraction)
	return negative, strings.TrimRight(digits, "0"), exponent
}
