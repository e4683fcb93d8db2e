package unseen_test

import (
	"testing"

	"github.com/caisson-dev/caisson/host-go/internal/unseen"
)

func TestShow(t *testing.T) {
	for text, want := range map[string]string{
		"plain text, ünïcode 日本語 😀\n\t": "plain text, ünïcode 日本語 😀\n\t",
		"a\u200bb": `a\u{200b}b`, "\u202eabc\u202c": `\u{202e}abc\u{202c}`, "a\x1b[31m": `a\u{1b}[31m`,
		"\U000e0041": `\u{e0041}`, "x\ufe0f": `x\u{fe0f}`, "\u3164": `\u{3164}`, "\xff": `\xff`, "a\u00a0b": `a\u{a0}b`, "\r": `\u{d}`, "\u00ad": `\u{ad}`, "": "",
	} {
		if got := unseen.Show(text); got != want {
			t.Errorf("%q is shown as %s", text, got)
		}
	}
	if got := unseen.Hidden("a\U000e0049\U000e0020\U000e0061\U000e007f"); got != "I a" {
		t.Errorf("it says %q", got)
	}
}
