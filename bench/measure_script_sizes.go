package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// sizes are the programs whose sizes are compared, each of one more thing than the one before, and two
// others.
var sizes = []struct{ name, about string }{
	{sizePlain, "a program that prints a line"},
	{sizeSessions, "one that calls a tool of a server by Caisson"},
	{sizeJavaScript, "and runs JavaScript"},
	{sizePython, "and runs Python"},
	{"goja", "a program that runs JavaScript in goja"},
	{sizeCommand, "the command line, with all languages"},
}

const (
	sizePlain      = "plain"
	sizeSessions   = "sessions"
	sizeJavaScript = "javascript"
	sizePython     = "python"
	sizeCommand    = "caisson"
)

// measureSizes builds programs, and looks at their sizes.
func (b *bench) measureSizes(results *ScriptResults, _ []scriptPeer) error {
	b.say("sizes of programs")
	for _, s := range sizes {
		module, target := b.workshop.source, "./peers/scripts/size/"+s.name
		if s.name == sizeCommand {
			module, target = filepath.Join(module, "..", "host-go"), "./cmd/caisson"
		}
		program, err := b.workshop.buildIn(module, "size-"+s.name, target, nil)
		if err != nil {
			return err
		}
		info, err := os.Stat(program)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		results.Sizes = append(results.Sizes, SizeResult{s.name, s.about, info.Size()})
	}
	return nil
}
