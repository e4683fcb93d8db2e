package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

func (a *app) authTokenCommand() *cobra.Command {
	var flags sessionFlags
	var show bool
	c := &cobra.Command{
		Use:   "token SERVER",
		Short: "Print the access token of a login",
		Long: `Prints the access token that requests to a server carry, for another program, and refreshes it before where
it is at its end. It is a secret: whoever has it is you, at that server. So it is not printed to a terminal, unless
--show asks for that.`,
		Example:           `  curl -H "Authorization: Bearer $(caisson auth token github)" https://mcp.example.com/`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: flags.server.completeName,
		RunE: func(c *cobra.Command, args []string) error {
			if err := flags.check(c); err != nil {
				return err
			}
			server, err := flags.resolveLogin(a, c, args, insteadToken)
			if err != nil {
				return err
			}
			if terminal.IsTerminal(a.out) && !show {
				return usage(c, "the token would be on the screen: pass it on to a program, or add --show")
			}
			return a.withUser(c.Context(), &flags, server, userOptions{strict: true}, func(ctx context.Context, u *user) error {
				token, err := u.client.AccessToken(ctx, u.server)
				if err != nil {
					return &connectError{u.clock.explain(ctx, err, u.server.Name, "auth token")}
				}
				return a.printToken(nameOf(&u.server), token)
			})
		},
	}
	flags.register(c)
	c.Flags().BoolVar(&show, "show", false, "print it to a terminal too")
	return c
}

func (a *app) printToken(server string, token *auth.Token) error {
	if token.Type == "DPoP" {
		a.err.Say("%s: the token is bound to a key that stays here: another program cannot use it", server)
	}
	return a.printf("%s\n", token.Value)
}
