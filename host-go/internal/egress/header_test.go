package egress

import (
	"net/http"
	"slices"
	"testing"
)

// TestResponseHeader shows that the core is told names in lower case, whatever a server writes: it
// compares them as they are; and only those that it has a use for.
//
// requirement: http.header-names
func TestResponseHeader(t *testing.T) {
	got := responseHeader(http.Header{"CONTENT-Type": {"application/json"}, "Mcp-Session-Id": {"a"}, "mcp-x": {"\xff", "b"}, "Set-Cookie": {"a=b"}, "Date": {"now"}})
	want := [][2]string{{"content-type", "application/json"}, {"mcp-session-id", "a"}, {"mcp-x", "\uFFFD"}, {"mcp-x", "b"}}
	if !slices.Equal(got, want) {
		t.Errorf("the core is told %q, want %q", got, want)
	}
}
