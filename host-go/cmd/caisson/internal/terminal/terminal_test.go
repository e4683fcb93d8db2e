package terminal

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

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
		if got := Visible(text); got != want {
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
		if got := OneLine(test.text, test.limit); got != test.want {
			t.Errorf("%q becomes %q, want %q", test.text, got, test.want)
		}
	}
}

// A screen is what a person sees.
type screen struct{ bytes.Buffer }

func (*screen) IsTerminal() bool { return true }

// TestTerminal has others write while a bar is shown, and while a person is asked.
func TestTerminal(t *testing.T) {
	var seen screen
	terminal := New(&seen)
	expect := func(want string) {
		t.Helper()
		if got := seen.String(); got != want {
			t.Errorf("it has %q, want %q", got, want)
		}
		seen.Reset()
	}
	terminal.SetBar("1/2")
	terminal.Say("one")
	expect(eraseLine + "1/2" + eraseLine + "caisson: one\n1/2")
	terminal.Ask()
	terminal.Prompt("name> ")
	terminal.Say("two")
	terminal.SetBar("2/2")
	expect(eraseLine + "name> ")
	terminal.Answered()
	expect("caisson: two\n2/2")
	terminal.SetBar("")
	terminal.Say("three")
	expect(eraseLine + "caisson: three\n")
	terminal.Ask()
	large := strings.Repeat("x", maxKept+1)
	_, _ = terminal.Write([]byte(large))
	expect(large)
	terminal.Answered()
	terminal.End()
	terminal.Say("four")
	terminal.SetBar("3/2")
	expect("")
}

func TestUntrusted(t *testing.T) {
	for _, parts := range [][]string{
		{"a\x1b[2Jé\r\n世\xff!\n"},
		strings.Split("a\x1b[2Jé\r\n世\xff!\n", ""),
		{"a\x1b", "[2J\xc3", "\xa9\r\n\xe4", "\xb8\x96\xff", "!\n"},
	} {
		var b strings.Builder
		u := &Untrusted{W: &b}
		for _, part := range parts {
			if n, err := u.Write([]byte(part)); n != len(part) || err != nil {
				t.Errorf("%q: %d, %v", part, n, err)
			}
		}
		got := strings.ReplaceAll(b.String(), `\u{d}`, "")
		if want := "a\\u{1b}[2Jé\n世\uFFFD!\n"; got != want {
			t.Errorf("%q becomes %q, want %q", parts, got, want)
		}
	}
}

func TestIsTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, stream := range []any{nil, null, &strings.Builder{}} {
		if IsTerminal(stream) {
			t.Errorf("%T is a terminal", stream)
		}
	}
	if !IsTerminal(&screen{}) {
		t.Error("a screen is no terminal")
	}
}
