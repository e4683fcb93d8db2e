package caisson

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
)

// A ModuleFolder has modules by their names: a name is that of a file in the folder, with the end that says its
// language or without it. Files in folders of the folder are no modules of it.
type ModuleFolder struct {
	// Files is the folder. It must be safe for concurrent use. os.DirFS follows links out of its folder: use
	// (*os.Root).FS for a folder that somebody else can write to.
	Files fs.FS
	// Languages are the languages by the ends of the names of files, such as ".ts" and ".py". Default: JavaScript
	// for ".js", ".mjs" and ".cjs".
	Languages map[string]Language
	// Tools are what the modules may call. Default: none.
	Tools *ToolSet
	// Limits bound the loading of a module, and the call of its function, each.
	Limits ScriptLimits
}

func (f *ModuleFolder) languages() map[string]Language {
	if f.Languages != nil {
		return f.Languages
	}
	return map[string]Language{".js": JavaScript, ".mjs": JavaScript, ".cjs": JavaScript}
}

// Find returns the name of the file of a module. It fails with [CodeInvalidArgument] for a name that is a path, and
// for one that several files have: then the end says which one is meant. A module that is not there is a
// [*ScriptError] with [ScriptNotFound], which wraps [fs.ErrNotExist].
func (f *ModuleFolder) Find(module string) (file string, err error) {
	const step = "find module"
	if f.Files == nil {
		return "", errScript(step, "ModuleFolder.Files is nil")
	}
	if module == "" || strings.HasPrefix(module, ".") || strings.ContainsAny(module, "/\\:\x00") || !fs.ValidPath(module) {
		return "", errScript(step, fmt.Sprintf("%q is no name of a module: it is the name of a file in the folder, without a path", shortModule(module)))
	}
	languages := f.languages()
	candidates := []string{module}
	if languages[path.Ext(module)] == nil {
		candidates = nil
	}
	for _, end := range slices.Sorted(maps.Keys(languages)) {
		candidates = append(candidates, module+end)
	}
	var found []string
	for _, name := range candidates {
		info, err := fs.Stat(f.Files, name)
		switch {
		case err == nil && info.Mode().IsRegular():
			if name == module {
				return name, nil // The whole name leaves no doubt.
			}
			found = append(found, name)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", &Error{Code: CodeInvalidArgument, Step: step, Message: fmt.Sprintf("the file %s cannot be read: %v", name, err), Err: err}
		}
	}
	switch len(found) {
	case 0:
		message := fmt.Sprintf("there is no module %q in the folder%s", shortModule(module), some(f.names()))
		return "", &ScriptError{Script: shortModule(module), Kind: ScriptNotFound, Message: message, Err: fs.ErrNotExist}
	case 1:
		return found[0], nil
	}
	return "", errScript(step, fmt.Sprintf("the name %q is that of %s: say which one with its end", module, strings.Join(found, " and ")))
}

// shortModule shortens a name that an error has.
func shortModule(name string) string {
	const most = 256
	if len(name) > most {
		return strings.ToValidUTF8(name[:most], "") + "…"
	}
	return name
}

// names returns the names of the files that are modules, for an error.
func (f *ModuleFolder) names() []string {
	entries, _ := fs.ReadDir(f.Files, ".") // A folder that cannot be read has no names to say.
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") && f.languages()[path.Ext(e.Name())] != nil {
			names = append(names, e.Name())
		}
	}
	return names
}

// script returns a module as a script.
func (f *ModuleFolder) script(module string) (Script, error) {
	name, err := f.Find(module)
	if err != nil {
		return Script{}, err
	}
	s := Script{Name: name, Language: f.languages()[path.Ext(name)], Tools: f.Tools, Limits: f.Limits}
	limits, err := f.Limits.withDefaults()
	if err != nil {
		return s, err
	}
	file, err := f.Files.Open(name)
	if err == nil {
		defer file.Close()
		var text []byte
		text, err = io.ReadAll(io.LimitReader(file, min(int64(limits.SourceBytes), math.MaxInt64-1)+1)) // One more is refused as too many.
		s.Source = string(text)
	}
	if err != nil {
		return s, &Error{Code: CodeInvalidArgument, Step: "read module", Message: fmt.Sprintf("the file %s cannot be read: %v", name, err), Err: err}
	}
	return s, nil
}

// RunFunction calls a function of a module in a folder: it loads the module into a sandbox of its own, calls the
// function, and throws the sandbox away. The arguments are those of [Module.RunFunction]: anything that marshals to
// JSON or one [ArgumentList], and [NamedArguments]. [Client.Load] is for a module that is called more than once.
//
// It fails as [ModuleFolder.Find], [Client.RunScript] and [Module.RunFunction] do. The result is there when the module
// or its function has failed, too; its log and its calls begin with those of the loading.
func (c *Client) RunFunction(ctx context.Context, folder ModuleFolder, module, function string, args ...any) (*ScriptResult, error) {
	positional, named, err := splitArguments(function, args)
	if err != nil {
		return nil, err
	}
	s, err := folder.script(module)
	if err != nil {
		return nil, err
	}
	r, err := c.beginScript(ctx, &s, "run function")
	if err != nil {
		return nil, err
	}
	defer r.end()
	leave, err := r.enter("run function")
	if err != nil {
		return nil, err
	}
	defer leave()
	return r.observed(r.ctx, "run function", func(ctx context.Context) (*ScriptResult, error) {
		r.ctx = ctx
		in, _, loaded, err := r.load()
		if err != nil {
			return loaded, err
		}
		defer in.Close()
		value, report, failure := in.Call(ctx, function, positional, named)
		result := after(loaded, resultOf(report))
		if failure != nil {
			return result, r.error(failure)
		}
		result.Value = value
		return result, nil
	})
}

// RunFunction calls a function of a module in a folder for a client without options: the short way. See
// [Client.RunFunction].
func (r *Runtime) RunFunction(ctx context.Context, folder ModuleFolder, module, function string, args ...any) (*ScriptResult, error) {
	if r.client == nil {
		return nil, errZero("Runtime", "New")
	}
	return r.client.RunFunction(ctx, folder, module, function, args...)
}
