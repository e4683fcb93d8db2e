package docs_test

import (
	"strings"
	"testing"
)

// TestApart checks that headings, tables and code stand apart in the documents: without an empty line before it, a
// table is a paragraph, and without its fences so is code.
func TestApart(t *testing.T) {
	for _, document := range documents(t) {
		for _, fault := range together(read(t, document)) {
			t.Errorf("%s: %s", document, fault)
		}
	}
}

// TestTogether shows what is a fault.
func TestTogether(t *testing.T) {
	for text, want := range map[string]int{
		"# A\n\ntext\n\n| a |\n|---|\n| b |\n\n```\n# c\n| d |\n```\n": 0,
		"text\n# A\n":            1,
		"# A\ntext\n":            0,
		"text\n| a |\n|---|\n":   1,
		"| a |\n| b |\n":         1,
		"```go\nx\n":             1,
		"if err != nil {\n":      1,
		"- a list\n- goes on {}": 0,
	} {
		if got := together(text); len(got) != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// together finds what does not stand apart.
func together(text string) (faults []string) {
	lines := strings.Split(text, "\n")
	at := func(i int) string {
		if i < 0 || i >= len(lines) {
			return ""
		}
		return strings.TrimSpace(lines[i])
	}
	within := false
	for i := range lines {
		line := at(i)
		if strings.HasPrefix(line, "```") {
			within = !within
			continue
		}
		if within {
			continue
		}
		fault := func(what string) { faults = append(faults, what+": "+line) }
		first := strings.HasPrefix(line, "|") && !strings.HasPrefix(at(i-1), "|")
		switch {
		case strings.HasPrefix(line, "#") && at(i-1) != "":
			fault("a heading without an empty line before it")
		case first && (at(i-1) != "" || !strings.HasPrefix(at(i+1), "|--") && !strings.HasPrefix(at(i+1), "| --")):
			fault("a table without an empty line before it, or without the line below its head")
		case strings.HasPrefix(line, "if err != nil"):
			fault("code without a fence")
		}
	}
	if within {
		faults = append(faults, "a fence is not closed")
	}
	return faults
}
