package auth

import (
	"errors"
	"net/url"
)

// Validate implements [Method].
func (a *OAuth) Validate() error {
	switch {
	case a.ClientSecret != "" && a.ClientID == "":
		return errors.New("auth.OAuth has a ClientSecret and no ClientID: set both, or none")
	case (a.AuthURL == "") != (a.TokenURL == ""):
		return errors.New("auth.OAuth has one of AuthURL and TokenURL: set both, or none")
	case a.AuthURL != "" && a.ClientID == "":
		return errors.New("auth.OAuth has AuthURL and TokenURL and no ClientID: a server without metadata has no registration")
	}
	if err := checkURLs(a.AuthURL, a.TokenURL, a.Issuer); err != nil {
		return err
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

// Validate implements [Method].
func (a *Bearer) Validate() error {
	if (a.Token == "") == (a.Source == nil) {
		return errors.New("auth.Bearer has neither a Token nor a Source, or both: set one")
	}
	return nil
}

// Validate implements [Method].
func (a *ClientCredentials) Validate() error {
	switch {
	case a.ClientID == "":
		return errors.New("auth.ClientCredentials has no ClientID")
	case (a.ClientSecret == "") == (len(a.PrivateKey) == 0):
		return errors.New("auth.ClientCredentials has neither a ClientSecret nor a PrivateKey, or both: set one")
	}
	return checkURLs(a.TokenURL, a.Issuer)
}

// Validate implements [Method].
func (a *EnterpriseManaged) Validate() error {
	switch {
	case a.ClientID == "":
		return errors.New("auth.EnterpriseManaged has no ClientID")
	case a.IDToken == nil:
		return errors.New("auth.EnterpriseManaged has no IDToken")
	case (a.IdentityProvider == "") == (a.IdentityProviderTokenURL == ""):
		return errors.New("auth.EnterpriseManaged has neither an IdentityProvider nor an IdentityProviderTokenURL, or both: set one")
	}
	return checkURLs(a.IdentityProvider, a.IdentityProviderTokenURL, a.Issuer)
}

// Validate implements [Method].
func (a *WorkloadIdentity) Validate() error {
	if a.Assertion == nil {
		return errors.New("auth.WorkloadIdentity has no Assertion")
	}
	return checkURLs(a.Issuer)
}

// checkURLs finds one that is no absolute URL. It quotes none: a query may be a secret.
func checkURLs(texts ...string) error {
	for _, text := range texts {
		if text == "" {
			continue
		}
		if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return errors.New("an issuer or an endpoint of auth is not an absolute http or https URL")
		}
	}
	return nil
}
