package policy

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"github.com/caisson-dev/caisson/host-go/internal/unseen"
)

// A pattern is a name, or a name with * and **.
type pattern struct {
	text     string         // the name, without backslashes, where it has no *
	wild     *regexp.Regexp // nil for a name
	anywhere bool           // it is ** alone
}

// newPattern reads a pattern.
func newPattern(text string) (pattern, error) {
	if text == "" {
		return pattern{}, errors.New("a name is empty")
	}
	var name, expression strings.Builder
	wild := false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && strings.HasPrefix(text[i+1:], "*"):
			i++
			name.WriteByte('*')
			expression.WriteString(`\*`)
		case strings.HasPrefix(text[i:], "***"):
			return pattern{}, errors.New("a pattern has three * in a row: it is * or **")
		case strings.HasPrefix(text[i:], "**"):
			i++
			wild = true
			expression.WriteString(`.*`)
		case text[i] == '*':
			wild = true
			expression.WriteString(`[^/]*`)
		default:
			end := i + 1
			for end < len(text) && text[end] != '*' && text[end] != '\\' {
				end++
			}
			name.WriteString(text[i:end])
			expression.WriteString(regexp.QuoteMeta(text[i:end]))
			i = end - 1
		}
	}
	if !wild {
		return pattern{text: name.String()}, nil
	}
	re, err := regexp.Compile(`\A(?s:` + expression.String() + `)\z`)
	if err != nil { // A pattern that is not valid UTF-8.
		return pattern{}, errors.New("a pattern is not valid Unicode")
	}
	return pattern{wild: re, anywhere: text == "**"}, nil
}

// exact reports whether the pattern is this very name.
func (p *pattern) exact(name string) bool { return p.wild == nil && p.text == name }

// match reports whether the pattern fits a name. What a person cannot see, a wildcard does not stand for: such
// a name has to be written out.
func (p *pattern) match(name string) bool {
	if p.wild == nil {
		return p.text == name
	}
	return printable(name) && p.wild.MatchString(name)
}

// matchURI reports whether the pattern fits a URI. A wildcard does not stand for a way out of a folder, however
// it is written: a server may resolve it.
func (p *pattern) matchURI(uri string) bool {
	return p.match(uri) && (p.wild == nil || p.anywhere || !leavesFolder(uri))
}

func matchAny(patterns []pattern, name string) bool {
	for i := range patterns {
		if patterns[i].match(name) {
			return true
		}
	}
	return false
}

// printable reports whether a name has only characters that can be seen, and plain spaces.
func printable(name string) bool {
	return strings.IndexFunc(name, func(r rune) bool { return r == '\n' || r == '\t' || unseen.Is(r) }) < 0
}

// leavesFolder reports whether a URI has a segment of dots, a backslash or an encoded slash, also when it is
// encoded several times.
func leavesFolder(uri string) bool {
	for range 8 {
		if strings.Contains(uri, `\`) {
			return true
		}
		for segment := range strings.FieldsFuncSeq(uri, func(r rune) bool { return strings.ContainsRune("/?#;&=:", r) }) {
			if segment == "." || segment == ".." {
				return true
			}
		}
		if lower := strings.ToLower(uri); strings.Contains(lower, "%2f") || strings.Contains(lower, "%5c") || strings.Contains(lower, "%00") {
			return true
		}
		decoded, err := url.PathUnescape(uri)
		if err != nil { // It is not what it seems to be.
			return true
		}
		if decoded == uri {
			return false
		}
		uri = decoded
	}
	return true
}
