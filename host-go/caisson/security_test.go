package caisson_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// namedTest matches a test as SECURITY.md names it: its package, by the end of its folder, and itself.
var namedTest = regexp.MustCompile("`([a-z/]+)\\.((?:Test|Fuzz)\\w+)`")

// TestSecurityPromises reads SECURITY.md: each promise names a test, and each test that is named is
// there.
func TestSecurityPromises(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(t), "SECURITY.md"))
	if err != nil {
		if _, err := os.Stat(filepath.Join(root(t), "Makefile")); os.IsNotExist(err) {
			t.Skip("this is the module alone, without the repository")
		}
		t.Fatal(err)
	}
	section, promises := "", map[string]int{}
	for i, line := range strings.Split(string(text), "\n") {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			section = heading
		}
		if !strings.HasPrefix(line, "| ") || line == "| promised | shown by |" {
			continue
		}
		promises[section]++
		tests := namedTest.FindAllStringSubmatch(line, -1)
		if len(tests) == 0 {
			t.Errorf("SECURITY.md, line %d: the promise names no test", i+1)
		}
		if cells := strings.Split(line, "|"); strings.Count(cells[2], "`")/2 != len(tests) {
			t.Errorf("SECURITY.md, line %d: not all that it names are tests", i+1)
		}
		for _, test := range tests {
			if !testExists(t, test[1], test[2]) {
				t.Errorf("SECURITY.md, line %d: there is no test %s in %s", i+1, test[2], test[1])
			}
		}
	}
	for _, who := range []string{"A server", "The core, taken over", "A component of somebody else's", "Another user of the machine", "A folder that came from elsewhere", "Who can reach the daemon"} {
		if promises[who] == 0 {
			t.Errorf("SECURITY.md promises nothing against this one: %s", who)
		}
	}
}

// testExists looks for a test's function in the folders that a package may be.
func testExists(t *testing.T, name, test string) bool {
	t.Helper()
	for _, folder := range []string{"", "internal", "component", "caisson", "cmd/caisson/internal", ".."} {
		files, err := filepath.Glob(filepath.Join(root(t), "host-go", folder, filepath.FromSlash(name), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "\nfunc "+test+"(") {
				return true
			}
		}
	}
	return false
}
