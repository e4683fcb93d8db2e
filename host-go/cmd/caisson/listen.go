package main

import (
	"github.com/spf13/cobra"
)

func (a *app) listenCommand() *cobra.Command {
	w := newWatch(a)
	c := sessionCommand{
		name:  "listen",
		short: "Print the changes that a server reports, until interrupted",
		long: `Prints the changes that a server reports, one a line, until it is interrupted; the exit code is 0
then. --tools, --prompts, --resources and --resource choose the changes; without any of them the
command prints the changes of all three lists. --timeout bounds only connecting and subscribing. The
server's log goes to standard error: see --log-level.

In revision 2026-07-28 the command asks with subscriptions/listen. Servers of the older revisions
report their lists without being asked; the command waits, and subscribes to single resources.`,
		example: `  caisson listen github
  caisson listen files --resources --resource file:///notes.txt --json
  caisson listen --log-level debug --for 30s -- npx -y @modelcontextprotocol/server-everything`,
		begin: func(c *cobra.Command, operands []string) (action, error) {
			if want := &w.want; !want.ToolsListChanged && !want.PromptsListChanged && !want.ResourcesListChanged && want.ResourceSubscriptions == nil {
				want.ToolsListChanged, want.PromptsListChanged, want.ResourcesListChanged = true, true, true
			}
			if err := w.check(c); err != nil {
				return action{}, err
			}
			return w.action(), noOperands(c, operands)
		},
	}.command(a)
	w.register(c)
	c.Flags().BoolVar(&w.want.ToolsListChanged, "tools", false, "changes of the list of tools")
	c.Flags().BoolVar(&w.want.PromptsListChanged, "prompts", false, "changes of the list of prompts")
	c.Flags().BoolVar(&w.want.ResourcesListChanged, "resources", false, "changes of the list of resources")
	c.Flags().StringArrayVar(&w.want.ResourceSubscriptions, "resource", nil, "changes of the resource `URI`; repeatable")
	return c
}
