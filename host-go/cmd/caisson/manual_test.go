package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

var manual = flag.String("manual", "", "write the manual pages and the completions into `FOLDER`")

// TestManual makes a manual page of each command. With -manual it is the generator of a release: it is a test, so that
// the program does not link what makes the pages.
func TestManual(t *testing.T) {
	folder := *manual
	if folder == "" {
		folder = t.TempDir()
	}
	t.Setenv("SOURCE_DATE_EPOCH", "0") // A page is the same on each day.
	root := exampleApp().command()
	pages, completions := filepath.Join(folder, "man"), filepath.Join(folder, "completions")
	for _, path := range []string{pages, completions} {
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "Caisson", Manual: "Caisson"}, pages); err != nil {
		t.Fatal(err)
	}
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if !c.IsAvailableCommand() && c.HasParent() {
			return
		}
		name := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1"
		page, err := os.ReadFile(filepath.Join(pages, name))
		if err != nil {
			t.Error(err)
		}
		for _, want := range []string{".SH NAME", c.Short, ".SH SYNOPSIS"} {
			if !strings.Contains(strings.ReplaceAll(string(page), `\`, ""), strings.ReplaceAll(want, `\`, "")) {
				t.Errorf("%s does not have %q", name, want)
			}
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(root)
	for shell, want := range map[string]string{"bash": "__start_caisson", "zsh": "#compdef caisson", "fish": "complete -c caisson", "powershell": "Register-ArgumentCompleter"} {
		o := caissonRun(t, "completion", shell)
		o.expect(t, exitOK)
		if !strings.Contains(o.out, want) {
			t.Errorf("the completions of %s do not have %q", shell, want)
		}
		path := filepath.Join(completions, "caisson."+shell)
		if err := os.WriteFile(path, []byte(o.out), 0o644); err != nil {
			t.Fatal(err)
		}
		if program, err := exec.LookPath(shell); err == nil && shell != "powershell" {
			if out, err := exec.Command(program, "-n", path).CombinedOutput(); err != nil {
				t.Errorf("%s does not read its completions: %v\n%s", shell, err, out)
			}
		}
	}
}
