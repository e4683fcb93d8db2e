package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRunAnswers runs scripts whose tools are answered from files, and from the recording of a session.
func TestRunAnswers(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	answers := file("answers.yaml", `
- {server: demo, tool: add, arguments: {a: 1}, answer: {sum: 3}}
- {server: demo, tool: fail, error: no luck}
- server: demo
  tool: next
  answers: [{answer: one}, {answer: two}]
`)
	wrong := file("wrong.json", `[{"server": "demo", "tool": "add"}]`)
	recording := filepath.Join(folder, "demo.jsonl")
	_, config := scriptFolder(t)
	caissonRun(t, "call-tool", "demo", "add", "a=20", "b=22", "--config", config, "--record", recording).expect(t, exitOK)
	for _, test := range []struct {
		source string
		words  []string
		code   int
		out    string
		says   string
	}{
		{"(await tools.demo.add({ a: 1, b: 2 })).sum", nil, exitOK, "3\n", ""},
		{"[await tools.demo.next(), await tools.demo.next({ n: 2 })]", nil, exitOK, "[\"one\",\"two\"]\n", ""},
		{"for (;;) await tools.demo.next()", nil, exitScript, "", "its 2 answers are used up"},
		{"await tools.demo.fail().catch(e => e.message)", nil, exitOK, "no luck\n", ""},
		{"await tools.demo.add({ a: 2 })", nil, exitScript, "", `demo.add has no answer: add - {server: "demo", tool: "add", arguments: {"a":2}, answer: …} to ` + answers},
		{"await tools.demo.missing().catch(() => 'caught')", nil, exitOK, "caught\n", `demo.missing has no answer: add - {server: "demo", tool: "missing", answer: …} to `},
		{"await tools.none.missing({ a: 1 })", nil, exitScript, "", `none.missing has no answer: add - {server: "none", tool: "missing", answer: …} to `},
		{"Object.keys(tools.demo)", []string{"--allow-tool", "demo.fail"}, exitOK, "[\"fail\"]\n", ""},
		{"1", []string{"--tools", "demo", "--config", config}, exitUsage, "", "--answers has answers of this server"},
		{"1", []string{"--answers", wrong}, exitUsage, "", "wrong.json: answer 1: it has one of answer, error and result"},
		{"1", []string{"--answers", filepath.Join(folder, "none.yaml")}, exitUsage, "", "none.yaml"},
		{"(await tools.demo.add({ b: 22, a: 20 })).sum", []string{"--answers", recording}, exitOK, "42\n", ""},
	} {
		t.Run(test.source, func(t *testing.T) {
			t.Parallel()
			o := caissonRun(t, append([]string{"run", "-e", test.source, "--answers", answers}, test.words...)...)
			if test.says == "" {
				o.expect(t, test.code)
			} else {
				o.expect(t, test.code, test.says)
			}
			if o.out != test.out {
				t.Errorf("it prints %q, want %q", o.out, test.out)
			}
			if test.says == "" && strings.Contains(o.stderr, "no answer") {
				t.Errorf("it says %s", o.stderr)
			}
		})
	}
}
