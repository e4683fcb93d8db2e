package text

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestShort(t *testing.T) {
	for _, c := range []string{"a", "ä", "€", "𝄞"} {
		for n := range 2 * maxShort / len(c) {
			s := "x" + strings.Repeat(c, n) + "y"
			got := Short(s)
			if len(s) <= maxShort && got != s {
				t.Fatalf("%d bytes were cut", len(s))
			}
			if len(got) > maxShort+5 || !utf8.ValidString(got) || got[0] != 'x' || got[len(got)-1] != 'y' {
				t.Fatalf("%d bytes became %q", len(s), got)
			}
		}
	}
}
