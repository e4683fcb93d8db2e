package elicit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/internal/unseen"
)

// maxMessageBytes bounds the message. A person sees the whole question, or is not asked.
const maxMessageBytes = 16 << 10

// The answers.
const (
	no   = "no"
	once = "once"
	yes  = "yes"
)

// member is the name of the answer. It has a part of the question's ID, so that an answer to one question is no
// answer to another.
func member(q *policy.Question) string { return "answer-" + q.ID[:16] }

// params is the elicitation of a question.
func params(q *policy.Question) (*mcp.ElicitParams, error) {
	text, err := message(q)
	if err != nil {
		return nil, err
	}
	answers := []string{no, yes}
	if q.Lasts != "" && q.Lasts != policy.Once {
		answers = []string{no, once, yes}
	}
	return &mcp.ElicitParams{
		Mode:    "form",
		Message: text,
		RequestedSchema: map[string]any{
			"type": "object",
			"properties": map[string]any{member(q): map[string]any{
				"type": "string", "title": "May it be called?", "description": lasting(q), "enum": answers,
			}},
			"required": []string{member(q)},
		},
	}, nil
}

// lasting says what a yes is for.
func lasting(q *policy.Question) string {
	if lasting := q.Lasting(); lasting != "" {
		return "once: this one call. yes: " + lasting + "."
	}
	return "yes: this one call."
}

// message is what the person reads. What others have chosen stands in an indented block, each on its line: there
// Markdown has no effect, and no text can pretend to be another line.
func message(q *policy.Question) (string, error) {
	arguments, err := shownArguments(q.Call.Arguments)
	if err != nil {
		return "", err
	}
	kind := string(q.Call.Kind)
	if kind != "" {
		kind = strings.ToUpper(kind[:1]) + kind[1:]
	}
	source := q.Call.Source
	if source == "" {
		source = policy.Server
	}
	caller := q.Call.Caller
	if caller == "" {
		caller = policy.CallerProgram
	}
	var b strings.Builder
	b.WriteString("The policy wants a yes before this call is made.\n\n")
	for _, line := range [][2]string{
		{kind, q.Call.Name}, {string(source), q.Call.Server}, {"called by", string(caller)}, {"for", q.Call.Principal},
	} {
		if line[1] != "" {
			writeBlock(&b, line[0]+": "+oneLine(line[1]))
		}
	}
	if q.Who != "" {
		writeBlock(&b, "asked: "+oneLine(q.Who))
	}
	writeBlock(&b, "arguments: "+arguments)
	if q.Text != "" {
		fmt.Fprintf(&b, "\n%s\n", unseen.Show(q.Text))
	}
	if b.Len() > maxMessageBytes {
		return "", fmt.Errorf("the question has %d bytes, which is too much to be shown: %d is the most", b.Len(), maxMessageBytes)
	}
	return b.String(), nil
}

const (
	// maxColumns is how many characters a line of the block has at the most: what is beyond would be out of sight.
	maxColumns = 100
	// maxSpaces is how many spaces stand in a row. More could hide what is behind them.
	maxSpaces = 40
)

// writeBlock writes a text into the indented block. A line that is too long goes on in lines that begin with an
// arrow, and so is no line of its own.
func writeBlock(b *strings.Builder, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		all := []rune(countSpaces(line))
		fmt.Fprintf(b, "    %s\n", string(all[:min(len(all), maxColumns)]))
		for all = all[min(len(all), maxColumns):]; len(all) > 0; all = all[min(len(all), maxColumns):] {
			fmt.Fprintf(b, "    ↪ %s\n", string(all[:min(len(all), maxColumns)]))
		}
	}
}

var manySpaces = regexp.MustCompile(fmt.Sprintf(" {%d,}", maxSpaces+1))

// countSpaces shows too many spaces in a row as their number.
func countSpaces(line string) string {
	return manySpaces.ReplaceAllStringFunc(line, func(spaces string) string { return fmt.Sprintf("<%d spaces>", len(spaces)) })
}

// oneLine shows a text that somebody else has chosen on one line.
func oneLine(text string) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(unseen.Show(text))
}

// shownArguments indents arguments. What hides something from the eye is written as its number.
func shownArguments(arguments json.RawMessage) (string, error) {
	if len(arguments) == 0 {
		return "none", nil
	}
	if len(arguments) > maxMessageBytes {
		return "", fmt.Errorf("the arguments have %d bytes, which is too much to be shown: %d is the most", len(arguments), maxMessageBytes)
	}
	var text bytes.Buffer
	if err := json.Indent(&text, arguments, "", "  "); err != nil {
		return "", fmt.Errorf("the arguments are no JSON: %w", err)
	}
	return unseen.Show(text.String()), nil
}

// answer reads a result. Anything but a yes in the form that was asked for is a no.
func answer(q *policy.Question, who string, result *mcp.ElicitResult) policy.Answer {
	if result == nil || result.Action != "accept" || len(result.Content) != 1 {
		return q.No()
	}
	switch result.Content[member(q)] {
	case any(yes):
		return q.Yes(who)
	case any(once):
		if q.Lasts == "" || q.Lasts == policy.Once { // It was not offered.
			return q.No()
		}
		return q.YesOnce(who)
	}
	return q.No()
}
