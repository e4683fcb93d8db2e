package bearer_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson/bearer"
)

// protect is the code of docs/authentication.md.
func protect(ctx context.Context, server *mcp.Server) (http.Handler, error) {
	clients, err := bearer.New(ctx, bearer.Options{
		Issuers:    []string{"https://login.example.com"},
		URL:        "https://mcp.example.com",
		Scopes:     []string{"mcp"},
		TokensFile: "tokens.json",
	})
	if err != nil {
		return nil, err
	}
	handler := mcp.NewStreamableHTTPHandler(func(r *http.Request) *mcp.Server {
		fmt.Println("a request of", bearer.PrincipalFromContext(r.Context()))
		return server
	}, nil)
	site := bearer.CheckSite(bearer.SiteOptions{
		Hosts:   []string{"mcp.example.com"},
		Origins: []string{"https://mcp.example.com"},
	})
	return site(clients.Authenticate(handler)), nil
}

// The file of tokens is not there, so there is nobody to let in.
func Example() {
	_, err := protect(context.Background(), nil)
	fmt.Println(err != nil)
	// Output: true
}
