package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson/bearer"
)

// TestServeToken makes, lists and removes tokens.
func TestServeToken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens.json")
	do := func(code int, words ...string) string {
		t.Helper()
		var out, said strings.Builder
		if got := run(append([]string{"serve", "token"}, words...), strings.NewReader(""), &out, &said); got != code {
			t.Fatalf("%q ends with %d: %s", words, got, said.String())
		}
		return out.String() + said.String()
	}
	token := strings.TrimSpace(do(exitOK, "new", "alice", "--tokens", path, "--scope", "a", "--scope", "b"))
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), token) || len(token) != len("caisson_")+43 {
		t.Errorf("the token %q is in %s, %v", token, text, err)
	}
	do(exitOK, "new", "bob", "--tokens", path)
	if got := do(exitOK, "list", "--tokens", path); !strings.HasPrefix(got, "alice\t2") || !strings.Contains(got, "\ta b\nbob\t2") || strings.Contains(got, token) {
		t.Errorf("the list is %q", got)
	}
	do(exitOK, "remove", "alice", "--tokens", path)
	if tokens, err := bearer.ReadTokens(path); err != nil || len(tokens) != 1 || tokens[0].Name != "bob" {
		t.Errorf("%v, %v", tokens, err)
	}
	do(exitFailure, "remove", "alice", "--tokens", path)
	do(exitFailure, "new", "a b", "--tokens", path)
	do(exitUsage, "new", "--tokens", path)
	do(exitUsage, "new", "alice")
	do(exitUsage, "new", "alice", "bob", "--tokens", path)
	if got := do(exitOK, "list", "--tokens", path+".none"); got != "" {
		t.Errorf("a file that is not there lists %q", got)
	}
}
