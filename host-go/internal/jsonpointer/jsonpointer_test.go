package jsonpointer

import (
	"slices"
	"testing"
)

// The pointers are those of RFC 6901, section 5, and some more.
func TestTokens(t *testing.T) {
	t.Parallel()
	for pointer, want := range map[string][]string{
		"": nil, "/": {""}, "/foo": {"foo"}, "/foo/0": {"foo", "0"}, "/a~1b": {"a/b"}, "/m~0n": {"m~n"}, "/~01": {"~1"},
		"/ /k\"l/": {" ", "k\"l", ""}, "/c%d": {"c%d"},
	} {
		got := Tokens(pointer)
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q", pointer, got)
		}
		again := ""
		for _, token := range got {
			again = Join(again, token)
		}
		if again != pointer {
			t.Errorf("%q comes back as %q", pointer, again)
		}
	}
}
