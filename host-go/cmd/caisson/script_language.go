package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/python"
	"github.com/caisson-dev/caisson/host-go/caisson/typescript"
)

// extensions are the ends of the names of scripts, by the values of --lang.
var extensions = map[string][]string{
	"js": {".js", ".mjs", ".cjs"},
	"ts": {".ts", ".mts", ".cts"},
	"py": {".py"},
}

// languageFlags say what a script is written in, and what it may import.
type languageFlags struct {
	name    string
	modules string
	python  string
}

func (f *languageFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.name, "lang", "", "take it for `LANGUAGE`: js, ts or py (default: what the file's name ends in, or js)")
	completeFlag(c, "lang", "js", "ts", "py")
	f.registerFolders(c)
}

// registerFolders registers the flags of what is imported.
func (f *languageFlags) registerFolders(c *cobra.Command) {
	c.Flags().StringVar(&f.modules, "modules", "", "let a script in TypeScript import from `FOLDER`, and from node_modules in it")
	c.Flags().StringVar(&f.python, "python-path", "", "let a script in Python import packages from `FOLDER`, and read what is in it")
	_ = c.MarkFlagDirname("modules")
	_ = c.MarkFlagDirname("python-path")
}

// of returns the language of a script.
func (f *languageFlags) of(c *cobra.Command, script string, reads *files) (caisson.Language, error) {
	name := f.name
	if name == "" {
		name = languageOf(script)
	}
	switch {
	case name == "":
		return nil, usage(c, "%s: no language has files of this name: say which one it is with --lang", shown(script))
	case extensions[name] == nil:
		return nil, usage(c, "there are no scripts in %q: --lang is js, ts or py", shown(name))
	case f.modules != "" && name != "ts":
		return nil, usage(c, "--modules is for scripts in TypeScript: --lang ts takes JavaScript too")
	case f.python != "" && name != "py":
		return nil, usage(c, "--python-path is for scripts in Python")
	}
	switch name {
	case "ts":
		return f.typeScript(c, script, reads)
	case "py":
		return f.inPython(c, reads)
	}
	return caisson.JavaScript, nil
}

// all returns every language, for a script that says which one it is in.
func (f *languageFlags) all(c *cobra.Command) ([]caisson.Language, error) {
	typeScript, err := f.typeScript(c, filepath.Join(f.modules, "script"), nil)
	if err != nil {
		return nil, err
	}
	inPython, err := f.inPython(c, nil)
	return []caisson.Language{typeScript, inPython}, err
}

// inPython returns Python, with the packages of a folder.
func (f *languageFlags) inPython(c *cobra.Command, reads *files) (caisson.Language, error) {
	if f.python == "" {
		return python.Language, nil
	}
	folder, err := os.OpenRoot(f.python)
	if err != nil {
		return nil, usage(c, "--python-path: %w", err)
	}
	return python.WithPackages(reads.folder(f.python, folder.FS())), nil
}

// languageOf finds a language by the name of a script; "" when there is none of such names.
func languageOf(script string) string {
	end := filepath.Ext(script)
	if end == "" {
		return "js"
	}
	for name, ends := range extensions {
		for _, one := range ends {
			if end == one {
				return name
			}
		}
	}
	return ""
}

// typeScript returns TypeScript, with the modules of a folder.
func (f *languageFlags) typeScript(c *cobra.Command, script string, reads *files) (caisson.Language, error) {
	if f.modules == "" {
		return typescript.Language(nil), nil
	}
	folder, err := os.OpenRoot(f.modules)
	if err != nil {
		return nil, usage(c, "--modules: %w", err)
	}
	options := typescript.Options{Files: reads.folder(f.modules, folder.FS())}
	// What a script imports by "./" lies beside it, where that is in the folder.
	if dir, err := within(f.modules, filepath.Dir(script)); err == nil && filepath.IsLocal(dir) {
		options.Dir = filepath.ToSlash(dir)
	}
	return typescript.Language(&options), nil
}

// within returns the path of a folder in another; one that is not local is not in it.
func within(outer, inner string) (string, error) {
	outer, err := filepath.Abs(outer)
	if err != nil {
		return "", err
	}
	if inner, err = filepath.Abs(inner); err != nil {
		return "", err
	}
	return filepath.Rel(outer, inner)
}
