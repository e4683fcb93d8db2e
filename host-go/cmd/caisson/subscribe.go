package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

func (a *app) subscribeCommand() *cobra.Command {
	w := newWatch(a)
	c := sessionCommand{
		name: "subscribe", operands: "URI...",
		short: "Print the changes of resources, until interrupted",
		long: `Asks a server to report changes of resources, and prints "updated URI" for each, until it is
interrupted. Then it unsubscribes, and the exit code is 0. --timeout bounds only the subscribing.

In revision 2026-07-28 it asks with subscriptions/listen.`,
		example: `  caisson subscribe files file:///notes.txt
  caisson subscribe demo://resource/dynamic/text/1 --for 1m -- npx -y @modelcontextprotocol/server-everything
  caisson subscribe files file:///notes.txt | while read -r _ uri; do caisson read-resource files "$uri"; done`,
		begin: func(c *cobra.Command, operands []string) (action, error) {
			if len(operands) == 0 {
				return action{}, usage(c, "no URI is given: 'caisson list-resources' shows the server's resources")
			}
			w.want.ResourceSubscriptions = operands
			return w.action(), w.check(c)
		},
	}.command(a)
	w.register(c)
	return c
}

func (a *app) unsubscribeCommand() *cobra.Command {
	var asJSON bool
	c := sessionCommand{
		name: "unsubscribe", operands: "URI",
		short: "End the subscription of a resource",
		long: `Tells a server to stop reporting changes of a resource. A subscription lasts only as long as its
session, and 'caisson subscribe' ends its own: this command shows how the server answers.
Revision 2026-07-28 does not have this request.`,
		example: `  caisson unsubscribe files file:///notes.txt`,
		begin: func(c *cobra.Command, operands []string) (action, error) {
			uri, err := oneOperand(c, operands, "URI")
			return action{use: func(ctx context.Context, client *client) error {
				if err := client.unsubscribe(ctx, uri); err != nil {
					return err
				}
				if asJSON {
					return a.printf("{}\n")
				}
				return a.printf("unsubscribed from %s\n", terminal.OneLine(uri, terminal.MaxLine))
			}}, err
		},
	}.command(a)
	jsonFlag(c, &asJSON)
	return c
}
