package main

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson/bearer"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
)

// accessFlags are the flags of serve that say who may come over HTTP.
type accessFlags struct {
	tokens                     string
	issuers, audiences, scopes []string
	url                        string
	certificate, key           string
}

func (f *accessFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.tokens, "tokens", "", "let in clients with a token of `FILE`: see 'caisson serve token'")
	_ = c.MarkFlagFilename("tokens", "json")
	c.Flags().StringArrayVar(&f.issuers, "issuer", nil, "let in clients with a token (JWT) of the authorization server `URL`; repeatable")
	c.Flags().StringArrayVar(&f.audiences, "audience", nil, "take JWTs for `AUDIENCE`; repeatable (default: the URL that a request is for)")
	c.Flags().StringArrayVar(&f.scopes, "scope", nil, "demand `SCOPE` of every token; repeatable")
	c.Flags().StringVar(&f.url, "url", "", "clients reach this server at `URL`, such as https://mcp.example.com")
	c.Flags().StringVar(&f.certificate, "tls-cert", "", "serve HTTPS with the certificates in `FILE` (PEM)")
	c.Flags().StringVar(&f.key, "tls-key", "", "the key of --tls-cert is in `FILE` (PEM)")
	_ = c.MarkFlagFilename("tls-cert", "pem", "crt")
	_ = c.MarkFlagFilename("tls-key", "pem", "key")
}

// authenticated reports whether clients have to say who they are.
func (f *accessFlags) authenticated() bool { return f.tokens != "" || len(f.issuers) > 0 }

// check refuses flags that would do nothing.
func (f *accessFlags) check(c *cobra.Command) error {
	if !c.Flags().Changed("http") {
		for _, name := range []string{"tokens", "issuer", "audience", "scope", "url", "tls-cert", "tls-key"} {
			if c.Flags().Changed(name) {
				return usage(c, "--%s is for clients that come over HTTP: it needs --http", name)
			}
		}
		return nil
	}
	if (f.certificate == "") != (f.key == "") {
		return usage(c, "--tls-cert and --tls-key need each other")
	}
	if len(f.audiences) > 0 && len(f.issuers) == 0 {
		return usage(c, "--audience needs --issuer")
	}
	if len(f.scopes) > 0 && !f.authenticated() {
		return usage(c, "--scope needs --tokens or --issuer")
	}
	return nil
}

// listen binds an address: one of this machine, unless clients have to say who they are.
func (f *accessFlags) listen(c *cobra.Command, address string) (net.Listener, error) {
	listener, err := listen(c.Context(), address)
	if err != nil {
		return nil, usage(c, "--http: %w", err)
	}
	if !f.authenticated() && !isLoopback(listener) {
		_ = listener.Close()
		return nil, usage(c, "--http %s: other machines could reach it, and whoever reaches it may call everything: use an address such as 127.0.0.1:8080, or --tokens or --issuer", address) // It is one: it was listened at.
	}
	return listener, nil
}

func isLoopback(listener net.Listener) bool {
	at, ok := listener.Addr().(*net.TCPAddr)
	return ok && at.IP.IsLoopback()
}

func (f *accessFlags) scheme() string {
	if f.certificate != "" {
		return "https"
	}
	return "http"
}

// apply has the gateway let in whom the flags say.
func (f *accessFlags) apply(ctx context.Context, c *cobra.Command, listener net.Listener, options *gateway.Options) error {
	public := f.url
	if public != "" {
		u, err := url.Parse(public)
		if err != nil || u.Host == "" || public != u.Scheme+"://"+u.Host {
			return usage(c, "--url %s: it is no origin, such as https://mcp.example.com", shown(public))
		}
		options.AllowedHosts = []string{u.Hostname()}
	} else if len(f.issuers) > 0 {
		if !isLoopback(listener) {
			return usage(c, "--issuer needs --url: clients get their tokens for it")
		}
		public = f.scheme() + "://" + listener.Addr().String()
	}
	if !f.authenticated() {
		return nil
	}
	clients, err := bearer.New(ctx, bearer.Options{
		TokensFile: f.tokens, Issuers: f.issuers, Audiences: f.audiences, Scopes: f.scopes, URL: public, Logger: options.Logger,
	})
	if err != nil {
		return usage(c, "%w", err)
	}
	options.Authenticate = func(next http.Handler) http.Handler {
		return clients.Authenticate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(gateway.WithPrincipal(r.Context(), bearer.PrincipalFromContext(r.Context()))))
		}))
	}
	return nil
}

// serveHTTP serves until the listener is closed.
func (f *accessFlags) serveHTTP(ctx context.Context, a *app, server *http.Server, listener net.Listener) error {
	if f.certificate == "" {
		return server.Serve(listener)
	}
	held := &heldCertificate{certificate: f.certificate, key: f.key}
	if err := held.read(); err != nil {
		return err
	}
	go held.watch(ctx, a)
	server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: held.get}
	return server.ServeTLS(listener, "", "")
}
