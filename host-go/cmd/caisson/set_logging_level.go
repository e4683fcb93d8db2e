package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

func (a *app) setLoggingLevelCommand() *cobra.Command {
	var asJSON bool
	c := sessionCommand{
		name: "set-logging-level", operands: "LEVEL",
		short: "Tell a server from which level on to log",
		long: `Tells a server from which level on to send logging messages: debug, info, notice, warning, error,
critical, alert or emergency. A level lasts as long as its session, so that this shows whether the
server takes it; to see what a server logs, give the other commands --log-level.

In revision 2026-07-28 each request has the level in it, and nothing is sent.`,
		example: `  caisson set-logging-level github debug
  caisson call-tool github search_repositories query=wazero --log-level debug`,
		begin: func(c *cobra.Command, operands []string) (action, error) {
			level, err := oneOperand(c, operands, "level")
			if err == nil {
				err = checkLevel(c, level)
			}
			return action{use: func(ctx context.Context, client *client) error {
				if err := client.setLevel(ctx, level); err != nil {
					return err
				}
				if asJSON {
					return a.printf("{}\n")
				}
				return a.printf("%s logs from %s on\n", terminal.OneLine(client.session.Name(), terminal.MaxLine), level)
			}}, err
		},
	}.command(a)
	jsonFlag(c, &asJSON)
	return c
}
