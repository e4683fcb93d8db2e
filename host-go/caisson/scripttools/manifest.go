package scripttools

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"go.yaml.in/yaml/v3"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/schemaloop"
)

// A Manifest says what the tool is that a script makes.
type Manifest struct {
	// Title is for people. Default: none.
	Title string `yaml:"title"`
	// Description is for models. It is required.
	Description string `yaml:"description"`
	// InputSchema is the JSON Schema of the arguments, which are checked against it before the script begins. The
	// type "object" may be left out. Default: an object with no members.
	InputSchema map[string]any `yaml:"inputSchema"`
	// OutputSchema is the JSON Schema of the script's value, an object, which is checked against it. Default: none.
	OutputSchema map[string]any `yaml:"outputSchema"`
	// Annotations are hints about the tool, as MCP has them. Default: none.
	Annotations *Annotations `yaml:"annotations"`
	// Tools are what the script may call: names or patterns of tools, by the names of their servers. In a pattern "*"
	// stands for any characters but "/", as in [path.Match]. Default: nothing.
	Tools map[string][]string `yaml:"tools"`
	// Limits lower those of the folder.
	Limits Limits `yaml:"limits"`
}

// Annotations are those of [mcp.ToolAnnotations].
type Annotations struct {
	ReadOnlyHint    bool  `yaml:"readOnlyHint"`
	IdempotentHint  bool  `yaml:"idempotentHint"`
	DestructiveHint *bool `yaml:"destructiveHint"`
	OpenWorldHint   *bool `yaml:"openWorldHint"`
}

// Limits are those of [caisson.ScriptLimits], as a manifest has them. What is 0 is not lowered.
type Limits struct {
	Time          time.Duration `yaml:"time"`
	Computing     time.Duration `yaml:"computing"`
	Fuel          uint64        `yaml:"fuel"`
	MemoryBytes   int64         `yaml:"memoryBytes"`
	OutputBytes   int           `yaml:"outputBytes"`
	ToolCalls     int           `yaml:"toolCalls"`
	ParallelCalls int           `yaml:"parallelCalls"`
	ArgumentBytes int           `yaml:"argumentBytes"`
	AnswerBytes   int           `yaml:"answerBytes"`
	ResultDepth   int           `yaml:"resultDepth"`
	Timers        int           `yaml:"timers"`
}

// manifestOf finds the manifest of a script: in a file beside it, or in the comment that it begins with, with empty
// lines before it so that the lines of errors are those of the script. Without one it is "".
func manifestOf(folder fs.FS, name, source string) (text, beside string, err error) {
	for _, end := range []string{".tool.yaml", ".tool.json"} {
		found, err := readFile(folder, name+end)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", "", fmt.Errorf("%s: %w", name+end, err)
		}
		if beside != "" {
			return "", "", fmt.Errorf("there are %s and %s: a script has one", beside, name+end)
		}
		text, beside = found, name+end
	}
	within := front(source)
	if beside != "" && within != "" {
		return "", "", fmt.Errorf("its first comment is a manifest, and %s is one: a script has one", beside)
	}
	if beside != "" && strings.TrimSpace(text) == "" {
		return "", "", fmt.Errorf("%s is empty", beside)
	}
	return text + within, beside, nil
}

// front returns the document in the comment at the beginning of a source; "" without one.
func front(source string) string {
	lines := strings.Split(source, "\n")
	begin := 0
	for begin < len(lines) && onlyComment(lines[begin], begin == 0) {
		begin++
	}
	if begin == len(lines) {
		return ""
	}
	mark, ok := opens(lines[begin])
	if !ok {
		return ""
	}
	document := strings.Repeat("\n", begin+1)
	for _, line := range lines[begin+1:] {
		text := unmarked(line, mark)
		if closes(text) {
			return document
		}
		document += text + "\n"
	}
	return "" // What is not closed is no manifest.
}

// onlyComment reports whether a line has nothing but the beginning of a comment, or the name of an interpreter.
func onlyComment(line string, first bool) bool {
	bare := strings.TrimSpace(line)
	return slices.Contains([]string{"", "/*", "/**", "//", "#", `"""`, "'''"}, bare) || first && strings.HasPrefix(bare, "#!")
}

// opens reports whether a document begins after a line, and with what its lines begin.
func opens(line string) (mark string, ok bool) {
	bare := strings.TrimSpace(line)
	for _, begin := range []string{"/**", "/*", `"""`, "'''"} {
		if rest, found := strings.CutPrefix(bare, begin); found {
			return "", strings.TrimSpace(rest) == "---"
		}
	}
	for _, mark := range []string{"//", "#", "*"} {
		if rest, found := strings.CutPrefix(bare, mark); found {
			return mark, strings.TrimSpace(rest) == "---"
		}
	}
	return "", bare == "---" // In a comment that a line before it has begun, or no script at all.
}

func closes(text string) bool {
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "---")
	return ok && slices.Contains([]string{"", "*/", `"""`, "'''"}, strings.TrimSpace(rest))
}

// unmarked takes off what a line of a comment begins with, and one space. The spaces after it stay, which YAML counts.
func unmarked(line, mark string) string {
	if rest, ok := strings.CutPrefix(strings.TrimLeft(line, " \t"), mark); ok && mark != "" {
		return strings.TrimPrefix(rest, " ")
	}
	return line
}

// parse reads a manifest.
func parse(text string) (*Manifest, error) {
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	m := &Manifest{}
	if err := d.Decode(m); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the manifest is empty")
		}
		return nil, fmt.Errorf("the manifest is not as it should be: %w", plain(err))
	}
	if err := d.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("the manifest is followed by another document: there is one")
	}
	for server, tools := range m.Tools {
		for _, tool := range tools {
			if _, err := path.Match(tool, ""); err != nil || tool == "" {
				return nil, fmt.Errorf("the manifest grants %q of %s, which is no name and no pattern", tool, server)
			}
		}
	}
	l := m.Limits
	least := min(int64(l.Time), int64(l.Computing), l.MemoryBytes, int64(min(l.OutputBytes, l.ToolCalls, l.ParallelCalls, l.ArgumentBytes, l.AnswerBytes, l.ResultDepth, l.Timers)))
	if least < 0 {
		return nil, errors.New("a limit of the manifest is negative")
	}
	return m, nil
}

var (
	unknownKey = regexp.MustCompile(`field (.*) not found in type \S+`)
	wrongSort  = regexp.MustCompile(`cannot unmarshal (.*) into \S+`)
)

// plain says without the types of Go what YAML found wrong.
func plain(err error) error {
	var wrong *yaml.TypeError
	if !errors.As(err, &wrong) {
		return err
	}
	said := make([]string, len(wrong.Errors))
	for i, text := range wrong.Errors {
		said[i] = wrongSort.ReplaceAllString(unknownKey.ReplaceAllString(text, `unknown key "$1"`), "wrong sort of value: $1")
	}
	return errors.New(strings.Join(said, "; "))
}

// tool makes the tool as MCP lists it.
func (m *Manifest) tool(name string) (*mcp.Tool, error) {
	if strings.TrimSpace(m.Description) == "" {
		return nil, errors.New("the manifest has no description, by which a model would know what the tool is for")
	}
	if strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.") != "" || name == "" {
		return nil, errors.New("the file's name is the tool's, and has more than letters and digits of ASCII, \"-\", \"_\" and \".\": rename it")
	}
	m.InputSchema = object(m.InputSchema)
	tool := &mcp.Tool{Name: name, Title: m.Title, Description: m.Description, InputSchema: m.InputSchema}
	if m.OutputSchema != nil {
		m.OutputSchema = object(m.OutputSchema)
		tool.OutputSchema = m.OutputSchema
	}
	if a := m.Annotations; a != nil {
		tool.Annotations = &mcp.ToolAnnotations{
			ReadOnlyHint: a.ReadOnlyHint, IdempotentHint: a.IdempotentHint, DestructiveHint: a.DestructiveHint, OpenWorldHint: a.OpenWorldHint,
		}
	}
	return tool, nil
}

// object says that a schema is an object's, where it says nothing.
func object(schema map[string]any) map[string]any {
	if schema == nil {
		return map[string]any{"type": "object", "additionalProperties": false}
	}
	if _, ok := schema["type"]; !ok {
		schema = maps.Clone(schema)
		schema["type"] = "object"
	}
	return schema
}

// resolve makes a schema ready to check by.
func resolve(key string, schema map[string]any) (*jsonschema.Resolved, error) {
	if schema["type"] != "object" {
		return nil, fmt.Errorf("the %s of the manifest is of the type %v: tools take and give objects", key, schema["type"])
	}
	text, err := json.Marshal(schema)
	if err != nil {
		return nil, fmt.Errorf("the %s of the manifest has no form in JSON: %w", key, err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return nil, err // It was marshalled just now.
	}
	if at, found := schemaloop.Find(value); found {
		return nil, fmt.Errorf("the %s of the manifest refers to itself for the same value at %q, and so has no end", key, "#"+at)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("the %s of the manifest is no JSON Schema: %w", key, err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		return nil, fmt.Errorf("the %s of the manifest is no JSON Schema: %w", key, err)
	}
	return resolved, nil
}

// grants reports whether a script may call a tool.
func (m *Manifest) grants(server, tool string) bool {
	return slices.ContainsFunc(m.Tools[server], func(pattern string) bool {
		ok, _ := path.Match(pattern, tool) // parse has tried it.
		return ok
	})
}

// lowered are limits, as low as those of the manifest.
func (m *Manifest) lowered(limits caisson.ScriptLimits) caisson.ScriptLimits {
	l := m.Limits
	return limits.Lowered(caisson.ScriptLimits{
		Time: l.Time, Computing: l.Computing, Fuel: l.Fuel, MemoryBytes: l.MemoryBytes,
		OutputBytes: l.OutputBytes, ToolCalls: l.ToolCalls, ParallelCalls: l.ParallelCalls,
		ArgumentBytes: l.ArgumentBytes, AnswerBytes: l.AnswerBytes, ResultDepth: l.ResultDepth, Timers: l.Timers,
	})
}
