package caisson_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// reachesCore are the functions that may use a session's core, and what of it. Only reach sends something, and
// only the gate, and what there is in place of it, use reach.
var reachesCore = map[string][]string{
	"Call":    {"reach"},
	"Connect": {"connect"},
	"Heard":   {"reach"}, // It waits for notifications.
}

// uses finds which functions of the package use a member, by the member's name.
func uses(t *testing.T, interesting func(*ast.SelectorExpr) string) map[string][]string {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			name := "(a declaration of " + e.Name() + ")"
			if f, ok := decl.(*ast.FuncDecl); ok {
				name = f.Name.Name
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if member := interesting(s); member != "" && !slices.Contains(found[member], name) {
						found[member] = append(found[member], name)
					}
				}
				return true
			})
		}
	}
	for _, names := range found {
		slices.Sort(names)
	}
	return found
}

// TestNothingPassesTheGate finds that a session's core is reached by one function, which is called by the gate
// alone, and, without a policy, in its place.
func TestNothingPassesTheGate(t *testing.T) {
	t.Parallel()
	core := uses(t, func(s *ast.SelectorExpr) string {
		switch x := s.X.(type) {
		case *ast.SelectorExpr:
			if x.Sel.Name == "core" {
				return s.Sel.Name
			}
		case *ast.Ident:
			if x.Name == "core" {
				return s.Sel.Name
			}
		}
		return ""
	})
	// These members send nothing. Inputs is of the package with the name core.
	for _, member := range []string{"Ready", "Logger", "Context", "Wait", "Close", "Abandon", "Inputs"} {
		if core[member] == nil {
			t.Errorf("nobody uses the core's %s: is the test blind?", member)
		}
		delete(core, member)
	}
	if !maps.EqualFunc(core, reachesCore, slices.Equal) {
		t.Errorf("the core is used by %v, and may be used by %v", core, reachesCore)
	}
	own := uses(t, func(s *ast.SelectorExpr) string {
		switch s.Sel.Name {
		case "obtain", "fetchAnew", "reach", "send", "pass", "admit":
			return s.Sel.Name
		case "Open": // of the engine: a session
			if x, ok := s.X.(*ast.SelectorExpr); ok && x.Sel.Name == "engine" {
				return "engine.Open"
			}
		}
		return ""
	})
	want := map[string][]string{
		"obtain":      {"pass", "send"},
		"fetchAnew":   {"listDefinitions", "obtain"},
		"reach":       {"fetchAnew"},
		"pass":        {"send"},
		"send":        {"call"},
		"admit":       {"connect"},
		"engine.Open": {"open"},
	}
	if !maps.EqualFunc(own, want, slices.Equal) {
		t.Errorf("the way to the core is %v, and should be %v", own, want)
	}
}

// TestOnlySessionsUseTheEngine finds that no other package has a way of its own to servers.
func TestOnlySessionsUseTheEngine(t *testing.T) {
	t.Parallel()
	users := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range file.Imports {
			if strings.HasSuffix(i.Path.Value, `/host-go/internal/engine"`) {
				users[filepath.ToSlash(filepath.Dir(path))] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// Both packs make cores, and profile them. A script is granted no way out but its tools, and the catalog none.
	want := map[string]bool{"../caisson": true, "../internal/catalog": true, "../internal/script": true, "../internal/core/pack": true, "../internal/python/pack": true}
	if !maps.Equal(users, want) {
		t.Errorf("the engine is used by %v", users)
	}
}
