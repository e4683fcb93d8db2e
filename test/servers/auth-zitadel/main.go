// Command auth-zitadel is a server on the Go SDK with the SDK's package auth, and zitadel's OpenID provider as
// its authorization server: the example of github.com/zitadel/oidc, with its clients, storage and pages.
//
//	auth-zitadel REDIRECT_URL
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

// The client that is registered beforehand, since this provider registers none.
const clientID, clientSecret = "web", "secret"

func main() {
	authorizes, issuer := free()
	serves, origin := free()

	storage.RegisterClients(storage.WebClient(clientID, clientSecret, os.Args[1]))
	users := &clocked{Storage: storage.NewStorage(storage.NewUserStore(issuer)), issued: map[string]int64{}}
	provider := exampleop.SetupServer(issuer, users, slog.New(slog.DiscardHandler), true)
	go func() { log.Fatal(http.Serve(authorizes, provider)) }()

	server := mcp.NewServer(&mcp.Implementation{Name: "authorized", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "whoami"}, whoami)
	metadata := origin + "/.well-known/oauth-protected-resource"
	authorized := auth.RequireBearerToken(verifier(issuer), &auth.RequireBearerTokenOptions{
		ResourceMetadataURL: metadata,
		Scopes:              []string{"openid"},
	})
	mux := http.NewServeMux()
	mux.Handle("/.well-known/oauth-protected-resource", auth.ProtectedResourceMetadataHandler(&oauthex.ProtectedResourceMetadata{
		Resource:             origin + "/mcp",
		AuthorizationServers: []string{issuer},
		ScopesSupported:      []string{"openid"},
	}))
	mux.Handle("/mcp", authorized(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)))
	mux.HandleFunc("POST /test/advance", users.advance)
	fmt.Println(origin + "/mcp")
	log.Fatal(http.Serve(serves, mux))
}

// free listens on a free port of the loopback, and gives its origin.
func free() (net.Listener, string) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	return listener, "http://" + listener.Addr().String()
}

func whoami(_ context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
	said := strings.Join(r.Extra.TokenInfo.Scopes, " ")
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: said}}}, nil, nil
}

// verifier asks the authorization server about a token (RFC 7662), as the SDK's example does.
func verifier(issuer string) auth.TokenVerifier {
	return func(ctx context.Context, token string, _ *http.Request) (*auth.TokenInfo, error) {
		form := strings.NewReader(url.Values{"token": {token}}.Encode())
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, issuer+"/oauth/introspect", form)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.SetBasicAuth(clientID, clientSecret)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		var said struct {
			Active bool   `json:"active"`
			Scope  string `json:"scope"`
			Expiry int64  `json:"exp"`
			User   string `json:"sub"`
		}
		if err := json.NewDecoder(response.Body).Decode(&said); err != nil {
			return nil, err
		}
		if !said.Active {
			return nil, auth.ErrInvalidToken
		}
		return &auth.TokenInfo{
			Scopes:     strings.Fields(said.Scope),
			Expiration: time.Unix(said.Expiry, 0),
			UserID:     said.User,
		}, nil
	}
}
