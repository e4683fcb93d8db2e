package docs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// scripts is the code in docs/scripts.md.
func scripts(ctx context.Context, runtime *caisson.Runtime, session caisson.Caller, save func(ctx context.Context, path string, words int) (string, error)) error {
	functions := &caisson.Functions{}
	if err := addSave(functions, save); err != nil {
		return err
	}
	tools, err := caisson.NewToolSet(map[string]caisson.Caller{"files": session, "program": functions})
	if err != nil {
		return err
	}
	result, err := runtime.RunScript(ctx, caisson.Script{
		Name: "count.js",
		Source: `
			const text = await tools.files.read_file({ path: input.path });
			const words = text.split(/\s+/).filter(Boolean);
			return tools.program.save({ path: input.path, words: words.length });`,
		Input: map[string]any{"path": "notes.txt"},
		Tools: tools,
	})
	if err != nil {
		return err
	}
	if string(result.Value) != `"saved"` {
		return fmt.Errorf("the script gives %s", result.Value)
	}
	return nil
}

type count struct {
	Path  string `json:"path" jsonschema:"the file that was counted"`
	Words int    `json:"words"`
}

func addSave(functions *caisson.Functions, save func(ctx context.Context, path string, words int) (string, error)) error {
	err := caisson.AddFunction(functions, "save", "Saves a count.", func(ctx context.Context, in count) (string, error) {
		return save(ctx, in.Path, in.Words)
	})
	return err
}

func TestScripts(t *testing.T) {
	runtime, err := caisson.New(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.Close()
	files := &caisson.Functions{}
	read := func(_ context.Context, in struct {
		Path string `json:"path"`
	},
	) (string, error) {
		if in.Path != "notes.txt" {
			return "", errors.New("there is no " + in.Path)
		}
		return "three little words", nil
	}
	if err := caisson.AddFunction(files, "read_file", "Reads a file.", read); err != nil {
		t.Fatal(err)
	}
	saved := ""
	err = scripts(t.Context(), runtime, files, func(_ context.Context, path string, words int) (string, error) {
		saved = fmt.Sprint(path, words)
		return "saved", nil
	})
	if err != nil || saved != "notes.txt3" {
		t.Errorf("%q is saved: %v", saved, err)
	}
}
