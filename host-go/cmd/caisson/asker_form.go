package main

import (
	"context"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/form"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// askForm asks whether to answer, then for each field, and then whether to send the form.
func (k *asker) askForm(ctx context.Context, p *mcp.ElicitParams) (*mcp.ElicitResult, error) {
	fields, err := form.Fields(p.RequestedSchema)
	if err != nil {
		k.app.err.Prompt("Its form cannot be shown here: %s\n", terminal.OneLine(err.Error(), terminal.MaxLine))
		return &mcp.ElicitResult{Action: decline}, nil
	}
	action, err := k.choose(ctx, "Answer? yes, no or cancel", map[string]string{"y": accept, "n": decline, "c": cancel})
	for err == nil && action == accept {
		content := map[string]any{}
		for i := range fields {
			if err := k.askField(ctx, &fields[i], content); err != nil {
				return nil, err
			}
		}
		if len(fields) == 0 {
			return &mcp.ElicitResult{Action: accept, Content: content}, nil
		}
		sent, err := k.choose(ctx, "Send? yes, no, cancel, or edit it again", map[string]string{"y": accept, "n": decline, "c": cancel, "e": "edit"})
		switch {
		case err != nil:
			return nil, err
		case sent == accept:
			return &mcp.ElicitResult{Action: accept, Content: content}, nil
		case sent != "edit":
			action = sent
		}
	}
	return &mcp.ElicitResult{Action: action}, err
}

// askField asks for a field until the answer is valid.
func (k *asker) askField(ctx context.Context, f *form.Field, content map[string]any) error {
	k.app.err.Prompt("%s", f.Describe())
	question := "  " + terminal.OneLine(f.Name, terminal.MaxLine)
	if f.Default != nil {
		question += " [" + terminal.OneLine(f.DefaultText(), terminal.MaxLine) + "]"
	}
	for {
		line, err := k.readLine(ctx, question)
		if err != nil {
			return err
		}
		if line == "" {
			if f.TakeDefault(content) {
				return nil
			}
			k.app.err.Prompt("    it must be answered\n")
			continue
		}
		value, err := f.Parse(line)
		if err == nil {
			content[f.Name] = value
			return nil
		}
		k.app.err.Prompt("    %s\n", terminal.OneLine(err.Error(), terminal.MaxLine))
	}
}
