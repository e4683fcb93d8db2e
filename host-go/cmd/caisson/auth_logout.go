package main

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

func (a *app) authLogoutCommand() *cobra.Command {
	var flags sessionFlags
	flags.server.lenient = true
	var all bool
	c := &cobra.Command{
		Use:   "logout SERVER",
		Short: "Log out of a server",
		Long: `Has the authorization server revoke the tokens, where it has an endpoint for it, and removes them, and the
client that was registered for them, from the store. It is the login that other commands would use for this server;
--all ends all logins at the server's address, of whatever client. An authorization server that cannot be reached is
said, and keeps nothing from being removed: its tokens are good until they end, for whoever has them.`,
		Example:           `  caisson auth logout github`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: flags.server.completeName,
		RunE: func(c *cobra.Command, args []string) error {
			if err := flags.check(c); err != nil {
				return err
			}
			server, err := flags.resolveLogin(a, c, args, "")
			if err != nil {
				return err
			}
			options := userOptions{strict: true, lenient: true, login: func(l *logins) error {
				l.all = all
				return nil
			}}
			return a.withUser(c.Context(), &flags, server, options, a.logoutOf)
		},
	}
	flags.register(c)
	c.Flags().BoolVar(&all, "all", false, "end all logins at the server's address")
	return c
}

// logoutOf ends the login of a server, or all at its address, and says where there was none.
func (a *app) logoutOf(ctx context.Context, u *user) error {
	n, err := a.endLogins(ctx, u)
	if err == nil && n == 0 {
		a.err.Say("%s: there was no login", nameOf(&u.server))
	}
	return err
}

// endLogins is logoutOf, and says how many there were.
func (a *app) endLogins(ctx context.Context, u *user) (int, error) {
	var all []auth.Logout
	var err error
	if u.logins.all || u.logins.found {
		all, err = u.client.LogoutAll(ctx, u.server)
	} else if out, failed := u.client.Logout(ctx, u.server); failed != nil {
		err = failed
	} else if out != nil {
		all = []auth.Logout{*out}
	}
	if err != nil {
		return 0, err
	}
	if u.logins.all {
		err = deleteSettings(ctx, u.logins.store, &u.server)
	} else {
		err = u.logins.store.Delete(ctx, u.logins.kept)
	}
	if err != nil {
		return 0, err
	}
	name := nameOf(&u.server)
	for _, out := range all {
		name := name
		if len(all) > 1 {
			name += " as " + cmp.Or(out.ClientID, out.Method)
			if out.Principal != "" {
				name += ", for " + out.Principal
			}
		}
		switch {
		case out.TokenType == "":
			a.err.Say("%s: removed a client without a login", name)
			continue
		case len(out.Revoked) > 0:
			a.err.Say("%s: logged out, and %s revoked", name, strings.ReplaceAll(strings.Join(out.Revoked, " and "), "_", " "))
		case out.Err == nil:
			a.err.Say("%s: logged out here alone: the authorization server has no endpoint to revoke tokens%s", name, endOf(out.Expiry))
		default:
			a.err.Say("%s: logged out here alone%s", name, endOf(out.Expiry))
		}
		if out.Err != nil {
			a.err.Say("%s: %s", name, strings.ReplaceAll(out.Err.Error(), "\n", "; "))
		}
	}
	return len(all), nil
}

// endOf says how long a token is good that was not revoked.
func endOf(expiry time.Time) string {
	if expiry.IsZero() {
		return ""
	}
	return "; the access token is good until " + expiry.Local().Format(time.RFC3339)
}
