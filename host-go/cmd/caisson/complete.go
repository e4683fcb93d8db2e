package main

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

func (a *app) completeCommand() *cobra.Command {
	var prompt, template string
	var asJSON bool
	c := sessionCommand{
		name: "complete", operands: "(--prompt NAME | --template URI) NAME=PREFIX [NAME=VALUE]...",
		short: "Complete an argument of a prompt or of a resource template",
		long: `Asks a server for completions of an argument of a prompt, or of a resource template, and prints
the values, one a line. The first word is the argument and the beginning of its value, which may be
empty. The words after it are the arguments that have a value already.

With --json the result is printed as the server sent it, with the number of all values.`,
		example: `  caisson complete github --prompt code_review language=py
  caisson complete github --template 'repo://{owner}/{name}' name=w owner=tetratelabs
  caisson complete --prompt completable-prompt department=E -- npx -y @modelcontextprotocol/server-everything`,
		begin: func(c *cobra.Command, operands []string) (action, error) {
			ref := map[string]string{"type": "ref/prompt", "name": prompt}
			if template != "" {
				ref = map[string]string{"type": "ref/resource", "uri": template}
			}
			if (prompt == "") == (template == "") {
				return action{}, usage(c, "give --prompt or --template: the argument belongs to it")
			}
			pairs, err := splitPairs(c, operands)
			if err != nil {
				return action{}, err
			}
			if len(pairs) == 0 {
				return action{}, usage(c, "no argument is given: NAME= completes one that has no value yet")
			}
			params := map[string]any{"ref": ref, "argument": map[string]string{"name": pairs[0].name, "value": pairs[0].value}}
			if len(pairs) > 1 {
				params["context"] = map[string]any{"arguments": texts(pairs[1:])}
			}
			return action{use: func(ctx context.Context, client *client) error {
				result, err := client.request(ctx, "completion/complete", params)
				if err != nil {
					return err
				}
				if asJSON {
					return a.printf("%s\n", result)
				}
				return a.printCompletion(result)
			}}, nil
		},
	}.command(a)
	c.Flags().StringVar(&prompt, "prompt", "", "complete an argument of the prompt `NAME`")
	c.Flags().StringVar(&template, "template", "", "complete an argument of the resource template `URI`")
	jsonFlag(c, &asJSON)
	return c
}

// printCompletion prints the values. It says when there are more.
func (a *app) printCompletion(result json.RawMessage) error {
	var r struct {
		Completion struct {
			Values  []string    `json:"values"`
			Total   json.Number `json:"total"`
			HasMore bool        `json:"hasMore"`
		} `json:"completion"`
	}
	_ = json.Unmarshal(result, &r) // The core has checked it.
	for _, value := range r.Completion.Values {
		if err := a.printf("%s\n", terminal.OneLine(value, terminal.MaxLine)); err != nil {
			return err
		}
	}
	switch {
	case r.Completion.HasMore && r.Completion.Total != "":
		a.err.Say("these are %d of %s", len(r.Completion.Values), r.Completion.Total)
	case r.Completion.HasMore:
		a.err.Say("there are more")
	}
	return nil
}
