package docs_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/python"
	"github.com/caisson-dev/caisson/host-go/caisson/typescript"
)

// scripts is the code in docs/scripts.md.
func scripts(ctx context.Context, runtime *caisson.Runtime, session caisson.Caller, save func(ctx context.Context, path string, words int) (string, error)) error {
	functions := &caisson.Functions{} // of this program
	err := caisson.AddFunction(functions, "save", "Saves a count.", func(ctx context.Context, in count) (string, error) {
		return save(ctx, in.Path, in.Words)
	})
	if err != nil {
		return err
	}
	tools, err := caisson.NewToolSet(map[string]caisson.Caller{"files": session, "program": functions})
	if err != nil {
		return err
	}
	result, err := runtime.RunScript(ctx, caisson.Script{
		Name: "count.js",
		Source: `
			const { content } = await tools.files.read_text_file({ path: input.path });
			const words = content.split(/\s+/).filter(Boolean);
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

// geometry is the code in docs/scripts.md that loads a module.
func geometry(ctx context.Context, client *caisson.Client) (int, error) {
	module, err := client.Load(ctx, caisson.Script{
		Name:   "geometry.js",
		Source: "export const area = (a, b) => a * b",
		Module: caisson.ModuleOptions{Instances: 4}, // so many calls run beside each other
	})
	if err != nil {
		return 0, err
	}
	defer module.Close()
	return caisson.RunFunctionAs[int](ctx, module, "area", 3, 4) // from any goroutine
}

// area is the code in docs/scripts.md that calls a function of a module in a folder.
func area(ctx context.Context, client *caisson.Client, root *os.Root, tools *caisson.ToolSet) (*caisson.ScriptResult, error) {
	folder := caisson.ModuleFolder{
		Files: root.FS(), // of os.OpenRoot: no link leads out of it
		Languages: map[string]caisson.Language{
			".js": caisson.JavaScript,
			".ts": typescript.Language(&typescript.Options{Files: root.FS()}),
			".py": python.Language,
		},
		Tools: tools,
	}
	result, err := client.RunFunction(ctx, folder, "geometry", "area", 3, 4)
	return result, err
}

// TestModuleFolder has the module in each language, and in two of them, and loads one.
func TestModuleFolder(t *testing.T) {
	runtime, err := caisson.New(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.Close()
	client, err := runtime.NewClient(nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := geometry(t.Context(), client); n != 12 || err != nil {
		t.Errorf("the module gives %d, %v", n, err)
	}
	folder := t.TempDir()
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	write := func(name, text string) {
		if err := root.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("lib.ts", "export const product = (a: number, b: number): number => a * b")
	for name, text := range map[string]string{
		"geometry.js": "export const area = (a, b) => a * b",
		"geometry.ts": "import { product } from './lib'\nexport const area = (a: number, b: number): number => product(a, b)",
		"geometry.py": "def area(a, b):\n    return a * b",
	} {
		write(name, text)
		if result, err := area(t.Context(), client, root, nil); err != nil || string(result.Value) != "12" {
			t.Errorf("%s gives %v, %v", name, result, err)
		}
		if err := root.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	write("geometry.js", "")
	write("geometry.py", "")
	if _, err := area(t.Context(), client, root, nil); caisson.CodeOf(err) != caisson.CodeInvalidArgument || !strings.Contains(err.Error(), "geometry.js and geometry.py") {
		t.Errorf("two of the name: %v", err)
	}
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
	) (map[string]string, error) { // as server-filesystem answers
		if in.Path != "notes.txt" {
			return nil, errors.New("there is no " + in.Path)
		}
		return map[string]string{"content": "three little words"}, nil
	}
	if err := caisson.AddFunction(files, "read_text_file", "Reads a file.", read); err != nil {
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
