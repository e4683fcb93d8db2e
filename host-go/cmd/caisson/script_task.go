package main

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/answers"
)

// A scriptTask is one script to run, with the answers of --answers.
type scriptTask struct {
	script caisson.Script
	book   *answers.Book
	hides  bool // there is a policy, so that a tool of a server may not be there
	bare   bool // it has no tools at all
}

// task makes a task of the flags and a source.
func (f *scriptFlags) task(ctx context.Context, c *cobra.Command, name, source string, reads *files) (*scriptTask, error) {
	s, err := f.script(c, name, source, reads)
	if err != nil {
		return nil, err
	}
	book, err := f.readAnswers(ctx, c, reads)
	return &scriptTask{script: s, book: book}, err
}

// readAnswers reads the files of --answers.
func (f *scriptFlags) readAnswers(ctx context.Context, c *cobra.Command, reads *files) (*answers.Book, error) {
	book := &answers.Book{}
	for _, file := range f.answers {
		reads.add(file)
		_, err := interruptibly(ctx, func() (struct{}, error) { return struct{}{}, book.Read(file) })
		if err != nil {
			return nil, usage(c, "--answers: %w", err)
		}
	}
	return book, nil
}

// grant gives the script the tools of servers, and those that have answers.
func (t *scriptTask) grant(f *scriptFlags, servers map[string]caisson.Caller) (err error) {
	t.script.Tools, err = t.tools(f, servers)
	return err
}

func (t *scriptTask) tools(f *scriptFlags, servers map[string]caisson.Caller) (*caisson.ToolSet, error) {
	callers := maps.Clone(servers)
	maps.Copy(callers, t.book.Callers())
	t.bare = len(callers) == 0
	tools, err := caisson.NewToolSet(callers)
	if err == nil && len(f.allow) > 0 {
		tools = tools.Only(f.allow...)
	}
	return tools, err
}

// sayMissing says what to add for calls of tools that --answers does not have at all. Those that it has say so
// themselves.
func (a *app) sayMissing(t *scriptTask, result *caisson.ScriptResult) {
	said := map[string]bool{}
	for _, call := range result.Calls {
		// The words of a script: nothing of that name is granted.
		if text := t.book.Missing(call.Server, call.Tool, nil); t.book.Has() && call.Code == notFound && !said[text] {
			said[text] = true
			a.err.Say("%s", text)
		}
	}
	if t.bare && slices.ContainsFunc(result.Calls, func(c caisson.ScriptCall) bool { return c.Code == notFound }) {
		a.err.Say("the script has no tools: --tools NAME grants it those of a server of the configuration, and --plugin FILE those of a plugin")
	}
	if t.hides && slices.ContainsFunc(result.Calls, func(c caisson.ScriptCall) bool { return c.Code == notFound }) {
		a.err.Say("the policy may hide a tool: %s", whatHides)
	}
}

// notFound is the code of a call of a tool that the script is not granted.
const notFound = "not found"

// findModule returns the file of a module that may be named without the end that says its language.
func findModule(c *cobra.Command, name string) (string, error) {
	if name == "-" || languageOf(name) != "" && filepath.Ext(name) != "" {
		return name, nil
	}
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return name, nil
	}
	folder := filepath.Dir(name)
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", usage(c, "the script cannot be read: %w", err)
	}
	defer root.Close()
	languages := map[string]caisson.Language{}
	for _, end := range slices.Concat(slices.Collect(maps.Values(extensions))...) {
		languages[end] = caisson.JavaScript // Which one it is the file's name says later.
	}
	modules := caisson.ModuleFolder{Files: root.FS(), Languages: languages}
	file, err := modules.Find(filepath.Base(name))
	if err != nil {
		return "", usage(c, "%w", err)
	}
	return filepath.Join(folder, file), nil
}
