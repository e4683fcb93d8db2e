package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) listToolsCommand() *cobra.Command {
	var flags sessionFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "list-tools SERVER\n  caisson list-tools -- COMMAND [ARG]...",
		Short: "List a server's tools",
		Long: `Lists a server's tools: their names, the first line of what they say of themselves, and their
arguments; a "?" marks one that may be left out.

With --json the result of tools/list is printed as the server gave it. Where the tools come on
several pages, it is the result of the first page with the tools of all pages in it, and without
nextCursor.`,
		Example: `  caisson list-tools github
  caisson list-tools https://mcp.example.com/mcp --header "Authorization: Bearer $TOKEN"
  caisson list-tools --json -- npx -y @modelcontextprotocol/server-everything`,
		DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, args []string) error {
			if err := flags.check(c); err != nil {
				return err
			}
			target, rest, err := splitTarget(c, args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return usage(c, "%q is one argument too many: a server is a name, a URL, or a command after --", rest[0])
			}
			server, err := flags.server.resolve(c, target)
			if err != nil {
				return err
			}
			return a.withSession(c.Context(), &flags, server, func(ctx context.Context, client *client) error {
				list, err := client.listTools(ctx)
				switch {
				case err != nil:
					return err
				case asJSON:
					return a.printf("%s\n", list)
				}
				return a.printTools(list)
			})
		},
	}
	flags.register(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print the protocol's result object, and nothing else")
	return c
}

// listTools gives the result of tools/list, with the pages put together.
func (c *client) listTools(ctx context.Context) (json.RawMessage, error) {
	var first json.RawMessage
	var tools []json.RawMessage
	pages := 0
	for result, err := range c.toolPages(ctx) {
		if err != nil {
			return nil, err
		}
		var page struct {
			Tools []json.RawMessage `json:"tools"`
		}
		if err := json.Unmarshal(result, &page); err != nil {
			return nil, c.protocolError("tools/list", err.Error())
		}
		if pages++; pages == 1 {
			first = result
		}
		tools = append(tools, page.Tools...)
	}
	if pages == 1 {
		return first, nil
	}
	members := map[string]any{}
	var untouched map[string]json.RawMessage
	if err := json.Unmarshal(first, &untouched); err != nil {
		return nil, c.protocolError("tools/list", err.Error())
	}
	for name, value := range untouched {
		members[name] = value
	}
	delete(members, "nextCursor")
	members["tools"] = tools
	return marshal(members)
}

// marshal is json.Marshal that leaves <, > and & as they are.
func marshal(value any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// A tool is what people want to know of one.
type tool struct {
	Name        string          `json:"name"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	InputSchema json.RawMessage `json:"inputSchema"`
}

// maxNameWidth is where the second column begins at the latest.
const maxNameWidth = 32

func (a *app) printTools(list json.RawMessage) error {
	var result struct {
		Tools []tool `json:"tools"`
	}
	if err := json.Unmarshal(list, &result); err != nil {
		return fmt.Errorf("the list of tools is not what the protocol says: %w", err)
	}
	if len(result.Tools) == 0 {
		return a.printf("The server has no tools.\n")
	}
	width := 0
	for i := range result.Tools {
		t := &result.Tools[i]
		t.Name = oneLine(t.Name, maxLine)
		width = max(width, min(len([]rune(t.Name)), maxNameWidth))
	}
	var b strings.Builder
	for _, t := range result.Tools {
		about, _, _ := strings.Cut(strings.TrimSpace(cmp.Or(t.Description, t.Title)), "\n")
		lines := []string{oneLine(about, maxLine), oneLine(parseSchema(t.InputSchema).signature(), maxLine)}
		if lines[0] == "" {
			lines = lines[1:]
		}
		name := t.Name
		for _, line := range lines {
			fmt.Fprintf(&b, "%-*s  %s\n", width, name, line)
			name = ""
		}
	}
	return a.printf("%s", b.String())
}
