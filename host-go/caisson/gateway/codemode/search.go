package codemode

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// search answers search_tools.
func (s *session) search(ctx context.Context, arguments json.RawMessage) (*mcp.CallToolResult, error) {
	var p struct {
		Query    string         `json:"query"`
		Limit    int            `json:"limit"`
		Detail   caisson.Detail `json:"detail"`
		Language string         `json:"language"`
	}
	if err := decode(arguments, &p); err != nil {
		return nil, err
	}
	if len(p.Query) > maxQuery {
		return nil, fmt.Errorf("the query has %d bytes, and may have %d", len(p.Query), maxQuery)
	}
	tools, language, err := s.declared(ctx, p.Language)
	if err != nil {
		return nil, err
	}
	found, err := s.client.SearchTools(ctx, tools, p.Query, &caisson.SearchOptions{Limit: p.Limit, Detail: p.Detail, Language: language})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return &mcp.CallToolResult{Content: texts("No tool has any of these words. Try others; without words the first tools are shown.")}, nil
	}
	return &mcp.CallToolResult{Content: texts(s.shown(found))}, nil
}

// declared returns all tools, and the language of the declarations for scripts in a language.
func (s *session) declared(ctx context.Context, language string) (*caisson.ToolSet, caisson.DeclarationLanguage, error) {
	_, of, err := s.in(language)
	if err != nil {
		return nil, "", err
	}
	tools, err := s.toolSet(ctx)
	return tools, of, err
}

// shown is what a model sees of tools that were found: as many as there is room for.
func (s *session) shown(found []caisson.FoundTool) string {
	var b strings.Builder
	for i, tool := range found {
		text := tool.Text + "\n"
		if !strings.Contains(tool.Text, "\n") {
			name := spelled(tool.Server) + "." + spelled(tool.Tool)
			text = fmt.Sprintf("%s: %s\n", name, strings.TrimPrefix(tool.Text, name+": "))
		}
		if b.Len()+len(text) > s.options.ResultBytes {
			if i == 0 {
				b.WriteString(cut(text, s.options.ResultBytes))
				i = 1
			}
			if left := len(found) - i; left > 0 {
				fmt.Fprintf(&b, "\n%d more are not shown: search with more words, a lower limit or less detail.\n", left)
			}
			break
		}
		b.WriteString(text)
	}
	return b.String()
}

// spelled is a name of a server's. One that has what cannot be seen is quoted: it must not look like a line of another
// tool.
func spelled(name string) string {
	if quoted := strconv.Quote(name); quoted[1:len(quoted)-1] != name {
		return quoted
	}
	return name
}

// get answers get_tool.
func (s *session) get(ctx context.Context, arguments json.RawMessage) (*mcp.CallToolResult, error) {
	var p struct {
		Name     string `json:"name"`
		Language string `json:"language"`
	}
	if err := decode(arguments, &p); err != nil {
		return nil, err
	}
	tools, language, err := s.declared(ctx, p.Language)
	if err != nil {
		return nil, err
	}
	found, err := s.client.SearchTools(ctx, tools.Only(p.Name), "", &caisson.SearchOptions{Limit: 1, Detail: caisson.DetailFull, Language: language})
	if err != nil || len(found) == 0 {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil || caisson.CodeOf(err) == caisson.CodeInvalidArgument {
			err = fmt.Errorf("there is no tool %q: search_tools has the names, as SERVER.TOOL", cut(p.Name, 200))
		}
		return nil, err
	}
	text := found[0].Text
	if len(text) > s.options.ResultBytes {
		text = cut(text, s.options.ResultBytes) + "\n… The rest of its types is left out. search_tools with the detail \"detailed\" says less of each."
	}
	return &mcp.CallToolResult{Content: texts(text)}, nil
}
