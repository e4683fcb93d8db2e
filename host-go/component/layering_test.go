package component

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers are the folders with packages, in order. Each package may import only those before it.
var layers = []string{
	"internal/build",     // writes components, for tests
	"internal/text",      // bounds what errors say
	"internal/trap",      // traps
	"internal/wasm",      // core modules
	"internal/binary",    // the format of components
	"internal/types",     // their types
	"internal/wit",       // types as WIT
	"internal/link",      // components as programs
	"internal/codecache", // compiled code on disk
	"internal/memory",    // linear memories
	"internal/split",     // components taken apart
	"internal/abi",       // the Canonical ABI
	".",                  // the API
	"witjson",            // WIT values as JSON
	"wasi",               // WASI 0.2
}

// modulePath is the path of this package.
const modulePath = "github.com/caisson-dev/caisson/host-go/component"

// Imports between the packages follow the order, on every platform.
func TestLayers(t *testing.T) {
	imports := map[string][]string{}
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == "testdata" {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		if strings.HasSuffix(parsed.Name.Name, "_test") {
			return nil // A separate program may import all of them.
		}
		folder := path.Dir(filepath.ToSlash(file))
		if _, ok := imports[folder]; !ok {
			imports[folder] = nil // It has a package, even without imports.
		}
		for _, i := range parsed.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			if name == modulePath {
				name += "/."
			}
			if of, ours := strings.CutPrefix(name, modulePath+"/"); ours {
				imports[folder] = append(imports[folder], of)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range misplaced(layers, imports) {
		t.Error(fault)
	}
}

// misplaced returns the imports that break the order, the packages that the order lacks, and the folders in
// the order without a package.
func misplaced(order []string, imports map[string][]string) (faults []string) {
	for folder, all := range imports {
		at := slices.Index(order, folder)
		if at < 0 {
			faults = append(faults, folder+" is not in the order")
			continue
		}
		for _, of := range all {
			if k := slices.Index(order, of); k >= at {
				faults = append(faults, fmt.Sprintf("%s imports %s, which does not come before it", folder, of))
			}
		}
	}
	for _, folder := range order {
		if _, ok := imports[folder]; !ok {
			faults = append(faults, "there is no package in "+folder)
		}
	}
	slices.Sort(faults)
	return faults
}

// misplaced finds what TestLayers looks for.
func TestMisplaced(t *testing.T) {
	got := misplaced([]string{"low", "high", "gone"}, map[string][]string{"low": {"high"}, "high": {"low"}, "new": {"low"}})
	want := []string{"low imports high, which does not come before it", "new is not in the order", "there is no package in gone"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}
