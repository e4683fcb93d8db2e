package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

func (a *app) readResourceCommand() *cobra.Command {
	var asJSON bool
	c := sessionCommand{
		name: "read-resource", operands: "URI",
		short: "Read a resource of a server",
		long: `Reads a resource and prints it: text as it is, and a line about each part that is not text.
'caisson list-resources' shows a server's resources.

With --json the result is printed as the server sent it, with data other than text in base64.`,
		example: `  caisson read-resource files file:///notes.txt
  caisson read-resource demo://resource/static/document/features.md -- npx -y @modelcontextprotocol/server-everything
  caisson read-resource https://mcp.example.com/mcp logo://png --json | jq -r '.contents[0].blob' | base64 -d`,
		begin: func(c *cobra.Command, operands []string) (action, error) {
			uri, err := oneOperand(c, operands, "URI")
			return action{use: func(ctx context.Context, client *client) error {
				result, err := client.requestWithProgress(ctx, "resources/read", map[string]any{"uri": uri})
				if err != nil {
					return err
				}
				return a.printResult(result, asJSON, describeContents)
			}}, err
		},
	}.command(a)
	jsonFlag(c, &asJSON)
	return c
}

// oneOperand returns the only operand.
func oneOperand(c *cobra.Command, operands []string, what string) (string, error) {
	switch {
	case len(operands) == 0 || operands[0] == "":
		return "", usage(c, "no %s is given", what)
	case len(operands) > 1:
		return "", usage(c, "%q is one argument too many", shown(operands[1]))
	}
	return operands[0], nil
}

// describeContents returns the result of resources/read as text for people.
func describeContents(result json.RawMessage) string {
	var r struct {
		Contents []resource `json:"contents"`
	}
	if json.Unmarshal(result, &r) != nil || len(r.Contents) == 0 {
		return indent(result)
	}
	var b strings.Builder
	for _, content := range r.Contents {
		if content.Text != nil {
			b.WriteString(strings.TrimSuffix(*content.Text, "\n") + "\n")
		} else {
			b.WriteString("[" + terminal.OneLine(content.summary(), terminal.MaxLine) + "]\n")
		}
	}
	return b.String()
}
