package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) listPluginCommand() *cobra.Command {
	var flags pluginFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "list PLUGIN",
		Short: "List a plugin's tools",
		Long: `Lists a plugin's tools: their names, the first line of their descriptions, and their arguments; a
"?" marks an argument that may be left out. With a policy only the tools that may be called are listed.

` + pluginHelp + `

With --json the result of tools/list is printed.`,
		Example: `  caisson plugin list greeter.wasm
  caisson plugin list greeter.wasm --json | jq '.tools[].inputSchema'`,
		Args: onePlugin,
		RunE: func(c *cobra.Command, args []string) error {
			return a.withPlugin(c, &flags, args[0], func(ctx context.Context, p *pluginInUse) error {
				list, err := pluginTools(ctx, p.tools)
				if err != nil {
					return err
				}
				if asJSON {
					return a.printf("%s\n", list)
				}
				return a.printList(&toolListing, list, false)
			})
		},
	}
	flags.register(c)
	jsonFlag(c, &asJSON)
	return c
}
