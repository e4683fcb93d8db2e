package auth

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// Validate implements [Method].
func (a *OAuth) Validate() error {
	if a == nil {
		return errNil("auth.OAuth")
	}
	if err := a.check(); err != nil {
		return err
	}
	if isNil(a.Ask) {
		return errNil("auth.OAuth.Ask")
	}
	switch {
	case a.ClientSecret != "" && a.ClientID == "":
		return errors.New("auth.OAuth.ClientSecret is set and auth.OAuth.ClientID is not: set both, or none")
	case (a.AuthURL == "") != (a.TokenURL == ""):
		return errors.New("only one of auth.OAuth.AuthURL and auth.OAuth.TokenURL is set: set both, or none")
	case a.AuthURL != "" && a.ClientID == "":
		return errors.New("auth.OAuth.AuthURL and auth.OAuth.TokenURL are set and auth.OAuth.ClientID is not: set it too, since a server without metadata registers nobody")
	}
	if err := checkURLs("auth.OAuth.AuthURL", a.AuthURL, "auth.OAuth.TokenURL", a.TokenURL, "auth.OAuth.Issuer", a.Issuer); err != nil {
		return err
	}
	for name := range a.AuthorizeParams {
		if slices.Contains(ofLogin, name) {
			return fmt.Errorf("auth.OAuth.AuthorizeParams has %q, which a login sets by itself: for scope and resource there are auth.Common.Scopes and auth.Common.Resource", name)
		}
	}
	if asker, ok := a.Ask.(interface{ Validate() error }); ok {
		if err := asker.Validate(); err != nil {
			return err
		}
	}
	if a.ClientMetadataURL == "" {
		return nil
	}
	if u, err := url.Parse(a.ClientMetadataURL); err != nil || u.Scheme != "https" || u.Path == "" || u.Path == "/" {
		return errors.New("auth.OAuth.ClientMetadataURL is not an https URL with a path")
	}
	return nil
}

// ofLogin are the parameters that a login has by itself (RFC 6749, section 4.1.1; RFC 7636; RFC 8707), or that
// would stand in their place (RFC 9101).
var ofLogin = []string{
	"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method", "resource",
	"request", "request_uri",
}

// Validate implements [Method].
func (a *Bearer) Validate() error {
	switch {
	case a == nil:
		return errNil("auth.Bearer")
	case a.Token != "" && a.Source != nil:
		return errors.New("auth.Bearer.Token and auth.Bearer.Source are both set: set one")
	case a.Token == "" && a.Source == nil:
		return errors.New("auth.Bearer.Token is not set")
	}
	return nil
}

// Validate implements [Method].
func (a *ClientCredentials) Validate() error {
	if a == nil {
		return errNil("auth.ClientCredentials")
	}
	if err := a.check(); err != nil {
		return err
	}
	switch {
	case a.ClientID == "":
		return errors.New("auth.ClientCredentials.ClientID is not set")
	case (a.ClientSecret == "") == (len(a.PrivateKey) == 0):
		return errors.New("auth.ClientCredentials.ClientSecret and auth.ClientCredentials.PrivateKey are both set, or none of them: set one")
	}
	return checkURLs("auth.ClientCredentials.TokenURL", a.TokenURL, "auth.ClientCredentials.Issuer", a.Issuer)
}

// Validate implements [Method].
func (a *EnterpriseManaged) Validate() error {
	if a == nil {
		return errNil("auth.EnterpriseManaged")
	}
	if err := a.check(); err != nil {
		return err
	}
	switch {
	case a.ClientID == "":
		return errors.New("auth.EnterpriseManaged.ClientID is not set")
	case a.IDToken == nil:
		return errors.New("auth.EnterpriseManaged.IDToken is not set")
	case (a.IdentityProvider == "") == (a.IdentityProviderTokenURL == ""):
		return errors.New("auth.EnterpriseManaged.IdentityProvider and auth.EnterpriseManaged.IdentityProviderTokenURL are both set, or none of them: set one")
	}
	return checkURLs(
		"auth.EnterpriseManaged.IdentityProvider", a.IdentityProvider,
		"auth.EnterpriseManaged.IdentityProviderTokenURL", a.IdentityProviderTokenURL,
		"auth.EnterpriseManaged.Issuer", a.Issuer,
	)
}

// Validate implements [Method].
func (a *WorkloadIdentity) Validate() error {
	if a == nil {
		return errNil("auth.WorkloadIdentity")
	}
	if err := a.check(); err != nil {
		return err
	}
	if a.Assertion == nil {
		return errors.New("auth.WorkloadIdentity.Assertion is not set")
	}
	return checkURLs("auth.WorkloadIdentity.Issuer", a.Issuer)
}

// Validate implements [Method].
func (*None) Validate() error { return nil }

// check finds what is wrong with what all ways have.
func (c *Common) check() error {
	if isNil(c.Store) {
		return errNil("auth.Common.Store")
	}
	for _, scope := range c.Scopes {
		// RFC 6749, section 3.3. Two in one text would be a scope that no server names.
		if scope == "" || strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			return fmt.Errorf("auth.Common.Scopes has %q, which is no scope: give each as a text of its own, in ASCII, without spaces and quotes", scope)
		}
	}
	if u, err := url.Parse(c.Resource); c.Resource != "" && (err != nil || u.Scheme == "" || strings.Contains(c.Resource, "#")) {
		return errors.New("auth.Common.Resource is not an absolute URI without a fragment (RFC 8707, section 2)")
	}
	return nil
}

// isNil reports whether an interface has a pointer in it that is nil: it is not nil itself.
func isNil(value any) bool {
	v := reflect.ValueOf(value)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

func errNil(field string) error {
	return fmt.Errorf("%s is a nil pointer: set it, or leave it out", field)
}

// checkURLs finds one that is no absolute URL, among fields and their values. It quotes none: a query may be a
// secret.
func checkURLs(fields ...string) error {
	for ; len(fields) > 0; fields = fields[2:] {
		if fields[1] == "" {
			continue
		}
		if u, err := url.Parse(fields[1]); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return errors.New(fields[0] + " is not an absolute http or https URL")
		}
	}
	return nil
}
