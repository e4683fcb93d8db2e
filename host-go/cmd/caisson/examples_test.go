package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// TestExamples reads the examples of the documents and of the help. The program must accept each example, and
// docs/cli.md must have an example of each command that talks to a server.
func TestExamples(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	others, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(others) == 0 {
		t.Fatal(others, err)
	}
	for _, path := range append(others, filepath.Join(root, "README.md")) {
		for _, line := range documentLines(t, path) {
			parseExample(t, line)
		}
	}
	shown := map[string]bool{}
	for _, line := range documentLines(t, filepath.Join(root, "docs", "cli.md")) {
		shown[parseExample(t, line)] = true
	}
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		for _, line := range commandLines(c.Example) {
			parseExample(t, line)
		}
		if c.Flag("transport") != nil {
			if c.Example == "" {
				t.Errorf("the help of %q has no example", c.Name())
			}
			if !shown[c.Name()] {
				t.Errorf("docs/cli.md has no example of %q", c.Name())
			}
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(exampleApp().command())
	if len(shown) < 15 {
		t.Errorf("docs/cli.md shows only %v", shown)
	}
}

// documentLines returns the command lines in the shell blocks of a document. It refuses command lines in a
// block without a language, because the test would not check them.
func documentLines(t *testing.T, path string) (lines [][]string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, block := range strings.Split(string(text), "```") {
		code, isShell := strings.CutPrefix(block, "sh\n")
		switch {
		case i%2 == 0:
		case isShell:
			lines = append(lines, commandLines(code)...)
		case strings.HasPrefix(block, "\n") && (strings.Contains(block, "\ncaisson ") || strings.Contains(block, "$ caisson ")):
			t.Errorf("%s has command lines in a block that is not marked sh:%s", path, block)
		}
	}
	return lines
}

func exampleApp() *app {
	return &app{in: strings.NewReader("{}"), out: io.Discard, err: terminal.New(io.Discard)}
}

// parseExample parses a command line and returns the command's name.
func parseExample(t *testing.T, line []string) string {
	t.Helper()
	root := exampleApp().command()
	root.InitDefaultCompletionCmd(line[1:]...)
	found, args, err := root.Find(line[1:])
	if err == nil {
		err = found.ParseFlags(args)
	}
	if err != nil {
		t.Errorf("%s: %v", strings.Join(line, " "), err)
		return ""
	}
	if found.Flag("transport") != nil {
		refuse(t, line, len(strings.Fields(found.CommandPath())), found.ArgsLenAtDash() >= 0)
	}
	return found.Name()
}

// refuse runs a command line with an additional invalid flag. The program checks that flag last, when
// everything else has been found right, and before it connects. The words of the command's own name are
// counted.
func refuse(t *testing.T, line []string, words int, isCommand bool) {
	t.Helper()
	flag, want := "--config=testdata/none.json", ".json: "
	switch {
	case isCommand:
		flag, want = "--header=A:b", "--header is for a server with a URL"
	case len(line) > words && strings.HasPrefix(line[words], "http"):
		flag, want = "--cwd=/", "are for a command"
	}
	args := slices.Concat(line[1:words], []string{flag}, line[words:])
	var stderr bytes.Buffer
	code := runIn(t.Context(), args, strings.NewReader("{}"), io.Discard, &stderr)
	if code != exitUsage || !strings.Contains(stderr.String(), want) {
		t.Errorf("%s: it ends with %d and says %s", strings.Join(line, " "), code, &stderr)
	}
}

// commandLines finds the command lines of the program in a shell script. It returns the words of each.
func commandLines(script string) (lines [][]string) {
	for _, line := range strings.Split(script, "\n") {
		for _, command := range shellCommands(line) {
			if len(command) > 1 && filepath.Base(command[0]) == "caisson" {
				lines = append(lines, command)
			}
		}
	}
	return lines
}

// shellCommands splits a line of a shell script into commands and words, as far as the examples need.
func shellCommands(line string) (commands [][]string) {
	var words []string
	var word strings.Builder
	inWord, quote := false, rune(0)
	endWord := func() {
		if inWord {
			words = append(words, word.String())
		}
		word.Reset()
		inWord = false
	}
	endCommand := func() {
		endWord()
		if words != nil {
			commands = append(commands, words)
		}
		words = nil
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == ' ':
			endWord()
		case strings.ContainsRune("|&;()", r):
			endCommand()
		case r == '#' && !inWord:
			endCommand()
			return commands
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	endCommand()
	return commands
}

func TestShellCommands(t *testing.T) {
	for line, want := range map[string][][]string{
		"":                                  nil,
		"  caisson a  b # c":                {{"caisson", "a", "b"}},
		`caisson '{"a": "b c"}' "x|y" n=#1`: {{"caisson", `{"a": "b c"}`, "x|y", "n=#1"}},
		"a | caisson b - & caisson c":       {{"a"}, {"caisson", "b", "-"}, {"caisson", "c"}},
		`du "$(caisson cache path)"`:        {{"du", "$(caisson cache path)"}},
	} {
		if diff := cmp.Diff(want, shellCommands(line)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
}
