package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

func (a *app) pingCommand() *cobra.Command {
	var asJSON bool
	c := sessionCommand{
		name:  "ping",
		short: "Check that a server answers",
		long: `Connects to a server, sends a ping, and prints how long the answer took. In revision 2026-07-28,
which has no ping, it sends a server/discover instead.`,
		example: `  caisson ping github
  caisson ping -- npx -y @modelcontextprotocol/server-everything`,
		begin: func(c *cobra.Command, operands []string) (action, error) {
			return action{use: func(ctx context.Context, client *client) error {
				begin := time.Now()
				err := client.do(ctx, "ping", func(ctx context.Context) error { return client.session.Ping(ctx, nil) })
				took := time.Since(begin)
				switch {
				case err != nil:
					return err
				case asJSON:
					return a.printf("{}\n")
				}
				return a.printf("%s answered in %s, in revision %s over %s\n",
					terminal.OneLine(client.session.Name(), terminal.MaxLine), milliseconds(took), client.session.ProtocolVersion(), client.session.TransportType())
			}}, noOperands(c, operands)
		},
	}.command(a)
	jsonFlag(c, &asJSON)
	return c
}
