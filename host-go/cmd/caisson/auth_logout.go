package main

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) authLogoutCommand() *cobra.Command {
	var flags sessionFlags
	flags.server.lenient = true
	c := &cobra.Command{
		Use:   "logout SERVER",
		Short: "Log out of a server",
		Long: `Has the authorization server revoke the tokens, where it has an endpoint for it, and removes them, and the
client that was registered for them, from the store. A name stands for the login of that server of the configuration;
a URL for all logins at that address, of whatever client. An authorization server that cannot be reached is said, and
keeps nothing from being removed: its tokens are good until they end, for whoever has them.`,
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
				l.alone = flags.server.file != ""
				return nil
			}}
			return a.withUser(c.Context(), &flags, server, options, a.logoutOf)
		},
	}
	flags.register(c)
	return c
}

// logoutOf logs out of a server.
func (a *app) logoutOf(ctx context.Context, u *user) error {
	all, err := u.client.Logout(ctx, u.server)
	if err != nil {
		return err
	}
	if u.logins.alone {
		err = u.logins.store.Delete(ctx, u.logins.kept)
	} else {
		err = deleteSettings(ctx, u.logins.store, &u.server)
	}
	if err != nil {
		return err
	}
	name := nameOf(&u.server)
	if len(all) == 0 {
		a.err.Say("%s: there was no login", name)
		return nil
	}
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
	return nil
}

// endOf says how long a token is good that was not revoked.
func endOf(expiry time.Time) string {
	if expiry.IsZero() {
		return ""
	}
	return "; the access token is good until " + expiry.Local().Format(time.RFC3339)
}
