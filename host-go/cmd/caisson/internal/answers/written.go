package answers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// An entry is one of a file's list. It has one of Answer, Error, Result and Answers.
type entry struct {
	Server    string          `json:"server"`
	Tool      string          `json:"tool"`
	Arguments json.RawMessage `json:"arguments"`
	outcome
	Answers *[]outcome `json:"answers"`
}

// An outcome is what a call gets.
type outcome struct {
	Answer json.RawMessage `json:"answer"`
	Error  *string         `json:"error"`
	Result json.RawMessage `json:"result"`
}

// written reads answers that somebody has written, in YAML or JSON.
func (b *Book) written(text []byte) error {
	if !json.Valid(text) {
		var err error
		if text, err = fromYAML(text); err != nil {
			return err
		}
	}
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil || list == nil {
		return errors.New("it is no list of answers: - {server: NAME, tool: NAME, answer: VALUE}")
	}
	for i, item := range list {
		if err := b.entry(item); err != nil {
			return fmt.Errorf("answer %d: %w", i+1, err)
		}
	}
	return nil
}

func (b *Book) entry(text json.RawMessage) error {
	var e entry
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if e.Server == "" || e.Tool == "" {
		return errors.New("it names no server, or no tool")
	}
	a := &answer{}
	if e.Arguments != nil {
		var err error
		if a.arguments, err = members(e.Arguments); err != nil {
			return err
		}
	}
	outcomes := []outcome{e.outcome}
	if e.Answers != nil {
		if e.outcome.number() > 0 {
			return errors.New("it has answers, and answer, error or result beside them")
		}
		outcomes = *e.Answers
	} else {
		a.single = true
	}
	for _, o := range outcomes {
		of, err := o.result()
		if err != nil {
			return err
		}
		a.results = append(a.results, result{of: of})
	}
	return b.add(e.Server, e.Tool, a)
}

func (o *outcome) number() int {
	n := 0
	for _, there := range []bool{o.Answer != nil, o.Error != nil, o.Result != nil} {
		if there {
			n++
		}
	}
	return n
}

// result makes the result of a tool.
func (o *outcome) result() (json.RawMessage, error) {
	if o.number() != 1 {
		return nil, errors.New("it has one of answer, error and result (or answers: a list of these)")
	}
	switch {
	case o.Error != nil:
		return json.Marshal(&mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: *o.Error}}})
	case o.Result != nil:
		if _, err := decode(o.Result); err != nil || o.Result[0] != '{' {
			return nil, errors.New("the result is no result of tools/call")
		}
		return o.Result, nil
	}
	text := string(o.Answer)
	var s string
	if o.Answer[0] == '"' && json.Unmarshal(o.Answer, &s) == nil {
		text = s
	}
	return json.Marshal(&mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}, StructuredContent: o.Answer})
}

// fromYAML makes JSON of YAML: without anchors, which can make a small text a large one, and without tags.
func fromYAML(text []byte) ([]byte, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	switch err := d.Decode(&document); {
	case errors.Is(err, io.EOF) || err == nil && len(document.Content) != 1:
		return nil, errors.New("it is empty: it has a list, - {server: NAME, tool: NAME, answer: VALUE}")
	case err != nil:
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	case d.Decode(&more) == nil:
		return nil, errors.New("it has two documents")
	}
	var out bytes.Buffer
	if err := writeJSON(&out, document.Content[0], 0); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func writeJSON(out *bytes.Buffer, n *yaml.Node, depth int) error {
	wrong := func(message string) error { return fmt.Errorf("line %d: %s", n.Line, message) }
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return wrong("an anchor or an alias: write it out")
	case n.Style&yaml.TaggedStyle != 0:
		return wrong("a tag: leave it out")
	case depth > maxDepth:
		return wrong(fmt.Sprintf("more than %d levels in each other", maxDepth))
	}
	switch n.Kind {
	case yaml.MappingNode:
		out.WriteByte('{')
		seen := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode || key.Anchor != "" || key.Tag == "!!merge" {
				return wrong("a key that is no text")
			}
			if seen[key.Value] {
				return wrong("the key " + key.Value + " is there twice")
			}
			seen[key.Value] = true
			if i > 0 {
				out.WriteByte(',')
			}
			writeText(out, key.Value)
			out.WriteByte(':')
			if err := writeJSON(out, n.Content[i+1], depth+1); err != nil {
				return err
			}
		}
		out.WriteByte('}')
	case yaml.SequenceNode:
		out.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := writeJSON(out, item, depth+1); err != nil {
				return err
			}
		}
		out.WriteByte(']')
	case yaml.ScalarNode:
		return writeScalar(out, n)
	default:
		return wrong("it has no form in JSON")
	}
	return nil
}

// writeScalar writes a number as it stands, where JSON has it so.
func writeScalar(out *bytes.Buffer, n *yaml.Node) error {
	switch n.Tag {
	case "!!null":
		out.WriteString("null")
	case "!!int", "!!float", "!!bool":
		if json.Valid([]byte(n.Value)) {
			out.WriteString(n.Value)
			return nil
		}
		var value any
		if err := n.Decode(&value); err != nil {
			return fmt.Errorf("line %d: %w", n.Line, err)
		}
		text, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("line %d: %s has no form in JSON", n.Line, n.Value)
		}
		out.Write(text)
	default: // A date is a text, as it stands.
		writeText(out, n.Value)
	}
	return nil
}

func writeText(out *bytes.Buffer, text string) {
	quoted, _ := json.Marshal(text) // A text always marshals.
	out.Write(quoted)
}
