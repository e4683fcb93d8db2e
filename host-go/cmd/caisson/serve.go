package main

import "github.com/spf13/cobra"

// serveCommand has what belongs to serving.
func (a *app) serveCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Prepare to serve: tokens of clients",
		Args:  cobra.ArbitraryArgs,
		RunE:  needSubcommand,
	}
	c.AddCommand(a.serveTokenCommand())
	return c
}
