package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

func (a *app) getPromptCommand() *cobra.Command {
	var asJSON bool
	c := sessionCommand{
		name: "get-prompt", operands: "PROMPT [NAME=VALUE]...",
		short: "Get a prompt of a server, with its arguments filled in",
		long: `Gets a prompt and prints its messages, each after its role.
'caisson list-prompts' shows a server's prompts and their arguments.

With --json the result is printed as the server sent it.`,
		example: `  caisson get-prompt github code_review language=go
  caisson get-prompt args-prompt city=Paris -- npx -y @modelcontextprotocol/server-everything`,
		begin: func(c *cobra.Command, operands []string) (action, error) {
			if len(operands) == 0 {
				return action{}, usage(c, "no prompt is given: 'caisson list-prompts' shows the server's prompts")
			}
			pairs, err := splitPairs(c, operands[1:])
			params := map[string]any{"name": operands[0], "arguments": texts(pairs)}
			return action{use: func(ctx context.Context, client *client) error {
				result, err := client.requestWithProgress(ctx, "prompts/get", params)
				if err != nil {
					return err
				}
				return a.printResult(result, asJSON, describeMessages)
			}}, err
		},
	}.command(a)
	jsonFlag(c, &asJSON)
	return c
}

// texts returns pairs as an object of strings: arguments of prompts have no other type.
func texts(pairs []pair) map[string]string {
	object := map[string]string{}
	for _, p := range pairs {
		object[p.name] = p.value
	}
	return object
}

// describeMessages returns the result of prompts/get as text for people.
func describeMessages(result json.RawMessage) string {
	var r struct {
		Description string `json:"description"`
		Messages    []struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
		} `json:"messages"`
	}
	if json.Unmarshal(result, &r) != nil || len(r.Messages) == 0 {
		return indent(result)
	}
	var b strings.Builder
	if about := firstLine(r.Description); about != "" {
		b.WriteString(terminal.OneLine(about, terminal.MaxLine) + "\n\n")
	}
	for i, message := range r.Messages {
		if i > 0 {
			b.WriteByte('\n')
		}
		text, _ := describeBlock(message.Content)
		b.WriteString(terminal.OneLine(message.Role, terminal.MaxLine) + ":\n" + text)
	}
	return b.String()
}
