package component_test

import "strings"

// trapCategories find the category of a trap by words in the messages of wasmtime, of this runtime and of
// wazero. The first entry that fits counts. Two runtimes agree on a trap of the same category: their words
// differ.
var trapCategories = []struct {
	category string
	messages []string
}{
	{"host", []string{"host: "}},
	{"exit", []string{"exit with code", "exit status", "exit_code"}},
	{"dead", []string{"instance is dead", "cannot enter component instance"}},
	{"leave", []string{"cannot leave component instance"}},
	{"handle", []string{"unknown handle index"}},
	{"own", []string{"own resource from a borrow"}},
	{"lent", []string{"owned resource while borrowed"}},
	{"borrow", []string{"borrow handles still remain"}},
	{"realloc", []string{"realloc return"}},
	{"stack overflow", []string{"call stack exhausted", "stack overflow", "limit reached: stack"}},
	{"unreachable", []string{"unreachable"}},
	{"divide by zero", []string{"divide by zero"}},
	{"integer overflow", []string{"integer overflow"}},
	{"invalid conversion", []string{"invalid conversion to integer"}},
	{"indirect call", []string{"indirect call type mismatch"}},
	{"table bounds", []string{"uninitialized element", "undefined element", "out of bounds table access", "invalid table access"}},
	{"char", []string{"`char`", "valid char"}},
	{"encoding", []string{"utf-8", "utf8", "utf-16", "utf16", "UTF-8", "UTF-16", "surrogate"}},
	{"discriminant", []string{"discriminant", "invalid case"}},
	{"alignment", []string{"aligned"}},
	{"length limit", []string{"longer than the limit"}},
	{"memory bounds", []string{"out of bounds", "out-of-bounds", "beyond end of memory"}},
	{"limit", []string{"limit reached", "exceeds memory limits", "minimum size"}},
}

// trapCategory returns the category of a trap's message, or the message itself. In a message of wasmtime the
// cause counts, not the functions of the backtrace.
func trapCategory(message string) string {
	if _, cause, ok := strings.Cut(message, "Caused by:"); ok {
		message = cause
	}
	for _, c := range trapCategories {
		for _, m := range c.messages {
			if strings.Contains(message, m) {
				return c.category
			}
		}
	}
	return message
}

// knownDifferences are the same in every component.
var knownDifferences = []*difference{
	{
		Ours: "length limit", Theirs: []string{"alignment", "memory bounds"},
		Reason: "CanonicalABI.md traps on a length beyond MAX_STRING_BYTE_LENGTH or MAX_LIST_BYTE_LENGTH before it looks at the pointer; wasmtime has no such limit",
	},
	{
		Ours: "alignment", Theirs: []string{"memory bounds"},
		Reason: "of a list that is both unaligned and out of bounds, CanonicalABI.md looks at the alignment first, wasmtime at the bounds",
	},
}
