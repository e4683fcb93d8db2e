package main

import "testing"

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"a\tb\nc":                   "a\tb\nc",
		"héllo 世界 👩‍🚀":              "héllo 世界 👩‍🚀",
		"\x1b[31mred\x1b[0m":        `\u{1b}[31mred\u{1b}[0m`,
		"\r\a\x7f\u009b":            `\u{d}\u{7}\u{7f}\u{9b}`,
		"evil\u202etxt":             `evil\u{202e}txt`,
		"not UTF-8: \xff":           "not UTF-8: \uFFFD",
		"\x1b]8;;http://x\x1b\\a\n": "\\u{1b}]8;;http://x\\u{1b}\\a\n",
	} {
		if got := visible(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestOneLine(t *testing.T) {
	for _, test := range []struct {
		text  string
		limit int
		want  string
	}{
		{" a\n\n b\tc ", 10, "a b c"},
		{"äöüäöü", 6, "äöüäöü"},
		{"äöüäöü", 4, "äöü…"},
		{"\x1b", 100, `\u{1b}`},
	} {
		if got := oneLine(test.text, test.limit); got != test.want {
			t.Errorf("%q becomes %q, want %q", test.text, got, test.want)
		}
	}
}
