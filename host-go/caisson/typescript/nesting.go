package typescript

import "fmt"

// What a source may nest. esbuild reads, walks and prints a source by functions that call themselves, and Go ends
// the process when a stack has half a GB: 128 KiB of exclamation marks need most of that. So a source is looked
// at before esbuild gets it.
const (
	// maxBrackets are brackets in brackets, and functions in functions, which are brackets too but for arrows:
	// esbuild's time grows with the cube of those, and 256 take a tenth of a second.
	maxBrackets = 256
	// maxTokens are tokens that are underway: those since the last statement or list item has ended, in all
	// brackets that are open. Each may be a call in a call; 10000 need 64 MB of stack at most.
	maxTokens = 10_000
)

// A level is what is in an open bracket, or at the top.
type level struct {
	tokens  int
	arrows  int
	control bool // the bracket has the condition of a statement
	list    bool // commas separate items, and not operands
}

// checkNesting fails where a source may nest deeper than the bounds.
func checkNesting(source string) error {
	tokens := lex(source)
	levels := []level{{}}
	underway, arrows := 0, 0
	// end forgets what is underway in a level.
	end := func(in *level) {
		underway, arrows = underway-in.tokens, arrows-in.arrows
		in.tokens, in.arrows = 0, 0
	}
	var closed level
	for i, t := range tokens {
		text := source[t.start:t.end]
		in := &levels[len(levels)-1]
		if i > 0 && endsStatement(source, tokens[i-1], t, closed) {
			end(in)
		}
		if t.unsure {
			// The rest may be anything.
			underway += len(source) - t.end
			if underway > maxTokens {
				return &Error{offset: t.start, Message: "it cannot be told whether this slash divides or begins a regular expression: put the regular expression into parentheses"}
			}
			return nil
		}
		isEnd := t.kind == mark && (text == ")" || text == "]" || text == "}") || t.kind == template && text[0] == '}'
		if isEnd && len(levels) == 1 {
			return &Error{offset: t.start, Message: "this bracket closes nothing"}
		}
		if isEnd {
			closed = *in
			end(in)
			levels = levels[:len(levels)-1]
			in = &levels[len(levels)-1]
		}
		isElse := i+1 < len(tokens) && source[tokens[i+1].start:tokens[i+1].end] == "else"
		if t.kind == mark && (text == ";" && !isElse || text == "," && in.list) {
			end(in)
		}
		in.tokens++
		underway++
		if t.kind == mark && text == "=>" {
			in.arrows++
			arrows++
		}
		isBegin := t.kind == mark && (text == "(" || text == "[" || text == "{") || t.kind == template && len(text) >= 2 && text[len(text)-2:] == "${"
		if isBegin {
			levels = append(levels, begin(source, tokens[:i], text))
		}
		if len(levels)+arrows > maxBrackets {
			return &Error{offset: t.start, Message: fmt.Sprintf("more than %d brackets and functions are open here", maxBrackets)}
		}
		if underway > maxTokens {
			return &Error{offset: t.start, Message: fmt.Sprintf("one statement, with those around it, has more than %d parts: divide it", maxTokens)}
		}
	}
	return nil
}

// begin returns the level that a bracket opens, after the tokens before it.
func begin(source string, before []token, text string) level {
	l := lexer{source: source, tokens: before}
	switch text {
	case "(":
		// A call, or parameters: after an operand.
		return level{control: l.isControl(), list: l.isOperand(1)}
	case "{":
		return level{list: !l.isOperand(1) && len(before) > 0 && !l.is(1, ";") && !l.is(1, "{") && !l.is(1, "=>") && !l.is(1, "else") && !l.is(1, "do")}
	}
	return level{list: text == "["}
}

// endsStatement says whether a statement, or another part that nothing follows, has ended between two tokens: no
// expression has one operand after another.
func endsStatement(source string, before, t token, closed level) bool {
	if t.kind == mark || t.kind == template && source[t.start] == '}' {
		return false
	}
	if t.kind == word {
		switch source[t.start:t.end] {
		case "else", "while", "catch", "finally", "in", "instanceof", "of", "as", "satisfies", "is", "extends", "implements", "from":
			return false
		}
	}
	switch text := source[before.start:before.end]; before.kind {
	case word:
		return t.line && !operatorWords[text] && !unsureWords[text] && !prefixWords[text]
	case literal, pattern:
		return t.line
	case template:
		return t.line && text[len(text)-1] == '`' && len(text) > 1
	default:
		return text == "}" || t.line && (text == "]" || text == ")" && !closed.control)
	}
}

// prefixWords begin something that goes on in the next line.
var prefixWords = map[string]bool{
	"async": true, "abstract": true, "declare": true, "export": true, "import": true, "static": true, "namespace": true,
	"module": true, "class": true, "function": true, "interface": true, "enum": true, "const": true, "let": true,
	"var": true, "try": true, "finally": true, "for": true, "if": true, "while": true, "with": true, "switch": true,
	"extends": true, "implements": true, "from": true, "get": true, "set": true, "using": true, "accessor": true,
}
