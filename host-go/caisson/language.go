package caisson

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// A Language is what a [Script] is written in. [JavaScript] is in this package. Others are packages of their
// own, so that only a program that imports them links what they need. A Language is safe for concurrent use.
type Language interface {
	// Name is the language's name in messages, such as "TypeScript".
	Name() string
	// Translate makes of a source the text that the component runs. A source that is not of the language is a
	// [*ScriptError] with [ScriptSyntax], with the place. A language that the component runs as it is returns
	// the text.
	Translate(ctx context.Context, source ScriptSource) (Translation, error)
	// Component is what runs the text; nil for Caisson's core, which runs JavaScript.
	Component() *LanguageComponent
}

// A ScriptSource is a source, and its name in errors.
type ScriptSource struct{ Name, Text string }

// A Translation is a source as its component runs it.
type Translation struct {
	Text string
	// Positions finds places in the source; nil where the text is the source.
	Positions Positions
}

// Positions gives the place in the source that a place in the translated text stands for, with lines and
// columns from 1. ok is false for what is in no source: code that the translation has added.
type Positions func(line, column int) (name string, sourceLine, sourceColumn int, ok bool)

// A LanguageComponent is a component that exports caisson:mcp/scripts, and imports what the world `script` in
// wit/world.wit has, and WASI 0.2.
type LanguageComponent struct {
	// Name names the component and its version. A [Runtime] compiles one component of a name, when it is first
	// needed.
	Name string
	// Open gives the component, prepared. It is called at most once a runtime, unless it fails.
	Open func() (*component.Prepared, error)
	// Mounts are folders that each script of the language finds, read-only.
	Mounts []wasi.Mount
}

// JavaScript is the language of scripts that name no other: what SpiderMonkey takes, with `await` and `return`
// at the top.
var JavaScript Language = javaScript{}

type javaScript struct{}

// Name implements [Language].
func (javaScript) Name() string { return "JavaScript" }

// Translate implements [Language].
func (javaScript) Translate(_ context.Context, source ScriptSource) (Translation, error) {
	return Translation{Text: source.Text}, nil
}

// Component implements [Language].
func (javaScript) Component() *LanguageComponent { return nil }

// A languageEngine has the compiled component of a language.
type languageEngine struct {
	making chan struct{} // holds one while the engine is made
	engine *engine.Engine
}

// languages are the components of a runtime's languages, by their names.
type languages struct {
	mu     sync.Mutex
	byName map[string]*languageEngine
}

// engineFor returns what runs scripts of a language.
func (r *Runtime) engineFor(ctx context.Context, l Language) (*engine.Engine, []wasi.Mount, error) {
	c := l.Component()
	if c == nil {
		return r.engine, nil, nil
	}
	mounts := make([]wasi.Mount, len(c.Mounts))
	for i, m := range c.Mounts {
		m.ReadOnly = true
		mounts[i] = m
	}
	r.languages.mu.Lock()
	e := r.languages.byName[c.Name]
	if e == nil {
		if r.languages.byName == nil {
			r.languages.byName = map[string]*languageEngine{}
		}
		e = &languageEngine{making: make(chan struct{}, 1)}
		r.languages.byName[c.Name] = e
	}
	r.languages.mu.Unlock()
	select {
	case e.making <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	defer func() { <-e.making }()
	if e.engine != nil {
		return e.engine, mounts, nil
	}
	config := r.engineConfig
	// A language's first run does not wait for its compiler. One goroutine takes the least memory, also with
	// CompileFirst.
	config.Core, config.Interpreted, config.Workers = c.Open, true, 1
	made, err := engine.New(ctx, config)
	if err != nil {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		return nil, nil, &Error{Code: CodeInternal, Step: "compile", Message: l.Name() + " cannot be made ready: " + err.Error(), Err: err}
	}
	e.engine = made
	return e.engine, mounts, nil
}

// close frees the components. No script runs any more.
func (ls *languages) close() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, e := range ls.byName {
		if e.engine != nil {
			e.engine.Close()
		}
	}
}

// lineEnds are what ends a line in JavaScript.
var lineEnds = regexp.MustCompile(`\r\n|[\n\r\x{2028}\x{2029}]`)

// inCharacters gives the places of what a language runs in a text. The core's columns count UTF-16 code units, and those
// of a ScriptError characters. Another component counts characters itself.
func inCharacters(l Language, name, text string, positions Positions) Positions {
	wide := func(c rune) bool { return c > 0xFFFF }
	if l.Component() != nil || !strings.ContainsFunc(text, wide) {
		return positions
	}
	return func(line, column int) (string, int, int, bool) {
		if lines := lineEnds.Split(text, line+1); line > 0 && line <= len(lines) {
			units := 0
			for _, c := range lines[line-1] {
				if units += utf16.RuneLen(c); units >= column {
					break
				}
				if wide(c) {
					column--
					units--
				}
			}
		}
		if positions == nil {
			return name, line, column, true
		}
		return positions(line, column)
	}
}

// apply gives an error the places in the source.
func (p Positions) apply(e *ScriptError) {
	if p == nil {
		return
	}
	place := regexp.MustCompile(regexp.QuoteMeta(e.Script) + `:(\d+):(\d+)`)
	var lines []string
	for line := range strings.Lines(e.Stack) {
		known := true
		line = place.ReplaceAllStringFunc(line, func(found string) string {
			m := place.FindStringSubmatch(found)
			number, _ := strconv.Atoi(m[1])
			column, _ := strconv.Atoi(m[2])
			name, number, column, ok := p(number, column)
			known = known && ok
			return fmt.Sprintf("%s:%d:%d", name, number, column)
		})
		if known {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	e.Stack = strings.Join(lines, "\n")
	if e.Line > 0 {
		if name, line, column, ok := p(e.Line, e.Column); ok {
			e.Script, e.Line, e.Column = name, line, column
		} else {
			e.Line, e.Column = 0, 0
		}
	}
}
