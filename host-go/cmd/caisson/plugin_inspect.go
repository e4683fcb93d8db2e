package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson/plugin"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/jsontext"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

func (a *app) inspectPluginCommand() *cobra.Command {
	flags := pluginFlags{inspects: true}
	var asJSON bool
	c := &cobra.Command{
		Use:   "inspect PLUGIN",
		Short: "Print what a plugin is, what it asks for, and its tools",
		Long: `Prints what sort of plugin it is, which grants it can use, what else it imports, and for each tool
the function that it is and its schemas. The plugin begins once, and is asked for its tools: an
error says why it cannot be loaded. 'caisson component inspect' shows what the component
consists of. With a policy all tools are printed, and no flag grants more than the policy does.

` + pluginHelp,
		Example: `  caisson plugin inspect calc.wasm
  caisson plugin inspect calc.wasm --json | jq .grants`,
		Args: onePlugin,
		RunE: func(c *cobra.Command, args []string) error {
			return a.withPlugin(c, &flags, args[0], func(ctx context.Context, p *pluginInUse) error {
				loaded, err := p.load(ctx)
				if err != nil {
					return err
				}
				i, err := inspectPlugin(ctx, loaded)
				if err != nil {
					return err
				}
				if !asJSON {
					return a.printf("%s", i.text())
				}
				text, err := jsontext.Marshal(i)
				if err != nil {
					return err
				}
				return a.printf("%s\n", text)
			})
		},
	}
	flags.register(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return c
}

// A pluginInspection is what `caisson plugin inspect --json` prints.
type pluginInspection struct {
	Name string `json:"name"`
	// Provider says that the plugin lists its tools itself (caisson:plugin/provider).
	Provider bool `json:"provider"`
	// Grants are the flags of grants that the plugin can use. Imports are the interfaces that it imports.
	Grants  []string     `json:"grants"`
	Imports []string     `json:"imports"`
	Tools   []pluginTool `json:"tools"`
}

// A pluginTool is a tool with the function that it is.
type pluginTool struct {
	Function     string          `json:"function,omitempty"`
	Name         string          `json:"name"`
	Description  string          `json:"description,omitempty"`
	InputSchema  json.RawMessage `json:"inputSchema"`
	OutputSchema json.RawMessage `json:"outputSchema,omitempty"`
}

// grantOf are the interfaces that a flag grants, by the beginnings of their names.
var grantOf = []struct{ flag, prefix string }{
	{"--dir", "wasi:filesystem/preopens@"},
	{"--env", "wasi:cli/environment@"},
	{"--net", "wasi:http/outgoing-handler@"},
	{"--clocks", "wasi:clocks/"},
	{"--random", "wasi:random/"},
}

func inspectPlugin(ctx context.Context, p *plugin.Plugin) (*pluginInspection, error) {
	i := &pluginInspection{Name: p.Name(), Grants: []string{}, Imports: []string{}}
	for _, e := range p.Component().Imports() {
		i.Imports = append(i.Imports, e.Name)
	}
	for _, g := range grantOf {
		for _, name := range i.Imports {
			if strings.HasPrefix(name, g.prefix) {
				i.Grants = append(i.Grants, g.flag)
				break
			}
		}
	}
	list, err := pluginTools(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(list, i); err != nil {
		return nil, err
	}
	for k := range i.Tools {
		t := &i.Tools[k]
		t.Function = p.Export(t.Name)
		i.Provider = i.Provider || t.Function == ""
	}
	return i, nil
}

// text returns the inspection for people. The plugin chooses the texts in it.
func (i *pluginInspection) text() string {
	var b strings.Builder
	kind := "a component whose exported functions are tools"
	if i.Provider {
		kind = "lists its tools itself (caisson:plugin/provider)"
	}
	fmt.Fprintf(&b, "name     %s\nkind     %s\ngrants   %s\nimports  %s\ntools    %d\n", i.Name, kind, listed(i.Grants), listed(i.Imports), len(i.Tools))
	for _, t := range i.Tools {
		fmt.Fprintf(&b, "\n%s\n", t.Name)
		if t.Function != "" {
			fmt.Fprintf(&b, "  function  %s\n", t.Function)
		}
		if line := firstLine(t.Description); line != "" {
			fmt.Fprintf(&b, "  about     %s\n", line)
		}
		fmt.Fprintf(&b, "  input     %s\n", t.InputSchema)
		if t.OutputSchema != nil {
			fmt.Fprintf(&b, "  output    %s\n", t.OutputSchema)
		}
	}
	return terminal.Visible(b.String())
}

// listed returns words as a list.
func listed(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}
