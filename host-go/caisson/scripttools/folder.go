// Package scripttools makes tools of the scripts in a folder, for models and for other scripts: each script is a tool
// with a description, schemas, limits and grants of its own.
//
//	folder, err := scripttools.Load(os.DirFS("scripts"), nil)
//	if err != nil {
//		return nil, err
//	}
//	tools := folder.Caller(client, scripttools.Servers(map[string]caisson.Caller{"files": session}))
//
// # A script as a tool
//
// The name of the tool is the file's, without what follows the last dot. The script finds the arguments of the call as
// `input`, and its value is the tool's result: an object is the structured content too. What it throws is the tool's
// own failure, with IsError.
//
// What the tool is says a document in YAML, in a comment at the beginning of the script, between two lines of "---":
//
//	/* ---
//	description: Counts the words of a file.
//	inputSchema:
//	  properties: {path: {type: string}}
//	  required: [path]
//	tools: {files: [read_file]}
//	limits: {time: 30s}
//	--- */
//
// Every line of the comment may begin with "//" or "#". The document may also be in a file beside the script, with
// the same name and the end ".tool.yaml" or ".tool.json". [Manifest] has its members. A script without one is no tool
// but a module that others may import.
package scripttools

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// Options say how a folder is read. The zero value, or nil, reads scripts in JavaScript.
type Options struct {
	// Languages are what scripts are written in, by the ends of their files' names, such as ".ts". Default: ".js" and
	// ".mjs" are JavaScript.
	Languages map[string]caisson.Language
	// Limits bound the scripts; a manifest may lower them, and not raise them. Default: those of
	// [caisson.ScriptLimits].
	Limits caisson.ScriptLimits
	// MaxScripts bounds the tools. Default: 500.
	MaxScripts int
}

const (
	defaultMaxScripts = 500
	maxFileBytes      = 1 << 20
)

// A Folder is the tools of a folder, as they were when it was read. It is safe for concurrent use.
type Folder struct {
	limits  caisson.ScriptLimits
	scripts map[string]*script
}

// A script is one of them.
type script struct {
	file     string
	source   string
	language caisson.Language
	manifest *Manifest
	tool     *mcp.Tool
	input    *jsonschema.Resolved
	output   *jsonschema.Resolved // nil without an output schema
}

// Load reads the scripts of a folder; not those of folders in it. It fails with [caisson.CodeInvalidArgument] for a
// manifest that is wrong, with the file and the line; for two scripts of one name; and for a tool in a language that
// is not among the Languages.
func Load(folder fs.FS, options *Options) (*Folder, error) {
	var o Options
	if options != nil {
		o = *options
	}
	if o.Languages == nil {
		o.Languages = map[string]caisson.Language{".js": caisson.JavaScript, ".mjs": caisson.JavaScript}
	}
	if o.MaxScripts <= 0 {
		o.MaxScripts = defaultMaxScripts
	}
	files, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, invalid("the folder of scripts cannot be read: "+err.Error(), err)
	}
	f := &Folder{limits: o.Limits, scripts: map[string]*script{}}
	for _, file := range files {
		if file.IsDir() || !isSource(file.Name(), o.Languages) {
			continue
		}
		s, err := read(folder, file.Name(), o.Languages)
		if err == nil && s == nil {
			continue
		}
		if err == nil {
			if other := f.scripts[s.tool.Name]; other != nil {
				err = fmt.Errorf("%s is the tool %q already: rename one of the two", other.file, s.tool.Name)
			} else if len(f.scripts) >= o.MaxScripts {
				err = fmt.Errorf("there are more tools than scripttools.Options.MaxScripts, %d, allows", o.MaxScripts)
			}
		}
		if err != nil {
			return nil, invalid(file.Name()+": "+err.Error(), err)
		}
		f.scripts[s.tool.Name] = s
	}
	return f, nil
}

func invalid(message string, err error) error {
	return &caisson.Error{Code: caisson.CodeInvalidArgument, Step: "scripts", Message: message, Err: err}
}

// sources are the ends of names that scripts have in some language.
var sources = []string{".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".py"}

func isSource(file string, languages map[string]caisson.Language) bool {
	end := path.Ext(file)
	return slices.Contains(sources, end) || languages[end] != nil
}

// read reads a script; nil for one that is no tool.
func read(folder fs.FS, file string, languages map[string]caisson.Language) (*script, error) {
	source, err := readFile(folder, file)
	if err != nil {
		return nil, err
	}
	end := path.Ext(file)
	name := strings.TrimSuffix(file, end)
	text, beside, err := manifestOf(folder, name, source)
	if err != nil || text == "" {
		return nil, err
	}
	manifest, err := parse(text)
	if err != nil {
		if beside != "" {
			err = fmt.Errorf("%s: %w", beside, err)
		}
		return nil, err
	}
	language := languages[end]
	if language == nil {
		return nil, fmt.Errorf("no language has files of this name: there are %s", strings.Join(slices.Sorted(maps.Keys(languages)), ", "))
	}
	s := &script{file: file, source: source, language: language, manifest: manifest}
	if s.tool, err = manifest.tool(name); err != nil {
		return nil, err
	}
	if s.input, err = resolve("inputSchema", manifest.InputSchema); err != nil {
		return nil, err
	}
	if manifest.OutputSchema != nil {
		if s.output, err = resolve("outputSchema", manifest.OutputSchema); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// readFile reads a file, and no more of a large one than it takes to see that.
func readFile(folder fs.FS, name string) (string, error) {
	about, err := fs.Stat(folder, name)
	if err != nil {
		return "", err
	}
	if !about.Mode().IsRegular() || about.Size() > maxFileBytes {
		return "", fmt.Errorf("it is no file of at most %d bytes", maxFileBytes)
	}
	text, err := fs.ReadFile(folder, name)
	if err == nil && len(text) > maxFileBytes {
		err = errors.New("it grew while it was read")
	}
	return strings.TrimPrefix(string(text), "\uFEFF"), err
}
