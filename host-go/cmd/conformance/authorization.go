package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// authContext is what a scenario about authorization tells its client (MCP_CONFORMANCE_CONTEXT).
type authContext struct {
	ClientID         string `json:"client_id"`
	ClientSecret     string `json:"client_secret"`
	PrivateKey       string `json:"private_key_pem"`
	Algorithm        string `json:"signing_algorithm"`
	Issuer           string `json:"issuer"`
	IDPClientID      string `json:"idp_client_id"`
	IDPIDToken       string `json:"idp_id_token"`
	IDPTokenEndpoint string `json:"idp_token_endpoint"`
	ValidJWT         string `json:"valid_jwt"`
}

// methodFor is how the client of a scenario authorizes; nil for one that is not about it.
func methodFor(scenario string) (auth.Method, error) {
	name, ok := strings.CutPrefix(scenario, "auth/")
	if !ok {
		return nil, nil
	}
	var told authContext
	if text := os.Getenv("MCP_CONFORMANCE_CONTEXT"); text != "" {
		if err := json.Unmarshal([]byte(text), &told); err != nil {
			return nil, err
		}
	}
	switch name {
	case "client-credentials-jwt":
		return &auth.ClientCredentials{ClientID: told.ClientID, PrivateKey: []byte(told.PrivateKey), Algorithm: told.Algorithm}, nil
	case "client-credentials-basic":
		return &auth.ClientCredentials{ClientID: told.ClientID, ClientSecret: told.ClientSecret}, nil
	case "enterprise-managed-authorization":
		return &auth.EnterpriseManaged{
			ClientID: told.ClientID, ClientSecret: told.ClientSecret, IDToken: always(told.IDPIDToken),
			IdentityProviderTokenURL: told.IDPTokenEndpoint, IdentityProviderClientID: told.IDPClientID,
		}, nil
	case "wif-jwt-bearer":
		return &auth.WorkloadIdentity{ClientID: told.ClientID, Assertion: always(told.ValidJWT)}, nil
	}
	person := &auth.OAuth{
		ClientID: told.ClientID, ClientSecret: told.ClientSecret, Issuer: told.Issuer,
		ClientMetadataURL: "https://conformance-test.local/client-metadata.json",
		ClientName:        "caisson-conformance", Ask: follower{},
	}
	person.DPoP = strings.HasPrefix(name, "dpop")
	return person, nil
}

func always(text string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return text, nil }
}

// A follower is a person whose browser the authorization server sends back at once.
type follower struct{}

// RedirectURL implements [auth.Asker]. Nobody listens there: the follower reads where it is sent.
func (follower) RedirectURL() string { return "http://127.0.0.1:3334/oauth/callback" }

// Ask implements [auth.Asker].
func (follower) Ask(ctx context.Context, request auth.AskRequest) (string, error) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	get, err := http.NewRequestWithContext(ctx, http.MethodGet, request.URL, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(get)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	to := response.Header.Get("Location")
	if to == "" {
		return "", fmt.Errorf("the authorization server answers %s, and sends nobody back", response.Status)
	}
	return to, nil
}
