package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra/doc"
)

var manual = flag.String("manual", "", "write the manual pages and the completions into `FOLDER`")

// TestManual makes the manual pages and the completions. With -manual it is the generator of a release: it is a test, so
// that the program does not link what makes the pages.
func TestManual(t *testing.T) {
	folder := *manual
	if folder == "" {
		folder = t.TempDir()
	}
	t.Setenv("SOURCE_DATE_EPOCH", "0") // A page is the same on each day.
	pages, completions := filepath.Join(folder, "man"), filepath.Join(folder, "completions")
	for _, path := range []string{pages, completions} {
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	root := command()
	if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "Caisson", Manual: "Caisson"}, pages); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"caissond.1": "--listen", "caissond-admin-drain-server.1": "--daemon", "caissond-check.1": "--config", "caissond-schema.1": "JSON Schema"} {
		page, err := os.ReadFile(filepath.Join(pages, name))
		if err != nil || !strings.Contains(strings.ReplaceAll(string(page), `\`, ""), want) {
			t.Errorf("%s does not have %q, %v", name, want, err)
		}
	}
	for shell, want := range map[string]string{"bash": "__start_caissond", "zsh": "#compdef caissond", "fish": "complete -c caissond", "powershell": "Register-ArgumentCompleter"} {
		var out bytes.Buffer
		c := command()
		c.SetArgs([]string{"completion", shell})
		c.SetOut(&out)
		if err := c.Execute(); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("the completions of %s do not have %q, %v", shell, want, err)
		}
		if err := os.WriteFile(filepath.Join(completions, "caissond."+shell), out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
