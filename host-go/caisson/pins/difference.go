package pins

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/caisson-dev/caisson/host-go/internal/unseen"
)

// A Change is a difference between two definitions, at one place.
type Change struct {
	// Place is where it is, such as inputSchema.properties.path.description.
	Place string
	// Words are the words of both texts, in order.
	Words []Word
}

// A Word is one word of a difference, or one run of spaces. Characters that nobody sees are written as
// numbers, such as \u{200b}.
type Word struct {
	Text string
	// Sign is '-' for a word that is gone, '+' for a new one, and ' ' for one that stayed.
	Sign rune
}

// String writes a change on one line, with [-gone-] and {+new+} words.
func (c Change) String() string {
	var b strings.Builder
	b.WriteString(c.Place + ": ")
	for i := 0; i < len(c.Words); {
		sign, j := c.Words[i].Sign, i
		var run strings.Builder
		for ; j < len(c.Words) && c.Words[j].Sign == sign; j++ {
			run.WriteString(strings.ReplaceAll(c.Words[j].Text, "\n", `\n`))
		}
		switch i = j; sign {
		case '-':
			b.WriteString("[-" + run.String() + "-]")
		case '+':
			b.WriteString("{+" + run.String() + "+}")
		default:
			b.WriteString(run.String())
		}
	}
	return b.String()
}

// maxDifference bounds the work of a difference: words of one text times words of the other. Beyond it, a text
// is shown as replaced.
const maxDifference = 4 << 20

// Difference compares two definitions, word by word. A nil one is empty.
func Difference(before, after json.RawMessage) []Change {
	old, now := map[string]string{}, map[string]string{}
	flatten(before, "", old)
	flatten(after, "", now)
	places := map[string]bool{}
	for place := range old {
		places[place] = true
	}
	for place := range now {
		places[place] = true
	}
	var changes []Change
	for _, place := range slices.Sorted(maps.Keys(places)) {
		if old[place] != now[place] {
			changes = append(changes, Change{Place: unseen.Show(place), Words: words(old[place], now[place])})
		}
	}
	return changes
}

// member is the place of a member. No two members have one place: whoever chooses names could hide a value behind
// another.
func member(place, name string) string {
	odd := func(r rune) bool {
		return r != '_' && r != '-' && r != '$' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}
	switch {
	case name == "" || strings.ContainsFunc(name, odd):
		return place + "[" + strconv.Quote(name) + "]"
	case place == "":
		return name
	}
	return place + "." + name
}

// flatten gives each value its place. A text stands for itself, but for one that could be taken for another value.
func flatten(text json.RawMessage, place string, into map[string]string) {
	var object map[string]json.RawMessage
	if json.Unmarshal(text, &object) == nil && len(object) > 0 {
		for name, value := range object {
			flatten(value, member(place, name), into)
		}
		return
	}
	var list []json.RawMessage
	if json.Unmarshal(text, &list) == nil && len(list) > 0 {
		for i, value := range list {
			flatten(value, fmt.Sprintf("%s[%d]", place, i), into)
		}
		return
	}
	var s string
	if json.Unmarshal(text, &s) == nil && text[0] == '"' && !json.Valid([]byte(s)) && s != "" {
		into[place] = s
	} else if len(text) > 0 {
		into[place] = string(text)
	}
}

// split parts a text into words and runs of spaces. Concatenated they are the text.
func split(text string) []string {
	var all []string
	begin := 0
	var last rune
	for i, r := range text {
		if i > begin && (unicode.IsSpace(r) != unicode.IsSpace(last) || unicode.IsPunct(r) || unicode.IsPunct(last)) {
			all = append(all, text[begin:i])
			begin = i
		}
		last = r
	}
	if begin < len(text) {
		all = append(all, text[begin:])
	}
	return all
}

// words finds the longest common sequence of two texts' words.
func words(before, after string) []Word {
	a, b := split(before), split(after)
	var out []Word
	add := func(sign rune, texts ...string) {
		for _, text := range texts {
			out = append(out, Word{unseen.Show(text), sign})
		}
	}
	common := 0
	for common < len(a) && common < len(b) && a[common] == b[common] {
		common++
	}
	add(' ', a[:common]...)
	a, b = a[common:], b[common:]
	tail := 0
	for tail < len(a) && tail < len(b) && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	end := a[len(a)-tail:]
	a, b = a[:len(a)-tail], b[:len(b)-tail]
	if len(a) > 0 && len(b) > maxDifference/len(a) {
		add('-', a...)
		add('+', b...)
		add(' ', end...)
		return out
	}
	// length[i][j] is the longest common sequence of a[i:] and b[j:].
	length := make([][]int32, len(a)+1)
	for i := range length {
		length[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			add(' ', a[i])
			i, j = i+1, j+1
		case length[i+1][j] >= length[i][j+1]:
			add('-', a[i])
			i++
		default:
			add('+', b[j])
			j++
		}
	}
	add('-', a[i:]...)
	add('+', b[j:]...)
	add(' ', end...)
	return out
}
