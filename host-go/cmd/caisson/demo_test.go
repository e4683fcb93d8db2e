package main

import (
	"bufio"
	"context"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/without"
)

func TestDemo(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	o := caissonRun(t, "demo")
	o.expect(t, exitOK)
	// The times differ, and the first run compiles the core.
	masked := strings.Replace(masked(o.out), "in the interpreter, while the core compiles", "with the core compiled, from the cache", 1)
	masked = strings.Replace(masked, "  compile the core TIME   the next start takes it from the cache\n", "", 1)
	golden(t, "demo", masked)
}

// masked replaces durations in a text.
func masked(text string) string {
	return regexp.MustCompile(` *\d+\.\d ms`).ReplaceAllString(text, " TIME")
}

// TestDemoFillsCache makes a first run and a second one.
func TestDemoFillsCache(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	if testing.Short() || without.Interpreter {
		t.Skip("compiling the core takes seconds, or is done first")
	}
	dir := t.TempDir()
	for _, want := range [][]string{
		{"start the runtime TIME   in the interpreter, while the core compiles\n", "compile the core TIME   the next start takes it from the cache\n"},
		{"start the runtime TIME   with the core compiled, from the cache\n"},
	} {
		o := caissonRun(t, "demo", "--cache-dir", dir)
		o.expect(t, exitOK)
		for _, line := range want {
			if !strings.Contains(masked(o.out), line) {
				t.Errorf("it prints\n%s\nwithout %q", o.out, line)
			}
		}
	}
}

// startProgram starts the program as a separate process. The end of the test kills it if it still runs.
func startProgram(t *testing.T, args ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, self(t), args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	return cmd, bufio.NewScanner(stderr)
}

// waitFor reads lines until one matches.
func waitFor(t *testing.T, lines *bufio.Scanner, form string) []string {
	t.Helper()
	return waitForAll(t, lines, form)[0]
}

// waitForAll reads lines until each form has matched a line, in any order.
func waitForAll(t *testing.T, lines *bufio.Scanner, forms ...string) [][]string {
	t.Helper()
	matches := make([][]string, len(forms))
	var seen []string
	for left := len(forms); left > 0; {
		if !lines.Scan() {
			t.Fatalf("no line for each of %q:\n%s", forms, strings.Join(seen, "\n"))
		}
		seen = append(seen, lines.Text())
		for i, form := range forms {
			if match := regexp.MustCompile(form).FindStringSubmatch(lines.Text()); match != nil && matches[i] == nil {
				matches[i] = match
				left--
			}
		}
	}
	return matches
}

func TestDemoServerOverHTTP(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	for _, flags := range [][]string{nil, {"--stateless", "--json-response"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			t.Parallel()
			_, lines := startProgram(t, append([]string{"demo-server", "--http", ":0"}, flags...)...)
			url := waitFor(t, lines, `^caisson: serving at (http://127\.0\.0\.1:\d+/mcp)$`)[1]
			o := caissonRun(t, "call-tool", url, "echo", "message=over HTTP")
			o.expect(t, exitOK)
			if o.out != "over HTTP\n" {
				t.Errorf("it prints %q", o.out)
			}
		})
	}
}
