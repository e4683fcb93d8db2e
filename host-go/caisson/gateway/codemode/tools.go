package codemode

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// The names of the tools.
const (
	searchTools = "search_tools"
	getTool     = "get_tool"
	runScript   = "run_script"
)

const (
	maxNames = 40   // servers that a description names
	maxQuery = 4096 // bytes
)

// ListTools lists the three tools.
func (s *session) ListTools(context.Context, *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	servers := s.all.Servers()
	names := strings.Join(servers[:min(len(servers), maxNames)], ", ")
	if len(servers) > maxNames {
		names += fmt.Sprintf(" and %d more", len(servers)-maxNames)
	}
	no := false
	reads := &mcp.ToolAnnotations{ReadOnlyHint: true, OpenWorldHint: &no}
	return &mcp.ListToolsResult{Tools: []*mcp.Tool{
		{
			Name: searchTools, Title: "Search tools", Annotations: reads,
			Description: "Finds tools by words, the best first. The servers are: " + names + ". Scripts call what it finds, in run_script.",
			InputSchema: s.schema(`"query": {"type": "string", "description": "Words of names and descriptions. Without any it gives the first tools."},
				"limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
				"detail": {"enum": ["brief", "detailed", "full"], "default": "brief", "description": "brief: names and what they are for. detailed: with types. full: with all comments."}`, "query"),
		},
		{
			Name: getTool, Title: "Get a tool", Annotations: reads,
			Description: "Shows how a script calls one tool: its declaration, with all types and comments.",
			InputSchema: s.schema(`"name": {"type": "string", "description": "SERVER.TOOL, as search_tools has it."}`, "name"),
		},
		{
			Name: runScript, Title: "Run a script",
			Description: "Runs a script with the tools of all servers in its hands, in a sandbox without files, network or environment, and gives the value that it returns. " + s.manual(),
			InputSchema: s.schema(`"source": {"type": "string", "description": "The script. `+"`await` and `return`"+` may stand at the top."},
				"input": {"description": "Any value; `+"`input`"+` in the script."},
				"from": {"type": "string", "description": "The name of an earlier script's result that was too long to show: it becomes `+"`input`"+`."}`, "source"),
		},
	}}, nil
}

// manual says how scripts call tools.
func (s *session) manual() string {
	var b strings.Builder
	others := slices.DeleteFunc(slices.Clone(s.languages), func(name string) bool { return name == python })
	if len(others) > 0 {
		fmt.Fprintf(&b, "In %s: `await tools.SERVER.TOOL({...})`, or tools['SERVER']['TOOL'] for other names; Promise.all for several at once. ", strings.Join(others, " and "))
	}
	if len(others) < len(s.languages) {
		fmt.Fprintf(&b, "In %s: `await tools.SERVER.TOOL({...})`, or tools['SERVER']['TOOL'] for other names; asyncio.gather for several at once. ", python)
	}
	b.WriteString("A tool that fails throws a ToolError. Return only what you need to know: filter and count in the script.")
	return b.String()
}

// schema writes an input schema. The language is one of the properties where there is a choice.
func (s *session) schema(properties string, required ...string) json.RawMessage {
	if len(s.languages) > 1 {
		properties += fmt.Sprintf(`, "language": {"enum": %s, "default": %s}`, marshal(s.languages), marshal(s.language))
	}
	var compact bytes.Buffer
	text := fmt.Sprintf(`{"type": "object", "properties": {%s}, "required": %s, "additionalProperties": false}`, properties, marshal(required))
	_ = json.Compact(&compact, []byte(text)) // It is JSON: a test reads it.
	return compact.Bytes()
}

func marshal(value any) []byte {
	text, _ := json.Marshal(value) // Texts always marshal.
	return text
}

// decode reads the arguments of a tool.
func decode(arguments json.RawMessage, into any) error {
	if string(arguments) == "null" {
		arguments = json.RawMessage("{}")
	}
	d := json.NewDecoder(bytes.NewReader(arguments))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if errors.Is(err, io.EOF) {
		err = errors.New("they are missing")
	}
	if err != nil {
		return fmt.Errorf("the arguments do not fit the tool's schema: %w", err)
	}
	return nil
}

// in finds a language by the name that a model gives.
func (s *session) in(name string) (caisson.Language, caisson.DeclarationLanguage, error) {
	if name == "" {
		name = s.language
	}
	language := s.options.Languages[name]
	if language == nil {
		return nil, "", fmt.Errorf("there is no language %q: there is %s", cut(name, 100), strings.Join(s.languages, ", "))
	}
	if name == python {
		return language, caisson.PythonDeclarations, nil
	}
	return language, caisson.TypeScriptDeclarations, nil
}
