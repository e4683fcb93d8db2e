package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// A table is what a command prints: rows of columns, and lines between.
type table struct {
	text bytes.Buffer
	to   *tabwriter.Writer
}

func newTable() *table {
	t := &table{}
	t.to = tabwriter.NewWriter(&t.text, 0, 0, 2, ' ', 0)
	return t
}

// head names the columns.
func (t *table) head(names ...any) { t.row(names...) }

// row adds a row. What came from elsewhere does nothing to a terminal.
func (t *table) row(columns ...any) {
	for i, column := range columns {
		if i > 0 {
			_, _ = t.to.Write([]byte{'\t'}) // It is memory.
		}
		text := ""
		switch of := column.(type) {
		case *timestamppb.Timestamp:
			text = "-"
			if of != nil {
				text = of.AsTime().Format(time.RFC3339)
			}
		case string:
			if text = clean(of); text == "" {
				text = "-"
			}
		default:
			text = fmt.Sprint(of)
		}
		_, _ = io.WriteString(t.to, text)
	}
	_, _ = t.to.Write([]byte{'\n'})
}

// line adds a line without columns, indented below the row before it.
func (t *table) line(text string) {
	_ = t.to.Flush()
	fmt.Fprintf(&t.text, "  %s\n", clean(text))
}

// write writes all of it. Spaces at the ends of lines are left out.
func (t *table) write(w io.Writer) error {
	if err := t.to.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(t.text.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// clean shows what could move the cursor, or more, as its code.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.NewReplacer("\n", `\n`, "\t", `\t`, "\r", `\r`, "\x1b", `\x1b`).Replace(text))
}

// compact is JSON in one line, the same each time.
func compact(text []byte) string {
	var line bytes.Buffer
	if json.Compact(&line, text) != nil { // It is JSON.
		return string(text)
	}
	return line.String()
}

// yes is a word for a flag.
func yes(is bool, word string) string {
	if is {
		return word
	}
	return ""
}
