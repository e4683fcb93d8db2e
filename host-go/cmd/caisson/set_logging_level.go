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
		short: "Set the level from which a server logs",
		long: `Sets the level from which a server sends logging messages: debug, info, notice, warning, error,
critical, alert or emergency. A level lasts only as long as its session, so this command shows
whether the server accepts the level. To see a server's log, use --log-level with other commands.

In revision 2026-07-28 each request contains the level, and this command sends nothing.`,
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
