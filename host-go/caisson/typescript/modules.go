package typescript

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/evanw/esbuild/pkg/api"
)

// root is a folder that esbuild takes paths of the output from. Nothing is read there.
var root = map[bool]string{true: `C:\`, false: "/"}[runtime.GOOS == "windows"]

// modules finds and reads the modules of one source.
type modules struct {
	ctx     context.Context
	options Options

	imports atomic.Int32

	mu       sync.Mutex // esbuild reads modules at the same time
	bytes    int
	texts    map[string]string       // by their paths
	packages map[string]knownPackage // by their folders
}

// A knownPackage is a package.json that was read, or why it cannot be.
type knownPackage struct {
	json *packageJSON
	err  error
}

// plugin answers each question of esbuild's for a file, so that none reaches the disk.
func (m *modules) plugin(s source) api.Plugin {
	return api.Plugin{Name: "caisson", Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			if args.Kind == api.ResolveEntryPoint {
				return api.OnResolveResult{Path: s.name, Namespace: entryNamespace}, nil
			}
			dir := m.options.Dir
			if args.Namespace == filesNamespace {
				dir = path.Dir(args.Importer)
			}
			found, err := m.resolve(args.Path, dir, args.Kind == api.ResolveJSRequireCall)
			if err != nil {
				return failure(api.OnResolveResult{}, err)
			}
			return api.OnResolveResult{Path: found, Namespace: filesNamespace}, nil
		})
		build.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: entryNamespace}, func(api.OnLoadArgs) (api.OnLoadResult, error) {
			return api.OnLoadResult{Contents: &s.text, Loader: api.LoaderTS}, nil
		})
		build.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: filesNamespace}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			text, loader, err := m.load(args.Path)
			if err != nil {
				var e *Error
				if errors.As(err, &e) {
					return api.OnLoadResult{Errors: []api.Message{{Text: e.Message, Detail: e}}}, nil
				}
				return api.OnLoadResult{Errors: []api.Message{{Text: err.Error(), Detail: err}}}, nil
			}
			return api.OnLoadResult{Contents: &text, Loader: loader}, nil
		})
	}}
}

// failure tells esbuild of an error, which gives it the place of the import.
func failure(result api.OnResolveResult, err error) (api.OnResolveResult, error) {
	result.Errors = []api.Message{{Text: err.Error(), Detail: err}}
	return result, nil
}

// loaders are the kinds of files that can be modules, by the ends of their names.
var loaders = map[string]api.Loader{
	".ts": api.LoaderTS, ".mts": api.LoaderTS, ".cts": api.LoaderTS,
	".js": api.LoaderJS, ".mjs": api.LoaderJS, ".cjs": api.LoaderJS,
	".json": api.LoaderJSON,
}

// load reads a module.
func (m *modules) load(name string) (string, api.Loader, error) {
	wrong := func(message string, err error) error { return &Error{File: name, Message: message, Err: err} }
	if err := m.ctx.Err(); err != nil {
		return "", 0, err
	}
	loader, ok := loaders[path.Ext(name)]
	if !ok {
		return "", 0, wrong("a module is TypeScript, JavaScript or JSON: "+path.Ext(name)+" is none of them", nil)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.texts) >= m.options.MaxModules {
		return "", 0, wrong(fmt.Sprintf("there are more modules than Options.MaxModules, %d", m.options.MaxModules), nil)
	}
	text, err := m.read(name, m.options.MaxModuleBytes)
	if err != nil {
		return "", 0, wrong(err.Error(), err)
	}
	if m.bytes += len(text); m.bytes > m.options.MaxBytes {
		return "", 0, wrong(fmt.Sprintf("the modules have more than Options.MaxBytes, %d, together", m.options.MaxBytes), nil)
	}
	m.texts[name] = text
	if loader == api.LoaderJSON {
		err = checkJSON(text)
	} else {
		err = checkNesting(text)
	}
	return text, loader, placed(err, name, text)
}

// checkJSON fails for what nests deeper than esbuild may be given.
func checkJSON(text string) error {
	depth := 0
	decoder := json.NewDecoder(strings.NewReader(text))
	for {
		t, err := decoder.Token()
		if err != nil {
			return nil // esbuild says where it is wrong, or it has ended
		}
		switch t {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
		if depth > maxBrackets {
			return &Error{offset: int(decoder.InputOffset()), Message: fmt.Sprintf("more than %d brackets are open here", maxBrackets)}
		}
	}
}

// read reads a file, which has no more bytes than these.
func (m *modules) read(name string, most int) (string, error) {
	f, err := m.options.Files.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, min(int64(most), math.MaxInt64-1)+1))
	switch {
	case err != nil:
		return "", err
	case len(text) > most:
		return "", fmt.Errorf("%s has more than %d bytes", name, most)
	}
	return string(text), nil
}

// isFile says whether there is a file.
func (m *modules) isFile(name string) bool {
	info, err := fs.Stat(m.options.Files, name)
	return err == nil && info.Mode().IsRegular()
}
