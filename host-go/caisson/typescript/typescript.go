// Package typescript makes JavaScript of TypeScript, and one source of a source and the modules that it imports.
// It takes types off and does not check them. esbuild does it, in this process: this package is one of its own so
// that only a program that imports it links esbuild. Nothing is read but what [Options].Files gives, and nothing
// is run.
package typescript

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/evanw/esbuild/pkg/api"
)

// Options say what a source may import, and how much that may be. The zero value lets a source import nothing.
type Options struct {
	// Files has the modules that the source may import: by relative paths, and packages in folders
	// `node_modules`. Nil: it may import none. For a folder of the disk take os.Root's FS, out of which no link
	// leads: os.DirFS follows links anywhere.
	Files fs.FS
	// Dir is the folder in Files that the source counts as being in. Default: ".".
	Dir string
	// MaxModuleBytes bounds each module, and the source, in bytes. Default: 1 MiB.
	MaxModuleBytes int
	// MaxBytes bounds all of them together, in bytes. Default: 8 MiB.
	MaxBytes int
	// MaxModules bounds how many modules a source imports, directly and indirectly. Default: 1000.
	MaxModules int
}

const (
	defaultMaxModuleBytes = 1 << 20
	defaultMaxBytes       = 8 << 20
	defaultMaxModules     = 1000
)

func (o *Options) withDefaults() Options {
	var all Options
	if o != nil {
		all = *o
	}
	for field, value := range map[*int]int{
		&all.MaxModuleBytes: defaultMaxModuleBytes, &all.MaxBytes: defaultMaxBytes, &all.MaxModules: defaultMaxModules,
	} {
		if *field <= 0 {
			*field = value
		}
	}
	if all.Dir == "" {
		all.Dir = "."
	}
	return all
}

// A Source is a text, and its name in errors.
type Source struct{ Name, Text string }

// An Output is a source in JavaScript.
type Output struct {
	// Text is JavaScript of ES2022 with `await` and `return` at the top, as a script has them, and without
	// imports.
	Text string

	full    string // what esbuild has written: Text is in it
	start   int    // where Text begins in full
	sources map[string]string
	mapped  *sourceMap
	source  source
}

const (
	entryNamespace = "script"
	filesNamespace = "files"
)

// Translate makes JavaScript of a source. It fails with an [*Error] where the source or a module is not
// TypeScript, cannot be found, or is larger than the options allow; with the context's error when ctx ends first:
// what esbuild is at then goes on in the background until it notices. It is safe for concurrent use, and keeps
// nothing between calls.
//
// The source may be JavaScript too. What TypeScript adds and types are not, is translated: enums, namespaces,
// parameter properties; decorators as ECMAScript has them, `using`. JSX is refused.
func Translate(ctx context.Context, s Source, options *Options) (*Output, error) {
	o := options.withDefaults()
	if strings.HasSuffix(s.Name, ".tsx") || strings.HasSuffix(s.Name, ".jsx") {
		return nil, &Error{File: s.Name, Message: errJSX}
	}
	if len(s.Text) > o.MaxModuleBytes {
		return nil, &Error{File: s.Name, Message: fmt.Sprintf("the source has %d bytes: Options.MaxModuleBytes is %d", len(s.Text), o.MaxModuleBytes)}
	}
	if err := checkNesting(s.Text); err != nil {
		return nil, placed(err, s.Name, s.Text)
	}
	type outcome struct {
		output *Output
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		output, err := translate(ctx, s, o)
		done <- outcome{output, err}
	}()
	select {
	case got := <-done:
		return got.output, got.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

const errJSX = "JSX is not supported: call functions instead"

// placed gives an error of this package its place.
func placed(err error, file, text string) error {
	var e *Error
	if errors.As(err, &e) {
		return e.at(file, text)
	}
	return err
}

// A source is what esbuild gets: the source of the user, made a module.
type source struct {
	name, text, original string
	// A function is written around what begins here.
	function      string // its name; "" for none
	start, insert int    // where the function begins in text, and how long its beginning is
}

// returnError is esbuild's for a return at the top of a module.
const returnError = "Top-level return cannot be used inside an ECMAScript module"

func translate(ctx context.Context, s Source, o Options) (*Output, error) {
	// In a function, what is at the top stays as it is. A module may have exports.
	output, inFunction, err := build(ctx, function(s), o)
	if err != nil || len(inFunction) == 0 {
		return output, err
	}
	output, messages, err := build(ctx, module(s), o)
	if err != nil || len(messages) == 0 {
		return output, err
	}
	if hasReturn(messages) {
		messages = inFunction
	}
	e := errorOf(s.Name, messages)
	if isJSX(e, s) {
		e.Message = errJSX
	}
	return nil, e
}

func hasReturn(messages []api.Message) bool {
	for _, m := range messages {
		if m.Text == returnError {
			return true
		}
	}
	return false
}

// module is a source as a module: it may have `await` at the top, and no `return`.
func module(s Source) source {
	return source{name: s.Name, original: s.Text, text: s.Text + "\nexport {};"}
}

// function is a source in a function, which may have `return`, and no exports. Its imports stay in front.
func function(s Source) source {
	name := "$caisson"
	for strings.Contains(s.Text, name) {
		name += "$"
	}
	begin := " export async function " + name + "() {"
	at := endOfImports(s.Text)
	if at > 0 && !strings.ContainsAny(s.Text[at-1:at], ";\r\n") {
		begin = ";" + begin[1:] // The last import ends with its line, without a semicolon.
	}
	return source{
		name: s.Name, original: s.Text, text: s.Text[:at] + begin + s.Text[at:] + "\n}",
		function: name, start: at, insert: len(begin),
	}
}

// endOfImports returns where the imports at the beginning of a source end.
func endOfImports(text string) int {
	tokens := lex(text)
	is := func(i int, word string) bool {
		return i < len(tokens) && text[tokens[i].start:tokens[i].end] == word
	}
	end := 0
	if strings.HasPrefix(text, "#!") {
		end = len(text)
		if n := strings.IndexAny(text, "\r\n"); n >= 0 {
			end = n + 1
		}
	}
	for i := 0; is(i, "import") && !is(i+1, "(") && !is(i+1, "."); {
		for i < len(tokens) && tokens[i].kind != literal {
			i++
		}
		if i++; is(i, "with") && is(i+1, "{") {
			for i < len(tokens) && !is(i, "}") {
				i++
			}
			i++
		}
		if is(i, ")") {
			i++
		}
		if is(i, ";") {
			i++
		}
		end = tokens[min(i, len(tokens))-1].end
	}
	return end
}

// build has esbuild make one text of a source and its modules.
func build(ctx context.Context, s source, o Options) (*Output, []api.Message, error) {
	modules := &modules{ctx: ctx, options: o, texts: map[string]string{}, packages: map[string]knownPackage{}}
	result := api.Build(api.BuildOptions{
		EntryPoints:   []string{"entry"},
		Bundle:        true,
		Outfile:       "out.js",
		AbsWorkingDir: root,
		TsconfigRaw:   "{}",
		Format:        api.FormatESModule,
		Platform:      api.PlatformNeutral,
		Target:        api.ES2022,
		Charset:       api.CharsetUTF8,
		Sourcemap:     api.SourceMapExternal,
		// What is used by nothing that esbuild sees may be called by name.
		TreeShaking: api.TreeShakingFalse,
		// Lines would be indented, and what is nested deeply would grow with the square of its depth.
		MinifyWhitespace: true,
		SourcesContent:   api.SourcesContentExclude,
		LegalComments:    api.LegalCommentsNone,
		LogLevel:         api.LogLevelSilent,
		Plugins:          []api.Plugin{modules.plugin(s)},
	})
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if len(result.Errors) > 0 {
		for i := range result.Errors {
			s.place(result.Errors[i].Location)
		}
		return nil, result.Errors, nil
	}
	output := &Output{source: s, sources: modules.texts}
	for _, file := range result.OutputFiles {
		if strings.HasSuffix(file.Path, ".map") {
			m, err := parseSourceMap(file.Contents)
			if err != nil {
				return nil, nil, &Error{File: s.name, Message: err.Error(), Err: err}
			}
			output.mapped = m
		} else {
			output.full = string(file.Contents)
		}
	}
	output.Text = output.full
	if s.function != "" {
		begin, end := "async function "+s.function+"(){", "}export{"+s.function+"};"
		from, to := strings.Index(output.full, begin), strings.LastIndex(output.full, end)
		if from < 0 || to < from+len(begin) {
			return nil, nil, &Error{File: s.name, Message: "the brackets of the source do not match"}
		}
		// What is before the function are the modules.
		output.start = from + len(begin)
		output.Text = output.full[:from] + output.full[output.start:to] + "\n"
	}
	return output, nil, nil
}

// place moves the place of a message from what esbuild got to the source.
func (s source) place(l *api.Location) {
	if l == nil || !strings.HasPrefix(l.File, entryNamespace+":") {
		return
	}
	l.File = s.name
	line := strings.Count(s.text[:s.start], "\n")
	column := len(s.before())
	if s.function != "" && l.Line == line+1 && l.Column >= column {
		l.Column = max(column, l.Column-s.insert)
		l.LineText = lineOf(s.original, line)
	}
}

// isJSX says whether an error is one because the source has JSX.
func isJSX(e *Error, s Source) bool {
	if e.File != s.Name || !regexp.MustCompile(`<[A-Za-z>/]`).MatchString(lineOf(s.Text, e.Line-1)) {
		return false
	}
	for _, text := range []string{module(s).text, function(s).text} {
		result := api.Transform(text, api.TransformOptions{
			Loader: api.LoaderTSX, JSX: api.JSXPreserve, LogLevel: api.LogLevelSilent, TsconfigRaw: "{}", MinifyWhitespace: true,
		})
		if len(result.Errors) == 0 {
			return true
		}
	}
	return false
}

// Position returns the place in a source that a place in the text stands for: the name of the source or the path
// of a module in [Options].Files, and the line and the column. Lines and columns count from 1, columns count
// characters. ok is false for what stands in no source.
func (o *Output) Position(line, column int) (name string, sourceLine, sourceColumn int, ok bool) {
	line, column = line-1, column-1
	if line < 0 || column < 0 {
		return "", 0, 0, false
	}
	at := units(lineOf(o.Text, line), column)
	if o.source.function != "" {
		line, at = o.inFull(line, at)
	}
	m, ok := o.mapped.find(line, at)
	if !ok {
		return "", 0, 0, false
	}
	name, text := o.source.name, o.source.original
	unit := m.sourceColumn
	if _, file, found := strings.Cut(o.mapped.Sources[m.source], filesNamespace+":"); found {
		name, text = file, o.sources[file]
	} else if before := o.source.before(); o.source.function != "" && m.sourceLine == strings.Count(o.source.text[:o.source.start], "\n") && unit >= units(before, utf8.RuneCountInString(before)) {
		unit = max(units(before, utf8.RuneCountInString(before)), unit-o.source.insert)
	}
	return name, m.sourceLine + 1, characters(lineOf(text, m.sourceLine), unit) + 1, true
}

// before is what stands in front of the function, in its line.
func (s source) before() string {
	return s.text[strings.LastIndexByte(s.text[:s.start], '\n')+1 : s.start]
}

// inFull finds a place of the text in what esbuild has written. Lines count from 0, columns UTF-16 code units.
func (o *Output) inFull(line, column int) (int, int) {
	begin := len("async function " + o.source.function + "(){")
	before := o.full[:o.start-begin]
	cutLine := strings.Count(before, "\n")
	if line != cutLine {
		return line, column
	}
	cut := before[strings.LastIndexByte(before, '\n')+1:]
	if column >= units(cut, utf8.RuneCountInString(cut)) {
		column += begin
	}
	return line, column
}
