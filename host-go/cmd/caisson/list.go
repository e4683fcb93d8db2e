package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/jsontext"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// A listing is a command that lists one kind of a server's items.
type listing struct {
	noun   string // "resource templates"
	method string // "resources/templates/list"
	member string // of the result: "resourceTemplates"
	about  string // what the text shows, for the help
	// describe returns the first column and the lines of the second.
	describe func(item json.RawMessage) (name string, lines []string)
	// checked, when set, returns the list that the text shows in place of the server's own.
	checked func(context.Context, *client) (json.RawMessage, error)
}

func (a *app) listCommand(l listing) *cobra.Command {
	var asJSON bool
	name := "list-" + strings.ReplaceAll(l.noun, " ", "-")
	c := sessionCommand{
		name:  name,
		short: "List a server's " + l.noun,
		long: "Lists a server's " + l.noun + ": " + l.about + `

With --json the result of ` + l.method + ` is printed as the server sent it. When there are several
pages, it is the result of the first page with the ` + l.noun + ` of all pages in it, and without
nextCursor.`,
		example: `  caisson ` + name + ` github
  caisson ` + name + ` https://mcp.example.com/mcp --header "Authorization: Bearer $TOKEN"
  caisson ` + name + ` --json -- npx -y @modelcontextprotocol/server-everything`,
		begin: func(c *cobra.Command, operands []string) (action, error) {
			return action{use: func(ctx context.Context, client *client) error {
				var list json.RawMessage
				var err error
				if l.checked != nil && !asJSON {
					list, err = l.checked(ctx, client)
				} else {
					list, err = client.list(ctx, &l)
				}
				switch {
				case err != nil:
					return err
				case asJSON:
					return a.printf("%s\n", list)
				}
				return a.printList(&l, list, client.policy != nil)
			}}, noOperands(c, operands)
		},
	}.command(a)
	jsonFlag(c, &asJSON)
	return c
}

// list returns the result of a list, with the pages put together.
func (c *client) list(ctx context.Context, l *listing) (json.RawMessage, error) {
	var first map[string]json.RawMessage
	var untouched json.RawMessage
	var all []json.RawMessage
	pages := 0
	for result, err := range c.pages(ctx, l.method) {
		if err != nil {
			return nil, err
		}
		var page map[string]json.RawMessage
		var items []json.RawMessage
		err := json.Unmarshal(result, &page)
		if err == nil {
			err = json.Unmarshal(page[l.member], &items)
		}
		if err != nil {
			return nil, c.protocolError(l.method, err.Error())
		}
		if pages++; pages == 1 {
			first, untouched = page, result
		}
		all = append(all, items...)
	}
	if pages == 1 {
		return untouched, nil
	}
	together, err := jsontext.Marshal(all)
	if err != nil {
		return nil, err
	}
	delete(first, "nextCursor")
	first[l.member] = together
	return jsontext.Marshal(first)
}

// maxNameWidth is the largest width of the first column.
const maxNameWidth = 32

// printList prints two columns.
func (a *app) printList(l *listing, list json.RawMessage, hides bool) error {
	var result map[string]json.RawMessage
	var items []json.RawMessage
	err := json.Unmarshal(list, &result)
	if err == nil {
		err = json.Unmarshal(result[l.member], &items)
	}
	if err != nil {
		return fmt.Errorf("the list of %s is not what the protocol says: %w", l.noun, err)
	}
	if len(items) == 0 {
		if hides {
			return a.printf("The server has no %s that the policy shows: %s.\n", l.noun, whatHides)
		}
		return a.printf("The server has no %s.\n", l.noun)
	}
	type row struct {
		name  string
		lines []string
	}
	rows := make([]row, len(items))
	width := 0
	for i, item := range items {
		name, lines := l.describe(item)
		rows[i] = row{terminal.OneLine(name, terminal.MaxLine), lines}
		width = max(width, min(len([]rune(rows[i].name)), maxNameWidth))
	}
	var b strings.Builder
	for _, r := range rows {
		name, written := r.name, false
		for _, line := range r.lines {
			if line = terminal.OneLine(line, terminal.MaxLine); line != "" {
				fmt.Fprintf(&b, "%-*s  %s\n", width, name, line)
				name, written = "", true
			}
		}
		if !written {
			b.WriteString(name + "\n")
		}
	}
	return a.printf("%s", b.String())
}

// firstLine returns the first line of a text that is not empty.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
