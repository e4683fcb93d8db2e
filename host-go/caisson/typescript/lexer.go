package typescript

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A kind says what a token is, as far as anybody here asks.
type kind uint8

const (
	word kind = iota // an identifier or a keyword
	literal
	template // a piece of a template, up to a hole or to its end
	pattern  // a regular expression
	mark     // punctuation
)

// A token is a piece of a source.
type token struct {
	kind       kind
	start, end int
	line       bool // it is the first in its line
	// unsure says that a slash may begin a regular expression or divide.
	unsure bool
}

// A lexer takes a source apart into tokens: enough to see how deep it nests, and where its imports end. It is no
// judge of what is valid.
type lexer struct {
	source string
	at     int
	tokens []token
	open   []bracket
	closed bracket // the last bracket that was closed
}

// A bracket is an open one.
type bracket struct {
	mark    byte
	control bool // it has the condition of a statement, so a statement follows it
}

// lex returns the tokens of a source.
func lex(source string) []token {
	l := lexer{source: source}
	if strings.HasPrefix(source, "#!") {
		l.skipLine()
	}
	for l.next() {
	}
	return l.tokens
}

// next reads one token, and says whether there was one.
func (l *lexer) next() bool {
	first := l.space()
	if l.at >= len(l.source) {
		return false
	}
	start := l.at
	k := mark
	unsure := false
	switch c := l.source[l.at]; {
	case c >= '0' && c <= '9':
		k = literal
		l.word()
		if strings.HasPrefix(l.source[l.at:], ".") {
			l.at++
			l.word()
		}
	case isWord(c):
		k = word
		l.word()
	case c == '"' || c == '\'':
		k = literal
		l.text(c)
	case c == '`':
		k = template
		l.at++
		l.template()
	case c == '}' && len(l.open) > 0 && l.open[len(l.open)-1].mark == '`':
		k = template
		l.open = l.open[:len(l.open)-1]
		l.at++
		l.template()
	case c == '/':
		var regexp bool
		regexp, unsure = l.slash()
		if regexp && l.regexp() {
			k = pattern
		} else {
			l.at = start + 1
		}
	case strings.HasPrefix(l.source[l.at:], "<!--"), first && strings.HasPrefix(l.source[l.at:], "-->"):
		l.skipLine() // comments, as browsers had them
		return true
	default:
		l.mark(c)
	}
	l.tokens = append(l.tokens, token{kind: k, start: start, end: l.at, line: first, unsure: unsure})
	return true
}

// space skips white space and comments, and says whether a line has ended there.
func (l *lexer) space() bool {
	first := l.at == 0
	for l.at < len(l.source) {
		rest := l.source[l.at:]
		switch c := rest[0]; {
		case c == '\n' || c == '\r':
			first = true
			l.at++
		case c == ' ' || c == '\t' || c == '\v' || c == '\f':
			l.at++
		case strings.HasPrefix(rest, "//"):
			l.skipLine()
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				l.at = len(l.source)
				return first
			}
			first = first || strings.ContainsAny(rest[:end+2], "\n\r\u2028\u2029")
			l.at += end + 4
		case strings.HasPrefix(rest, "\u2028") || strings.HasPrefix(rest, "\u2029"):
			first = true
			l.at += 3
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(rest)
			if r != '\ufeff' && !unicode.Is(unicode.Zs, r) {
				return first
			}
			l.at += size
		default:
			return first
		}
	}
	return first
}

func (l *lexer) skipLine() {
	for l.at < len(l.source) && l.source[l.at] != '\n' && l.source[l.at] != '\r' && !strings.HasPrefix(l.source[l.at:], "\u2028") && !strings.HasPrefix(l.source[l.at:], "\u2029") {
		l.at++
	}
}

// text skips a string, or what there is of one in its line.
func (l *lexer) text(quote byte) {
	for l.at++; l.at < len(l.source); l.at++ {
		switch l.source[l.at] {
		case quote:
			l.at++
			return
		case '\\':
			l.at++
			if strings.HasPrefix(l.source[l.at:], "\r\n") {
				l.at++
			}
		case '\n', '\r':
			return
		}
	}
	l.at = len(l.source)
}

// template skips the text of a template, up to its end or to a hole, which is then open.
func (l *lexer) template() {
	for ; l.at < len(l.source); l.at++ {
		switch c := l.source[l.at]; {
		case c == '`':
			l.at++
			return
		case c == '\\':
			l.at++
		case strings.HasPrefix(l.source[l.at:], "${"):
			l.at += 2
			l.open = append(l.open, bracket{mark: '`'})
			return
		}
	}
	l.at = len(l.source)
}

// regexp skips a regular expression, and says whether there is one in this line.
func (l *lexer) regexp() bool {
	class := false
	for l.at++; l.at < len(l.source); l.at++ {
		switch c := l.source[l.at]; {
		case c == '\\':
			l.at++
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '\n' || c == '\r' || strings.HasPrefix(l.source[l.at:], "\u2028") || strings.HasPrefix(l.source[l.at:], "\u2029"):
			return false
		case c == '/' && !class:
			for l.at++; l.at < len(l.source) && isWord(l.source[l.at]); l.at++ {
			}
			return true
		}
	}
	return false
}

// operators are the marks of several characters that have to be told from their parts.
var operators = []string{"=>", "++", "--", "?.", "...", "**"}

func (l *lexer) mark(c byte) {
	switch c {
	case '(', '[', '{':
		l.open = append(l.open, bracket{mark: c, control: c == '(' && l.isControl()})
	case ')', ']', '}':
		if n := len(l.open); n > 0 && l.open[n-1].mark != '`' {
			l.closed, l.open = l.open[n-1], l.open[:n-1]
		}
	}
	for _, operator := range operators {
		if strings.HasPrefix(l.source[l.at:], operator) {
			l.at += len(operator)
			return
		}
	}
	_, size := utf8.DecodeRuneInString(l.source[l.at:])
	l.at += size
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c == '\\' || c >= utf8.RuneSelf
}

// word skips the rest of a word.
func (l *lexer) word() {
	for l.at < len(l.source) {
		c := l.source[l.at]
		if !isWord(c) {
			return
		}
		r, size := utf8.DecodeRuneInString(l.source[l.at:])
		if c >= utf8.RuneSelf && (r == '\ufeff' || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Zs, r)) {
			return
		}
		l.at += size
	}
}

// back returns the nth token from the end, from 1, or an empty one.
func (l *lexer) back(n int) token {
	if n > len(l.tokens) {
		return token{}
	}
	return l.tokens[len(l.tokens)-n]
}

// is says whether the nth token from the end is this mark or word.
func (l *lexer) is(n int, text string) bool {
	t := l.back(n)
	return t.end > t.start && l.source[t.start:t.end] == text && (t.kind == mark || t.kind == word)
}

// isMember says whether the nth token from the end is the name of a member: then it is no keyword.
func (l *lexer) isMember(n int) bool { return l.is(n+1, ".") || l.is(n+1, "?.") || l.is(n+1, "#") }

// isControl says whether the bracket that comes has the condition of a statement.
func (l *lexer) isControl() bool {
	n := 1
	if l.is(1, "await") {
		n = 2
	}
	switch t := l.back(n); l.source[t.start:t.end] {
	case "if", "while", "for", "with":
		return t.kind == word && !l.isMember(n)
	}
	return false
}

// operatorWords are the keywords that an operand follows.
var operatorWords = map[string]bool{
	"return": true, "typeof": true, "case": true, "in": true, "delete": true, "void": true, "throw": true, "new": true,
	"instanceof": true, "else": true, "do": true,
}

// unsureWords are keywords in some places, and names in others.
var unsureWords = map[string]bool{
	"await": true, "yield": true, "of": true, "as": true, "satisfies": true, "is": true, "keyof": true, "infer": true,
	"asserts": true, "out": true, "type": true, "readonly": true, "unique": true, "extends": true, "default": true,
}

// slash says whether a slash begins a regular expression, as far as the tokens before it tell.
func (l *lexer) slash() (regexp, unsure bool) {
	t := l.back(1)
	text := l.source[t.start:t.end]
	switch t.kind {
	case literal, pattern:
		return false, false
	case template:
		return strings.HasSuffix(text, "${"), false
	case word:
		if text == "" {
			return true, false // the beginning of the source
		}
		if l.isMember(1) {
			return false, false
		}
		return operatorWords[text], unsureWords[text] || strings.Contains(text, "\\")
	}
	switch text {
	case ")":
		return l.closed.control, false
	case "]":
		return false, false
	case "}", ">":
		return false, true
	case "++", "--":
		return false, t.line || !l.isOperand(2)
	case "!":
		return true, l.isOperand(2)
	}
	return true, false
}

// isOperand says whether the nth token from the end may be the end of an operand.
func (l *lexer) isOperand(n int) bool {
	t := l.back(n)
	text := l.source[t.start:t.end]
	switch t.kind {
	case word:
		return text != "" && (!operatorWords[text] || l.isMember(n))
	case template:
		return !strings.HasSuffix(text, "${")
	case mark:
		return text == ")" || text == "]" || text == "}" || text == ">" || text == "!"
	}
	return true
}
