package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// loginFlags are those of 'auth login' alone.
type loginFlags struct {
	settings  loginSettings
	params    []string
	again     bool
	noBrowser bool
	device    bool
	wait      time.Duration
}

func (a *app) authLoginCommand() *cobra.Command {
	var flags sessionFlags
	var login loginFlags
	c := &cobra.Command{
		Use:   "login SERVER",
		Short: "Log in to a server",
		Long: `Connects to a server, and logs in where the server asks for it: in a browser, on another machine, from
which you paste the address that its browser got to in the end, or with a code that you enter on another device. The flags about the login are kept with it, so that
other commands log in likewise; a secret is kept as a reference.

Without a terminal it fails at once with exit code 6 and a line of JSON on standard error, unless --wait-for-auth
says that somebody will open the address, which is on standard error.`,
		Example: `  caisson auth login https://mcp.example.com/mcp
  caisson auth login github --scope repo --no-browser
  caisson auth login builds --client-id ci --client-secret env:BUILDS_SECRET --client-credentials`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: flags.server.completeName,
		RunE: func(c *cobra.Command, args []string) error {
			if err := flags.check(c); err != nil {
				return err
			}
			if err := login.settings.check(c, login.params); err != nil {
				return err
			}
			if login.device && login.settings.ClientCredentials {
				return usage(c, "--device-code is for the login of a person: leave out --client-credentials")
			}
			if login.wait < 0 || c.Flags().Changed("wait-for-auth") && login.wait == 0 {
				return usage(c, "--wait-for-auth must be more than 0")
			}
			server, err := flags.resolveLogin(a, c, args, "")
			if err != nil {
				return err
			}
			if login.device && server.Auth != nil { // Before --relogin ends anything.
				if err := checkDevice(server.Auth, server.Name); err != nil {
					return err
				}
			}
			return a.login(c.Context(), &flags, &login, server)
		},
	}
	flags.register(c)
	login.settings.register(c, &login.params)
	c.Flags().BoolVar(&login.again, "relogin", false, "log out before")
	c.Flags().BoolVar(&login.noBrowser, "no-browser", false, "open no browser: show the address, and wait for what it leads to")
	c.Flags().BoolVar(&login.device, "device-code", false, "show a code to enter on another device, where the authorization server has that")
	durationFlag(c, &login.wait, "wait-for-auth", 0, "wait `SECONDS`, or a duration such as 5m, for somebody to log in (default 300 at a terminal, and else not at all)")
	return c
}

// resolveLogin finds the server of a command about authorization. It has a login, or what the command takes in
// place of one.
func (f *sessionFlags) resolveLogin(a *app, c *cobra.Command, args []string, instead string) (caisson.Server, error) {
	to, err := oneServer(c, args)
	if err != nil {
		return caisson.Server{}, err
	}
	server, err := f.server.resolve(a, c, to)
	switch {
	case err != nil:
		return caisson.Server{}, err
	case server.URL == "":
		return caisson.Server{}, usage(c, "%s is a command, and has no login: give it its credentials with --env", server.Name)
	}
	switch kind := insteadOfLogin(&server); {
	case kind == "" || kind == instead:
	case kind == insteadHeader && f.server.file == "":
		return caisson.Server{}, usage(c, "--header gives the server an Authorization header, and so it has no login: leave it out")
	case kind == insteadHeader:
		return caisson.Server{}, usage(c, "%s has an Authorization header, in %s or by --header, and so no login: change it there, or leave it out and log in", server.Name, f.server.file)
	case kind == insteadToken:
		return caisson.Server{}, usage(c, "%s has its token in the configuration, and so no login: change \"auth\" of the server in %s, or leave it out and log in", server.Name, f.server.file)
	default:
		return caisson.Server{}, usage(c, "%s is not to be logged in to, as the configuration says: leave out \"oauth\" of the server in %s, and log in", server.Name, f.server.file)
	}
	checked := server
	if f.server.lenient {
		checked.Auth = nil
	}
	if err := checked.Validate(); err != nil {
		return caisson.Server{}, err
	}
	return server, nil
}

func (a *app) login(ctx context.Context, f *sessionFlags, login *loginFlags, server caisson.Server) error {
	var l *logins
	options := userOptions{strict: true, login: func(prepared *logins) error {
		l = prepared
		l.show, l.asker.agreed = true, true
		l.asker.noBrowser = login.noBrowser
		l.device, l.asker.noDevice = login.device, login.device
		l.asker.wait = login.wait > 0
		l.asker.patience = login.wait
		if login.settings.given() {
			l.settings, l.told = &login.settings, true
		}
		return nil
	}}
	if login.again { // The login that commands use so far may be another client's than the one that comes.
		before := userOptions{strict: true, lenient: true}
		if err := a.withUser(ctx, f, server, before, a.logoutOf); err != nil {
			return err
		}
	}
	return a.withUser(ctx, f, server, options, func(ctx context.Context, u *user) error {
		if login.again {
			if _, err := a.endLogins(ctx, u); err != nil {
				return err
			}
		}
		status, err := u.logIn(ctx)
		if err != nil {
			return err
		}
		if status == nil || status.TokenType == "" {
			return a.printf("%s asks for no authorization\n", nameOf(&u.server))
		}
		if err := l.settings.save(ctx, l.store, &server); err != nil {
			return fmt.Errorf("keeping the settings of the login: %w", err)
		}
		return a.printStatus(&serverStatus{Name: nameOf(&u.server), URL: address(&u.server), Status: status, Store: l.store.status()})
	})
}

// logIn connects, which logs in. A server may ask for it only where a call asks for something: so one does.
func (u *user) logIn(ctx context.Context) (*auth.Status, error) {
	session, err := u.client.Connect(ctx, u.server)
	if err != nil {
		return nil, &connectError{u.clock.explain(ctx, err, u.server.Name, "connect")}
	}
	defer session.Close()
	status, err := u.client.AuthStatus(ctx, u.server)
	if err != nil || status != nil && status.TokenType != "" {
		return status, err
	}
	if session.InitializeResult().Capabilities.Tools != nil {
		if _, err := session.ListTools(ctx, nil); caisson.CodeOf(err) == caisson.CodeAuthorizationRequired {
			return nil, u.clock.explain(ctx, err, u.server.Name, "tools/list")
		} else if err != nil {
			u.log.Debug("list tools", "error", err)
		}
	}
	return u.client.AuthStatus(ctx, u.server)
}

// nameOf is what a server is called.
func nameOf(server *caisson.Server) string {
	if server.Name != "" {
		return server.Name
	}
	return address(server)
}
