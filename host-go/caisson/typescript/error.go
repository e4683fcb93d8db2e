package typescript

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/evanw/esbuild/pkg/api"
)

// An Error says where a source, or a module that it imports, is not TypeScript, or cannot be had.
type Error struct {
	// File is the name of the source, or the path of the module in [Options].Files.
	File string
	// Line and Column are the place, from 1; 0 where there is none. Columns count characters.
	Line, Column int
	// Message says what is wrong, and what to do.
	Message string
	// Err is the cause, or nil.
	Err error

	offset int // the place in bytes, where Line is to be found yet
}

// Error returns the place and the message.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("typescript: %s: %s", e.File, e.Message)
	}
	return fmt.Sprintf("typescript: %s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// at gives an error its file, and its place in the text.
func (e *Error) at(file, text string) *Error {
	before := text[:min(e.offset, len(text))]
	line := before[strings.LastIndexByte(before, '\n')+1:]
	e.File = file
	e.Line, e.Column = strings.Count(before, "\n")+1, utf8.RuneCountInString(line)+1
	return e
}

// errorOf makes an error of the first of esbuild's.
func errorOf(name string, messages []api.Message) *Error {
	m := messages[0]
	if e, ok := m.Detail.(*Error); ok {
		return e
	}
	e := &Error{File: name, Message: m.Text}
	if cause, ok := m.Detail.(error); ok {
		e.Err = cause
	}
	if l := m.Location; l != nil {
		if _, path, ok := strings.Cut(l.File, filesNamespace+":"); ok {
			e.File = path
		}
		// Columns of messages count bytes from 0.
		before := l.LineText[:min(l.Column, len(l.LineText))]
		e.Line, e.Column = l.Line, utf8.RuneCountInString(before)+1
	}
	for _, note := range m.Notes {
		if note.Location == nil && note.Text != "" {
			e.Message += ": " + note.Text
		}
	}
	return e
}
