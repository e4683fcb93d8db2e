package main

import "github.com/spf13/cobra"

const authHelp = `Logs in to servers on the network that ask for it, shows what there is, and logs out.

Every command logs in where a server asks for it: at a terminal, after your yes. Logins are kept for all
processes in one encrypted file in the folder "caisson" of your configuration folder; its key is in the operating
system's keyring, or in a file beside it where there is no keyring. --store names another place.

A server with an Authorization header, in the configuration or by --header, has no login.`

// authCommand makes the commands about authorization.
func (a *app) authCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "auth",
		Short: "Log in to servers, and out",
		Long:  authHelp,
		Example: `  caisson auth login https://mcp.example.com/mcp
  caisson auth status`,
		Args: cobra.ArbitraryArgs,
		RunE: needSubcommand,
	}
	c.AddCommand(a.authLoginCommand(), a.authStatusCommand(), a.authLogoutCommand(), a.authTokenCommand(), a.authExplainCommand())
	return c
}

// oneServer is the only argument of a command about authorization: the name or the URL of a server.
func oneServer(c *cobra.Command, args []string) (target, error) {
	switch {
	case len(args) == 0:
		return target{}, usage(c, "no server is given: give its name or its URL")
	case c.ArgsLenAtDash() >= 0:
		return target{}, usage(c, "a command has no login: give it its credentials with --env")
	case len(args) > 1:
		return target{}, usage(c, "%q is one argument too many: a server is a name or a URL", shown(args[1]))
	}
	return target{name: args[0]}, nil
}
