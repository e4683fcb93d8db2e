package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// TestRunAgain changes a file while a run that has read it goes on: the run ends, and another begins. An error of the
// output ends all of it, and so does the end of the context.
func TestRunAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	a := &app{err: terminal.New(io.Discard)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun, causes := make(chan int), make(chan error, 1)
	ended := make(chan error, 1)
	runs := 0
	again := func(ctx context.Context) {
		ended <- a.runAgain(ctx, func(ctx context.Context, reads *files) error {
			reads.add(path)
			runs++
			begun <- runs
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return ctx.Err()
		})
	}
	go again(ctx)
	<-begun
	for n := 2; n < 4; n++ {
		if err := os.WriteFile(path, make([]byte, n), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, cause := <-begun, <-causes; got != n || !errors.Is(cause, errChanged) {
			t.Errorf("the run %d, after %v", got, cause)
		}
	}
	cancel()
	if err := <-ended; err != nil || !errors.Is(<-causes, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	broken := errors.New("no space")
	if err := a.runAgain(t.Context(), func(context.Context, *files) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("an output that cannot be written: %v", err)
	}
}

// TestRunWatch changes each file that a run reads: the script runs again, also where it has failed, and where it runs
// for ever. An interrupt ends it.
func TestRunWatch(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		// As editors do: the file is there whole, or not at all.
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const source = "import { word } from './word'\nprint(word)\nreturn [input, await tools.s.t()]"
	script := write("script.ts", source)
	write("word.ts", "export const word: string = 'one'")
	input := write("input.json", "1")
	answers := write("answers.yaml", "- {server: s, tool: t, answer: a}")
	r := startRun(t, "run", script, "--modules", folder, "--input", "@"+input, "--answers", answers, "--watch")
	says := func(pattern string) {
		t.Helper()
		waitFor(t, r.stderr, pattern)
	}
	prints := func(want string) {
		t.Helper()
		if !r.out.Scan() || r.out.Text() != want {
			t.Fatalf("it prints %q, %v, want %q", r.out.Text(), r.out.Err(), want)
		}
		says("waiting for a change")
	}
	says("info: one")
	prints(`[1,"a"]`)
	write("input.json", "22")
	says("input.json has changed")
	says("info: one")
	prints(`[22,"a"]`)
	write("word.ts", "export const word: string = 'three'")
	says("word.ts has changed")
	says("info: three")
	prints(`[22,"a"]`)
	write("answers.yaml", "- {server: s, tool: t, answer: another}")
	says("answers.yaml has changed")
	says("info: three")
	prints(`[22,"another"]`)
	write("script.ts", "let x = ;")
	says("syntax")
	says("waiting for a change")
	write("script.ts", "import './later'\nreturn 1")
	says("later")
	says("waiting for a change")
	write("later.ts", "print('here')")
	says("later.ts has changed")
	says("info: here")
	prints("1")
	if err := os.Remove(script); err != nil {
		t.Fatal(err)
	}
	says("the script cannot be read")
	says("waiting for a change")
	write("script.ts", "return 'back'")
	says("script.ts has changed")
	prints("back")
	r.drain()
	r.interrupt()
	if code := <-r.code; code != exitOK {
		t.Errorf("it ends with %d", code)
	}
}
