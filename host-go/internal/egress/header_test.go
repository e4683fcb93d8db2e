package egress

import (
	"net/http"
	"slices"
	"testing"
)

// TestResponseHeader shows that the core is told names in lower case, whatever a server writes: it
// compares them as they are.
//
// requirement: http.header-names
func TestResponseHeader(t *testing.T) {
	got := responseHeader(http.Header{"CONTENT-Type": {"application/json"}, "Mcp-Session-Id": {"a"}, "x": {"\xff", "b"}})
	want := [][2]string{{"content-type", "application/json"}, {"mcp-session-id", "a"}, {"x", "\uFFFD"}, {"x", "b"}}
	if !slices.Equal(got, want) {
		t.Errorf("the core is told %q, want %q", got, want)
	}
}
