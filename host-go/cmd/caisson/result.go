package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// A block is one block of a result's content, of any type (specification, server/tools, "Tool Result").
type block struct {
	Type     string    `json:"type"`
	Text     string    `json:"text"`
	Data     string    `json:"data"` // base64
	MIMEType string    `json:"mimeType"`
	Name     string    `json:"name"`
	URI      string    `json:"uri"`
	Resource *resource `json:"resource"`
}

type resource struct {
	URI      string  `json:"uri"`
	MIMEType string  `json:"mimeType"`
	Text     *string `json:"text"`
	Blob     string  `json:"blob"` // base64
}

// printResult prints a result: unchanged as JSON, or as text for people.
func (a *app) printResult(result json.RawMessage, asJSON bool, describe func(json.RawMessage) string) error {
	if asJSON {
		return a.printf("%s\n", result)
	}
	text := describe(result)
	if terminal.IsTerminal(a.out) {
		text = terminal.Visible(text)
	}
	return a.printf("%s", text)
}

// describeResult returns the result of a tool as text for people. A part without a readable form becomes
// JSON, so that nothing is lost.
func describeResult(result json.RawMessage) string {
	var r struct {
		Content           []json.RawMessage `json:"content"`
		StructuredContent json.RawMessage   `json:"structuredContent"`
	}
	// A field of the wrong type stays empty, and then becomes JSON.
	_ = json.Unmarshal(result, &r)
	if len(r.Content) == 0 && r.StructuredContent == nil {
		return indent(result)
	}
	var b strings.Builder
	hasText := false
	for _, raw := range r.Content {
		text, isText := describeBlock(raw)
		hasText = hasText || isText
		b.WriteString(text)
	}
	if !hasText && r.StructuredContent != nil {
		b.WriteString(indent(r.StructuredContent))
	}
	return b.String()
}

// describeBlock returns a block's text, or a line that describes a block without text.
func describeBlock(raw json.RawMessage) (text string, isText bool) {
	var c block
	_ = json.Unmarshal(raw, &c)
	if c.Type == "text" {
		return strings.TrimSuffix(c.Text, "\n") + "\n", true
	}
	return "[" + terminal.OneLine(c.summary(), terminal.MaxLine) + "]\n", false
}

// summary describes a block that is not text.
func (c *block) summary() string {
	switch {
	case c.Type == "image" || c.Type == "audio":
		return fmt.Sprintf("%s: %s, %s", c.Type, orUnknown(c.MIMEType), base64Size(c.Data))
	case c.Type == "resource_link":
		return strings.TrimRight(fmt.Sprintf("resource link: %s %s %s", c.URI, c.Name, c.MIMEType), " ")
	case c.Type == "resource" && c.Resource != nil && c.Resource.Text != nil:
		return fmt.Sprintf("resource: %s, %s, %s", c.Resource.URI, orUnknown(c.Resource.MIMEType), size(len(*c.Resource.Text)))
	case c.Type == "resource" && c.Resource != nil:
		return "resource: " + c.Resource.summary()
	}
	return fmt.Sprintf("content of the type %q: --json shows it", c.Type)
}

// summary describes a resource that is not text.
func (r *resource) summary() string {
	return fmt.Sprintf("%s, %s, %s", r.URI, orUnknown(r.MIMEType), base64Size(r.Blob))
}

func orUnknown(mimeType string) string {
	if mimeType == "" {
		return "unknown type"
	}
	return mimeType
}

func base64Size(data string) string {
	return size(base64.RawStdEncoding.DecodedLen(len(strings.TrimRight(data, "="))))
}

// size returns a number of bytes in words.
func size(n int) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1000*1000:
		return fmt.Sprintf("%.1f kB", float64(n)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1000/1000)
}

// indent formats JSON for reading.
func indent(text json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return string(text) + "\n"
	}
	return b.String() + "\n"
}
