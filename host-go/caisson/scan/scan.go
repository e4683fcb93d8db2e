// Package scan looks in what a server offers for what looks like an attack on the model that will read it:
// hidden characters, instructions to the model, tools that pose as another server's.
//
// It is a report, for a person to judge. Nothing is decided by it: a clean report is no proof, since words can
// be put in any way, and an honest server may be reported.
package scan

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/caisson-dev/caisson/host-go/internal/unseen"
)

// A Sort says what was found.
type Sort string

// These are the sorts of findings.
const (
	// Hidden is a character that nobody sees, or that turns the direction of text.
	Hidden Sort = "hidden characters"
	// Instruction is a text that tells the model to do something other than to use the tool.
	Instruction Sort = "instruction"
	// Secret is a text about files or variables that have secrets.
	Secret Sort = "secret"
	// Shadow is a name, or a text about the tool, of another server.
	Shadow Sort = "shadowing"
	// Lookalike is a name that looks like another one.
	Lookalike Sort = "lookalike"
	// Ambiguous is a definition that two readers could read in two ways.
	Ambiguous Sort = "ambiguous"
	// Long is a text with so many characters that a person will not read it.
	Long Sort = "long text"
)

// A Finding is one thing that was found.
type Finding struct {
	Server string `json:"server"`
	// Kind and Name say in what: "tool", "prompt", "resource" or "instructions".
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
	// Place is where in its definition, such as inputSchema.properties.path.description.
	Place string `json:"place,omitempty"`
	Sort  Sort   `json:"sort"`
	// Text is what was found, with hidden characters as numbers, such as \u{200b}; at most 200 characters.
	Text string `json:"text"`
}

// An Item is something that a server offers.
type Item struct {
	Server     string
	Kind, Name string
	// Definition is its JSON, as the server sent it.
	Definition json.RawMessage
}

// longText is a number of characters that few honest descriptions have.
const longText = 4000

// maxFindings bounds a report.
const maxFindings = 10_000

var patterns = []struct {
	sort Sort
	re   *regexp.Regexp
}{
	{Instruction, regexp.MustCompile(`(?i)\b(ignore|disregard|forget|override)\b.{0,40}\b(previous|prior|above|earlier|other|all|system)\b.{0,40}\b(instruction|prompt|rule|message|tool)`)},
	{Instruction, regexp.MustCompile(`(?i)\b(do not|don't|never|without)\b.{0,30}\b(tell|mention|inform|notify|reveal|show|telling|mentioning|informing|asking)\b.{0,30}\b(user|human|person|anyone)`)},
	{Instruction, regexp.MustCompile(`(?i)\b(before|after|prior to|instead of|whenever)\b.{0,40}\b(using|calling|running|invoking|you use|you call|any other)\b.{0,60}\b(tool|function|command)`)},
	{Instruction, regexp.MustCompile(`(?i)<\s*/?\s*(important|system|instructions?|secret|admin|hidden|assistant)\b[^>]{0,60}>`)},
	{Instruction, regexp.MustCompile(`(?i)\byou (must|have to|are required to|should always)\b.{0,60}\b(read|send|include|pass|call|append|execute|run|fetch)\b`)},
	{Instruction, regexp.MustCompile(`(?i)\b(send|post|forward|upload|exfiltrate|append)\b.{0,60}(https?://|\b(conversation|chat history|context|system prompt|credentials|file contents?)\b)`)},
	{Instruction, regexp.MustCompile(`<!--`)},
	{Secret, regexp.MustCompile(`(?i)(~|\$HOME|/home/[^/\s]+|/root)?/?\.(ssh|aws|gnupg|kube|docker|netrc|npmrc|env)\b(/|\b)|\bid_(rsa|ed25519|ecdsa)\b|/etc/(passwd|shadow)\b|\b(mcp|claude_desktop_config)\.json\b`)},
	{Secret, regexp.MustCompile(`(?i)\b(api[_ -]?keys?|private keys?|access tokens?|passwords?)\b.{0,40}\b(read|include|pass|send|copy|put)\b|\b(read|include|pass|send|copy|put)\b.{0,40}\b(api[_ -]?keys?|private keys?|access tokens?|passwords?)\b`)},
	{Instruction, regexp.MustCompile(`[A-Za-z0-9+/]{120,}={0,2}`)},
}

// Scan looks at what servers offer, all together, so that it sees which tool poses as another server's.
func Scan(items []Item) []Finding {
	s := &scanner{names: map[string][]Item{}, looks: map[string][]Item{}}
	for _, item := range items {
		if item.Kind == "tool" {
			s.names[item.Name] = append(s.names[item.Name], item)
			s.looks[skeleton(item.Name)] = append(s.looks[skeleton(item.Name)], item)
		}
	}
	for _, item := range items {
		s.item(item)
	}
	return s.found
}

type scanner struct {
	names, looks map[string][]Item
	found        []Finding
}

func (s *scanner) add(item Item, place string, sort Sort, text string) {
	if len(s.found) < maxFindings {
		s.found = append(s.found, Finding{Server: item.Server, Kind: item.Kind, Name: unseen.Show(item.Name), Place: unseen.Show(place), Sort: sort, Text: excerpt(text)})
	}
}

// excerpt bounds a text, and makes it visible.
func excerpt(text string) string {
	runes := []rune(unseen.Show(strings.Join(strings.Fields(text), " ")))
	if len(runes) > 200 {
		return string(runes[:199]) + "…"
	}
	return string(runes)
}

func (s *scanner) item(item Item) {
	if item.Kind == "tool" {
		for _, other := range s.names[item.Name] {
			if other.Server != item.Server {
				s.add(item, "name", Shadow, "the server "+other.Server+" has a tool of this name, too")
				break
			}
		}
		for _, other := range s.looks[skeleton(item.Name)] {
			if other.Name != item.Name {
				s.add(item, "name", Lookalike, fmt.Sprintf("it looks like %s of the server %s", other.Name, other.Server))
				break
			}
		}
	}
	var value any
	if json.Unmarshal(item.Definition, &value) != nil {
		s.add(item, "", Ambiguous, "the definition is no JSON")
		return
	}
	s.value(item, "", value)
}

// value looks at all texts of a definition, the names of members among them.
func (s *scanner) value(item Item, place string, value any) {
	switch value := value.(type) {
	case string:
		s.text(item, place, value)
	case []any:
		for i, v := range value {
			s.value(item, fmt.Sprintf("%s[%d]", place, i), v)
		}
	case map[string]any:
		var names []string
		for name := range value {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			at := strings.TrimPrefix(place+"."+name, ".")
			s.text(item, at, name)
			s.value(item, at, value[name])
		}
	}
}

func (s *scanner) text(item Item, place, text string) {
	if i := strings.IndexFunc(text, suspicious); i >= 0 {
		shown := text[max(i-20, 0):]
		if hidden := unseen.Hidden(text); hidden != "" {
			shown = "hidden: " + hidden
		}
		s.add(item, place, Hidden, strings.ToValidUTF8(shown, "\ufffd"))
	}
	if len([]rune(text)) > longText {
		s.add(item, place, Long, fmt.Sprintf("%d characters", len([]rune(text))))
	}
	for _, p := range patterns {
		if at := p.re.FindStringIndex(text); at != nil {
			s.add(item, place, p.sort, text[at[0]:at[1]])
		}
	}
	if place == "name" {
		return
	}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.", r)
	}) {
		if !strings.ContainsAny(word, "_-.") { // A plain word is no name of a tool.
			continue
		}
		for _, other := range s.names[strings.Trim(word, ".-")] {
			if other.Server != item.Server {
				s.add(item, place, Shadow, "it speaks of "+other.Name+", a tool of the server "+other.Server)
				return
			}
		}
	}
}

// suspicious are the characters that an honest text does not need. Joiners and selectors are a part of emoji
// and of some scripts, and an end of a line may be that of Windows.
func suspicious(r rune) bool {
	switch r {
	case '\r', 0x200c, 0x200d, 0xfe0e, 0xfe0f, 0x00a0, 0x202f, 0x2009:
		return false
	}
	return unseen.Is(r)
}

// skeleton makes the same of names that look alike: letters of other scripts, other cases, separators.
func skeleton(name string) string {
	return strings.Map(func(r rune) rune {
		if unseen.Is(r) || strings.ContainsRune("_-. ", r) {
			return -1
		}
		if plain, ok := alike[r]; ok {
			return plain
		}
		return unicode.ToLower(r)
	}, name)
}

// alike are letters of Cyrillic and Greek, and digits, that look like a Latin letter.
var alike = map[rune]rune{
	'а': 'a', 'А': 'a', 'В': 'b', 'с': 'c', 'С': 'c', 'ԁ': 'd', 'е': 'e', 'Е': 'e', 'Н': 'h', 'һ': 'h', 'і': 'i', 'І': 'i', 'ј': 'j', 'К': 'k', 'М': 'm', 'о': 'o', 'О': 'o',
	'р': 'p', 'Р': 'p', 'ѕ': 's', 'Т': 't', 'х': 'x', 'Х': 'x', 'у': 'y', 'α': 'a', 'ο': 'o', 'ρ': 'p', 'ν': 'v', 'ι': 'i', 'Α': 'a', 'Β': 'b', 'Ε': 'e', 'Ο': 'o', 'Ρ': 'p', 'Τ': 't',
	'0': 'o', '1': 'l', 'I': 'l', '|': 'l',
}
