package record

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/caisson-dev/caisson/host-go/component"
)

const (
	// shortest is the length below which a text does not count as a secret: it would hide words of every
	// message.
	shortest = 8
	// longest is the length above which a text does not count as a secret, because every text is searched for
	// every secret.
	longest = 16 << 10
	// maxSecrets bounds the number of secrets, because a server can send more.
	maxSecrets = 512
)

// A redactor replaces secrets by texts of the same length and shape. It always uses the same text for a
// secret. So a core that moves or escapes a secret does the same with the replacement in a replay.
type redactor struct {
	spellings []spelling
	known     map[string]bool
	hidden    int // texts in which something was replaced
}

// A spelling is one way in which a secret is written.
type spelling struct{ secret, mask []byte }

func newRedactor(secrets []string) *redactor {
	r := &redactor{known: map[string]bool{}}
	for _, secret := range secrets {
		r.add(secret)
	}
	return r
}

// scheme matches the beginning of the value of an Authorization. The beginning is no secret, and the core may
// look at it.
var scheme = regexp.MustCompile(`(?i)^(?:basic|bearer|digest|dpop|negotiate|token)\s+`)

// vocabulary are values of headers and variables that are no secrets. Nobody could understand a session
// without them.
var vocabulary = map[string]bool{
	"application/json": true, "text/event-stream": true, "application/json, text/event-stream": true,
	"2024-11-05": true, "2025-03-26": true, "2025-06-18": true, "2025-11-25": true, "2026-07-28": true,
}

// reference matches the name that the core has in place of a secret (wit/authorization.wit).
var reference = regexp.MustCompile(`^secret:[a-z_]+$`)

// add makes a text a secret.
func (r *redactor) add(text string) {
	text = scheme.ReplaceAllString(strings.TrimSpace(text), "")
	if reference.MatchString(text) {
		return
	}
	if len(text) < shortest || len(text) > longest || r.known[text] || len(r.known) >= maxSecrets || vocabulary[text] {
		return
	}
	r.known[text] = true
	seen := map[string]bool{}
	for _, spell := range spells {
		secret, hidden := spell(text), spell(mask(text))
		if !seen[secret] && len(secret) == len(hidden) {
			seen[secret] = true
			r.spellings = append(r.spellings, spelling{[]byte(secret), []byte(hidden)})
		}
	}
}

// spells are the forms in which a text is found: unchanged, in URLs, in JSON of Go and of JavaScript, and in
// JSON that is a text in JSON, as in the results of many tools.
var spells = []func(string) string{
	func(s string) string { return s },
	goJSON,
	jsJSON,
	func(s string) string { return goJSON(goJSON(s)) },
	func(s string) string { return goJSON(jsJSON(s)) },
	func(s string) string { return jsJSON(jsJSON(s)) },
	url.QueryEscape,
	url.PathEscape,
}

func goJSON(s string) string {
	b, _ := json.Marshal(s) // A string always marshals.
	return string(b[1 : len(b)-1])
}

func jsJSON(s string) string {
	b, _ := marshal(s)
	return string(b[1 : len(b)-1])
}

// mask keeps the length in bytes, and the punctuation, because punctuation is what gets escaped.
func mask(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case '0' <= c && c <= '9':
			return '1'
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			return 'x'
		}
		return [...]rune{c, c, 'é', '…', '😀'}[utf8.RuneLen(c)]
	}, s)
}

// hide returns b with every secret in it replaced. It returns b itself when there is no secret.
func (r *redactor) hide(b []byte) []byte {
	out := b
	for _, s := range r.spellings {
		for at := 0; ; at++ {
			i := bytes.Index(b[at:], s.secret)
			if i < 0 {
				break
			}
			if &out[0] == &b[0] {
				r.hidden++
				out = bytes.Clone(b)
			}
			at += i
			copy(out[at:], s.mask)
		}
	}
	return out
}

// tail returns the length of the longest end of b that may be the beginning of a secret, or of a text that
// learn will make a secret.
func (r *redactor) tail(b []byte) int {
	last := b[max(0, len(b)-longest):]
	n := len(unfinished.Find(last))
	for _, s := range r.spellings {
		for k := min(len(s.secret)-1, len(b)); k > n; k-- {
			if bytes.HasSuffix(b, s.secret[:k]) {
				n = k
			}
		}
	}
	return n
}

// telling are the header fields whose values are secrets.
var telling = map[string]bool{
	"authorization": true, "proxy-authorization": true, "cookie": true, "set-cookie": true, "mcp-session-id": true,
}

// names are the names of members of JSON objects that contain secrets.
const names = `(?:authorization|password|passphrase|secret|token|api[_-]?key|access[_-]?token|refresh[_-]?token|id[_-]?token|client[_-]?secret|mcp-session-id|sessionId)`

var (
	// members finds the value of such a member in JSON text. It also searches JSON that is a text in JSON,
	// but there only up to the first escape.
	members = regexp.MustCompile(`(?i)"` + names + `\\*"\s*:\s*(?:"((?:[^"\\]|\\.)+)"|\\+"([^"\\]+))`)
	// unfinished finds the beginning of such a member at the end of a text.
	unfinished = regexp.MustCompile(`(?i)"(?:[a-z_-]{0,14}\\*|` + names + `\\*"\s*(?::\s*(?:\\*|\\*"(?:[^"\\]|\\.)*\\?))?)$`)
)

// learn makes the values of members with such names secrets.
func (r *redactor) learn(text []byte) {
	for _, found := range members.FindAllSubmatch(text, -1) {
		var value string
		if json.Unmarshal(append(append([]byte{'"'}, found[1]...), '"'), &value) == nil {
			r.add(value)
		}
		r.add(string(found[2]))
	}
}

// learnAll learns from the strings of a value, and from the header fields in it.
func (r *redactor) learnAll(value any) {
	switch v := value.(type) {
	case string:
		r.learn([]byte(v))
	case component.Record:
		r.learnEach(v)
	case component.Tuple:
		if name, ok := field(v); ok && telling[strings.ToLower(name)] {
			r.add(v[1].(string))
		}
		r.learnEach(v)
	case []any:
		r.learnEach(v)
	case component.Variant:
		r.learnAll(v.Value)
	case component.Option:
		r.learnAll(v.Value)
	case component.Result:
		r.learnAll(v.Value)
	}
}

func (r *redactor) learnEach(values []any) {
	for _, v := range values {
		r.learnAll(v)
	}
}

// field returns the name of a header field: a pair of texts.
func field(v component.Tuple) (name string, ok bool) {
	if len(v) != 2 {
		return "", false
	}
	name, ok = v[0].(string)
	_, text := v[1].(string)
	return name, ok && text
}

// hideAll returns a value with every secret in its strings replaced. It leaves lists of bytes to their
// stream, because they are parts of bodies.
func (r *redactor) hideAll(value any) any {
	switch v := value.(type) {
	case string:
		if len(v) < shortest {
			return v
		}
		return string(r.hide([]byte(v)))
	case component.Record:
		return component.Record(r.hideEach(v))
	case component.Tuple:
		return component.Tuple(r.hideEach(v))
	case []any:
		return r.hideEach(v)
	case component.Variant:
		return component.Variant{Case: v.Case, Value: r.hideAll(v.Value)}
	case component.Option:
		return component.Option{Some: v.Some, Value: r.hideAll(v.Value)}
	case component.Result:
		return component.Result{OK: v.OK, Value: r.hideAll(v.Value)}
	}
	return value
}

func (r *redactor) hideEach(values []any) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = r.hideAll(v)
	}
	return out
}
