// Package form reads the forms of elicitation, and a person's answers to them (specification,
// client/elicitation, "Form Mode").
package form

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// A Field is a property of a form (specification, client/elicitation, "Supported Schema Types").
type Field struct {
	Name     string
	required bool
	many     bool     // allows several choices
	choices  []choice // nil for any value
	rules

	Items *rules `json:"items"` // the rules of each value when there are several
}

// rules are what the schema of a field says.
type rules struct {
	Type        string          `json:"type"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Default     json.RawMessage `json:"default"`
	MinLength   *int            `json:"minLength"`
	MaxLength   *int            `json:"maxLength"`
	MinItems    *int            `json:"minItems"`
	MaxItems    *int            `json:"maxItems"`
	Minimum     *float64        `json:"minimum"`
	Maximum     *float64        `json:"maximum"`
	Format      string          `json:"format"`
	Enum        []string        `json:"enum"`
	EnumNames   []string        `json:"enumNames"`
	OneOf       []choice        `json:"oneOf"`
	AnyOf       []choice        `json:"anyOf"`
}

// A choice is a value, with its title for people.
type choice struct {
	Value string `json:"const"`
	Title string `json:"title"`
}

// Fields reads a form's schema. Required fields come first; the order of the schema is lost.
func Fields(requested any) ([]Field, error) {
	text, err := json.Marshal(requested)
	if err != nil {
		return nil, err
	}
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
		Required   []string                   `json:"required"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		return nil, err
	}
	var fields []Field
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		f := Field{Name: name, required: slices.Contains(schema.Required, name)}
		if err := json.Unmarshal(schema.Properties[name], &f); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		f.choices = f.rules.list()
		if f.Type == "array" && f.Items != nil {
			f.many, f.choices = true, f.Items.list()
		}
		fields = append(fields, f)
	}
	slices.SortStableFunc(fields, func(a, b Field) int {
		switch {
		case a.required == b.required:
			return 0
		case a.required:
			return -1
		}
		return 1
	})
	return fields, nil
}

// list returns the choices.
func (r *rules) list() []choice {
	choices := slices.Concat(r.OneOf, r.AnyOf)
	for i, value := range r.Enum {
		c := choice{Value: value}
		if i < len(r.EnumNames) {
			c.Title = r.EnumNames[i]
		}
		choices = append(choices, c)
	}
	return choices
}

// Describe returns a line about a field, and a line for each choice.
func (f *Field) Describe() string {
	kind := f.Type
	if f.many {
		kind = "any of"
	} else if f.choices != nil {
		kind = "one of"
	}
	if f.Format != "" {
		kind += " (" + f.Format + ")"
	}
	about := []string{kind}
	if !f.required {
		about = append(about, "may be left out")
	}
	for _, text := range []string{f.Title, f.Description} {
		if text != "" {
			about = append(about, text)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n  %s\n", terminal.OneLine(f.Name+": "+strings.Join(about, "; "), terminal.MaxLine))
	for i, c := range f.choices {
		text := c.Value
		if c.Title != "" {
			text += " (" + c.Title + ")"
		}
		fmt.Fprintf(&b, "    %d) %s\n", i+1, terminal.OneLine(text, terminal.MaxLine))
	}
	return b.String()
}

// DefaultText returns the default as text for people.
func (f *Field) DefaultText() string {
	var text string
	var list []string
	switch {
	case json.Unmarshal(f.Default, &text) == nil:
		return text
	case json.Unmarshal(f.Default, &list) == nil:
		return strings.Join(list, ", ")
	}
	return string(f.Default)
}

// TakeDefault handles an empty line: it stores the default, or nothing when the field may be left out.
func (f *Field) TakeDefault(content map[string]any) bool {
	delete(content, f.Name)
	var value any
	if f.Default != nil && json.Unmarshal(f.Default, &value) == nil {
		content[f.Name] = value
		return true
	}
	return !f.required
}

// Parse converts a line to the field's type. Its errors are for people.
func (f *Field) Parse(line string) (any, error) {
	switch {
	case f.many:
		return f.parseMany(line)
	case f.choices != nil:
		return f.pick(line)
	}
	switch f.Type {
	case "boolean":
		switch strings.ToLower(line) {
		case "y", "yes", "true":
			return true, nil
		case "n", "no", "false":
			return false, nil
		}
		return nil, errors.New("it must be yes or no")
	case "integer", "number":
		return f.parseNumber(line)
	case "string", "":
		return line, f.checkText(line)
	}
	var value any
	if err := json.Unmarshal([]byte(line), &value); err != nil {
		return nil, fmt.Errorf("it must be JSON: %w", err)
	}
	return value, nil
}

// pick finds a choice by its number, value or title.
func (f *Field) pick(line string) (string, error) {
	for _, c := range f.choices {
		if line == c.Value || line == c.Title {
			return c.Value, nil
		}
	}
	if n, err := strconv.Atoi(line); err == nil && n >= 1 && n <= len(f.choices) {
		return f.choices[n-1].Value, nil
	}
	return "", fmt.Errorf("%q is not a choice: give a choice or its number", line)
}

func (f *Field) parseMany(line string) ([]string, error) {
	values := []string{}
	for _, word := range strings.Split(line, ",") {
		value, err := f.pick(strings.TrimSpace(word))
		if err != nil {
			return nil, err
		}
		if !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	return values, between(float64(len(values)), number(f.MinItems), number(f.MaxItems), "how many there are")
}

func (f *Field) parseNumber(line string) (any, error) {
	if f.Type == "integer" {
		n, err := strconv.ParseInt(line, 10, 64)
		if err != nil {
			return nil, errors.New("it must be a whole number")
		}
		return n, between(float64(n), f.Minimum, f.Maximum, "it")
	}
	// JSON cannot represent infinities.
	n, err := strconv.ParseFloat(line, 64)
	if err != nil || n-n != 0 {
		return nil, errors.New("it must be a number")
	}
	return n, between(n, f.Minimum, f.Maximum, "it")
}

func (f *Field) checkText(text string) error {
	if err := between(float64(utf8.RuneCountInString(text)), number(f.MinLength), number(f.MaxLength), "its length"); err != nil {
		return err
	}
	var what string
	var err error
	switch f.Format {
	case "email":
		var a *mail.Address
		what = "an email address"
		if a, err = mail.ParseAddress(text); err == nil && a.Address != text {
			err = errors.New("it has a name, too")
		}
	case "uri":
		var u *url.URL
		what = "a URI, such as https://example.com/"
		if u, err = url.Parse(text); err == nil && u.Scheme == "" {
			err = errors.New("it has no scheme")
		}
	case "date":
		what = "a date, such as 2026-07-28"
		_, err = time.Parse(time.DateOnly, text)
	case "date-time":
		what = "a date and time, such as 2026-07-28T12:00:00Z"
		_, err = time.Parse(time.RFC3339, text)
	}
	if err != nil {
		return errors.New("it must be " + what)
	}
	return nil
}

func number(n *int) *float64 {
	if n == nil {
		return nil
	}
	f := float64(*n)
	return &f
}

// between checks that a number is in a range. Each end may be open.
func between(n float64, least, most *float64, what string) error {
	switch {
	case least != nil && n < *least:
		return fmt.Errorf("%s must be %v or more", what, *least)
	case most != nil && n > *most:
		return fmt.Errorf("%s must be %v or less", what, *most)
	}
	return nil
}
