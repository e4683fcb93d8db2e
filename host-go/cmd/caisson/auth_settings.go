package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/authorization"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
	"github.com/caisson-dev/caisson/host-go/internal/reference"
)

// loginSettings are what 'auth login' was told. They are kept with the login, so that the other commands use it as
// it was made. No secret is in them: the client's is a reference.
type loginSettings struct {
	ClientID          string     `json:"clientId,omitempty"`
	ClientSecret      string     `json:"clientSecret,omitempty"`
	ClientMetadataURL string     `json:"clientMetadataUrl,omitempty"`
	Scopes            []string   `json:"scopes,omitempty"`
	Resource          string     `json:"resource,omitempty"`
	AuthorizeParams   url.Values `json:"authorizeParams,omitempty"`
	ClientCredentials bool       `json:"clientCredentials,omitempty"`
	CallbackPort      int        `json:"callbackPort,omitempty"`
}

func (s *loginSettings) register(c *cobra.Command, params *[]string) {
	c.Flags().StringVar(&s.ClientID, "client-id", "", "be the client `ID`, which was registered beforehand")
	c.Flags().StringVar(&s.ClientSecret, "client-secret", "", "take the client's secret from `REFERENCE`: "+reference.Kinds)
	c.Flags().StringVar(&s.ClientMetadataURL, "client-metadata-url", "", "be the client whose metadata document is at `URL`, where the authorization server takes that")
	c.Flags().StringSliceVar(&s.Scopes, "scope", nil, "ask for `SCOPE`, and for no other; repeatable, or with commas (default: what the server names)")
	c.Flags().StringVar(&s.Resource, "resource", "", "ask for a token for `URL`, in place of what the server's metadata says")
	c.Flags().StringArrayVar(params, "authorize-param", nil, "add `NAME=value` to the address where you log in, such as audience=...; repeatable")
	c.Flags().BoolVar(&s.ClientCredentials, "client-credentials", false, "log in as the client itself, without a person")
	c.Flags().IntVar(&s.CallbackPort, "callback-port", 0, fmt.Sprintf("have the browser come back to `PORT` of this machine (default %d)", auth.DefaultPort))
}

// check finds what is wrong with the flags, and reads the parameters. No value is in its errors.
func (s *loginSettings) check(c *cobra.Command, params []string) error {
	pairs, err := parsePairs(params, "=")
	if err != nil {
		return usage(c, "--authorize-param %w, such as audience=api", err)
	}
	for _, pair := range pairs {
		if s.AuthorizeParams == nil {
			s.AuthorizeParams = url.Values{}
		}
		s.AuthorizeParams.Add(pair[0], pair[1])
	}
	s.Scopes = strings.Fields(strings.Join(s.Scopes, " "))
	person := s.ClientMetadataURL != "" || s.AuthorizeParams != nil || c.Flags().Changed("callback-port")
	kind, _, _ := strings.Cut(s.ClientSecret, ":")
	switch {
	case c.Flags().Changed("callback-port") && (s.CallbackPort < 1 || s.CallbackPort > 65535):
		return usage(c, "--callback-port is not a port: give a number from 1 to 65535")
	case s.ClientSecret != "" && s.ClientID == "":
		return usage(c, "--client-secret is of a client that was registered beforehand: give its --client-id too")
	case s.ClientSecret != "" && kind != "env" && kind != "file" && kind != "keyring":
		return usage(c, "--client-secret is a reference, and not the secret itself, which others could see on the command line: give %s", reference.Kinds)
	case s.ClientCredentials && (s.ClientID == "" || s.ClientSecret == ""):
		return usage(c, "--client-credentials needs --client-id and --client-secret")
	case s.ClientCredentials && person:
		return usage(c, "--callback-port, --client-metadata-url and --authorize-param are for the login of a person: leave out --client-credentials")
	}
	// Other commands run in other folders.
	if path, ok := strings.CutPrefix(s.ClientSecret, "file:"); ok && path != "" {
		if s.ClientSecret, err = filepath.Abs(path); err != nil {
			return err
		}
		s.ClientSecret = "file:" + s.ClientSecret
	}
	return nil
}

// flags are the flags that say the settings; false where they are not to be repeated, as a value may be a secret.
func (s *loginSettings) flags() (string, bool) {
	var text strings.Builder
	for _, flag := range [][2]string{
		{"client-id", s.ClientID},
		{"client-secret", s.ClientSecret},
		{"client-metadata-url", s.ClientMetadataURL},
		{"scope", strings.Join(s.Scopes, ",")},
		{"resource", s.Resource},
	} {
		if flag[1] != "" {
			text.WriteString(" --" + flag[0] + " " + quoted(flag[1]))
		}
	}
	if s.CallbackPort != 0 {
		fmt.Fprintf(&text, " --callback-port %d", s.CallbackPort)
	}
	return text.String(), s.AuthorizeParams == nil
}

// given reports whether there are any.
func (s *loginSettings) given() bool {
	text, err := json.Marshal(s)
	return err == nil && string(text) != "{}"
}

// settingsSuffix ends the keys of settings, in the store of the logins.
const settingsSuffix = " settings"

// settingsKey is where the settings of a server are, in the store of its login: servers of one address may have
// different ways to authorize.
func settingsKey(server *caisson.Server) string {
	return loginKey(server, server.Auth) + settingsSuffix
}

// loginKey is where the login of a server is, in the store.
func loginKey(server *caisson.Server, method auth.Method) string {
	u, err := egress.ParseURL(server.URL)
	if err != nil {
		return ""
	}
	if method == nil {
		method = &auth.OAuth{}
	}
	return authorization.Key(u, method)
}

// deleteSettings forgets the settings of all ways to authorize at a server's address.
func deleteSettings(ctx context.Context, store auth.Store, server *caisson.Server) error {
	keys, err := store.Keys(ctx)
	for _, key := range keys {
		if err == nil && strings.HasPrefix(key, address(server)+" ") && strings.HasSuffix(key, settingsSuffix) {
			err = store.Delete(ctx, key)
		}
	}
	return err
}

// address is a server's, without its query, which may be a secret.
func address(server *caisson.Server) string {
	u, err := egress.ParseURL(server.URL)
	if err != nil {
		return ""
	}
	return egress.GuestURL(u)
}

// loadSettings gives what was kept for a server; nothing where nothing was.
func loadSettings(ctx context.Context, store auth.Store, server *caisson.Server) (*loginSettings, error) {
	s := &loginSettings{}
	text, err := store.Load(ctx, settingsKey(server))
	if err != nil || text == nil {
		return s, err
	}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("the settings of the login cannot be read: log out, and log in anew")
	}
	return s, nil
}

// save keeps the settings; none take away what was kept.
func (s *loginSettings) save(ctx context.Context, store auth.Store, server *caisson.Server) error {
	if !s.given() {
		return store.Delete(ctx, settingsKey(server))
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return store.Save(ctx, settingsKey(server), text)
}

// secret reads the client's secret.
func (s *loginSettings) secret(ctx context.Context, server string) (string, error) {
	if s.ClientSecret == "" {
		return "", nil
	}
	secret, known, err := reference.Read(ctx, s.ClientSecret, os.LookupEnv)
	if err == nil && !known {
		err = fmt.Errorf("it names nothing: give %s", reference.Kinds)
	}
	if err != nil {
		return "", &caisson.Error{Code: caisson.CodeInvalidArgument, Server: server, Step: "auth", Message: "--client-secret: " + err.Error(), Err: err}
	}
	return secret, nil
}

// apply makes a way to authorize of the configuration's and of the settings, which win.
func (s *loginSettings) apply(ctx context.Context, configured auth.Method, server string) (auth.Method, error) {
	secret, err := s.secret(ctx, server)
	if err != nil {
		return nil, err
	}
	return s.method(configured, secret, server)
}

// method is apply with the client's secret.
func (s *loginSettings) method(configured auth.Method, secret, server string) (auth.Method, error) {
	if !s.given() {
		if configured == nil {
			return &auth.OAuth{}, nil
		}
		return configured, nil
	}
	common := func(c auth.Common) auth.Common {
		if len(s.Scopes) > 0 {
			c.Scopes = s.Scopes
		}
		if s.Resource != "" {
			c.Resource = s.Resource
		}
		return c
	}
	if s.ClientCredentials {
		m := &auth.ClientCredentials{ClientID: s.ClientID, ClientSecret: secret}
		if base, ok := configured.(*auth.ClientCredentials); ok {
			m.Common = base.Common
		}
		m.Common = common(m.Common)
		return m, nil
	}
	m := &auth.OAuth{}
	switch base := configured.(type) {
	case nil:
	case *auth.OAuth:
		copied := *base
		m = &copied
	default:
		return nil, &caisson.Error{
			Code: caisson.CodeInvalidArgument, Server: server, Step: "auth",
			Message: "the configuration has a way to authorize that is not the login of a person: change it there, and leave out the flags of 'caisson auth login'; 'caisson auth logout' forgets those that were kept",
		}
	}
	m.Common = common(m.Common)
	if s.ClientID != "" {
		m.ClientID, m.ClientSecret = s.ClientID, secret
	}
	if s.ClientMetadataURL != "" {
		m.ClientMetadataURL = s.ClientMetadataURL
	}
	if s.AuthorizeParams != nil {
		m.AuthorizeParams = s.AuthorizeParams
	}
	if s.CallbackPort != 0 {
		m.Ask = &auth.Browser{Port: s.CallbackPort}
	}
	return m, nil
}
