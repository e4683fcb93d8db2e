package main

import "github.com/spf13/cobra"

// serveCommand has what belongs to serving.
func (a *app) serveCommand() *cobra.Command {
	var f installFlags
	var config, policy string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Prepare to serve: entries in clients, and tokens of clients",
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, words []string) error {
			if done, err := f.run(a, c, words); done {
				return err
			}
			return needSubcommand(c, words)
		},
	}
	c.Flags().StringVar(&config, "config", "", "serve the servers in `FILE`")
	c.Flags().StringVar(&policy, "policy", "", "the policy's `FILE`")
	f.register(c)
	c.AddCommand(a.serveTokenCommand())
	return c
}
