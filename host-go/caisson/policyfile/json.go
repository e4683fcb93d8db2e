package policyfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parseJSON makes nodes of JSON. The reader of YAML would take most of it, and some of it for something else.
func parseJSON(path string, text []byte) (*yaml.Node, error) {
	if !utf8.Valid(text) {
		return nil, &Error{File: path, Message: "the file is not valid UTF-8"}
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	p := &jsonParser{decoder: decoder, text: text}
	n, err := p.value(0)
	if err == nil {
		if _, err = decoder.Token(); err == io.EOF {
			return n, nil
		}
		err = fmt.Errorf("there is more after the end")
	}
	return nil, &Error{File: path, Line: p.line(), Message: "the file is not valid JSON: " + err.Error(), Err: err}
}

type jsonParser struct {
	decoder *json.Decoder
	text    []byte
	counted int // the bytes whose lines are counted
	lines   int
}

// line is the line of what was read last.
func (p *jsonParser) line() int {
	at := min(int(p.decoder.InputOffset()), len(p.text))
	p.lines += bytes.Count(p.text[p.counted:at], []byte("\n"))
	p.counted = at
	return p.lines + 1
}

func (p *jsonParser) value(depth int) (*yaml.Node, error) {
	token, err := p.decoder.Token()
	if err != nil {
		return nil, err
	}
	return p.of(token, depth)
}

func (p *jsonParser) of(token json.Token, depth int) (*yaml.Node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is nested more than %d levels deep", maxDepth)
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: p.line()}
	switch token := token.(type) {
	case json.Delim:
		n.Kind = yaml.MappingNode
		if token == '[' {
			n.Kind = yaml.SequenceNode
		}
		for p.decoder.More() {
			child, err := p.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		_, err := p.decoder.Token()
		return n, err
	case string:
		n.Tag, n.Value = "!!str", token
	case json.Number:
		n.Tag, n.Value = "!!float", token.String()
		if !strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!int"
		}
	case bool:
		n.Tag, n.Value = "!!bool", fmt.Sprint(token)
	default:
		n.Tag, n.Value = "!!null", "null"
	}
	return n, nil
}
