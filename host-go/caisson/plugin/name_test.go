package plugin

import (
	"strings"
	"testing"
)

// The name of a tool has only characters that it may have, at most 64, and other functions have other names.
func TestToolName(t *testing.T) {
	long := strings.Repeat("very-", 20) + "long"
	for _, c := range [][3]string{
		{"docs:calc/ops@1.0.0", "add-all", "docs_calc_ops_add-all"},
		{"", "hello", "hello"},
		{"inline", "f", "inline_f"},
		{"a:b/c@1.0.0-rc.1+x", "D.e", "a_b_c_D.e"},
		{"", "[method]x.y", "_method_x.y"},
		{"a:b/c", long, "a_b_c_very-very-very-very-very-very-very-very-very-very_6d24284c"},
	} {
		if got := toolName(c[0], c[1]); got != c[2] || len(got) > maxName || !validName(got) {
			t.Errorf("%q, not %q", got, c[2])
		}
	}
	if toolName("a:b/c", long) == toolName("a:b/c", long+"er") {
		t.Error("two long names are the same")
	}
	for _, name := range []string{"", "a b", "é", "a\n", strings.Repeat("x", 129)} {
		if validName(name) {
			t.Errorf("%q is a name", name)
		}
	}
}
